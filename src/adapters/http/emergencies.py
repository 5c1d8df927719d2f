from collections.abc import Callable
from typing import Final

from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.reading import Reader, as_instant
from spot_optimizer.adapters.http.routing import AnyRequest, created, post
from spot_optimizer.adapters.http.wire import json_object
from spot_optimizer.adapters.http.zones import wishes_in
from spot_optimizer.application.authenticate import Asked
from spot_optimizer.application.interruptions.ensure_emergency_replica import (
    EmergencyAnswer,
    EmergencyRequest,
    ReceivedEmergency,
)
from spot_optimizer.application.interruptions.failover import FailedOver
from spot_optimizer.application.interruptions.termination_notices import (
    AlreadyMoved,
    Answer,
    NobodyReady,
    ReceivedNotice,
    TerminationNotice,
)
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import ValidationFailed
from spot_optimizer.domain.identifiers import INSTANCE_ID_LENGTH, AgentId, InstanceId, ReplicaId
from spot_optimizer.domain.interruptions import NO_REPLICA, SIGNALS, SignalType

_LONGEST_ID: Final = 255


class EmergencyPool(Struct):
    id: str
    name: str
    az: str


class EmergencyReplicaMade(Struct):
    replica_id: str
    instance_id: str
    pool: EmergencyPool
    hourly_cost: float | None
    urgency: str
    replica_instance_id: str
    """The instance again, under the name that agents read."""
    success: bool = True
    message: str = "Emergency replica created. Connect immediately for state sync."

    @classmethod
    def of(cls, answer: EmergencyAnswer, signal: SignalType) -> "EmergencyReplicaMade":
        replica, pool = answer.replica, answer.pool
        return cls(
            replica_id=replica.id,
            instance_id=replica.instance_id,
            pool=EmergencyPool(pool.id, pool.name, pool.zone),
            hourly_cost=None if replica.hourly_cost is None else float(replica.hourly_cost),
            urgency="critical" if signal is SignalType.TERMINATION_NOTICE else "high",
            replica_instance_id=replica.instance_id,
        )


class FailoverDone(Struct):
    new_instance_id: str | None
    replica_id: str | None
    failover_time_ms: int
    action: str = "replica_promoted"
    success: bool = True
    message: str = "Automatic failover completed"


class NoReplica(Struct):
    success: bool = False
    error: str = NO_REPLICA
    action: str = "emergency_snapshot_required"
    message: str = "Agent should create emergency state snapshot and upload to S3"


class NoReplicaYet(NoReplica):
    """The same to agents of today, who read nothing of an answer that is not 2xx
    (contract/real-agents.md 2)."""

    create_emergency_replica: bool = False


def emergency_handlers(
    *,
    gatekeeper: Gatekeeper,
    ensure_emergency_replica: Joined[Asked[ReceivedEmergency], EmergencyAnswer],
    fail_over: Joined[Asked[ReceivedNotice], Answer],
    compatibility: Compatibility,
) -> list[HTTPRouteHandler]:
    """What is done about an interruption while it is announced."""

    @created("/api/agents/{agent_id:str}/create-emergency-replica")
    async def create_emergency_replica(
        request: AnyRequest, agent_id: FromPath[str]
    ) -> EmergencyReplicaMade:
        wanted: list[EmergencyRequest] = []

        async def question() -> Callable[[Caller], ReceivedEmergency]:
            said = _request(await json_object(request, compatibility))
            wanted.append(said)
            return lambda caller: ReceivedEmergency(AgentId(agent_id), said, caller)

        answer = await gatekeeper.ask_at_dashboard_with_body(
            request, ensure_emergency_replica, question
        )
        return EmergencyReplicaMade.of(answer, wanted[0].signal_type)

    @post("/api/agents/{agent_id:str}/termination-imminent")
    async def termination_imminent(
        request: AnyRequest, agent_id: FromPath[str]
    ) -> Response[FailoverDone | NoReplica | NoReplicaYet]:
        async def question() -> Callable[[Caller], ReceivedNotice]:
            notice = _notice(await json_object(request, compatibility))
            return lambda caller: ReceivedNotice(AgentId(agent_id), notice, caller)

        outcome = await gatekeeper.ask_at_dashboard_with_body(request, fail_over, question)
        match outcome:
            case FailedOver(new_instance_id, replica_id, took_ms):
                return Response(FailoverDone(new_instance_id, replica_id, took_ms))
            case AlreadyMoved(primary):
                moved = FailoverDone(
                    primary, None, 0, "already_moved", message="Instance is not the primary"
                )
                return Response(moved)
            case NobodyReady() if compatibility.notices_leave_little:
                return Response(NoReplica(), status_code=500)
            case NobodyReady(agent_may_launch_one):
                return Response(NoReplicaYet(create_emergency_replica=agent_may_launch_one))

    return [create_emergency_replica, termination_imminent]


def _request(fields: dict[str, object]) -> EmergencyRequest:
    said = fields.get("signal_type")
    if not isinstance(said, str) or said not in SIGNALS:
        raise ValidationFailed("Invalid signal_type")
    reader = Reader(fields, strict=False)
    return EmergencyRequest(
        signal_type=SIGNALS[said],
        instance_id=_instance(reader),
        termination_at=as_instant(fields.get("termination_time")),
        wishes=wishes_in(reader),
    )


def _notice(fields: dict[str, object]) -> TerminationNotice:
    reader = Reader(fields, strict=False)
    named = reader.text("replica_id", _LONGEST_ID)
    return TerminationNotice(
        instance_id=_instance(reader),
        termination_at=as_instant(fields.get("termination_time")),
        replica_id=ReplicaId(named) if named else None,
    )


def _instance(reader: Reader) -> InstanceId | None:
    text = reader.text("instance_id", INSTANCE_ID_LENGTH)
    return InstanceId(text) if text else None
