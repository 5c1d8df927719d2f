from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, and_, bindparam, false, or_, select, true

from spot_optimizer.adapters.persistence.agents import to_agent
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.interruptions import unfinished_interruptions
from spot_optimizer.adapters.persistence.replicas import is_live, to_replica
from spot_optimizer.adapters.persistence.tables import (
    agents,
    replica_instances,
    spot_interruption_events,
)
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.domain.agents.agent import AgentStatus
from spot_optimizer.domain.identifiers import AgentId
from spot_optimizer.domain.replicas.coordination import Situation
from spot_optimizer.domain.replicas.life_cycle import ReplicaStatus
from spot_optimizer.domain.replicas.replica import Replica

_SINCE: Final = bindparam("since", type_=UtcInstant)
_REPLICA: Final = replica_instances.c

# Of an agent in automatic mode without replicas and notices, nothing has to be known.
_AGENTS: Final = (
    select(agents)
    .where(agents.c.status != AgentStatus.DELETED)
    .where(
        or_(
            agents.c.manual_replica_enabled.is_(true()),
            agents.c.replica_count != 0,
            agents.c.current_replica_id.is_not(None),
            select(_REPLICA.id).where(_REPLICA.agent_id == agents.c.id).where(is_live()).exists(),
            select(spot_interruption_events.c.id)
            .where(spot_interruption_events.c.agent_id == agents.c.id)
            .where(spot_interruption_events.c.detected_at >= _SINCE)
            .where(spot_interruption_events.c.failover_completed.is_(false()))
            .exists(),
        )
    )
    .order_by(agents.c.id)
)
_REPLICAS: Final = (
    select(replica_instances)
    .where(
        or_(
            is_live(),
            and_(_REPLICA.status == ReplicaStatus.FAILED, _REPLICA.created_at >= _SINCE),
        )
    )
    .order_by(_REPLICA.created_at.desc(), _REPLICA.id)
)


class SqlCoordinationQueries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def situations(self, since: datetime) -> Sequence[Situation]:
        with reading(self._engine) as connection:
            found = [to_agent(row) for row in connection.execute(_AGENTS, {"since": since})]
            replicas: dict[AgentId, list[Replica]] = {}
            for row in connection.execute(_REPLICAS, {"since": since}) if found else ():
                replicas.setdefault(AgentId(row.agent_id), []).append(to_replica(row))
            notices = unfinished_interruptions(connection, since) if found else {}
        return [
            Situation(
                agent=agent,
                replicas=replicas.get(agent.id, []),
                notices=notices.get(agent.id, []),
            )
            for agent in found
        ]
