"""Traces from what a server has on record: one for each instance type in a region."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Final

import numpy

from spot_optimizer.application.models.market_history import (
    MarketRecord,
    RecordedPrice,
)
from spot_optimizer.backtest.reclaims import LASTS_S
from spot_optimizer.backtest.traces import Counts, Flags, Trace, TracePool, Track
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.placement.outlook import UNKNOWN_BAND

TICK_S: Final = 300
"""The length of a bucket."""
SHORTEST: Final = timedelta(days=2)
"""Less than this on record is not judged on."""
_HISTORY_SHARE: Final = 3
"""One part in so many is history only, up to a week: what decides has to know something."""
_LONGEST_HISTORY_S: Final = 7 * 86400


def server_traces(record: MarketRecord) -> Sequence[Trace]:
    """A pool is up from its first price on, but for three quarters of an hour after each loss; a
    price holds until the next one. Types without an on-demand price, with less than two pools or
    with less than two days on record are left out."""
    losses: dict[PoolId, list[int]] = {}
    for loss in record.losses:
        losses.setdefault(loss.pool_id, []).append(int(loss.at.timestamp()))
    traces: list[Trace] = []
    markets: dict[tuple[str, str], dict[PoolId, list[RecordedPrice]]] = {}
    for pool_id, prices in groupby(record.prices, key=lambda one: one.pool_id):
        known = list(prices)
        market = markets.setdefault((known[0].region, known[0].instance_type), {})
        market[pool_id] = known
    for (region, instance_type), pools in sorted(markets.items()):
        trace = _trace(f"{region}/{instance_type}", len(traces), pools, losses)
        if trace is not None:
            traces.append(trace)
    return traces


def _trace(
    agent: str,
    number: int,
    pools: Mapping[PoolId, Sequence[RecordedPrice]],
    losses: Mapping[PoolId, Sequence[int]],
) -> Trace | None:
    on_demand = [one.on_demand_price for one in _newest_first(pools) if one.on_demand_price]
    seconds = [_second(one) for prices in pools.values() for one in (prices[0], prices[-1])]
    times = numpy.arange(min(seconds), max(seconds) + TICK_S, TICK_S)
    length = len(times) * TICK_S
    if not on_demand or len(pools) < 2 or length < SHORTEST.total_seconds():
        return None
    prices = numpy.empty((len(times), len(pools)))
    up = numpy.empty(prices.shape, bool)
    for column, (pool_id, known) in enumerate(pools.items()):
        latest = numpy.searchsorted([_second(one) for one in known], times, side="right") - 1
        prices[:, column] = numpy.array([one.price for one in known])[numpy.maximum(latest, 0)]
        up[:, column] = latest >= 0
        _take_away(up[:, column], times, losses.get(pool_id, ()))
    return Trace(
        agent=agent,
        track=Track.SERVER,
        number=number,
        tick_s=float(TICK_S),
        times=times,
        pools=tuple(TracePool(known[0].instance_type, known[0].zone) for known in pools.values()),
        prices=prices,
        up=up,
        on_demand_price=on_demand[0],
        bands=numpy.full(len(pools), UNKNOWN_BAND),
        start=min(length // _HISTORY_SHARE, _LONGEST_HISTORY_S) // TICK_S,
    )


def _take_away(up: Flags, times: Counts, losses: Iterable[int]) -> None:
    for second in losses:
        first = int(numpy.searchsorted(times, second, side="left"))
        up[first : first + LASTS_S // TICK_S] = False


def _newest_first(pools: Mapping[PoolId, Sequence[RecordedPrice]]) -> Sequence[RecordedPrice]:
    return sorted(
        (one for prices in pools.values() for one in prices[-1:]), key=lambda one: one.at
    )[::-1]


def _second(price: RecordedPrice) -> int:
    return int(price.at.timestamp())
