from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine, bindparam, select

from spot_optimizer.adapters.persistence.agents import to_limits, to_settings
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import agent_configs, agents
from spot_optimizer.application.agents.queries import AgentConfiguration, AgentQuestion
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.errors import AgentNotFound, DomainError

_CONFIGURATIONS: Final = (
    select(
        agents.c.id,
        agents.c.client_id,
        agents.c.enabled,
        agents.c.auto_switch_enabled,
        agents.c.manual_replica_enabled,
        agents.c.auto_terminate_enabled,
        agents.c.terminate_wait_seconds,
        agents.c.replica_enabled,
        agents.c.replica_count,
        agent_configs.c.min_savings_percent,
        agent_configs.c.risk_threshold,
        agent_configs.c.max_switches_per_week,
        agent_configs.c.max_switches_per_day,
        agent_configs.c.min_pool_duration_hours,
    )
    .join(agent_configs, agent_configs.c.agent_id == agents.c.id, isouter=True)
    .where(agents.c.id.in_(bindparam("ids", expanding=True)))
)


class SqlAgentQueries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @repeated_when_lost
    def configurations(
        self, questions: Sequence[AgentQuestion]
    ) -> Sequence[AgentConfiguration | DomainError]:
        asked = sorted({question.agent_id for question in questions})
        with reading(self._engine) as connection:
            rows = {row.id: row for row in connection.execute(_CONFIGURATIONS, {"ids": asked})}
        answers: list[AgentConfiguration | DomainError] = []
        for question in questions:
            row = rows.get(question.agent_id)
            if row is None or question.caller.owner not in (None, row.client_id):
                answers.append(AgentNotFound())
            else:
                answers.append(AgentConfiguration(to_settings(row), to_limits(row)))
        return answers
