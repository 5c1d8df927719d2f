from decimal import Decimal
from typing import Final

from sqlalchemy import Engine, bindparam, func, select

from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import agents, clients, instances
from spot_optimizer.application.admin.queries import ClientLine
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.agents.agent import AgentStatus
from spot_optimizer.domain.errors import ClientNotFound
from spot_optimizer.domain.identifiers import ClientId

_AGENTS: Final = select(func.count()).where(agents.c.client_id == clients.c.id).correlate(clients)
_INSTANCES: Final = (
    select(func.count())
    .where(instances.c.client_id == clients.c.id)
    .where(instances.c.is_active.is_(True))
    .correlate(clients)
)
_OVERVIEW: Final = select(
    clients.c.id,
    clients.c.name,
    clients.c.is_active,
    clients.c.total_savings,
    clients.c.last_sync_at,
    _AGENTS.where(agents.c.status == AgentStatus.ONLINE).scalar_subquery().label("online"),
    _AGENTS.scalar_subquery().label("agents"),
    _INSTANCES.scalar_subquery().label("instances"),
).where(clients.c.id == bindparam("client_id"))


class SqlClientViews:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @repeated_when_lost
    def overview(self, client_id: ClientId) -> ClientLine:
        with reading(self._engine) as connection:
            row = connection.execute(_OVERVIEW, {"client_id": client_id}).one_or_none()
        if row is None or row.id != client_id:
            raise ClientNotFound
        return ClientLine(
            client_id=row.id,
            name=row.name,
            is_active=bool(row.is_active),
            agents_online=row.online,
            agents_total=row.agents,
            instances=row.instances,
            total_savings=row.total_savings or Decimal(0),
            last_sync_at=row.last_sync_at,
        )
