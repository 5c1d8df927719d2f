from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final, Self

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.dashboard.fields import Fields, form, limited
from spot_optimizer.adapters.http.dashboard.lists import WrittenList
from spot_optimizer.adapters.http.dashboard.pages import link_to_next, page_of
from spot_optimizer.adapters.http.reading import MISSING, UNKNOWN
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread, post
from spot_optimizer.adapters.http.tracking import note_id
from spot_optimizer.adapters.http.wire import timestamp
from spot_optimizer.application.authenticate import Asked
from spot_optimizer.application.commands.force_switch import ForceSwitch
from spot_optimizer.application.dashboard.instances import (
    InstanceFigures,
    InstanceFilter,
    InstanceLine,
    InstanceLog,
    InstancePrices,
    InstanceViews,
    PoolLine,
    SwitchOptions,
)
from spot_optimizer.application.dashboard.questions import ClientQuestion
from spot_optimizer.application.dashboard.switches import MANUAL_TRIGGER
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.domain.commands.manual_switch import TARGETS, ManualSwitch
from spot_optimizer.domain.identifiers import (
    INSTANCE_TYPE_LENGTH,
    POOL_ID_LENGTH,
    ClientId,
    InstanceId,
    PoolId,
)
from spot_optimizer.domain.savings import a_day_of

_ALL: Final = "all"
_NO_POOL: Final = "n/a"
_PRICES_COUNT_FOR: Final = timedelta(hours=1)
_LOG_ENTRIES: Final = 100
_LONGEST_POOL_ID: Final = 128
_FORCE_SWITCH: Final = frozenset({"target", "pool_id", "new_instance_type", "instance_type"})


class InstanceItem(Struct, rename="camel"):
    id: str
    type: str
    region: str
    az: str
    mode: str | None
    pool_id: str
    spot_price: float
    on_demand_price: float
    is_active: bool | None
    last_switch: str | None

    @classmethod
    def of(cls, line: InstanceLine) -> Self:
        return cls(
            line.id,
            line.instance_type,
            line.region,
            line.zone,
            line.mode,
            line.pool_id or _NO_POOL,
            float(line.spot_price or 0),
            float(line.on_demand_price or 0),
            line.is_active,
            timestamp(line.last_switch_at),
        )


class CurrentPool(Struct):
    id: str
    name: str | None
    az: str


class OnDemand(Struct):
    price: float
    name: str = "On-Demand"


class PoolPrice(Struct):
    id: str
    name: str
    az: str
    price: float
    savings: float
    """Percent of the on-demand price."""

    @classmethod
    def of(cls, pool: PoolLine, on_demand: float) -> Self:
        price = float(pool.price or 0)
        priced = price > 0 and on_demand > 0
        return cls(
            id=pool.id,
            name=pool.name or f"Pool {pool.id}",
            az=pool.zone,
            price=price,
            savings=(on_demand - price) / on_demand * 100 if priced else 0,
        )


class Pricing(Struct, rename="camel"):
    current_mode: str
    current_pool: CurrentPool | None
    on_demand: OnDemand
    pools: list[PoolPrice]

    @classmethod
    def of(cls, prices: InstancePrices) -> Self:
        pool, on_demand = prices.current_pool, float(prices.on_demand_price or 0)
        return cls(
            current_mode=prices.mode or "ondemand",
            current_pool=None if pool is None else CurrentPool(pool.id, pool.name, pool.zone),
            on_demand=OnDemand(on_demand),
            pools=[PoolPrice.of(one, on_demand) for one in prices.pools],
        )


class Metrics(Struct, rename="camel"):
    id: str
    instance_type: str
    current_mode: str | None
    current_pool_id: str | None
    spot_price: float
    on_demand_price: float
    baseline_on_demand_price: float
    uptime_hours: int
    hours_since_last_switch: int
    total_switches: int
    switches_last_7_days: int
    switches_last_30_days: int
    savings_last_30_days: float
    total_savings: float

    @classmethod
    def of(cls, figures: InstanceFigures, now: datetime) -> Self:
        return cls(
            id=figures.id,
            instance_type=figures.instance_type,
            current_mode=figures.mode,
            current_pool_id=figures.pool_id,
            spot_price=float(figures.spot_price or 0),
            on_demand_price=float(figures.on_demand_price or 0),
            baseline_on_demand_price=float(figures.baseline_on_demand_price or 0),
            uptime_hours=_hours_since(figures.installed_at, now),
            hours_since_last_switch=_hours_since(figures.last_switch_at, now),
            total_switches=figures.switches,
            switches_last_7_days=figures.switches_in_a_week,
            switches_last_30_days=figures.switches_in_a_month,
            savings_last_30_days=float(a_day_of(figures.impact_in_a_month)),
            total_savings=float(a_day_of(figures.impact)),
        )


class OpenPool(Struct, rename="camel"):
    id: str
    az: str
    instance_type: str
    price: float | None

    @classmethod
    def of(cls, pool: PoolLine) -> Self:
        price = float(pool.price) if pool.price else None
        return cls(pool.id, pool.zone, pool.instance_type, price)


class Options(Struct, rename="camel"):
    current_type: str | None
    current_region: str | None
    current_az: str | None
    available_pools: list[OpenPool]
    available_types: list[str]

    @classmethod
    def of(cls, options: SwitchOptions) -> Self:
        return cls(
            current_type=options.instance_type,
            current_region=options.region,
            current_az=options.zone,
            available_pools=[OpenPool.of(pool) for pool in options.pools],
            available_types=list(options.types),
        )


class SwitchEntry(Struct, rename="camel"):
    timestamp: str | None
    status: str
    from_value: str | None
    to_value: str | None
    savings: float
    reason: str
    event_type: str = "switch"


