"""What a rebalance recommendation is worth: how often a loss followed, and after how long.

AWS recommends to rebalance when it thinks an instance at risk; in some pools hardly any loss
follows, and whoever moves every time pays for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Final

from spot_optimizer.domain.placement.costs import HOUR_S, SwitchingCost

FOLLOWED_WITHIN_S: Final = 2 * HOUR_S
"""A loss that comes later is not what the recommendation was about."""

_PRIOR_FOLLOWED: Final = 1.0
_PRIOR_UNFOLLOWED: Final = 1.0
"""A pool that nothing is known of: one of two recommendations is taken to be followed, with the
weight of two."""


@dataclass(frozen=True, slots=True)
class RebalanceRecord:
    """Of a pool, or of one instance in it."""

    recommended: int = 0
    """Recommendations whose end is known: a loss, or FOLLOWED_WITHIN_S without one."""
    delays_s: tuple[float, ...] = field(default=())
    """From each recommendation that was followed to its loss."""

    @classmethod
    def of(
        cls,
        recommended_at: Sequence[float],
        lost_at: Sequence[float],
        now: float,
        left_at: float = inf,
    ) -> "RebalanceRecord":
        """Of one instance, from times in seconds since the epoch, of any order. A recommendation
        that is repeated while the first is still open counts once; one that was followed by a move
        away, at `left_at`, says nothing of what would have come."""
        losses = sorted(lost_at)
        count, delays, open_until = 0, [], float("-inf")
        for at in sorted(recommended_at):
            if at < open_until:
                continue
            loss = next((one for one in losses if at <= one <= at + FOLLOWED_WITHIN_S), None)
            if loss is not None and loss <= now:
                count, open_until = count + 1, loss
                delays.append(loss - at)
            elif at + FOLLOWED_WITHIN_S <= min(now, left_at):
                count, open_until = count + 1, at + FOLLOWED_WITHIN_S
        return cls(count, tuple(delays))

    @classmethod
    def together(cls, records: Iterable["RebalanceRecord"]) -> "RebalanceRecord":
        """Of a pool, from those of the instances that were in it."""
        found = tuple(records)
        return cls(
            sum(one.recommended for one in found),
            tuple(delay for one in found for delay in one.delays_s),
        )

    @property
    def probability(self) -> float:
        """That a loss follows the next one."""
        known = self.recommended + _PRIOR_FOLLOWED + _PRIOR_UNFOLLOWED
        return (len(self.delays_s) + _PRIOR_FOLLOWED) / known

    def avertable_share(self, costs: SwitchingCost) -> float:
        """Of the losses, those that came late enough to be gone by then."""
        needed_s = costs.boot_s + costs.cutover_s
        late = sum(delay + costs.notice_s >= needed_s for delay in self.delays_s)
        return (late + 1.0) / (len(self.delays_s) + 1.0)

    def is_worth_moving(self, price: float, on_demand: float, costs: SwitchingCost) -> bool:
        """Whether the loss that a move averts is expected to exceed the move; USD per hour."""
        averted = self.probability * self.avertable_share(costs) * costs.of_reclaim(on_demand)
        return averted > costs.of_move(price, on_demand)
