"""Where an agent had better run, and why."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from spot_optimizer.domain.identifiers import PoolId

ON_DEMAND: Final = None
"""The place of an agent that runs on demand; other places are pools."""


class Target(StrEnum):
    STAY = "stay"
    POOL = "pool"
    ON_DEMAND = "on_demand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where an agent is when it is asked about."""

    pool_id: PoolId | None
    """None: on demand."""
    reclaimed: bool = False
    """AWS takes the instance back: staying is not possible, and whatever is chosen, the downtime
    of the reclaim is spent already."""
    replica_pool_id: PoolId | None = None
    replica_ready: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveLimits:
    """The most an agent may move; the safety net. They hold back moves from one spot pool to a
    cheaper one, and neither the way back to spot nor the flight from a risk."""

    moves_24h: int = 0
    moves_7d: int = 0
    most_24h: int | None = None
    most_7d: int | None = None
    moved_at: float | None = None
    """Seconds since the epoch; None: it never moved."""
    least_stay_s: float = 0.0

    def are_reached(self, now: float) -> bool:
        return (
            (self.most_24h is not None and self.moves_24h >= self.most_24h)
            or (self.most_7d is not None and self.moves_7d >= self.most_7d)
            or (self.moved_at is not None and now - self.moved_at < self.least_stay_s)
        )


@dataclass(frozen=True, slots=True)
class Option:
    """One place and what it comes to over the horizon, USD; the lowest total is chosen."""

    pool_id: PoolId | None
    """None: on demand."""
    price: float
    """Mean over the horizon, USD per hour."""
    hours_up: float
    """Expected before a reclaim, within the horizon."""
    risk: float
    """Probability of a reclaim within the horizon."""
    hours_paid: float
    """Of the horizon, at this price: while it is up, and after a reclaim if it is come back to."""
    running: float
    """For running there while it is up, and elsewhere after that."""
    reclaim: float
    """Risk x what a reclaim costs."""
    moving: float
    """For getting there from where the agent is."""

    @property
    def total(self) -> float:
        return self.running + self.reclaim + self.moving


@dataclass(frozen=True, slots=True)
class Choice:
    target: Target
    pool_id: PoolId | None
    """Where to run: the present place for a stay; None is on demand."""
    replica_pool_id: PoolId | None
    """Where to hold a warm replica; None: it is not worth its price."""
    horizon_h: float
    chosen: Option
    others: tuple[Option, ...]
    """The places that were also looked at, cheapest first."""
    held_back: bool = False
    """A better place was found, but the limits keep the agent from moving."""

    @property
    def gain(self) -> float:
        """USD over the horizon against the next best place; negative when limits hold back."""
        return min((other.total for other in self.others), default=self.chosen.total) - (
            self.chosen.total
        )

    @property
    def reason(self) -> str:
        """The figures behind the choice, in a sentence or two."""
        words = f"{_named(self.chosen)}: {_figures(self.chosen, self.horizon_h)}"
        if self.held_back:
            words += "; a better place waits for the limits"
        if self.others:
            best = self.others[0]
            words += f". Next: {_named(best)}, {_figures(best, self.horizon_h)}"
        return words + "."

    @property
    def flip(self) -> str:
        """What would have to change for another choice."""
        if not self.others:
            return "Nothing: there is no other place."
        best = self.others[0]
        if best.hours_paid <= 0:
            return f"{_named(best)} would have to be up."
        change = self.gain / best.hours_paid
        return (
            f"{_named(best)} would have to cost {abs(change):.6f} USD per hour "
            f"{'less' if change >= 0 else 'more'}, that is {best.price - change:.6f}."
        )


def _named(option: Option) -> str:
    return option.pool_id or "on demand"


def _figures(option: Option, horizon_h: float) -> str:
    return (
        f"{option.total:.4f} USD over {horizon_h:g} h (price {option.price:.6f}, "
        f"up {option.hours_up:.1f} h, risk {option.risk:.1%}, reclaim {option.reclaim:.4f}, "
        f"moving {option.moving:.4f})"
    )
