from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Row,
    Select,
    bindparam,
    exists,
    false,
    func,
    insert,
    select,
    update,
)

from spot_optimizer.adapters.persistence.tables import (
    agents,
    spot_interruption_events,
    spot_price_snapshots,
)
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.adapters.persistence.upsert import update_rows
from spot_optimizer.domain.agents.agent import AgentStatus
from spot_optimizer.domain.decisions.contract import PastInterruption
from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId
from spot_optimizer.domain.interruption_features import Circumstances, Features, PriceTrend
from spot_optimizer.domain.interruptions import (
    Interruption,
    InterruptionId,
    ResponseAction,
    Sign,
    SignalType,
)
from spot_optimizer.domain.pricing.prices import PricePoint

_TRENDS: Final = {trend.value: trend for trend in PriceTrend}
_EVENT: Final = spot_interruption_events.c
_SINCE: Final = bindparam("since", type_=UtcInstant)

_OF: Final = (
    select(spot_interruption_events)
    .where(_EVENT.agent_id.in_(bindparam("ids", expanding=True)))
    .where(_EVENT.detected_at >= _SINCE)
    .order_by(_EVENT.detected_at.desc(), _EVENT.id.desc())
)
_UNFINISHED: Final = (
    select(spot_interruption_events)
    .where(_EVENT.detected_at >= _SINCE)
    .where(_EVENT.failover_completed.is_(false()))
    .order_by(_EVENT.detected_at.desc(), _EVENT.id.desc())
)
_RANKED: Final = (
    select(
        _EVENT.pool_id,
        _EVENT.detected_at,
        func.row_number()
        .over(partition_by=_EVENT.pool_id, order_by=_EVENT.detected_at.desc())
        .label("place"),
    )
    .where(_EVENT.pool_id.in_(bindparam("pools", expanding=True)))
    .where(_EVENT.detected_at >= _SINCE)
    .subquery()
)
_PAST: Final = (
    select(_RANKED.c.pool_id, _RANKED.c.detected_at)
    .where(_RANKED.c.place <= bindparam("most"))
    .order_by(_RANKED.c.place)
)
_LOSSES: Final = (
    select(_EVENT.pool_id, _EVENT.detected_at)
    .where(_EVENT.pool_id.in_(bindparam("pool_ids", expanding=True)))
    .where(_EVENT.signal_type == SignalType.TERMINATION_NOTICE)
    .where(_EVENT.detected_at >= _SINCE)
    .order_by(_EVENT.detected_at, _EVENT.id)
)
_SIGNS: Final = (
    select(_EVENT.instance_id, _EVENT.signal_type, _EVENT.detected_at)
    .where(_EVENT.pool_id == bindparam("pool_id"))
    .where(_EVENT.detected_at >= _SINCE)
    .order_by(_EVENT.detected_at.desc(), _EVENT.id.desc())
    .limit(bindparam("most"))
)
_OF_POOLS: Final = (
    select(_EVENT.pool_id, func.count(), func.min(_EVENT.detected_at))
    .where(_EVENT.pool_id.in_(bindparam("pool_ids", expanding=True)))
    .group_by(_EVENT.pool_id)
)
_OF_AGENTS: Final = (
    select(_EVENT.agent_id, func.count(), func.max(_EVENT.detected_at))
    .where(_EVENT.agent_id.in_(bindparam("ids", expanding=True)))
    .group_by(_EVENT.agent_id)
)
_AGENTS_IN: Final = (
    select(agents.c.current_pool_id, func.count())
    .where(agents.c.current_pool_id.in_(bindparam("pool_ids", expanding=True)))
    .where(agents.c.enabled.is_(True))
    .where(agents.c.status != AgentStatus.DELETED)
    .group_by(agents.c.current_pool_id)
)
_TICK: Final = spot_price_snapshots.c
_PRICES: Final = (
    select(_TICK.pool_id, _TICK.captured_at, _TICK.price)
    .where(_TICK.pool_id.in_(bindparam("pool_ids", expanding=True)))
    .where(_TICK.captured_at >= _SINCE)
    .order_by(_TICK.captured_at, _TICK.id)
)
_PRICE_BEFORE: Final = (
    select(_TICK.pool_id, _TICK.captured_at, _TICK.price)
    .where(_TICK.pool_id == bindparam("pool_id"))
    .where(_TICK.captured_at < _SINCE)
    .order_by(_TICK.captured_at.desc(), _TICK.id.desc())
    .limit(1)
)


def unfinished_interruptions(
    connection: Connection, since: datetime
) -> Mapping[AgentId, Sequence[Interruption]]:
    """Of all agents, the newest first; finished ones may be among them that no failover ended."""
    return _by_agent(connection.execute(_UNFINISHED, {"since": since}))


class SqlInterruptionRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, interruption: Interruption, at: datetime) -> InterruptionId:
        inserted = self._connection.execute(
            insert(spot_interruption_events).values(**_to_row(interruption), created_at=at)
        )
        (key,) = inserted.inserted_primary_key or (0,)
        return InterruptionId(key)

    def save(self, interruption: Interruption) -> None:
        self._connection.execute(
            update(spot_interruption_events)
            .where(_EVENT.id == interruption.id)
            .values(**_to_row(interruption))
        )

    def add_all(self, interruptions: Sequence[Interruption], at: datetime) -> None:
        if interruptions:
            rows = [{**_to_row(one), "created_at": at} for one in interruptions]
            self._connection.execute(insert(spot_interruption_events), rows)

    def save_all(self, interruptions: Sequence[Interruption]) -> None:
        rows = [{"id": one.id, **_to_row(one)} for one in interruptions]
        if rows:
            columns = tuple(rows[0].keys() - {"id"})
            update_rows(self._connection, spot_interruption_events, rows, columns)

    def list_of(self, agent_id: AgentId, since: datetime) -> Sequence[Interruption]:
        return self.of([agent_id], since).get(agent_id, [])

    def of(
        self, agent_ids: Collection[AgentId], since: datetime
    ) -> Mapping[AgentId, Sequence[Interruption]]:
        if not agent_ids:
            return {}
        asked = {"ids": sorted(agent_ids), "since": since}
        return _by_agent(self._connection.execute(_OF, asked))

    def any_since(self, agent_id: AgentId, signal: SignalType, since: datetime) -> bool:
        same = (
            exists()
            .where(_EVENT.agent_id == agent_id)
            .where(_EVENT.signal_type == signal)
            .where(_EVENT.detected_at >= since)
        )
        return bool(self._connection.execute(select(same)).scalar_one())

    def count_in_pool(self, pool_id: PoolId, since: datetime) -> int:
        counted = (
            select(func.count())
            .select_from(spot_interruption_events)
            .where(_EVENT.pool_id == pool_id)
            .where(_EVENT.detected_at >= since)
        )
        return int(self._connection.execute(counted).scalar_one())

    def past_of(
        self, pool_ids: Collection[PoolId], since: datetime, most: int
    ) -> Mapping[PoolId, Sequence[PastInterruption]]:
        found: dict[PoolId, list[PastInterruption]] = {}
        if pool_ids:
            asked = {"pools": sorted(pool_ids), "since": since, "most": most}
            for row in self._connection.execute(_PAST, asked):
                past = PastInterruption(pool_id=row.pool_id, detected_at=row.detected_at)
                found.setdefault(row.pool_id, []).append(past)
        return found

    def losses_in(
        self, pool_ids: Collection[PoolId], since: datetime
    ) -> Mapping[PoolId, Sequence[datetime]]:
        found: dict[PoolId, list[datetime]] = {}
        if pool_ids:
            asked = {"pool_ids": sorted(pool_ids), "since": since}
            for row in self._connection.execute(_LOSSES, asked):
                found.setdefault(PoolId(row.pool_id), []).append(row.detected_at)
        return found

    def signs_in(self, pool_id: PoolId, since: datetime, most: int) -> Sequence[Sign]:
        asked = {"pool_id": pool_id, "since": since, "most": most}
        return [
            Sign(InstanceId(row.instance_id), SignalType(row.signal_type), row.detected_at)
            for row in self._connection.execute(_SIGNS, asked)
        ]

    def circumstances_of(
        self, pools: Mapping[AgentId, PoolId | None], since: datetime, now: datetime
    ) -> Mapping[AgentId, Circumstances]:
        if not pools:
            return {}
        pool_ids = {pool_id for pool_id in pools.values() if pool_id is not None}
        asked = {"ids": sorted(pools), "pool_ids": sorted(pool_ids), "since": since}
        of_agent = self._first_column_to_rest(_OF_AGENTS, asked)
        of_pool = self._first_column_to_rest(_OF_POOLS, asked)
        agents_in = self._first_column_to_rest(_AGENTS_IN, asked)
        prices = self._prices_in(pool_ids, since)
        found = {}
        for agent_id, pool_id in pools.items():
            interruptions, last_at = of_agent.get(agent_id, (0, None))
            seen = Circumstances(
                now=now, agent_interruptions=interruptions, agent_last_interrupted_at=last_at
            )
            if pool_id is not None:
                lost, first_at = of_pool.get(pool_id, (0, None))
                seen = replace(
                    seen,
                    prices=prices[pool_id],
                    pool_interruptions=lost,
                    pool_first_interrupted_at=first_at,
                    agents_in_pool=agents_in.get(pool_id, (0,))[0],
                )
            found[agent_id] = seen
        return found

    def _first_column_to_rest(
        self, statement: Select[Any], asked: Mapping[str, object]
    ) -> Mapping[str, tuple[Any, ...]]:
        return {key: tuple(rest) for key, *rest in self._connection.execute(statement, asked)}

    def _prices_in(
        self, pool_ids: Collection[PoolId], since: datetime
    ) -> Mapping[PoolId, Sequence[PricePoint]]:
        found: dict[PoolId, list[PricePoint]] = {pool_id: [] for pool_id in pool_ids}
        if pool_ids:
            asked = {"pool_ids": sorted(pool_ids), "since": since}
            for row in self._connection.execute(_PRICES, asked):
                found.setdefault(PoolId(row.pool_id), []).append(_to_point(row))
        for pool_id, points in found.items():
            if not points:
                before = {"pool_id": pool_id, "since": since}
                points += map(_to_point, self._connection.execute(_PRICE_BEFORE, before))
        return found


