from datetime import datetime

from sqlalchemy import Connection, exists, func, insert, select

from spot_optimizer.adapters.persistence.tables import spot_interruption_events
from spot_optimizer.domain.identifiers import AgentId, PoolId
from spot_optimizer.domain.interruptions import Interruption, SignalType


class SqlInterruptionRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, interruption: Interruption, at: datetime) -> None:
        self._connection.execute(
            insert(spot_interruption_events).values(
                instance_id=interruption.instance_id,
                agent_id=interruption.agent_id,
                pool_id=interruption.pool_id,
                signal_type=interruption.signal_type,
                detected_at=interruption.detected_at,
                response_action=interruption.response_action,
                metadata=dict(interruption.metadata),
                created_at=at,
            )
        )

    def any_since(self, agent_id: AgentId, signal: SignalType, since: datetime) -> bool:
        events = spot_interruption_events.c
        same = (
            exists()
            .where(events.agent_id == agent_id)
            .where(events.signal_type == signal)
            .where(events.detected_at >= since)
        )
        return bool(self._connection.execute(select(same)).scalar_one())

    def count_in_pool(self, pool_id: PoolId, since: datetime) -> int:
        events = spot_interruption_events.c
        counted = (
            select(func.count())
            .select_from(spot_interruption_events)
            .where(events.pool_id == pool_id)
            .where(events.detected_at >= since)
        )
        return int(self._connection.execute(counted).scalar_one())
