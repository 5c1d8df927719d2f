from typing import Final, Self

from litestar import Controller
from litestar.params import FromPath, RawBody
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper, Unauthorised
from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.reading import NULL, UNKNOWN, Reader
from spot_optimizer.adapters.http.routing import Given, get_joined, post, post_joined
from spot_optimizer.adapters.http.wire import decoded, json_object, not_an_object
from spot_optimizer.application.agents.queries import AgentConfiguration, AgentQuestion
from spot_optimizer.application.agents.record_cleanup import RecordCleanup
from spot_optimizer.application.agents.record_heartbeats import ReceivedHeartbeat
from spot_optimizer.application.agents.register_agent import Introduction, RegisterAgent
from spot_optimizer.application.agents.report_termination import (
    ReportTermination,
    TerminationReport,
)
from spot_optimizer.domain.agents.agent import AgentStatus
from spot_optimizer.domain.agents.heartbeat import Heartbeat
from spot_optimizer.domain.agents.registration import Registration, RegistrationOutcome
from spot_optimizer.domain.callers import Caller, CallerKind
from spot_optimizer.domain.cleanups import CleanupReport, TidiedAway
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import ValidationFailed
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
        "pool_id",
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


class AgentController(Controller):
    path = "/api/agents"
    tags = ("agents",)

    @post("/register")
    def register(
        self,
        body: RawBody,
        registering_client: Given[ClientId],
        caller: Given[Caller],
        register_agent: Given[RegisterAgent],
        compatibility: Given[Compatibility],
    ) -> Registered:
        try:
            registration = _registration(decoded(body), compatibility)
        except ValidationFailed as refusal:
            if "details" in refusal.details:
                register_agent.refuse(caller, dict(refusal.details))
            raise
        try:
            return Registered.of(register_agent(registering_client, registration, caller))
        except Exception:
            register_agent.fail(caller)
            raise

    @post_joined("/{agent_id:str}/heartbeat")
    async def heartbeat(
        self,
        agent_id: FromPath[str],
        body: RawBody,
        caller: Given[Caller],
        record_heartbeats: Given[Joined[ReceivedHeartbeat, None]],
        compatibility: Given[Compatibility],
    ) -> Success:
        heartbeat = _heartbeat(json_object(body, compatibility))
        await record_heartbeats(ReceivedHeartbeat(AgentId(agent_id), heartbeat, caller))
        return Success()

    @get_joined("/{agent_id:str}/config")
    async def config(
        self,
        agent_id: FromPath[str],
        caller: Given[Caller],
        configurations: Given[Joined[AgentQuestion, AgentConfiguration]],
    ) -> AgentConfig:
        return AgentConfig.of(await configurations(AgentQuestion(AgentId(agent_id), caller)))

    @get_joined("/{agent_id:str}/replica-config")
    async def replica_config(
        self,
        agent_id: FromPath[str],
        caller: Given[Caller],
        configurations: Given[Joined[AgentQuestion, AgentConfiguration]],
    ) -> ReplicaConfig:
        return ReplicaConfig.of(await configurations(AgentQuestion(AgentId(agent_id), caller)))

    @post("/{agent_id:str}/termination")
    def termination(
        self,
        agent_id: FromPath[str],
        body: RawBody,
        caller: Given[Caller],
        report_termination: Given[ReportTermination],
        compatibility: Given[Compatibility],
    ) -> Success:
        report = _termination(json_object(body, compatibility), compatibility)
        report_termination(AgentId(agent_id), report, caller)
        return Success()

    @post("/{agent_id:str}/cleanup-report")
    def cleanup_report(
        self,
        agent_id: FromPath[str],
        body: RawBody,
        caller: Given[Caller],
        record_cleanup: Given[RecordCleanup],
        compatibility: Given[Compatibility],
    ) -> CleanupRecorded:
        tidied = _tidied_away(json_object(body, compatibility), compatibility)
        return CleanupRecorded.of(record_cleanup(AgentId(agent_id), tidied, caller))


async def registering_client(
    body: RawBody, caller: Given[Caller], gatekeeper: Given[Gatekeeper]
) -> ClientId:
    """Whose agent registers: the caller's, or the one whose token an operator names."""
    if caller.kind is not CallerKind.OPERATOR and caller.client_id is not None:
        return caller.client_id
    document = decoded(body)
    token = document.get("client_token") if isinstance(document, dict) else None
    owner = await gatekeeper.authenticate(token) if isinstance(token, str) else None
    if owner is None:
        raise Unauthorised("Invalid client token")
    return owner.client_id


def _registration(document: object, compatibility: Compatibility) -> Registration:
    if not isinstance(document, dict):
        raise not_an_object()
    reader = Reader(document, strict=True)
    refuse_null = compatibility.refuse_null_on_registration
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
        mode=_mode(reader.choice("mode", list(Mode))),
        agent_version=reader.text("agent_version", VERSION_LENGTH),
        private_ip=reader.text("private_ip", ADDRESS_LENGTH),
        public_ip=reader.text("public_ip", ADDRESS_LENGTH),
        pool_id=_pool(reader.text("pool_id", POOL_ID_LENGTH)),
    )
    for name in _OPTIONAL:
        if refuse_null and name in document and document[name] is None:
            reader.errors[name] = [NULL]
    for name in document:
        if name not in _REGISTRATION or (refuse_null and name == "pool_id"):
            reader.errors[name] = [UNKNOWN]
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
        mode=Mode(mode) if mode in set(Mode) else None,
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


def _mode(text: str | None) -> Mode | None:
    return None if text is None else Mode(text)


def _pool(text: str | None) -> PoolId | None:
    return PoolId(text) if text else None


def _instance(text: str | None) -> InstanceId | None:
    return InstanceId(text) if text else None
