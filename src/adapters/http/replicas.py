from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final, TypeGuard

import litestar
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from msgspec import Struct

from spot_optimizer.adapters.http.access import Gatekeeper
from spot_optimizer.adapters.http.reading import Reader, as_instant
from spot_optimizer.adapters.http.routing import AnyRequest, created, get, in_thread, post
from spot_optimizer.adapters.http.wire import exact_timestamp, json_object, timestamp
from spot_optimizer.adapters.http.zones import wishes_in
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.replicas.create_replica import CreateReplica, ReplicaOrder
from spot_optimizer.application.replicas.hand_out_replicas import HandOutReplicas
from spot_optimizer.application.replicas.promote_replica import PromoteReplica
from spot_optimizer.application.replicas.queries import ListedReplica, ReplicaQueries
from spot_optimizer.application.replicas.report_replica import ReportReplica
from spot_optimizer.application.replicas.terminate_replica import TerminateReplica
from spot_optimizer.domain.callers import CallerKind
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import Refused, ValidationFailed
from spot_optimizer.domain.identifiers import (
    INSTANCE_ID_LENGTH,
    POOL_ID_LENGTH,
    AgentId,
    InstanceId,
    PoolId,
    ReplicaId,
    is_real_instance,
)
from spot_optimizer.domain.pricing.report import SpotPool
from spot_optimizer.domain.replicas.life_cycle import LIVE, REPORTS, ReplicaStatus
from spot_optimizer.domain.replicas.replica import (
    COMPLETE,
    AlreadyTerminated,
    Replica,
    ReplicaNotFound,
    ReplicaReport,
    SyncStatus,
)

_LARGEST_LATENCY_MS: Final = 2**31 - 1
_LONGEST_NAME: Final = 255
_LONGEST_ERROR: Final = 2000

_LIVE_STATUSES: Final = frozenset(LIVE)

put = litestar.put
delete = partial(litestar.delete, status_code=200)


class Pool(Struct):
    id: str | None
    name: str | None
    instance_type: str | None
    region: str | None
    az: str | None

    @classmethod
    def of(cls, pool: SpotPool) -> "Pool":
        return cls(pool.id or None, pool.name, pool.instance_type, pool.region, pool.zone)


class Cost(Struct):
    hourly: float | None
    total: float


class ReplicaItem(Struct):
    id: str
    instance_id: str
    type: str
    status: str
    sync_status: str
    sync_latency_ms: int | None
    state_transfer_progress: float
    pool: Pool
    cost: Cost
    created_by: str | None
    created_at: str | None
    ready_at: str | None
    terminated_at: str | None
    age_seconds: int
    is_active: bool
    tags: dict[str, Any]
    pool_id: str | None
    az: str

    @classmethod
    def of(cls, listed: ListedReplica, now: datetime, plain: bool) -> "ReplicaItem":
        replica, pool = listed.replica, listed.pool
        told = Pool.of(pool)
        if plain and not listed.pool_is_on_record:
            told = Pool(pool.id, None, None, None, None)
        lived = (replica.terminated_at or now) - replica.created_at
        return cls(
            id=replica.id,
            instance_id=replica.instance_id,
            type=replica.replica_type,
            status=replica.status,
            sync_status=replica.sync_status,
            sync_latency_ms=replica.sync_latency_ms,
            state_transfer_progress=float(replica.state_transfer_progress),
            pool=told,
            cost=Cost(
                hourly=float(replica.hourly_cost) if replica.hourly_cost else None,
                total=float(replica.total_cost),
            ),
            created_by=replica.created_by,
            created_at=timestamp(replica.created_at),
            ready_at=timestamp(replica.ready_at),
            terminated_at=timestamp(replica.terminated_at),
            age_seconds=int(lived.total_seconds()),
            is_active=replica.is_active,
            tags=dict(replica.tags or {}),
            pool_id=pool.id or None,
            az=pool.zone,
        )


class ReplicaList(Struct):
    replicas: list[ReplicaItem]
    total: int


class ReplicaCreated(Struct):
    replica_id: str
    instance_id: str
    pool: Pool
    hourly_cost: float | None
    status: str
    success: bool = True
    message: str = "Replica is launching. Connect your agent to establish sync."


class ReplicaPromoted(Struct):
    new_instance_id: str
    old_instance_id: str | None
    demoted: bool
    switch_time: str
    success: bool = True
    message: str = "Replica promoted to primary"


class ReplicaTerminated(Struct):
    replica_id: str
    terminated_at: str
    success: bool = True
    message: str = "Replica terminated"


