"""Prices over time (contract/clients-and-notifications.md 6.3, 6.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol

from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.errors import DomainError, NotFound
from spot_optimizer.domain.identifiers import AgentId, ClientId, InstanceId

LONGEST_CHART: Final = timedelta(days=90)


class Interval(StrEnum):
    HOUR = "hour"
    DAY = "day"


class NoActiveAgents(NotFound):
    def __init__(self) -> None:
        super().__init__("No active agents found")


@dataclass(frozen=True, slots=True)
class ChartedPool:
    id: str
    name: str | None
    zone: str


@dataclass(frozen=True, slots=True)
class PricePoint:
    """Average spot prices by pool id in USD per hour, of the pools that had any; the hour or the
    day that begins then."""

    starts_at: datetime
    averages: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class PriceChart:
    """Shared by everybody who asks for the same; one is the other only if it is it."""

    pools: Sequence[ChartedPool]
    """By id."""
    points: Sequence[PricePoint]
    """Ascending; hours or days without any price are left out."""
    interval: Interval


@dataclass(frozen=True, slots=True)
class ChartQuestion:
    instance_id: InstanceId
    days: int
    interval: Interval
    caller: Caller


@dataclass(frozen=True, slots=True)
class InstanceChart:
    """The pools that the instance could run in, and what it costs on demand now."""

    chart: PriceChart
    on_demand_price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChart:
    """The pools that an agent could run in; no chart where there are none."""

    instance_type: str | None
    region: str | None
    chart: PriceChart | None
    average_on_demand_price: float | None
    """Of what was reported in the window."""


class PriceViews(Protocol):
    def of_instances(
        self, questions: Sequence[ChartQuestion]
    ) -> Sequence[InstanceChart | DomainError]:
        """In the order of the questions; InstanceNotFound where there is none for the asker."""
        ...

    def of_agent(
        self, agent_id: AgentId | None, owner: ClientId | None, days: int, interval: Interval
    ) -> AgentChart:
        """Of the owner's online agent that was heard from last unless one is named.

        Raises:
            AgentNotFound, NoActiveAgents
        """
        ...
