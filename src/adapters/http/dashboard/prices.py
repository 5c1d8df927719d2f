from datetime import datetime
from functools import partial
from typing import Final, Self
from weakref import WeakKeyDictionary

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.dashboard.fields import limited
from spot_optimizer.adapters.http.reading import MISSING
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread
from spot_optimizer.adapters.http.wire import invalid
from spot_optimizer.application.authenticate import Asked
from spot_optimizer.application.dashboard.prices import (
    LONGEST_CHART,
    AgentChart,
    ChartQuestion,
    InstanceChart,
    Interval,
    PriceChart,
    PriceViews,
)
from spot_optimizer.domain.identifiers import AgentId, InstanceId
from spot_optimizer.domain.savings import DEFAULT_ON_DEMAND_PRICE

_DAYS_UNASKED: Final = 7
_MOST_DAYS_OF_AN_INSTANCE: Final = LONGEST_CHART.days
_MOST_DAYS_OF_AN_AGENT: Final = 30


class PoolKey(Struct):
    id: str
    name: str
    az: str
    key: str


class PriceHistory(Struct, rename="camel"):
    data: list[dict[str, str | float | None]]
    pools: list[PoolKey]
    on_demand_price: float

    @classmethod
    def of(cls, chart: PriceChart, on_demand: float) -> Self:
        label = _HOUR if chart.interval is Interval.HOUR else _DAY
        keys = {pool.id: f"pool_{pool.id}" for pool in chart.pools}
        nothing: dict[str, float | None] = dict.fromkeys(keys.values())
        return cls(
            data=[
                {
                    "time": label(point.starts_at),
                    "onDemand": on_demand,
                    **nothing,
                    **{keys[pool]: price for pool, price in point.averages.items()},
                }
                for point in chart.points
            ],
            pools=[
                PoolKey(pool.id, pool.name or f"Pool {pool.id}", pool.zone, keys[pool.id])
                for pool in chart.pools
            ],
            on_demand_price=on_demand,
        )


class PoolAverage(Struct):
    pool_id: str
    az: str
    price: float


class HistoryPoint(Struct):
    timestamp: str
    ondemand_price: float
    spot_pools: list[PoolAverage]


class NoHistory(Struct):
    """Of an agent that no pool is known for."""

    days: int
    history: list[HistoryPoint] = []
    data_points: int = 0


class PricingHistory(Struct):
    history: list[HistoryPoint]
    days: int
    data_points: int
    agent_id: str | None
    instance_type: str | None
    region: str | None

    @classmethod
    def of(cls, found: AgentChart, chart: PriceChart, agent_id: str | None, days: int) -> Self:
        label = _FULL_HOUR if chart.interval is Interval.HOUR else _DAY
        on_demand = found.average_on_demand_price or float(DEFAULT_ON_DEMAND_PRICE)
        history = [
            HistoryPoint(
                label(point.starts_at),
                on_demand,
                [
                    PoolAverage(pool, _zone(pool), point.averages[pool])
                    for pool in sorted(point.averages)
                ],
            )
            for point in chart.points
        ]
        return cls(history, days, len(history), agent_id, found.instance_type, found.region)


def dashboard_price_handlers(
    *,
    gatekeeper: Gatekeeper,
    instance_charts: Joined[Asked[ChartQuestion], InstanceChart],
    price_views: PriceViews,
) -> list[HTTPRouteHandler]:
    """Prices over time."""
    encoded = _Encoded()

    @get("/api/client/instances/{instance_id:str}/price-history")
    async def price_history(request: AnyRequest, instance_id: FromPath[str]) -> Response[bytes]:
        days = limited(request, "days", _DAYS_UNASKED, 1, _MOST_DAYS_OF_AN_INSTANCE)
        question = partial(ChartQuestion, InstanceId(instance_id), days, _interval(request))
        found = await gatekeeper.ask_at_dashboard(request, instance_charts, question)
        return Response(encoded.of(found), media_type="application/json")

    @get("/api/client/pricing-history")
    async def pricing_history(request: AnyRequest) -> NoHistory | PricingHistory:
        caller = await gatekeeper.client_or_operator(request)
        days = limited(request, "days", _DAYS_UNASKED, 1, _MOST_DAYS_OF_AN_AGENT)
        named = request.query_params.get("agent_id") or None
        if named is None and caller.owner is None:
            raise invalid({"agent_id": [MISSING]})
        agent_id = None if named is None else AgentId(named)
        interval = _interval(request)
        found = await in_thread(price_views.of_agent, agent_id, caller.owner, days, interval)
        if found.chart is None:
            return NoHistory(days)
        return PricingHistory.of(found, found.chart, named, days)

    return [price_history, pricing_history]


class _Encoded:
    """The documents of charts that are asked for again and again, each encoded once."""

    def __init__(self) -> None:
        self._documents: WeakKeyDictionary[PriceChart, dict[float, bytes]] = WeakKeyDictionary()

    def of(self, found: InstanceChart) -> bytes:
        if not found.chart.pools:
            return b"[]"
        on_demand = float(found.on_demand_price or 0)
        documents = self._documents.setdefault(found.chart, {})
        if on_demand not in documents:
            documents[on_demand] = msgspec.json.encode(PriceHistory.of(found.chart, on_demand))
        return documents[on_demand]


def _interval(request: AnyRequest) -> Interval:
    asked = request.query_params.get("interval", Interval.HOUR)
    return Interval.HOUR if asked == Interval.HOUR else Interval.DAY


def _label(form: str, moment: datetime) -> str:
    return moment.strftime(form)


_HOUR: Final = partial(_label, "%Y-%m-%d %H:00")
_FULL_HOUR: Final = partial(_label, "%Y-%m-%d %H:00:00")
_DAY: Final = partial(_label, "%Y-%m-%d")


def _zone(pool_id: str) -> str:
    """The text after the last dot."""
    return pool_id.rpartition(".")[2] if "." in pool_id else "unknown"
