from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine, and_, exists, or_, select, true

from spot_optimizer.adapters.persistence.agents import to_settings
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.replicas import is_live
from spot_optimizer.adapters.persistence.tables import agents, instances, replica_instances
from spot_optimizer.domain.agents.agent import AgentStatus
from spot_optimizer.domain.agents.zombies import Zombie
from spot_optimizer.domain.identifiers import AgentId, InstanceId

_PRIMARY: Final = instances.alias("primary_instance")
_IS_STANDBY: Final = (
    exists()
    .where(replica_instances.c.agent_id == agents.c.id)
    .where(replica_instances.c.instance_id == instances.c.id)
    .where(is_live())
    .correlate(agents, instances)
)
_ZOMBIES: Final = (
    select(
        instances.c.id.label("zombie"),
        agents,
        _PRIMARY.c.installed_at.label("primary_installed_at"),
    )
    .join_from(
        instances,
        agents,
        and_(
            agents.c.id == instances.c.agent_id,
            agents.c.client_id == instances.c.client_id,
        ),
    )
    .join(_PRIMARY, _PRIMARY.c.id == agents.c.instance_id, isouter=True)
    .where(instances.c.is_active.is_(true()))
    .where(instances.c.terminated_at.is_(None))
    .where(agents.c.status != AgentStatus.DELETED)
    .where(or_(agents.c.instance_id.is_(None), agents.c.instance_id != instances.c.id))
    .where(~_IS_STANDBY)
    .order_by(instances.c.id)
)


class SqlZombieQueries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def zombies(self) -> Sequence[Zombie]:
        with reading(self._engine) as connection:
            return [
                Zombie(
                    instance_id=InstanceId(row.zombie),
                    agent_id=AgentId(row.id),
                    settings=to_settings(row),
                    replaced_at=max(
                        (
                            moment
                            for moment in (
                                row.primary_installed_at,
                                row.last_switch_at,
                                row.last_failover_at,
                            )
                            if moment is not None
                        ),
                        default=None,
                    ),
                )
                for row in connection.execute(_ZOMBIES)
            ]