class PriceEntry(Struct, rename="camel"):
    timestamp: str | None
    instance_type: str | None
    price: float
    event_type: str = "pricing_update"
    status: str = "success"
    reason: str = "Price update received"


class TerminationEntry(Struct, rename="camel"):
    timestamp: str | None
    instance_type: str
    event_type: str = "termination"
    status: str = "terminated"
    reason: str = "Instance terminated"


LogEntry = SwitchEntry | PriceEntry | TerminationEntry


class SwitchQueued(Struct):
    command_id: str
    success: bool = True
    message: str = "Switch command queued. Agent will execute on next check."


def dashboard_instance_handlers(
    *,
    gatekeeper: Gatekeeper,
    instance_lists: Joined[Asked[ClientQuestion], WrittenList[InstanceLine]],
    instance_views: InstanceViews,
    force_switch: ForceSwitch,
    clock: Clock,
) -> list[HTTPRouteHandler]:
    """Instances as their client sees and moves them."""

    @get("/api/client/{client_id:str}/instances")
    async def instances(request: AnyRequest, client_id: FromPath[str]) -> Response[bytes]:
        page = page_of(request)
        question = partial(ClientQuestion, ClientId(client_id), (_filter(request), page))
        listed = await gatekeeper.ask_at_dashboard(request, instance_lists, question)
        return listed.response(link_to_next(request, page, listed.lines) if page else None)

    @get("/api/client/instances/{instance_id:str}/pricing")
    async def pricing(request: AnyRequest, instance_id: FromPath[str]) -> Pricing:
        caller = await gatekeeper.dashboard(request)
        since = clock.now() - _PRICES_COUNT_FOR
        instance = InstanceId(instance_id)
        return Pricing.of(await in_thread(instance_views.prices, instance, caller.owner, since))

    @get("/api/client/instances/{instance_id:str}/metrics")
    async def metrics(request: AnyRequest, instance_id: FromPath[str]) -> Metrics:
        caller = await gatekeeper.dashboard(request)
        now, instance = clock.now(), InstanceId(instance_id)
        figures = await in_thread(instance_views.figures, instance, caller.owner, now)
        return Metrics.of(figures, now)

    @get("/api/client/instances/{instance_id:str}/available-options")
    async def options(request: AnyRequest, instance_id: FromPath[str]) -> Options:
        caller = await gatekeeper.dashboard(request)
        instance = InstanceId(instance_id)
        return Options.of(await in_thread(instance_views.options, instance, caller.owner))

    @get("/api/client/instances/{instance_id:str}/logs")
    async def logs(request: AnyRequest, instance_id: FromPath[str]) -> list[LogEntry]:
        caller = await gatekeeper.dashboard(request)
        limit = limited(request, "limit", _LOG_ENTRIES, 1, _LOG_ENTRIES)
        log = await in_thread(instance_views.log, InstanceId(instance_id), caller.owner)
        newest_first = sorted(_entries(log), key=lambda one: one.timestamp or "", reverse=True)
        return newest_first[:limit]

    @post("/api/client/instances/{instance_id:str}/force-switch")
    async def switch(request: AnyRequest, instance_id: FromPath[str]) -> SwitchQueued:
        caller = await gatekeeper.dashboard(request)
        wanted = partial(_manual_switch, await form(request))
        command = await in_thread(force_switch, InstanceId(instance_id), wanted, caller)
        note_id("command_id", command.id)
        return SwitchQueued(command.id)

    return [instances, pricing, metrics, options, logs, switch]


def instance_items(lines: Sequence[InstanceLine]) -> list[InstanceItem]:
    return [InstanceItem.of(line) for line in lines]


def _filter(request: AnyRequest) -> InstanceFilter:
    wanted = request.query_params
    mode = wanted.get("mode") or _ALL
    return InstanceFilter(
        is_active={"active": True, "terminated": False}.get(wanted.get("status", _ALL)),
        mode=None if mode == _ALL else mode,
        text=wanted.get("search", ""),
    )


def _hours_since(moment: datetime | None, now: datetime) -> int:
    return 0 if moment is None else int((now - moment) / timedelta(hours=1))


def _entries(log: InstanceLog) -> Iterator[LogEntry]:
    for move in log.switches:
        yield SwitchEntry(
            timestamp=timestamp(move.at),
            status="failed" if move.succeeded is False else "success",
            from_value=move.old_type,
            to_value=move.new_type,
            savings=float(move.impact or 0),
            reason=move.trigger or MANUAL_TRIGGER,
        )
    for report in log.prices:
        price = report.spot_price or report.on_demand_price or Decimal(0)
        yield PriceEntry(timestamp(report.at), report.instance_type, float(price))
    for ended_at in log.terminations:
        yield TerminationEntry(timestamp(ended_at), log.instance_type)


def _manual_switch(sent: dict[str, object]) -> ManualSwitch:
    fields = Fields(sent)
    for name in sent.keys() - _FORCE_SWITCH:
        fields.wrong(name, UNKNOWN)
    target = fields.words("target")
    if "target" not in sent:
        fields.wrong("target", MISSING)
    elif target is not None:
        fields.choice("target", TARGETS)
    pool_id = fields.words("pool_id", _LONGEST_POOL_ID, POOL_ID_LENGTH)
    new_type = fields.words("new_instance_type", INSTANCE_TYPE_LENGTH)
    alias = fields.words("instance_type", INSTANCE_TYPE_LENGTH)
    fields.check()
    return ManualSwitch(
        target=target or "",
        pool_id=PoolId(pool_id) if pool_id and pool_id.strip() else None,
        new_type=new_type or alias or None,
    )
