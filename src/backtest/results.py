"""What came out: one line per agent, profile and decider, and their means."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final, Self

from msgspec import Struct

from spot_optimizer.backtest.charging import Bill
from spot_optimizer.backtest.traces import Trace

ORACLE: Final = "oracle"
_MONTH_H: Final = 30 * 24


class Outcome(Struct, frozen=True, kw_only=True):
    """Money in USD. `regret` is objective / objective of the oracle - 1."""

    agent: str
    track: str
    profile: str
    decider: str
    hours: float
    objective: float
    oracle_objective: float
    cost: float
    on_demand_cost: float
    replica_cost: float
    overlap_cost: float
    down_minutes: float
    on_demand_hours: float
    planned_moves: int
    interruptions: int
    failovers: int
    failed_launches: int
    replicas_lost: int

    @classmethod
    def of(cls, trace: Trace, profile: str, decider: str, bill: Bill, oracle: Bill) -> Self:
        return cls(
            agent=trace.agent,
            track=trace.track,
            profile=profile,
            decider=decider,
            hours=bill.hours,
            objective=bill.objective,
            oracle_objective=oracle.objective,
            cost=bill.cost,
            on_demand_cost=bill.on_demand_cost,
            replica_cost=bill.replica,
            overlap_cost=bill.overlap,
            down_minutes=bill.down_s / 60,
            on_demand_hours=bill.on_demand_s / 3600,
            planned_moves=bill.planned,
            interruptions=bill.interruptions,
            failovers=bill.failovers,
            failed_launches=bill.failed_launches,
            replicas_lost=bill.replicas_lost,
        )

    @property
    def regret(self) -> float:
        return self.objective / self.oracle_objective - 1

    @property
    def uptime(self) -> float:
        return 1 - self.down_minutes / 60 / self.hours

    @property
    def months(self) -> float:
        return self.hours / _MONTH_H


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """Over agents, of one decider on one track under one profile."""

    track: str
    profile: str
    decider: str
    agents: int
    regret: float
    worst_regret: float
    cost_share: float
    """Of on demand."""
    objective_share: float
    """Of on demand."""
    lost_minutes: float
    """Per agent and month of 30 days."""
    uptime: float
    planned_moves: float
    """Per agent and month."""
    interruptions: float
    """Per agent and month."""
    replica_share: float
    """Of the cost."""
    on_demand_share: float
    """Of the time."""


def means(outcomes: Iterable[Outcome]) -> Sequence[Mean]:
    """In the order in which tracks, profiles and deciders first come."""
    groups: dict[tuple[str, str, str], list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault((one.track, one.profile, one.decider), []).append(one)
    return [_mean(*place, group) for place, group in groups.items()]


def _mean(track: str, profile: str, decider: str, group: Sequence[Outcome]) -> Mean:
    return Mean(
        track=track,
        profile=profile,
        decider=decider,
        agents=len(group),
        regret=fmean(one.regret for one in group),
        worst_regret=max(one.regret for one in group),
        cost_share=fmean(one.cost / one.on_demand_cost for one in group),
        objective_share=fmean(one.objective / one.on_demand_cost for one in group),
        lost_minutes=fmean(one.down_minutes / one.months for one in group),
        uptime=fmean(one.uptime for one in group),
        planned_moves=fmean(one.planned_moves / one.months for one in group),
        interruptions=fmean(one.interruptions / one.months for one in group),
        replica_share=fmean(one.replica_cost / one.cost if one.cost else 0.0 for one in group),
        on_demand_share=fmean(one.on_demand_hours / one.hours for one in group),
    )


def by_place(found: Iterable[Mean]) -> Mapping[tuple[str, str], Sequence[Mean]]:
    """By track and profile."""
    places: dict[tuple[str, str], list[Mean]] = {}
    for one in found:
        places.setdefault((one.track, one.profile), []).append(one)
    return places
