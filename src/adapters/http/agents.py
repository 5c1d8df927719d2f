from collections.abc import Callable
from functools import partial
from typing import Final, Self

from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper, Unauthorised
from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.reading import NULL, UNKNOWN, Reader, as_mode
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread, post
from spot_optimizer.adapters.http.tracking import note_id
from spot_optimizer.adapters.http.wire import json_document, json_object, not_an_object
from spot_optimizer.application.agents.queries import AgentConfiguration, AgentQuestion
from spot_optimizer.application.agents.record_cleanup import RecordCleanup
from spot_optimizer.application.agents.record_heartbeats import ReceivedHeartbeat
from spot_optimizer.application.agents.register_agent import Introduction, RegisterAgent
from spot_optimizer.application.agents.report_termination import (
    ReportTermination,
    TerminationReport,
)
from spot_optimizer.application.authenticate import Asked
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from spot_optimizer.domain.agents.agent import AgentStatus
from spot_optimizer.domain.agents.heartbeat import Heartbeat
from spot_optimizer.domain.agents.registration import Registration, RegistrationOutcome
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.cleanups import CleanupReport, TidiedAway
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import DomainError, Forbidden, ValidationFailed
from spot_optimizer.domain.identifiers import (
    ADDRESS_LENGTH,
    AMI_ID_LENGTH,
    HOSTNAME_LENGTH,
    INSTANCE_ID_LENGTH,
    INSTANCE_TYPE_LENGTH,
    LOGICAL_AGENT_ID_LENGTH,
    POOL_ID_LENGTH,
    REGION_LENGTH,
    VERSION_LENGTH,
    ZONE_LENGTH,
    AgentId,
    ClientId,
    InstanceId,
    LogicalAgentId,
    PoolId,
)
from spot_optimizer.domain.values import Mode

_REGISTRATION: Final = frozenset(
    {
        "client_token",
        "logical_agent_id",
        "instance_id",
        "instance_type",
        "region",
        "az",
        "hostname",
        "ami_id",
        "mode",
        "agent_version",
        "private_ip",
        "public_ip",
    }
)
_OPTIONAL: Final = ("hostname", "ami_id", "mode", "agent_version", "private_ip", "public_ip")


class Success(Struct):
    success: bool = True


class RegistrationConfig(Struct):
    enabled: bool
    auto_switch_enabled: bool
    auto_terminate_enabled: bool
    terminate_wait_seconds: int | None
    replica_enabled: bool
    replica_count: int
    min_savings_percent: float
    risk_threshold: float
    max_switches_per_week: int
    min_pool_duration_hours: int


class Registered(Struct):
    agent_id: str
    client_id: str
    config: RegistrationConfig

    @classmethod
    def of(cls, introduction: Introduction) -> Self:
        registered, limits = introduction.registered, introduction.limits
        settings = registered.agent.settings
        # The process on an instance that has been replaced had better keep quiet.
        replaced = registered.outcome is RegistrationOutcome.ACKNOWLEDGED_FORMER
        return cls(
            agent_id=registered.agent.id,
            client_id=registered.agent.client_id,
            config=RegistrationConfig(
                enabled=settings.enabled and not replaced,
                auto_switch_enabled=settings.auto_switch_enabled,
                auto_terminate_enabled=settings.auto_terminate_enabled,
                terminate_wait_seconds=settings.terminate_wait_seconds,
                replica_enabled=settings.replica_enabled,
                replica_count=settings.replica_count,
                min_savings_percent=float(limits.min_savings_percent),
                risk_threshold=float(limits.risk_threshold),
                max_switches_per_week=limits.max_switches_per_week,
                min_pool_duration_hours=limits.min_pool_duration_hours,
            ),
        )


class AgentConfig(RegistrationConfig):
    manual_replica_enabled: bool

    @classmethod
    def of(cls, configuration: AgentConfiguration) -> Self:
        settings, limits = configuration.settings, configuration.limits
        return cls(
            enabled=settings.enabled,
            auto_switch_enabled=settings.auto_switch_enabled,
            manual_replica_enabled=settings.manual_replica_enabled,
            auto_terminate_enabled=settings.auto_terminate_enabled,
            terminate_wait_seconds=settings.terminate_wait_seconds,
            replica_enabled=settings.replica_enabled,
            replica_count=settings.replica_count,
            min_savings_percent=float(limits.min_savings_percent),
            risk_threshold=float(limits.risk_threshold),
            max_switches_per_week=limits.max_switches_per_week,
            min_pool_duration_hours=limits.min_pool_duration_hours,
        )


