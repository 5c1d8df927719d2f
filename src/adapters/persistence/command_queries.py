from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import Engine, bindparam, exists, or_, select

from spot_optimizer.adapters.persistence.commands import open_commands_of
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import agents, commands, pending_switch_commands
from spot_optimizer.application.commands.queries import AgentQueue
from spot_optimizer.domain.commands.command import OPEN
from spot_optimizer.domain.identifiers import AgentId, ClientId

# Most polls find nothing waiting, and every column that is read costs time on the way.
_POLLED: Final = select(
    agents.c.id,
    agents.c.client_id,
    or_(
        exists()
        .where(commands.c.agent_id == agents.c.id)
        .where(commands.c.status.in_(sorted(OPEN))),
        exists()
        .where(pending_switch_commands.c.agent_id == agents.c.id)
        .where(pending_switch_commands.c.executed_at.is_(None)),
    ).label("something_waits"),
).where(agents.c.id.in_(bindparam("ids", expanding=True)))


class SqlCommandQueries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def queues_of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, AgentQueue]:
        with reading(self._engine) as connection:
            polled = connection.execute(_POLLED, {"ids": sorted(agent_ids)}).all()
            waited_for = [AgentId(row.id) for row in polled if row.something_waits]
            waiting = open_commands_of(connection, waited_for)
        return {
            AgentId(row.id): AgentQueue(ClientId(row.client_id), waiting.get(AgentId(row.id), []))
            for row in polled
        }
