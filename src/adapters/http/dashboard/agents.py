from collections.abc import Callable, Sequence
from functools import partial
from typing import Self, TypeVar

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct, structs

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.agents import Success
from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.dashboard.fields import Fields, form
from spot_optimizer.adapters.http.dashboard.lists import WrittenList, a_list
from spot_optimizer.adapters.http.dashboard.pages import link_to_next, page_of
from spot_optimizer.adapters.http.routing import AnyRequest, delete, get, in_thread, post
from spot_optimizer.adapters.http.wire import timestamp
from spot_optimizer.application.agents.configure_agent import ConfigureAgent
from spot_optimizer.application.agents.delete_agent import DeleteAgent
from spot_optimizer.application.agents.toggle_agent import ToggleAgent
from spot_optimizer.application.authenticate import Asked
from spot_optimizer.application.dashboard.agents import (
    AgentDetails,
    AgentLine,
    AgentViews,
    PastAgentLine,
)
from spot_optimizer.application.dashboard.paging import Page, Placed
from spot_optimizer.application.dashboard.questions import ClientQuestion
from spot_optimizer.domain.agents.settings_change import LimitsChange, SettingsChange
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import AgentId, ClientId

L = TypeVar("L")
Shown = TypeVar("Shown")

# Shown where no wait is set, and where it is 0 (4.3).
_UNSET_WAIT_MINUTES = 30

_MOST_REPLICAS = 10
_LONGEST_WAIT_MINUTES = 1440


class AgentItem(Struct, rename="camel"):
    id: str
    logical_agent_id: str
    instance_id: str | None
    instance_type: str | None
    region: str | None
    az: str | None
    current_mode: str | None
    status: str
    last_heartbeat: str | None
    instance_count: int
    enabled: bool | None
    auto_switch_enabled: bool | None
    manual_replica_enabled: bool | None
    auto_terminate_enabled: bool | None
    terminate_wait_minutes: int
    agent_version: str | None

    @classmethod
    def of(cls, line: AgentLine) -> Self:
        return cls(
            line.id,
            line.logical_agent_id,
            line.instance_id,
            line.instance_type,
            line.region,
            line.zone,
            line.mode,
            line.status,
            timestamp(line.last_heartbeat_at),
            line.instance_count or 0,
            line.enabled,
            line.auto_switch_enabled,
            line.manual_replica_enabled,
            line.auto_terminate_enabled,
            _minutes(line.terminate_wait_seconds),
            line.agent_version,
        )


class PastAgentItem(Struct, rename="camel"):
    id: str
    logical_agent_id: str
    instance_id: str | None
    instance_type: str | None
    region: str | None
    az: str | None
    current_mode: str | None
    status: str
    enabled: bool | None
    auto_switch_enabled: bool | None
    manual_replica_enabled: bool | None
    created_at: str | None
    updated_at: str | None
    last_heartbeat: str | None
    installed_at: str | None
    terminated_at: str | None

    @classmethod
    def of(cls, line: PastAgentLine) -> Self:
        return cls(
            line.id,
            line.logical_agent_id,
            line.instance_id,
            line.instance_type,
            line.region,
            line.zone,
            line.mode,
            line.status,
            line.enabled,
            line.auto_switch_enabled,
            line.manual_replica_enabled,
            timestamp(line.created_at),
            timestamp(line.updated_at),
            timestamp(line.last_heartbeat_at),
            timestamp(line.installed_at),
            timestamp(line.terminated_at),
        )


class AgentLimits(Struct, rename="camel"):
    min_savings_percent: float
    risk_threshold: float
    max_switches_per_week: int
    min_pool_duration_hours: int