def _to_point(row: Row[*tuple[Any, ...]]) -> PricePoint:
    return PricePoint(pool_id=row.pool_id, price=row.price, captured_at=row.captured_at)


def _by_agent(rows: Iterable[Row[Any]]) -> Mapping[AgentId, Sequence[Interruption]]:
    found: dict[AgentId, list[Interruption]] = {}
    for row in rows:
        found.setdefault(AgentId(row.agent_id), []).append(_to_interruption(row))
    return found


def _to_interruption(row: Row[*tuple[Any, ...]]) -> Interruption:
    return Interruption(
        id=InterruptionId(row.id),
        agent_id=row.agent_id,
        instance_id=row.instance_id,
        pool_id=row.pool_id,
        signal_type=SignalType(row.signal_type),
        detected_at=row.detected_at,
        termination_at=row.termination_time,
        response_action=ResponseAction(row.response_action),
        replica_id=row.replica_id,
        replica_ready=bool(row.replica_ready),
        failover_completed=bool(row.failover_completed),
        failover_time_ms=row.failover_time_ms,
        data_loss_seconds=row.data_loss_seconds or 0,
        success=row.success is None or bool(row.success),
        error_message=row.error_message,
        features=Features(
            instance_age_hours=row.instance_age_hours,
            spot_price=row.spot_price_at_interruption,
            price_trend=_TRENDS.get(row.price_trend_before),
            price_change_percent=row.price_change_percent,
            minutes_since_price_change=row.time_since_price_change_minutes,
            day_of_week=row.day_of_week,
            hour_of_day=row.hour_of_day,
            pool_rate=row.pool_historical_interruption_rate,
            region_rate=row.region_interruption_rate,
            competing_instances=row.competing_instances_count,
            previous_interruptions=row.previous_interruptions_count,
            hours_since_last_interruption=row.time_since_last_interruption_hours,
        ),
        metadata=row.metadata if isinstance(row.metadata, dict) else {},
    )


def _to_row(interruption: Interruption) -> dict[str, Any]:
    learnt = interruption.features
    return {
        "instance_id": interruption.instance_id,
        "agent_id": interruption.agent_id,
        "pool_id": interruption.pool_id,
        "signal_type": interruption.signal_type,
        "detected_at": interruption.detected_at,
        "termination_time": interruption.termination_at,
        "response_action": interruption.response_action,
        "replica_id": interruption.replica_id,
        "replica_ready": interruption.replica_ready,
        "failover_completed": interruption.failover_completed,
        "failover_time_ms": interruption.failover_time_ms,
        "data_loss_seconds": interruption.data_loss_seconds,
        "success": interruption.success,
        "error_message": interruption.error_message,
        "metadata": dict(interruption.metadata) or None,
        "instance_age_hours": learnt.instance_age_hours,
        "spot_price_at_interruption": learnt.spot_price,
        "price_trend_before": learnt.price_trend,
        "price_change_percent": learnt.price_change_percent,
        "time_since_price_change_minutes": learnt.minutes_since_price_change,
        "day_of_week": learnt.day_of_week,
        "hour_of_day": learnt.hour_of_day,
        "pool_historical_interruption_rate": learnt.pool_rate,
        "region_interruption_rate": learnt.region_rate,
        "competing_instances_count": learnt.competing_instances,
        "previous_interruptions_count": learnt.previous_interruptions or 0,
        "time_since_last_interruption_hours": learnt.hours_since_last_interruption,
    }
