from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final, Self

from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread
from spot_optimizer.adapters.http.wire import timestamp
from spot_optimizer.application.admin.fleet import (
    AgentLine,
    FleetQueries,
    GrowthDay,
    InstanceFilter,
    InstanceLine,
    RecentEvent,
)
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.domain.values import Mode

_DAYS: Final = 30
_MOST_DAYS: Final = 365
_ACTIVE: Final[Mapping[str, bool]] = {"active": True, "terminated": False}
_MODES: Final[Mapping[str, str]] = {"on-demand": Mode.ON_DEMAND}
_ICONS: Final[Mapping[str, str]] = {
    "switch_completed": "switch",
    "manual_switch_requested": "switch",
    "agent_registered": "agent",
}


class InstanceItem(Struct, rename="camel"):
    id: str
    instance_id: str
    client_id: str
    client_name: str
    agent_id: str | None
    region: str
    az: str
    instance_type: str
    current_mode: str | None
    current_pool_id: str | None
    spot_price: float | None
    ondemand_price: float | None
    is_active: bool
    installed_at: str | None
    created_at: str | None
    logical_agent_id: str | None
    agent_status: str | None

    @classmethod
    def of(cls, line: InstanceLine) -> Self:
        return cls(
            id=line.instance_id,
            instance_id=line.instance_id,
            client_id=line.client_id,
            client_name=line.client_name,
            agent_id=line.agent_id,
            region=line.region,
            az=line.zone,
            instance_type=line.instance_type,
            current_mode=line.mode,
            current_pool_id=line.pool_id,
            spot_price=_price(line.spot_price),
            ondemand_price=_price(line.on_demand_price),
            is_active=line.is_active,
            installed_at=timestamp(line.installed_at),
            created_at=timestamp(line.created_at),
            logical_agent_id=line.logical_agent_id,
            agent_status=line.agent_status,
        )


class InstanceFilters(Struct):
    status: str | None
    mode: str | None
    region: str | None


class InstancePage(Struct):
    instances: list[InstanceItem]
    total: int
    filters: InstanceFilters


class AgentItem(Struct, rename="camel"):
    id: str
    logical_agent_id: str
    hostname: str | None
    client_id: str
    client_name: str
    instance_id: str | None
    instance_type: str | None
    region: str | None
    az: str | None
    current_mode: str | None
    current_pool_id: str | None
    status: str | None
    enabled: bool
    auto_switch_enabled: bool
    version: str | None
    last_heartbeat_at: str | None
    created_at: str | None

    @classmethod
    def of(cls, line: AgentLine) -> Self:
        return cls(
            id=line.agent_id,
            logical_agent_id=line.logical_agent_id,
            hostname=line.hostname,
            client_id=line.client_id,
            client_name=line.client_name,
            instance_id=line.instance_id,
            instance_type=line.instance_type,
            region=line.region,
            az=line.zone,
            current_mode=line.mode,
            current_pool_id=line.pool_id,
            status=line.status,
            enabled=line.enabled,
            auto_switch_enabled=line.auto_switch_enabled,
            version=line.version,
            last_heartbeat_at=timestamp(line.last_heartbeat_at),
            created_at=timestamp(line.created_at),
        )


class AgentFilters(Struct):
    status: str | None


class AgentPage(Struct):
    agents: list[AgentItem]
    total: int
    filters: AgentFilters


class ActivityItem(Struct):
    """`id` is a position in the list, not a key."""

    id: int
    type: str
    text: str | None
    time: str

    @classmethod
    def listing(cls, events: Sequence[RecentEvent]) -> list[Self]:
        return [
            cls(
                id=position,
                type=_ICONS.get(event.event_type, "event"),
                text=event.message,
                time=timestamp(event.at) or "unknown",
            )
            for position, event in enumerate(events, start=1)
        ]


class GrowthItem(Struct):
    date: str
    total: int
    new: int
    active: int

    @classmethod
    def of(cls, day: GrowthDay) -> Self:
        return cls(date=day.day.isoformat(), total=day.total, new=day.new, active=day.active)


def admin_fleet_handlers(
    *, gatekeeper: Gatekeeper, queries: FleetQueries, clock: Clock
) -> list[HTTPRouteHandler]:
    """The operator's lists over all clients."""

    @get("/api/admin/clients/growth")
    async def growth(request: AnyRequest) -> list[GrowthItem]:
        await gatekeeper.operator_only(request)
        days = timedelta(days=_days(request.query_params.get("days")))
        first = clock.now().date() - days
        return [GrowthItem.of(day) for day in await in_thread(queries.growth_since, first)]

    @get("/api/admin/instances")
    async def instances(request: AnyRequest) -> InstancePage:
        await gatekeeper.operator_only(request)
        asked = request.query_params
        wanted = InstanceFilter(
            is_active=_ACTIVE.get(asked.get("status", "")),
            mode=_MODES.get(asked.get("mode", ""), asked.get("mode")) or None,
            region=asked.get("region") or None,
            search=asked.get("search", "").strip() or None,
        )
        found = [InstanceItem.of(line) for line in await in_thread(queries.instances, wanted)]
        filters = InstanceFilters(asked.get("status"), asked.get("mode"), asked.get("region"))
        return InstancePage(found, len(found), filters)

    @get("/api/admin/agents")
    async def agents(request: AnyRequest) -> AgentPage:
        await gatekeeper.operator_only(request)
        status = request.query_params.get("status")
        found = [AgentItem.of(line) for line in await in_thread(queries.agents, status or None)]
        return AgentPage(found, len(found), AgentFilters(status))

    @get("/api/admin/activity")
    async def activity(request: AnyRequest) -> list[ActivityItem]:
        await gatekeeper.operator_only(request)
        return ActivityItem.listing(await in_thread(queries.recent_events))

    return [growth, instances, agents, activity]


def _price(price: Decimal | None) -> float | None:
    """0 stands for an unknown price, and is shown as none."""
    return float(price) if price else None


def _days(given: str | None) -> int:
    try:
        days = int(given or _DAYS)
    except ValueError:
        return _DAYS
    return max(1, min(_MOST_DAYS, days))
