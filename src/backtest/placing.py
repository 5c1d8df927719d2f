"""The server's own placement policy as a contestant."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from spot_optimizer.backtest.agents import DeciderFactory, Observation, Placement
from spot_optimizer.backtest.profiles import DOWNTIME_HOURS, NOTICE_S, Profile
from spot_optimizer.backtest.traces import ON_DEMAND, Trace
from spot_optimizer.domain.identifiers import pool_of
from spot_optimizer.domain.placement.choice import MoveLimits, Position, Target
from spot_optimizer.domain.placement.costs import SwitchingCost
from spot_optimizer.domain.placement.forecasts import PriceModel, RiskModel
from spot_optimizer.domain.placement.market import Market, WatchedPool
from spot_optimizer.domain.placement.outlook import PoolOutlook
from spot_optimizer.domain.placement.policy import decide


@dataclass(frozen=True, slots=True)
class Models:
    """What the policy is told of the future; without them it goes by band and last price."""

    fingerprint: str = "none"
    risk: RiskModel | None = None
    price: PriceModel | None = None
    made_until: float | None = None
    """The end of the time that they were made of, seconds since 1970; None: they do not say."""


class MarketSeen:
    """What the policy expects at each tick of a trace. It does not depend on who decides, so it is
    worked out once and serves every profile; never ahead of the tick that is asked about."""

    def __init__(self, trace: Trace, models: Models) -> None:
        self._trace = trace
        bands: list[int] = trace.bands.tolist()
        self.pool_ids = [pool_of(*pool) for pool in trace.pools]
        watched = [WatchedPool(*pool) for pool in zip(self.pool_ids, bands, strict=True)]
        self._market = Market(watched, risk_model=models.risk, price_model=models.price)
        self._told = 0
        self._outlooks: dict[int, Sequence[PoolOutlook]] = {}

    def outlooks(self, tick: int) -> Sequence[PoolOutlook]:
        """In the order of the pools; ticks are asked about in their order at first."""
        known = self._outlooks.get(tick)
        if known is None:
            trace = self._trace
            for past in range(self._told, tick + 1):
                now = float(trace.second_of[past])
                self._market.observe(now, trace.up_rows[past], trace.price_rows[past])
            self._told = tick + 1
            known = self._market.outlooks(
                float(trace.second_of[tick]),
                trace.up_rows[tick],
                trace.price_rows[tick],
                trace.on_demand_price,
            )
            self._outlooks[tick] = known
        return known


class PlacementDecider:
    """One agent that does what the policy says; the limits of switching are left open, since they
    are a safety net and no part of what is judged."""

    def __init__(self, market: MarketSeen) -> None:
        self._market = market
        self._index = {pool_id: number for number, pool_id in enumerate(market.pool_ids)}
        self._costs: SwitchingCost | None = None

    def __call__(self, seen: Observation) -> Placement:
        if self._costs is None:
            self._costs = costs_of(seen.profile)
        choice = decide(
            self._position(seen),
            self._market.outlooks(seen.tick),
            seen.on_demand_price,
            self._costs,
            MoveLimits(),
            float(seen.now),
        )
        replica = choice.replica_pool_id
        standby = None if replica is None else self._index[replica]
        if choice.target is Target.STAY:
            return Placement(seen.current, standby)
        target = ON_DEMAND if choice.pool_id is None else self._index[choice.pool_id]
        return Placement(target, standby)

    def _position(self, seen: Observation) -> Position:
        ids = self._market.pool_ids
        return Position(
            pool_id=None if seen.current == ON_DEMAND else ids[seen.current],
            reclaimed=seen.interrupted,
            replica_pool_id=None if seen.replica is None else ids[seen.replica],
            replica_ready=seen.replica_is_ready,
        )


def costs_of(profile: Profile) -> SwitchingCost:
    """As an agent of the profile has measured them: the mean of its boots."""
    return SwitchingCost(
        boot_s=profile.mean_boot_s,
        cutover_s=profile.cut_over_s,
        drain_s=profile.drain_s,
        notice_s=NOTICE_S,
        downtime_value=DOWNTIME_HOURS,
    )


@dataclass(frozen=True, slots=True)
class PlacementPolicy:
    """The policy with these models behind it."""

    name: str = "placement policy"
    models: Models = field(default_factory=Models)

    @property
    def fingerprint(self) -> str:
        return f"placement policy {self.models.fingerprint}"

    def prepared(self, trace: Trace) -> DeciderFactory:
        market = MarketSeen(trace, self.models)
        return lambda: PlacementDecider(market)
