"""What each pool costs at each simulated moment, and what the same costs on demand."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Final, Protocol, TypeVar

from spot_optimizer.simulation.chance import chance
from spot_optimizer.simulation.packaged_prices import PACKAGED_SOURCE, list_price, packaged_instant
from spot_optimizer.simulation.pools import Pool
from spot_optimizer.simulation.prices import Group, PriceSteps, read_prices
from spot_optimizer.simulation.trace_files import UnreadableTrace

T = TypeVar("T")


class NoPrice(Exception):
    """No price is known for any of the watched pools."""


class Market(Protocol):
    """Prices in USD per hour; `at` is the simulated time since the fleet started."""

    @property
    def source(self) -> str:
        """Where the prices come from, for the final table."""
        ...

    @property
    def pools(self) -> tuple[Pool, ...]:
        """Every pool with a price, sorted."""
        ...

    def spot_price(self, pool: Pool, at: timedelta) -> Decimal: ...

    def on_demand_price(self, pool: Pool) -> Decimal: ...


class RecordedMarket:
    """Replays recorded prices from their first change on, and again from there when they end.

    Before the first change of a pool, its first price holds. Spot is never dearer than on demand,
    so a recorded price above the list price shows that the list price was higher then.
    """

    def __init__(
        self, history: Mapping[Pool, PriceSteps], on_demand: Mapping[Group, Decimal], source: str
    ) -> None:
        self.source = source
        self.pools = tuple(sorted(history))
        self._history = history
        self._begin = min(steps.times[0] for steps in history.values())
        self._span = max(steps.times[-1] for steps in history.values()) - self._begin
        self._on_demand = dict(on_demand)
        for pool, steps in history.items():
            highest = max(steps.prices)
            self._on_demand[pool.group] = max(self._on_demand[pool.group], highest)

    def spot_price(self, pool: Pool, at: timedelta) -> Decimal:
        steps = self._history[pool]
        moment = self._begin + (at % self._span if self._span else timedelta(0))
        return steps.prices[max(0, bisect_right(steps.times, moment) - 1)]

    def on_demand_price(self, pool: Pool) -> Decimal:
        return self._on_demand[pool.group]


class WalkingMarket:
    """Starts from real prices of one instant and lets each wander around its own by chance.

    The walk takes a step every five simulated minutes, is drawn back to where it started, never
    rises above on demand and never falls below a fifth of where it started.
    """

    STEP: Final = timedelta(minutes=5)

    def __init__(
        self,
        instant: Mapping[Pool, Decimal],
        on_demand: Mapping[Group, Decimal],
        seed: int,
        source: str,
    ) -> None:
        self.source = source
        self.pools = tuple(sorted(instant))
        self._on_demand = on_demand
        self._walks = {
            pool: _Walk(price, on_demand[pool.group], seed, pool) for pool, price in instant.items()
        }

    def spot_price(self, pool: Pool, at: timedelta) -> Decimal:
        return self._walks[pool].price_after(at // self.STEP)

    def on_demand_price(self, pool: Pool) -> Decimal:
        return self._on_demand[pool.group]


class _Walk:
    _PRECISION: Final = Decimal("0.0001")
    _UNREST: Final = 0.02
    """Standard deviation of one step, relative to the price."""
    _PULL: Final = 0.01
    """Share of the distance to the start that one step takes back."""
    _LEAST: Final = 0.2

    def __init__(self, start: Decimal, ceiling: Decimal, seed: int, pool: Pool) -> None:
        self._start = start
        self._ceiling = ceiling
        self._seed = seed
        self._pool = pool
        self._steps = 0
        self._factor = 1.0
        self._draws = self._fresh_draws()

    def price_after(self, steps: int) -> Decimal:
        """The price after so many steps; only the latest step is kept, an earlier one is redone."""
        if steps < self._steps:
            self._steps, self._factor, self._draws = 0, 1.0, self._fresh_draws()
        highest = float(self._ceiling / self._start)
        while self._steps < steps:
            drift = self._PULL * (1.0 - self._factor)
            moved = self._factor * (1.0 + self._draws.gauss(0.0, self._UNREST)) + drift
            self._factor = min(highest, max(self._LEAST, moved))
            self._steps += 1
        price = (self._start * Decimal(self._factor)).quantize(self._PRECISION)
        return min(self._ceiling, max(self._PRECISION, price))

    def _fresh_draws(self) -> Random:
        return chance(self._seed, "price", self._pool.id)


def open_market(prices: Path | None, seed: int, watched: Collection[Pool] = ()) -> Market:
    """The market of a recorded file, or the packaged instant when there is none.

    With `watched` pools, there are no others in it: whoever left them would never be interrupted
    again. One without a price has that of the same type in a zone near by, if there is any.
    Raises NoPrice, and UnreadableTrace when the file cannot be used.
    """
    if prices is None:
        instant = _confined(packaged_instant(), watched)
        return WalkingMarket(instant, _on_demand(instant), seed, PACKAGED_SOURCE)
    history = _confined(read_prices(prices, {pool.group for pool in watched}), watched)
    on_demand = _on_demand(history)
    priced = {pool: steps for pool, steps in history.items() if pool.group in on_demand}
    if not priced:
        types = ", ".join(sorted({pool.instance_type for pool in history}))
        raise UnreadableTrace(prices, f"no on-demand list price is known for {types}")
    return RecordedMarket(priced, on_demand, f"recorded, {prices.name}")


def _confined(priced: Mapping[Pool, T], watched: Collection[Pool]) -> Mapping[Pool, T]:
    if not watched:
        return priced
    near_by = {pool.group: price for pool, price in sorted(priced.items(), reverse=True)}
    confined = {
        pool: priced.get(pool, near_by[pool.group]) for pool in watched if pool.group in near_by
    }
    if not confined:
        raise NoPrice
    return confined


def _on_demand(pools: Iterable[Pool]) -> dict[Group, Decimal]:
    listed = {group: list_price(*group) for group in {pool.group for pool in pools}}
    return {group: price for group, price in listed.items() if price is not None}
