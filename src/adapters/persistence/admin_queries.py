from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Self

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    Table,
    false,
    func,
    or_,
    select,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

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


class _Exactly(FunctionElement[bytes | str]):
    """A text by its bytes: as the key of a group that takes MariaDB two thirds of the time that
    comparing letters takes."""

    inherit_cache = True


@compiles(_Exactly)
def _exactly(element: _Exactly, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS BINARY)"


@compiles(_Exactly, "sqlite")
def _as_it_is(element: _Exactly, compiler: SQLCompiler, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


def _counted(table: Table) -> Select[bytes | str, int]:
    """By the index on the clients alone."""
    client = _Exactly(table.c.client_id)
    return select(client.label("client"), func.count().label("number")).group_by(client)


def _counted_among(table: Table, condition: ColumnElement[bool]) -> Select[bytes | str, int]:
    """By whatever finds these rows: for the clients' order alone a database would go through an
    index and look up each row, five to ten times as long."""
    client = _Exactly(table.c.client_id + "")
    return (
        select(client.label("client"), func.count().label("number"))
        .where(condition)
        .group_by(client)
    )


_AGENTS: Final = _counted(agents)
_INSTANCES: Final = _counted(instances)
# Those that are there are the most, and need no row to be looked at. So the exceptions are counted,
# and taken off.
_NOT_ONLINE: Final = _counted_among(
    agents, or_(agents.c.status != "online", agents.c.status.is_(None))
)
_NOT_ACTIVE: Final = _counted_among(
    instances, or_(instances.c.is_active == false(), instances.c.is_active.is_(None))
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
            figures = _Figures.read(connection)
            rows = connection.execute(_CLIENTS).all()
        return [figures.line_of(row) for row in rows]

    @repeated_when_lost
    def client(self, client_id: ClientId) -> ClientLine:
        with reading(self._engine) as connection:
            figures = _Figures.read(connection, client_id)
            row = connection.execute(_CLIENTS.where(clients.c.id == client_id)).one_or_none()
        if row is None or row.id != client_id:
            raise ClientNotFound
        return figures.line_of(row)

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

    def idle_connections(self) -> int:
        pool = self._engine.pool
        return max(0, pool.size() - pool.checkedout()) if isinstance(pool, QueuePool) else 1

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


@dataclass(frozen=True, slots=True)
class _Figures:
    """Counts by client, of all clients or of one."""

    agents: Mapping[str, int]
    not_online: Mapping[str, int]
    instances: Mapping[str, int]
    not_active: Mapping[str, int]

    @classmethod
    def read(cls, connection: Connection, client_id: ClientId | None = None) -> Self:
        def counted(asked: Select[bytes | str, int], table: Table) -> Mapping[str, int]:
            if client_id is not None:
                asked = asked.where(table.c.client_id == client_id)
            return {_text(row.client): row.number for row in connection.execute(asked)}

        return cls(
            not_online=counted(_NOT_ONLINE, agents),
            agents=counted(_AGENTS, agents),
            not_active=counted(_NOT_ACTIVE, instances),
            instances=counted(_INSTANCES, instances),
        )

    def line_of(self, row: Row[*tuple[Any, ...]]) -> ClientLine:
        agents_total = self.agents.get(row.id, 0)
        # Not below zero: the counts are of slightly different moments.
        return ClientLine(
            client_id=row.id,
            name=row.name,
            is_active=bool(row.is_active),
            agents_online=max(0, agents_total - self.not_online.get(row.id, 0)),
            agents_total=agents_total,
            instances=max(0, self.instances.get(row.id, 0) - self.not_active.get(row.id, 0)),
            total_savings=row.total_savings or Decimal(0),
            last_sync_at=row.last_sync_at,
        )


def _text(key: bytes | str) -> str:
    return key if isinstance(key, str) else key.decode()