class InstanceTaken(Struct):
    replica_id: str
    instance_id: str
    status: str
    success: bool = True


class StatusTaken(Struct):
    replica_id: str
    status: str
    success: bool = True


class SyncTaken(Struct):
    success: bool = True
    message: str = "Sync status updated"


def replica_handlers(
    *,
    gatekeeper: Gatekeeper,
    clock: Clock,
    create_replica: CreateReplica,
    replica_queries: ReplicaQueries,
    hand_out_replicas: HandOutReplicas,
    promote_replica: PromoteReplica,
    terminate_replica: TerminateReplica,
    report_replica: ReportReplica,
    compatibility: Compatibility,
) -> list[HTTPRouteHandler]:
    """Standbys: ordered, launched, kept in step, promoted and ended."""

    @created("/api/agents/{agent_id:str}/replicas")
    async def create(request: AnyRequest, agent_id: FromPath[str]) -> ReplicaCreated:
        caller = await gatekeeper.dashboard(request)
        order = _order(await json_object(request, compatibility))
        made = await in_thread(create_replica, AgentId(agent_id), order, caller)
        replica = made.replica
        return ReplicaCreated(
            replica_id=replica.id,
            instance_id=replica.instance_id,
            pool=Pool.of(made.pool),
            hourly_cost=None if replica.hourly_cost is None else float(replica.hourly_cost),
            status=replica.status,
        )

    @get("/api/agents/{agent_id:str}/replicas")
    async def listing(request: AnyRequest, agent_id: FromPath[str]) -> ReplicaList:
        caller = await gatekeeper.dashboard(request)
        plain = compatibility.replica_list_is_plain
        status = None if plain else request.query_params.get("status")
        ended_too = request.query_params.get("include_terminated", "").lower() == "true"
        if status == ReplicaStatus.LAUNCHING:
            # Only an agent launches what it is told; whoever else looks takes nothing away.
            is_agent = caller.kind is CallerKind.CLIENT and request.method == "GET"
            found = await in_thread(
                hand_out_replicas, AgentId(agent_id), caller, to_launch=is_agent
            )
        else:
            found = await in_thread(
                replica_queries.replicas_of, AgentId(agent_id), caller.owner, ended_too=ended_too
            )
        now = clock.now()
        items = [
            ReplicaItem.of(listed, now, plain)
            for listed in found
            if status is None or listed.replica.status == status
        ]
        return ReplicaList(items, len(items))

    @post("/api/agents/{agent_id:str}/replicas/{replica_id:str}/promote")
    async def promote(
        request: AnyRequest, agent_id: FromPath[str], replica_id: FromPath[str]
    ) -> ReplicaPromoted:
        caller = await gatekeeper.dashboard(request)
        fields = await json_object(request, compatibility)
        reader = Reader(fields, strict=True)
        demote = reader.flag("demote_old_primary") is not False
        reader.check()
        done = await in_thread(
            promote_replica, AgentId(agent_id), ReplicaId(replica_id), demote, caller
        )
        return ReplicaPromoted(
            new_instance_id=done.new_instance_id,
            old_instance_id=done.old_instance_id,
            demoted=done.demoted,
            switch_time=exact_timestamp(done.at),
        )

    @delete("/api/agents/{agent_id:str}/replicas/{replica_id:str}")
    async def terminate(
        request: AnyRequest, agent_id: FromPath[str], replica_id: FromPath[str]
    ) -> ReplicaTerminated:
        caller = await gatekeeper.dashboard(request)
        try:
            ended = await in_thread(
                terminate_replica, AgentId(agent_id), ReplicaId(replica_id), caller
            )
        except AlreadyTerminated as refusal:
            ended_at = timestamp(refusal.terminated_at)
            raise Refused(str(refusal), terminated_at=ended_at) from refusal
        return ReplicaTerminated(ended.id, exact_timestamp(ended.terminated_at or clock.now()))

    @put("/api/agents/{agent_id:str}/replicas/{replica_id:str}")
    async def launched(
        request: AnyRequest, agent_id: FromPath[str], replica_id: FromPath[str]
    ) -> InstanceTaken:
        caller = await gatekeeper.dashboard(request)
        report = _launch(await json_object(request, compatibility))
        replica = await in_thread(
            report_replica, AgentId(agent_id), ReplicaId(replica_id), report, caller
        )
        known = _found(replica)
        return InstanceTaken(known.id, known.instance_id, known.status)

    @post("/api/agents/{agent_id:str}/replicas/{replica_id:str}/status")
    async def status(
        request: AnyRequest, agent_id: FromPath[str], replica_id: FromPath[str]
    ) -> StatusTaken:
        caller = await gatekeeper.dashboard(request)
        report = _status_report(await json_object(request, compatibility))
        replica = await in_thread(
            report_replica, AgentId(agent_id), ReplicaId(replica_id), report, caller
        )
        known = _found(replica)
        return StatusTaken(known.id, known.status)

    @post("/api/agents/{agent_id:str}/replicas/{replica_id:str}/sync-status")
    async def sync_status(
        request: AnyRequest, agent_id: FromPath[str], replica_id: FromPath[str]
    ) -> SyncTaken:
        caller = await gatekeeper.dashboard(request)
        report = _sync_report(await json_object(request, compatibility), compatibility)
        await in_thread(report_replica, AgentId(agent_id), ReplicaId(replica_id), report, caller)
        return SyncTaken()

    return [create, listing, promote, terminate, launched, status, sync_status]


