from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Stream

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.dashboard.fields import limited
from spot_optimizer.adapters.http.dashboard.tabular import (
    Chunks,
    Column,
    Format,
    Kind,
    as_csv,
    as_json,
    as_parquet,
)
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread
from spot_optimizer.adapters.http.wire import invalid
from spot_optimizer.application.dashboard.agents import PastAgentLine
from spot_optimizer.application.dashboard.exports import Batches, ExportSource, PriceLine
from spot_optimizer.application.dashboard.instances import InstanceLine
from spot_optimizer.application.dashboard.savings import MonthLine
from spot_optimizer.application.dashboard.switches import SwitchLine
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.domain.identifiers import ClientId

T = TypeVar("T")

_PRICE_DAYS_UNASKED, _MOST_PRICE_DAYS = 7, 90

_NOT_KNOWN: Final = "N/A"
_MONTHS: Final[Sequence[Column[MonthLine]]] = (
    Column("Year", "year", Kind.WHOLE, lambda month: month.year),
    Column("Month", "month", Kind.WHOLE, lambda month: month.month),
    Column("Month Name", "name", Kind.TEXT, lambda month: month.name),
    Column("On-Demand Cost ($)", "onDemandCost", Kind.MONEY, lambda month: month.baseline_cost),
    Column("Actual Cost ($)", "modelCost", Kind.MONEY, lambda month: month.actual_cost),
    Column("Savings ($)", "savings", Kind.MONEY, lambda month: month.savings),
)
_SWITCHES: Final[Sequence[Column[SwitchLine]]] = (
    Column("Timestamp", "timestamp", Kind.TIME, lambda one: one.took_place_at),
    Column(
        "Old Instance ID", "oldInstanceId", Kind.TEXT, lambda one: one.old_instance_id, _NOT_KNOWN
    ),
    Column(
        "New Instance ID", "newInstanceId", Kind.TEXT, lambda one: one.new_instance_id, _NOT_KNOWN
    ),
    Column("From Mode", "fromMode", Kind.TEXT, lambda one: one.old_mode, _NOT_KNOWN),
    Column("To Mode", "toMode", Kind.TEXT, lambda one: one.new_mode, _NOT_KNOWN),
    Column("From Pool", "fromPool", Kind.TEXT, lambda one: one.old_pool_id, _NOT_KNOWN),
    Column("To Pool", "toPool", Kind.TEXT, lambda one: one.new_pool_id, _NOT_KNOWN),
    Column("Trigger", "trigger", Kind.TEXT, lambda one: one.trigger),
    Column("Price ($)", "price", Kind.PRICE, lambda one: one.price),
    Column("Savings Impact ($/hr)", "savingsImpact", Kind.PRICE, lambda one: one.impact),
)
_INSTANCES: Final[Sequence[Column[InstanceLine]]] = (
    Column("Instance ID", "id", Kind.TEXT, lambda one: one.id),
    Column("Type", "type", Kind.TEXT, lambda one: one.instance_type),
    Column("Region", "region", Kind.TEXT, lambda one: one.region),
    Column("Availability Zone", "az", Kind.TEXT, lambda one: one.zone),
    Column("Mode", "mode", Kind.TEXT, lambda one: one.mode, _NOT_KNOWN),
    Column("Pool", "poolId", Kind.TEXT, lambda one: one.pool_id, _NOT_KNOWN),
    Column("Spot Price ($/hr)", "spotPrice", Kind.PRICE, lambda one: one.spot_price),
    Column("On-Demand Price ($/hr)", "onDemandPrice", Kind.PRICE, lambda one: one.on_demand_price),
    Column("Active", "isActive", Kind.FLAG, lambda one: one.is_active),
    Column("Last Switch", "lastSwitch", Kind.TIME, lambda one: one.last_switch_at),
)
_AGENTS: Final[Sequence[Column[PastAgentLine]]] = (
    Column("Agent ID", "id", Kind.TEXT, lambda one: one.id),
    Column("Name", "logicalAgentId", Kind.TEXT, lambda one: one.logical_agent_id),
    Column("Status", "status", Kind.TEXT, lambda one: one.status),
    Column("Instance ID", "instanceId", Kind.TEXT, lambda one: one.instance_id, _NOT_KNOWN),
    Column("Type", "instanceType", Kind.TEXT, lambda one: one.instance_type, _NOT_KNOWN),
    Column("Region", "region", Kind.TEXT, lambda one: one.region, _NOT_KNOWN),
    Column("Availability Zone", "az", Kind.TEXT, lambda one: one.zone, _NOT_KNOWN),
    Column("Mode", "currentMode", Kind.TEXT, lambda one: one.mode, _NOT_KNOWN),
    Column("Enabled", "enabled", Kind.FLAG, lambda one: one.enabled),
    Column("Auto-Switch", "autoSwitchEnabled", Kind.FLAG, lambda one: one.auto_switch_enabled),
    Column("Created", "createdAt", Kind.TIME, lambda one: one.created_at),
    Column("Last Heartbeat", "lastHeartbeat", Kind.TIME, lambda one: one.last_heartbeat_at),
    Column("Terminated", "terminatedAt", Kind.TIME, lambda one: one.terminated_at),
)
_PRICES: Final[Sequence[Column[PriceLine]]] = (
    Column("Time", "time", Kind.TIME, lambda one: one.at),
    Column("Pool", "poolId", Kind.TEXT, lambda one: one.pool_id),
    Column("Type", "instanceType", Kind.TEXT, lambda one: one.instance_type),
    Column("Region", "region", Kind.TEXT, lambda one: one.region),
    Column("Availability Zone", "az", Kind.TEXT, lambda one: one.zone),
    Column("Spot Price ($/hr)", "spotPrice", Kind.PRICE, lambda one: one.spot_price),
    Column("On-Demand Price ($/hr)", "onDemandPrice", Kind.PRICE, lambda one: one.on_demand_price),
    Column("Source", "source", Kind.TEXT, lambda one: one.data_source),
)


