from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.domain.decisions.contract import PRICE_HISTORY_WINDOW
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.history import PriceHistory

# Estimates reach back two hours from the price that ends a gap, and come within minutes of it.
_UNSETTLED: Final = timedelta(hours=3)
_READ_ANEW_AFTER: Final = timedelta(hours=6)
_POOLS_REMEMBERED: Final = 2_000


@dataclass(frozen=True, slots=True)
class _Held:
    read_at: datetime
    recent: PriceHistory
    """Of the unsettled hours."""
    whole: PriceHistory


class PriceHistories:
    """Seven days of pools' prices, of which a process remembers what is settled.

    Each time the last three hours are read, and every six hours all: an estimate for older buckets
    may be that late.
    """

    def __init__(self) -> None:
        self._held: OrderedDict[PoolId, _Held] = OrderedDict()

    def of(
        self, work: UnitOfWork, pool_ids: Collection[PoolId], now: datetime
    ) -> Mapping[PoolId, PriceHistory]:
        """In at most two statements; nothing for a pool without any price."""
        since, renewed_from = now - PRICE_HISTORY_WINDOW, now - _UNSETTLED
        held = {pool_id: self._held.get(pool_id) for pool_id in pool_ids}
        settled = {
            pool_id: one
            for pool_id, one in held.items()
            if one is not None and timedelta(0) <= now - one.read_at < _READ_ANEW_AFTER
        }
        recent = work.prices.histories(settled.keys(), renewed_from)
        found = dict(work.prices.histories(held.keys() - settled.keys(), since))
        for pool_id, whole in found.items():
            self._remember(pool_id, _Held(now, PriceHistory(), whole))
        for pool_id, one in settled.items():
            latest = recent.get(pool_id, PriceHistory())
            found[pool_id] = one.whole
            if latest != one.recent or one.whole.start < since:
                found[pool_id] = one.whole.updated(since, renewed_from, latest)
                self._remember(pool_id, _Held(one.read_at, latest, found[pool_id]))
        return found

    def _remember(self, pool_id: PoolId, held: _Held) -> None:
        self._held[pool_id] = held
        while len(self._held) > _POOLS_REMEMBERED:
            self._held.popitem(last=False)