class SingleAgent(AgentItem, rename="camel"):
    created_at: str | None
    updated_at: str | None
    installed_at: str | None
    terminated_at: str | None
    client_id: str
    hostname: str | None
    current_pool_id: str | None
    replica_count: int
    current_replica_id: str | None
    config: AgentLimits

    @classmethod
    def of_details(cls, agent: AgentDetails) -> Self:
        line, past, limits = agent.line, agent.past, agent.limits
        return cls(
            id=line.id,
            logical_agent_id=line.logical_agent_id,
            instance_id=line.instance_id,
            instance_type=line.instance_type,
            region=line.region,
            az=line.zone,
            current_mode=line.mode,
            status=line.status,
            last_heartbeat=timestamp(line.last_heartbeat_at),
            instance_count=line.instance_count or 0,
            enabled=line.enabled,
            auto_switch_enabled=line.auto_switch_enabled,
            manual_replica_enabled=line.manual_replica_enabled,
            auto_terminate_enabled=line.auto_terminate_enabled,
            terminate_wait_minutes=_minutes(line.terminate_wait_seconds),
            agent_version=line.agent_version,
            created_at=timestamp(past.created_at),
            updated_at=timestamp(past.updated_at),
            installed_at=timestamp(past.installed_at),
            terminated_at=timestamp(past.terminated_at),
            client_id=agent.client_id,
            hostname=agent.hostname,
            current_pool_id=agent.pool_id,
            replica_count=agent.replica_count or 0,
            current_replica_id=agent.current_replica_id,
            config=AgentLimits(
                min_savings_percent=float(limits.min_savings_percent),
                risk_threshold=float(limits.risk_threshold),
                max_switches_per_week=limits.max_switches_per_week,
                min_pool_duration_hours=limits.min_pool_duration_hours,
            ),
        )


class ModesStored(Struct):
    auto_switch_enabled: bool
    manual_replica_enabled: bool
    success: bool = True


class AgentDeleted(Struct):
    agent_id: str
    success: bool = True
    message: str = "Agent deleted successfully"


def dashboard_agent_handlers(
    *,
    gatekeeper: Gatekeeper,
    agent_lists: Joined[Asked[ClientQuestion], WrittenList[AgentLine]],
    agent_views: AgentViews,
    toggle_agent: ToggleAgent,
    configure_agent: ConfigureAgent,
    delete_agent: DeleteAgent,
    compatibility: Compatibility,
) -> list[HTTPRouteHandler]:
    """Agents as their client sees and changes them."""

    async def paged(
        request: AnyRequest,
        client_id: str,
        page: Page,
        read: Callable[[ClientId, Page], Sequence[Placed[L]]],
        shown: Callable[[L], Shown],
    ) -> Response[bytes]:
        caller = await gatekeeper.dashboard(request)
        found = await in_thread(read, caller.asking_about(ClientId(client_id)), page)
        more = link_to_next(request, page, found)
        return a_list([shown(placed.line) for placed in found], more)

    @get("/api/client/{client_id:str}/agents")
    async def agents(request: AnyRequest, client_id: FromPath[str]) -> Response[bytes]:
        if (page := page_of(request)) is not None:
            return await paged(request, client_id, page, agent_views.page_of, AgentItem.of)
        question = partial(ClientQuestion, ClientId(client_id), ())
        listed = await gatekeeper.ask_at_dashboard(request, agent_lists, question)
        return listed.response()

    @get("/api/client/{client_id:str}/agents/history")
    async def history(request: AnyRequest, client_id: FromPath[str]) -> Response[bytes]:
        if (page := page_of(request)) is not None:
            read = agent_views.page_of_history
            return await paged(request, client_id, page, read, PastAgentItem.of)
        caller = await gatekeeper.dashboard(request)
        client = caller.asking_about(ClientId(client_id))
        lines: Sequence[PastAgentLine] = await in_thread(agent_views.history_of, client)
        return a_list([PastAgentItem.of(line) for line in lines])

    @get("/api/client/agents/{agent_id:str}")
    async def details(request: AnyRequest, agent_id: FromPath[str]) -> SingleAgent:
        caller = await gatekeeper.dashboard(request)
        found = await in_thread(agent_views.details, AgentId(agent_id), caller.owner)
        return SingleAgent.of_details(found)

    @get("/api/agents/{agent_id:str}")
    async def record(request: AnyRequest, agent_id: FromPath[str]) -> dict[str, object]:
        """The same in the words of the agent routes, for the dashboard that customers run."""
        caller = await gatekeeper.client_or_operator(request)
        found = await in_thread(agent_views.details, AgentId(agent_id), caller.owner)
        single = SingleAgent.of_details(found)
        return {**structs.asdict(single), "config": structs.asdict(single.config)}

    @post("/api/client/agents/{agent_id:str}/toggle-enabled")
    async def toggle(request: AnyRequest, agent_id: FromPath[str]) -> Success:
        caller = await gatekeeper.dashboard(request)
        fields = await form(request, may_be_absent=not compatibility.refuse_absent_body)
        await in_thread(toggle_agent, AgentId(agent_id), partial(_enabled, fields), caller)
        return Success()

    @post("/api/client/agents/{agent_id:str}/settings")
    async def settings(request: AnyRequest, agent_id: FromPath[str]) -> Success:
        caller = await gatekeeper.dashboard(request)
        change = partial(_settings, await form(request))
        await in_thread(configure_agent, AgentId(agent_id), change, caller)
        return Success()

    @post("/api/client/agents/{agent_id:str}/config")
    async def config(request: AnyRequest, agent_id: FromPath[str]) -> ModesStored:
        caller = await gatekeeper.dashboard(request)
        change = partial(_config, await form(request))
        stored = await in_thread(configure_agent, AgentId(agent_id), change, caller)
        return ModesStored(stored.auto_switch_enabled, stored.manual_replica_enabled)

    @delete("/api/client/agents/{agent_id:str}")
    async def remove(request: AnyRequest, agent_id: FromPath[str]) -> AgentDeleted:
        caller = await gatekeeper.dashboard(request)
        await in_thread(delete_agent, AgentId(agent_id), caller)
        return AgentDeleted(agent_id)

    return [agents, history, details, record, toggle, settings, config, remove]