def _found(replica: Replica | None) -> Replica:
    if replica is None:
        raise ReplicaNotFound
    return replica


def _order(fields: dict[str, object]) -> ReplicaOrder:
    """Of a user, who is told what is wrong; or of an agent, whose machine runs already."""
    named = fields.get("instance_id")
    machine = (
        InstanceId(named)
        if isinstance(named, str)
        and is_real_instance(InstanceId(named))
        and len(named) <= INSTANCE_ID_LENGTH
        else None
    )
    reader = Reader(fields, strict=machine is None)
    tags = fields.get("tags")
    status = str(fields.get("status"))
    order = ReplicaOrder(
        pool_id=_pool_id(reader, "pool_id") or _pool_id(reader, "target_pool_id"),
        wishes=wishes_in(reader),
        tags=tags if isinstance(tags, dict) else {},
        created_by=reader.text("created_by", _LONGEST_NAME) or "unknown",
        machine=machine,
        status=ReplicaStatus(status)
        if machine is not None and status in _LIVE_STATUSES
        else ReplicaStatus.LAUNCHING,
    )
    reader.check()
    return order


def _pool_id(reader: Reader, name: str) -> PoolId | None:
    value = reader.fields.get(name)
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return PoolId(str(value))
    text = reader.text(name, POOL_ID_LENGTH)
    return PoolId(text) if text else None


def _launch(fields: dict[str, object]) -> ReplicaReport:
    named = fields.get("instance_id")
    if not isinstance(named, str) or not 0 < len(named) <= INSTANCE_ID_LENGTH:
        raise ValidationFailed("instance_id is required")
    return ReplicaReport(instance_id=InstanceId(named), status=_status_in(fields))


def _status_report(fields: dict[str, object]) -> ReplicaReport:
    if not fields.get("status"):
        raise ValidationFailed("status is required")
    error = fields.get("error_message")
    return ReplicaReport(
        status=_status_in(fields),
        sync_completed_at=as_instant(fields.get("sync_completed_at")),
        error=error[:_LONGEST_ERROR] if isinstance(error, str) and error else None,
    )


def _sync_report(fields: dict[str, object], compatibility: Compatibility) -> ReplicaReport:
    said = fields.get("sync_status")
    if said is not None and (not isinstance(said, str) or said not in set(SyncStatus)):
        raise ValidationFailed("Invalid sync_status")
    latency = fields.get("sync_latency_ms")
    if latency is not None:
        if not _is_number(latency) or not 0 <= latency <= _LARGEST_LATENCY_MS:
            raise ValidationFailed("Invalid sync_latency_ms")
        latency = round(latency)
    progress = fields.get("state_transfer_progress")
    if progress is not None:
        strict = compatibility.refuse_unreadable_reports
        if not _is_number(progress) or (strict and not 0 <= progress <= COMPLETE):
            raise ValidationFailed("Invalid state_transfer_progress")
        progress = Decimal(progress)
    return ReplicaReport(
        status=_status_in(fields),
        sync_status=None if said is None else SyncStatus(str(said)),
        sync_latency_ms=latency,
        progress=progress,
        is_sync=True,
    )


def _is_number(value: object) -> TypeGuard[int | Decimal]:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _status_in(fields: dict[str, object]) -> ReplicaStatus | None:
    value = fields.get("status")
    if value is None:
        return None
    if not isinstance(value, str) or value not in REPORTS:
        raise ValidationFailed("Invalid status")
    return ReplicaStatus(value)
