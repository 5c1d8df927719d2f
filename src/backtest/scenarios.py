"""The traces that a folder of recorded files makes, one per agent and track."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy

from spot_optimizer.backtest.reclaims import drawn_availability
from spot_optimizer.backtest.recorded_files import (
    PriceSet,
    RecordedAgent,
    Recording,
    RecordingUnusable,
    epoch,
)
from spot_optimizer.backtest.traces import Counts, Figures, Trace, TracePool, Track

_PRICE_TICK_S: Final = 600
_HISTORY_S: Final = 3 * 86400
"""Known before the first judged tick where the manifest does not say."""
_LATE_SHARE: Final = 0.02
"""A pool without a price for more of the time did not exist at the beginning."""
_STRAINED: Final = 4
"""The band of the pools whose launches were tried: they were chosen for being scarce."""
TRACKS: Final = (Track.PRICE, Track.HAZARD, Track.AVAILABILITY, Track.PREEMPTION)


@dataclass(frozen=True, slots=True)
class _PriceGrid:
    """The prices of a region, at ticks ten minutes apart."""

    times: Counts
    start: int
    prices: dict[TracePool, Figures]


class Scenarios:
    """Traces by agent and track, made when they are asked for."""

    def __init__(self, recording: Recording, tracks: Sequence[Track] = TRACKS) -> None:
        self._recording = recording
        self._tracks = tracks
        self._grid = cache(self._make_grid)

    def __iter__(self) -> Iterator[Trace]:
        for number in range(len(self._recording.manifest.agents)):
            yield from self.of(number)

    def of(self, number: int) -> Sequence[Trace]:
        """Those of one agent, by its number in the manifest; none where less than two of its pools
        have prices.

        Raises:
            RecordingUnusable: a file does not hold what the manifest says.
        """
        agent = self._recording.manifest.agents[number]
        if agent.track == Track.PRICE:
            wanted = [one for one in (Track.PRICE, Track.HAZARD) if one in self._tracks]
            return self._priced(agent, number, wanted) if wanted else ()
        if agent.track not in set(Track):
            raise RecordingUnusable(f"{agent.id}: there is no track {agent.track}")
        return (self._probed(agent, number),) if agent.track in self._tracks else ()

    def _priced(
        self, agent: RecordedAgent, number: int, wanted: Sequence[Track]
    ) -> Sequence[Trace]:
        known = self._recording.manifest.price_sets.get(agent.region)
        if known is None:
            raise RecordingUnusable(f"{agent.id}: there is no price set of {agent.region}")
        grid = self._grid(known.file, agent.region)
        pools = tuple(pool for pool in grid.prices if pool.instance_type in agent.instance_types)
        if len(pools) < 2:
            return ()
        prices = numpy.column_stack([grid.prices[pool] for pool in pools])
        bands = self._recording.bands(agent.region, known.band_snapshot)
        quiet = Trace(
            agent=agent.id,
            track=Track.PRICE,
            number=number,
            tick_s=float(_PRICE_TICK_S),
            times=grid.times,
            pools=pools,
            prices=prices,
            up=numpy.ones(prices.shape, bool),
            on_demand_price=self._on_demand(agent),
            bands=numpy.array([bands.get(pool.instance_type, -1) for pool in pools]),
            start=grid.start,
        )
        drawn = drawn_availability(len(grid.times), quiet.tick_s, quiet.bands, number)
        both = {Track.PRICE: quiet, Track.HAZARD: replace(quiet, track=Track.HAZARD, up=drawn)}
        return [both[one] for one in wanted]

    def _on_demand(self, agent: RecordedAgent) -> float:
        prices = self._recording.on_demand_prices(agent.region)
        types = agent.instance_types if agent.od_type == "cheapest" else [agent.od_type]
        known = [prices[one] for one in types if one in prices]
        if not known:
            raise RecordingUnusable(f"{agent.id}: no on-demand price of {agent.od_type}")
        return min(known)

    def _make_grid(self, file: str, region: str) -> _PriceGrid:
        described: PriceSet = self._recording.manifest.price_sets[region]
        start, end = epoch(described.grid_start), epoch(described.eval_end)
        times = numpy.arange(start, end, _PRICE_TICK_S)
        prices = {}
        for name, (seconds, changes) in self._recording.price_changes(file).items():
            latest = numpy.searchsorted(seconds, times, side="right") - 1
            if (latest < 0).mean() <= _LATE_SHARE:
                prices[TracePool(*name)] = changes[numpy.maximum(latest, 0)]
        first = int(numpy.searchsorted(times, epoch(described.eval_start)))
        return _PriceGrid(times, first, prices)

    def _probed(self, agent: RecordedAgent, number: int) -> Trace:
        times, up = self._recording.availability(agent.file, agent.pools)
        if len(times) < 2:
            raise RecordingUnusable(f"{agent.file}: holds less than two rows")
        tick_s = float(numpy.median(numpy.diff(times)))
        start = int(_HISTORY_S / tick_s)
        if agent.eval_start is not None:
            start = int(numpy.searchsorted(times, epoch(agent.eval_start)))
        return Trace(
            agent=agent.id,
            track=Track(agent.track),
            number=number,
            tick_s=tick_s,
            times=times,
            pools=tuple(TracePool(*reversed(name.split("|"))) for name in agent.pools),
            prices=numpy.full(up.shape, agent.spot_price),
            up=up,
            on_demand_price=agent.od_price,
            bands=numpy.full(len(agent.pools), _STRAINED),
            start=start,
        )