def export_handlers(
    *, gatekeeper: Gatekeeper, source: ExportSource, clock: Clock
) -> list[HTTPRouteHandler]:
    """Documents to take away: `?format=csv|parquet|json`, or by the Accept header."""

    async def send(
        request: AnyRequest,
        client_id: str,
        name: str,
        columns: Sequence[Column[T]],
        read: Callable[[ClientId], Batches[T]],
    ) -> Response[Any]:
        caller = await gatekeeper.dashboard(request)
        client = caller.asking_about(ClientId(client_id))
        form = _format(request)
        headers = {"Content-Disposition": f"attachment; filename={_filename(client, name, form)}"}
        if request.method == "HEAD":
            return Response(b"", media_type=form.media_type, headers=headers)
        batches = read(client)
        chunks = _WRITERS[form](columns, batches)
        # Whatever goes wrong shows in time to say so.
        first = await in_thread(_first_of, chunks, batches)
        return Stream(_sent(first, chunks, batches), media_type=form.media_type, headers=headers)

    @get("/api/client/{client_id:str}/export/savings")
    async def savings(request: AnyRequest, client_id: FromPath[str]) -> Response[Any]:
        return await send(request, client_id, "savings", _MONTHS, source.months)

    @get(
        [
            "/api/client/{client_id:str}/export/switch-history",
            "/api/client/{client_id:str}/export/history",
        ]
    )
    async def switches(request: AnyRequest, client_id: FromPath[str]) -> Response[Any]:
        return await send(request, client_id, "switch_history", _SWITCHES, source.switches)

    @get("/api/client/{client_id:str}/export/instances")
    async def instances(request: AnyRequest, client_id: FromPath[str]) -> Response[Any]:
        return await send(request, client_id, "instances", _INSTANCES, source.instances)

    @get("/api/client/{client_id:str}/export/agents")
    async def agents(request: AnyRequest, client_id: FromPath[str]) -> Response[Any]:
        return await send(request, client_id, "agents", _AGENTS, source.agents)

    @get("/api/client/{client_id:str}/export/prices")
    async def prices(request: AnyRequest, client_id: FromPath[str]) -> Response[Any]:
        days = limited(request, "days", _PRICE_DAYS_UNASKED, 1, _MOST_PRICE_DAYS)
        since = clock.now() - timedelta(days=days)
        read = partial(source.prices, since=since)
        return await send(request, client_id, "prices", _PRICES, read)

    return [savings, switches, instances, agents, prices]


_WRITERS: Final[dict[Format, Callable[[Sequence[Column[Any]], Batches[Any]], Chunks]]] = {
    Format.CSV: as_csv,
    Format.JSON: as_json,
    Format.PARQUET: as_parquet,
}
_ACCEPTED: Final = {
    "text/csv": Format.CSV,
    "application/vnd.apache.parquet": Format.PARQUET,
    "application/json": Format.JSON,
}


def _format(request: AnyRequest) -> Format:
    """CSV unless something else is asked for, which is what browsers do that open a link."""
    asked = request.query_params.get("format")
    if not asked:
        return _ACCEPTED[request.accept.best_match(list(_ACCEPTED), default="text/csv")]
    if asked not in set(Format):
        raise invalid({"format": [f"Must be one of: {', '.join(Format)}."]})
    return Format(asked)


def _filename(client_id: ClientId, name: str, form: Format) -> str:
    """Nothing in it can end the header or leave the folder."""
    named = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in client_id)
    return f"client_{named}_{name}.{form}"


def _first_of(chunks: Chunks, batches: Batches[Any]) -> list[bytes]:
    """The head of the document, and as much as shows that the rows can be read."""
    try:
        head = next(chunks)
        return [head, next(chunks, b"")]
    except BaseException:
        batches.close()
        raise


def _next_of(chunks: Chunks) -> bytes | None:
    return next(chunks, None)


async def _sent(
    first: list[bytes], chunks: Chunks, batches: Batches[Any]
) -> AsyncGenerator[bytes, None]:
    try:
        for chunk in first:
            yield chunk
        while (following := await in_thread(_next_of, chunks)) is not None:
            if following:
                yield following
    finally:
        chunks.close()
        batches.close()