class ReplicaConfig(Struct):
    enabled: bool
    count: int

    @classmethod
    def of(cls, configuration: AgentConfiguration) -> Self:
        settings = configuration.settings
        return cls(enabled=settings.replica_enabled, count=settings.replica_count)


class CleanupRecorded(Struct):
    success: bool
    message: str
    deleted_snapshots: int
    deleted_amis: int
    failed_count: int

    @classmethod
    def of(cls, report: CleanupReport) -> Self:
        tidied = report.tidied
        return cls(
            success=True,
            message="Cleanup report recorded",
            deleted_snapshots=tidied.snapshots,
            deleted_amis=tidied.amis,
            failed_count=tidied.failed,
        )


def agent_handlers(
    *,
    gatekeeper: Gatekeeper,
    register_agent: RegisterAgent,
    record_heartbeats: Joined[Asked[ReceivedHeartbeat], None],
    configurations: Joined[Asked[AgentQuestion], AgentConfiguration],
    report_termination: ReportTermination,
    record_cleanup: RecordCleanup,
    compatibility: Compatibility,
) -> list[HTTPRouteHandler]:
    """Identity, signs of life and settings of agents."""

    @post("/api/agents/register")
    async def register(request: AnyRequest) -> Registered:
        caller = await gatekeeper.client_or_operator(request)
        document = await json_document(request, compatibility)
        try:
            registration = _registration(document, compatibility)
        except ValidationFailed as refusal:
            details = refusal.details.get("details")
            if isinstance(details, dict):
                await in_thread(register_agent.refuse, caller, details)
            raise
        client_id = await _registering_client(caller, document, gatekeeper)
        try:
            introduction = await in_thread(register_agent, client_id, registration, caller)
            note_id("agent_id", introduction.registered.agent.id)
        except (DomainError, StoreUnavailable):
            raise
        except Exception:
            await in_thread(register_agent.fail, caller)
            raise
        return Registered.of(introduction)

    @post("/api/agents/{agent_id:str}/heartbeat")
    async def heartbeat(request: AnyRequest, agent_id: FromPath[str]) -> Success:
        async def said() -> Callable[[Caller], ReceivedHeartbeat]:
            beat = _heartbeat(await json_object(request, compatibility))
            return partial(ReceivedHeartbeat, AgentId(agent_id), beat)

        await gatekeeper.ask_with_body(request, record_heartbeats, said)
        return Success()

    @get("/api/agents/{agent_id:str}/config")
    async def config(request: AnyRequest, agent_id: FromPath[str]) -> AgentConfig:
        question = partial(AgentQuestion, AgentId(agent_id))
        return AgentConfig.of(await gatekeeper.ask(request, configurations, question))

    @get("/api/agents/{agent_id:str}/replica-config")
    async def replica_config(request: AnyRequest, agent_id: FromPath[str]) -> ReplicaConfig:
        question = partial(AgentQuestion, AgentId(agent_id))
        return ReplicaConfig.of(await gatekeeper.ask(request, configurations, question))

    @post("/api/agents/{agent_id:str}/termination")
    async def termination(request: AnyRequest, agent_id: FromPath[str]) -> Success:
        caller = await gatekeeper.client_or_operator(request)
        report = _termination(await json_object(request, compatibility), compatibility)
        await in_thread(report_termination, AgentId(agent_id), report, caller)
        return Success()

    @post("/api/agents/{agent_id:str}/cleanup-report")
    async def cleanup_report(request: AnyRequest, agent_id: FromPath[str]) -> CleanupRecorded:
        caller = await gatekeeper.client_or_operator(request)
        tidied = _tidied_away(await json_object(request, compatibility), compatibility)
        report = await in_thread(record_cleanup, AgentId(agent_id), tidied, caller)
        return CleanupRecorded.of(report)

    return [register, heartbeat, config, replica_config, termination, cleanup_report]


