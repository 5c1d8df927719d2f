"""What a client's months and days cost and save (contract/domain.md 4.2.7)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Self

from spot_optimizer.domain.identifiers import AgentId
from spot_optimizer.domain.savings import HOURS_PER_DAY, savings_percent
from spot_optimizer.domain.values import Mode, money

# Months are billed as thirty days; every other figure takes 730 hours.
BILLED_HOURS: Final = 24 * 30

_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledInstance:
    """An active instance; the baseline is what its type costs on demand, USD per hour."""

    agent_id: AgentId | None
    baseline_price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledSwitch:
    """A switch within the month, and what the instance costs since, USD per hour."""

    agent_id: AgentId
    at: datetime
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthlyBill:
    """USD; `savings_percent` is None without a baseline."""

    baseline_cost: Decimal
    actual_cost: Decimal
    savings: Decimal
    savings_percent: Decimal | None
    switches: int
    instances: int

    @classmethod
    def of(cls, instances: Sequence[BilledInstance], switches: Sequence[BilledSwitch]) -> Self:
        """An agent that has switched is billed what its newest switch led to, every other
        instance its baseline: without a switch nothing is saved."""
        newest = _newest_by_agent(switches)
        baseline = sum((one.baseline_price or _NOTHING for one in instances), _NOTHING)
        stayed = (one for one in instances if one.agent_id not in newest)
        actual = sum((one.price for one in newest.values()), _NOTHING)
        actual += sum((one.baseline_price or _NOTHING for one in stayed), _NOTHING)
        savings = max(_NOTHING, baseline - actual)
        return cls(
            baseline_cost=money(baseline * BILLED_HOURS),
            actual_cost=money(actual * BILLED_HOURS),
            savings=money(savings * BILLED_HOURS),
            savings_percent=savings_percent(baseline, baseline - savings) if baseline else None,
            switches=len(switches),
            instances=len(instances),
        )


def month_of(instant: datetime) -> tuple[datetime, datetime]:
    """From the beginning of its month to that of the next one."""
    since = instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    next_month = since.replace(year=since.year + since.month // 12, month=since.month % 12 + 1)
    return since, next_month


def price_after(mode: str | None, spot: Decimal | None, on_demand: Decimal | None) -> Decimal:
    """What an instance costs after a switch: the spot price on spot, else the on-demand price;
    USD per hour, 0 where it is not known (contract/clients-and-notifications.md 4.9)."""
    return (spot if mode == Mode.SPOT else on_demand) or _NOTHING


def _newest_by_agent(switches: Iterable[BilledSwitch]) -> dict[AgentId, BilledSwitch]:
    """Of two at the same moment the one that was told later counts."""
    newest: dict[AgentId, BilledSwitch] = {}
    for switch in switches:
        known = newest.get(switch.agent_id)
        if known is None or switch.at >= known.at:
            newest[switch.agent_id] = switch
    return newest


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfSwitches:
    """What the switches of a day save in a day, USD; below 0 where they cost more
    (contract/admin-ml-and-jobs.md 4.10)."""

    savings: Decimal
    switches: int

    @classmethod
    def of(cls, impacts: Sequence[Decimal]) -> Self:
        """By the savings impact of each, USD per hour."""
        return cls(savings=money(sum(impacts, Decimal(0)) * HOURS_PER_DAY), switches=len(impacts))