def agent_items(lines: Sequence[AgentLine]) -> list[AgentItem]:
    return [AgentItem.of(line) for line in lines]


def _enabled(sent: dict[str, object]) -> bool | None:
    fields = Fields(sent)
    enabled = fields.flag("enabled")
    fields.check()
    return enabled


def _settings(sent: dict[str, object]) -> SettingsChange:
    fields = Fields(sent)
    change = SettingsChange(
        auto_switch_enabled=fields.flag("auto_switch_enabled"),
        manual_replica_enabled=fields.flag("manual_replica_enabled"),
        auto_terminate_enabled=fields.flag("auto_terminate_enabled"),
        replica_enabled=fields.flag("replica_enabled"),
        replica_count=fields.whole("replica_count", 0, _MOST_REPLICAS),
    )
    fields.check()
    return change


def _config(sent: dict[str, object]) -> SettingsChange:
    fields = Fields(sent)
    named = fields.first_of("terminateWaitMinutes", "terminate_wait_minutes")
    minutes = fields.whole(named, 0, _LONGEST_WAIT_MINUTES)
    change = SettingsChange(
        auto_switch_enabled=fields.flag("autoSwitchEnabled"),
        manual_replica_enabled=fields.flag("manualReplicaEnabled"),
        auto_terminate_enabled=fields.flag("autoTerminateEnabled"),
        terminate_wait_seconds=None if minutes is None else minutes * 60,
        limits=LimitsChange(
            min_savings_percent=fields.number("min_savings_percent", 0, 100),
            risk_threshold=fields.number("risk_threshold", 0, 1),
            max_switches_per_week=fields.whole("max_switches_per_week", 1, 50),
            min_pool_duration_hours=fields.whole("min_pool_duration_hours", 1, 24),
        ),
    )
    fields.check()
    return change


def _minutes(seconds: int | None) -> int:
    return seconds // 60 if seconds else _UNSET_WAIT_MINUTES
