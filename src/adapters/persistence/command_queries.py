from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import Engine, and_, bindparam, select

from spot_optimizer.adapters.persistence.commands import open_legacy, to_command, to_legacy
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import agents, commands
from spot_optimizer.application.commands.queries import AgentQueue
from spot_optimizer.domain.commands.command import OPEN, Command
from spot_optimizer.domain.identifiers import AgentId, ClientId

_QUEUES: Final = (
    select(agents.c.id.label("polling_agent"), agents.c.client_id.label("owner"), *commands.c)
    .join(
        commands,
        and_(commands.c.agent_id == agents.c.id, commands.c.status.in_(sorted(OPEN))),
        isouter=True,
    )
    .where(agents.c.id.in_(bindparam("ids", expanding=True)))
)


class SqlCommandQueries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def queues_of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, AgentQueue]:
        asked = {"ids": sorted(agent_ids)}
        with reading(self._engine) as connection:
            rows = connection.execute(_QUEUES, asked).all()
            legacy = connection.execute(open_legacy, asked).all()
        found: dict[AgentId, list[Command]] = {AgentId(row.polling_agent): [] for row in rows}
        owners = {AgentId(row.polling_agent): ClientId(row.owner) for row in rows}
        for row in rows:
            if row.status is not None:
                found[AgentId(row.polling_agent)].append(to_command(row))
        for row in legacy:
            if row.agent_id in found:
                found[AgentId(row.agent_id)].append(to_legacy(row))
        return {one: AgentQueue(owners[one], waiting) for one, waiting in found.items()}
