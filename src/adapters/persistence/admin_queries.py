from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Engine, Row, Select, case, func, select
from sqlalchemy.exc import SQLAlchemyError

from spot_optimizer.adapters.persistence.failures import meaning_of, reading
from spot_optimizer.adapters.persistence.schema import missing_tables
from spot_optimizer.adapters.persistence.tables import (
    agents,
    clients,
    instances,
    spot_pools,
    switches,
)
from spot_optimizer.application.admin.queries import ClientLine, Totals
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable, TransactionLost
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.errors import ClientNotFound
from spot_optimizer.domain.identifiers import ClientId

_CLIENTS: Final = select(
    clients.c.id,
    clients.c.name,
    clients.c.is_active,
    clients.c.total_savings,
    clients.c.last_sync_at,
).order_by(clients.c.created_at.desc(), clients.c.id.desc())
_AGENTS: Final = select(
    agents.c.client_id,
    func.count().label("total"),
    func.sum(case((agents.c.status == "online", 1), else_=0)).label("online"),
).group_by(agents.c.client_id)
_INSTANCES: Final = (
    select(instances.c.client_id, func.count().label("active"))
    .where(instances.c.is_active.is_(True))
    .group_by(instances.c.client_id)
)


def _count(table: Any, *conditions: Any) -> Any:
    return select(func.count()).select_from(table).where(*conditions).scalar_subquery()


_TOTALS: Final[Select[Any]] = select(
    _count(clients).label("accounts"),
    _count(agents, agents.c.status == "online").label("agents_online"),
    _count(agents).label("agents_total"),
    _count(spot_pools, spot_pools.c.is_active.is_(True)).label("active_pools"),
    select(func.sum(clients.c.total_savings)).scalar_subquery().label("total_savings"),
    _count(switches).label("switches"),
    _count(switches, switches.c.event_trigger == "manual").label("manual_switches"),
    _count(switches, switches.c.event_trigger == "model").label("model_switches"),
)


class SqlAdminQueries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @repeated_when_lost
    def clients(self) -> Sequence[ClientLine]:
        with reading(self._engine) as connection:
            agents_of = {row.client_id: row for row in connection.execute(_AGENTS)}
            active = {row.client_id: row.active for row in connection.execute(_INSTANCES)}
            rows = connection.execute(_CLIENTS).all()
        return [_to_line(row, agents_of.get(row.id), active.get(row.id, 0)) for row in rows]

    @repeated_when_lost
    def client(self, client_id: ClientId) -> ClientLine:
        with reading(self._engine) as connection:
            row = connection.execute(_CLIENTS.where(clients.c.id == client_id)).one_or_none()
            counted = connection.execute(
                _AGENTS.where(agents.c.client_id == client_id)
            ).one_or_none()
            active = connection.execute(
                _INSTANCES.where(instances.c.client_id == client_id)
            ).one_or_none()
        if row is None or row.id != client_id:
            raise ClientNotFound
        return _to_line(row, counted, active.active if active else 0)

    @repeated_when_lost
    def totals(self) -> Totals:
        with reading(self._engine) as connection:
            row = connection.execute(_TOTALS).one()
        return Totals(
            accounts=row.accounts,
            agents_online=row.agents_online,
            agents_total=row.agents_total,
            active_pools=row.active_pools,
            total_savings=row.total_savings or Decimal(0),
            switches=row.switches,
            manual_switches=row.manual_switches,
            model_switches=row.model_switches,
        )


class SqlHealthProbe:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def database_answers(self) -> bool:
        try:
            self._ask()
        except (StoreUnavailable, TransactionLost):
            return False
        return True

    @repeated_when_lost
    def schema_is_complete(self) -> bool:
        try:
            return not missing_tables(self._engine)
        except SQLAlchemyError as error:
            raise meaning_of(error) from error

    @repeated_when_lost
    def _ask(self) -> None:
        with reading(self._engine) as connection:
            connection.execute(select(1)).scalar_one()


def _to_line(
    row: Row[*tuple[Any, ...]], counted: Row[*tuple[Any, ...]] | None, active: int
) -> ClientLine:
    return ClientLine(
        client_id=row.id,
        name=row.name,
        is_active=bool(row.is_active),
        agents_online=int(counted.online) if counted else 0,
        agents_total=counted.total if counted else 0,
        instances=active,
        total_savings=row.total_savings or Decimal(0),
        last_sync_at=row.last_sync_at,
    )
