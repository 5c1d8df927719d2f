from datetime import timedelta
from typing import Self

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread
from spot_optimizer.application.dashboard.savings import Charts, MonthLine, SavingsViews
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.domain.identifiers import ClientId

_FREQUENCY_WINDOW = timedelta(days=30)


class MonthItem(Struct, rename="camel"):
    name: str
    savings: float
    on_demand_cost: float
    model_cost: float

    @classmethod
    def of(cls, line: MonthLine) -> Self:
        return cls(
            line.name, float(line.savings), float(line.baseline_cost), float(line.actual_cost)
        )


class TrendItem(Struct):
    month: str
    savings: float
    baseline: float
    actual: float

    @classmethod
    def of(cls, line: MonthLine) -> Self:
        return cls(
            line.name, float(line.savings), float(line.baseline_cost), float(line.actual_cost)
        )


class ModeCount(Struct):
    mode: str | None
    count: int


class DayCount(Struct):
    date: str
    switches: int


class ChartsShown(Struct, rename="camel"):
    savings_trend: list[TrendItem]
    mode_distribution: list[ModeCount]
    switch_frequency: list[DayCount]

    @classmethod
    def of(cls, charts: Charts) -> Self:
        return cls(
            savings_trend=[TrendItem.of(line) for line in charts.months],
            mode_distribution=[ModeCount(*counted) for counted in charts.active_by_mode],
            switch_frequency=[
                DayCount(day.isoformat(), count) for day, count in charts.switches_by_day
            ],
        )


def dashboard_savings_handlers(
    *, gatekeeper: Gatekeeper, savings_views: SavingsViews, clock: Clock
) -> list[HTTPRouteHandler]:
    """What a client saves."""

    @get("/api/client/{client_id:str}/savings")
    async def savings(request: AnyRequest, client_id: FromPath[str]) -> list[MonthItem]:
        caller = await gatekeeper.dashboard(request)
        client = caller.asking_about(ClientId(client_id))
        if request.query_params.get("range", "monthly") != "monthly":
            return []
        return [MonthItem.of(line) for line in await in_thread(savings_views.months_of, client)]

    @get("/api/client/{client_id:str}/stats/charts")
    async def charts(request: AnyRequest, client_id: FromPath[str]) -> ChartsShown:
        caller = await gatekeeper.dashboard(request)
        client = caller.asking_about(ClientId(client_id))
        since = clock.now() - _FREQUENCY_WINDOW
        return ChartsShown.of(await in_thread(savings_views.charts_of, client, since))

    return [savings, charts]