async def _registering_client(caller: Caller, document: object, gatekeeper: Gatekeeper) -> ClientId:
    """Whose agent registers: the caller's, or the one whose token an operator names."""
    if caller.client_id is not None:
        return caller.client_id
    token = document.get("client_token") if isinstance(document, dict) else None
    owner = await gatekeeper.authenticate(token) if isinstance(token, str) else None
    if owner is None:
        raise Unauthorised("Invalid client token")
    if not owner.is_active:
        raise Forbidden("Client account is not active")
    return owner.client_id


def _registration(document: object, compatibility: Compatibility) -> Registration:
    if not isinstance(document, dict):
        raise not_an_object()
    reader = Reader(document, strict=True)
    reader.required_text("client_token", 255)
    registration = Registration(
        logical_agent_id=LogicalAgentId(
            reader.required_text("logical_agent_id", LOGICAL_AGENT_ID_LENGTH)
        ),
        instance_id=InstanceId(reader.required_text("instance_id", INSTANCE_ID_LENGTH)),
        instance_type=reader.required_text("instance_type", INSTANCE_TYPE_LENGTH),
        region=reader.required_text("region", REGION_LENGTH),
        zone=reader.required_text("az", ZONE_LENGTH),
        hostname=reader.text("hostname", HOSTNAME_LENGTH),
        ami_id=reader.text("ami_id", AMI_ID_LENGTH),
        mode=as_mode(reader.choice("mode", list(Mode))),
        agent_version=reader.text("agent_version", VERSION_LENGTH),
        private_ip=reader.text("private_ip", ADDRESS_LENGTH),
        public_ip=reader.text("public_ip", ADDRESS_LENGTH),
        pool_id=_pool(reader.text("pool_id", POOL_ID_LENGTH)),
    )
    if compatibility.strict_registration:
        for name, value in document.items():
            if name not in _REGISTRATION:
                reader.errors[name] = [UNKNOWN]
            elif value is None and name in _OPTIONAL:
                reader.errors[name] = [NULL]
    reader.check()
    return registration


def _heartbeat(fields: dict[str, object]) -> Heartbeat:
    reader = Reader(fields, strict=True)
    mode = reader.text("mode", 64) or reader.text("current_mode", 64)
    heartbeat = Heartbeat(
        status=reader.choice("status", list(AgentStatus)) or AgentStatus.ONLINE,
        instance_id=_instance(reader.text("instance_id", INSTANCE_ID_LENGTH)),
        instance_type=reader.text("instance_type", INSTANCE_TYPE_LENGTH),
        zone=reader.text("az", ZONE_LENGTH),
        mode=as_mode(mode),
        pool_id=_pool(
            reader.text("pool_id", POOL_ID_LENGTH) or reader.text("current_pool_id", POOL_ID_LENGTH)
        ),
        monitored_instance_id=_first_monitored(fields.get("monitored_instances")),
    )
    reader.check()
    return heartbeat


def _first_monitored(listed: object) -> InstanceId | None:
    first = listed[0] if isinstance(listed, list) and listed else None
    return InstanceId(first) if isinstance(first, str) and first else None


def _termination(fields: dict[str, object], compatibility: Compatibility) -> TerminationReport:
    reader = Reader(fields, strict=compatibility.refuse_unreadable_reports)
    reason = reader.text("reason", 2000)
    told_nothing = compatibility.termination_spares_instance and "reason" in fields
    report = TerminationReport(
        reason=reason if reason is not None or told_nothing else "Unknown",
        instance_id=_instance(reader.text("instance_id", INSTANCE_ID_LENGTH)),
        as_received=fields,
    )
    reader.check()
    return report


def _tidied_away(fields: dict[str, object], compatibility: Compatibility) -> TidiedAway:
    reader = Reader(fields, strict=compatibility.refuse_unreadable_reports)
    snapshots, amis = reader.part("snapshots"), reader.part("amis")
    tidied = TidiedAway(
        snapshots=len(snapshots.listing("deleted")),
        amis=len(amis.listing("deleted_amis")),
        failed=len(snapshots.listing("failed")) + len(amis.listing("failed")),
        cutoff_at=snapshots.instant("cutoff_date"),
        executed_at=reader.instant("timestamp"),
        as_received=fields,
    )
    reader.check()
    return tidied


def _pool(text: str | None) -> PoolId | None:
    return PoolId(text) if text else None


def _instance(text: str | None) -> InstanceId | None:
    return InstanceId(text) if text else None
