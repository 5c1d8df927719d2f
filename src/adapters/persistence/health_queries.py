from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine, func, select, true, type_coerce

from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import agents, pricing_reports
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.application.agents.monitor_health import SignOfLife
from spot_optimizer.domain.agents.agent import AgentStatus
from spot_optimizer.domain.identifiers import AgentId

_NEWEST_REPORT: Final = (
    select(func.max(pricing_reports.c.received_at))
    .where(pricing_reports.c.agent_id == agents.c.id)
    .correlate(agents)
    .scalar_subquery()
)
_SIGNS: Final = (
    select(
        agents.c.id,
        agents.c.last_heartbeat_at,
        type_coerce(_NEWEST_REPORT, UtcInstant).label("priced_at"),
    )
    .where(agents.c.enabled.is_(true()))
    .where(agents.c.status != AgentStatus.DELETED)
    .order_by(agents.c.id)
)


class SqlHealthQueries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def signs_of_life(self) -> Sequence[SignOfLife]:
        with reading(self._engine) as connection:
            return [
                SignOfLife(AgentId(row.id), row.last_heartbeat_at, row.priced_at)
                for row in connection.execute(_SIGNS)
            ]
