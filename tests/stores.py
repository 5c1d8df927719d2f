"""The places that keep things: what is expected of one is expected of all."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import Engine, Table, delete, event, insert, select, update

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.adapters.persistence.command_queries import SqlCommandQueries
from spot_optimizer.adapters.persistence.commands import to_command
from spot_optimizer.adapters.persistence.coordination_queries import SqlCoordinationQueries
from spot_optimizer.adapters.persistence.credentials import SqlCredentials
from spot_optimizer.adapters.persistence.price_windows import SqlPriceWindows
from spot_optimizer.adapters.persistence.replica_queries import SqlReplicaQueries
from spot_optimizer.adapters.persistence.replicas import to_replica
from spot_optimizer.adapters.persistence.unit_of_work import SqlUnitOfWork
from spot_optimizer.application.commands.queries import CommandQueries
from spot_optimizer.application.ports.credentials import Credentials
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.application.pricing.fill_price_gaps import PriceWindows
from spot_optimizer.application.replicas.queries import ReplicaQueries
from spot_optimizer.application.replicas.run_coordinator_pass import CoordinationQueries
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.agents.instances import Instance, Standby
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.commands.command import Command
from spot_optimizer.domain.decisions.contract import SwitchLimits
from spot_optimizer.domain.identifiers import AgentId
from spot_optimizer.domain.interruptions import Interruption
from spot_optimizer.domain.pricing.buckets import BucketSnapshot, DataSource
from spot_optimizer.domain.pricing.prices import SourceRole
from spot_optimizer.domain.pricing.report import SpotPool
from spot_optimizer.domain.replicas.replica import Replica
from tests.builders import NOON, a_client, a_pool, an_agent, globex
from tests.fakes import InMemoryCommandQueries, InMemoryCredentials, InMemoryUnitOfWork
from tests.fakes.prices import InMemoryPriceWindows
from tests.fakes.replicas import InMemoryCoordinationQueries, InMemoryReplicaQueries, replica_of


class Store(ABC):
    """A place to keep things; the `put…` methods write what no port writes."""

    credentials: Credentials
    command_queries: CommandQueries
    coordination_queries: CoordinationQueries
    replica_queries: ReplicaQueries
    price_windows: PriceWindows

    @abstractmethod
    def work(self) -> UnitOfWork: ...

    @abstractmethod
    def put_standby(self, standby: Standby) -> None: ...

    @abstractmethod
    def put_legacy_command(self, command: Command) -> None: ...

    @abstractmethod
    def put_pool(self, pool: SpotPool) -> None: ...

    @abstractmethod
    def replicas_of(self, agent_ids: Collection[AgentId]) -> Sequence[Replica]:
        """All that ever were."""

    @abstractmethod
    def commands_of(self, agent_ids: Collection[AgentId]) -> Sequence[Command]:
        """All that ever were, but for the older queue."""

    @abstractmethod
    def put_interpolated_bucket(self, snapshot: BucketSnapshot) -> None: ...

    def put(self, *things: Client | Agent | Instance | Command | Replica | Interruption) -> None:
        """Committed, in the order given."""
        with self.work() as work:
            for thing in things:
                match thing:
                    case Client():
                        work.clients.add(thing, NOON)
                    case Agent():
                        work.agents.add(thing, SwitchLimits(), NOON)
                    case Instance():
                        work.instances.add(thing, NOON)
                    case Command():
                        work.commands.add(thing)
                    case Replica():
                        work.replicas.add(thing)
                    case Interruption():
                        work.interruptions.add(thing, NOON)
            work.commit()

    def put_two_clients_and_an_agent(self) -> None:
        self.put(a_client(), globex(), an_agent())

    def put_pools(self, *zones: str) -> None:
        for zone in zones:
            self.put_pool(a_pool(zone))


class InMemoryStore(Store):
    def __init__(self) -> None:
        self._work = InMemoryUnitOfWork()
        self.credentials = InMemoryCredentials(self._work)
        self.command_queries = InMemoryCommandQueries(self._work)
        self.coordination_queries = InMemoryCoordinationQueries(
            self._work.agents, self._work.replicas, self._work.interruptions
        )
        self.price_windows = InMemoryPriceWindows(self._work.pools, self._work.prices)
        self.replica_queries = InMemoryReplicaQueries(
            self._work.agents, self._work.replicas, self._work.pools.kept
        )

    def work(self) -> UnitOfWork:
        return self._work

    def put_standby(self, standby: Standby) -> None:
        self._work.replicas.kept[standby.replica_id] = replica_of(standby)

    def put_legacy_command(self, command: Command) -> None:
        self._work.commands.kept[command.id] = command

    def put_pool(self, pool: SpotPool) -> None:
        self._work.pools.kept[pool.id] = pool

    def replicas_of(self, agent_ids: Collection[AgentId]) -> Sequence[Replica]:
        return [one for one in self._work.replicas.kept.values() if one.agent_id in agent_ids]

    def commands_of(self, agent_ids: Collection[AgentId]) -> Sequence[Command]:
        return [one for one in self._work.commands.kept.values() if one.agent_id in agent_ids]

    def put_interpolated_bucket(self, snapshot: BucketSnapshot) -> None:
        with self._work as work:
            work.prices.add_buckets([snapshot], {}, NOON)
            work.commit()


class SqlStore(Store):
    """A database that is emptied, not created, for every test."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.credentials = SqlCredentials(engine)
        self.command_queries = SqlCommandQueries(engine)
        self.coordination_queries = SqlCoordinationQueries(engine)
        self.replica_queries = SqlReplicaQueries(engine)
        self.price_windows = SqlPriceWindows(engine)
        self._has_rows = select(
            *[select(table).exists().label(name) for name, table in _tables().items()]
        )

    def work(self) -> UnitOfWork:
        return SqlUnitOfWork(self.engine)

    def rows(self, table: Table) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]

    def row(self, table: Table) -> dict[str, Any]:
        """The only one."""
        (row,) = self.rows(table)
        return row

    def change(self, table: Table, **values: object) -> None:
        with self.engine.begin() as connection:
            connection.execute(update(table).values(values))

    def insert(self, table: Table, **values: object) -> None:
        with self.engine.begin() as connection:
            connection.execute(insert(table).values(values))

    def empty(self, table: Table) -> None:
        with self.engine.begin() as connection:
            connection.execute(delete(table))

    def clear(self) -> None:
        with self.engine.begin() as connection:
            filled = connection.execute(self._has_rows).mappings().one()
            for name, table in reversed(_tables().items()):
                if filled[name]:
                    connection.execute(delete(table))

    def put_standby(self, standby: Standby) -> None:
        self.insert(
            tables.replica_instances,
            id=standby.replica_id,
            agent_id=standby.agent_id,
            instance_id=standby.instance_id,
            replica_type=standby.replica_type,
            status=standby.status,
            is_active=standby.status != "terminated",
            created_at=NOON,
        )

    def put_legacy_command(self, command: Command) -> None:
        self.insert(
            tables.pending_switch_commands,
            id=int(command.id),
            client_id=command.client_id,
            agent_id=command.agent_id,
            instance_id=command.instance_id,
            target_mode=command.target_mode,
            target_pool_id=command.target_pool_id,
            priority=command.priority,
            terminate_wait_seconds=command.terminate_wait_seconds,
            created_at=command.created_at,
        )

    def put_pool(self, pool: SpotPool) -> None:
        self.insert(
            tables.spot_pools,
            id=pool.id,
            pool_name=pool.name,
            instance_type=pool.instance_type,
            region=pool.region,
            az=pool.zone,
            is_active=pool.is_active,
            updated_at=None,
        )

    def replicas_of(self, agent_ids: Collection[AgentId]) -> Sequence[Replica]:
        table = tables.replica_instances
        rows = select(table).where(table.c.agent_id.in_(sorted(agent_ids)))
        with self.engine.connect() as connection:
            return [to_replica(row) for row in connection.execute(rows)]

    def commands_of(self, agent_ids: Collection[AgentId]) -> Sequence[Command]:
        table = tables.commands
        rows = select(table).where(table.c.agent_id.in_(sorted(agent_ids)))
        with self.engine.connect() as connection:
            return [to_command(row) for row in connection.execute(rows)]

    def put_interpolated_bucket(self, snapshot: BucketSnapshot) -> None:
        with self.work() as work:
            work.prices.add_buckets([snapshot], {snapshot.pool_id: a_pool()}, NOON)
            work.commit()
        assert snapshot.data_source is DataSource.INTERPOLATED
        assert snapshot.role is SourceRole.INTERPOLATED


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """Every statement that is sent to the database meanwhile."""
    sent: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", listen)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", listen)


def does_not_wait_for_the_disk(connection: SqliteConnection, _entry: object) -> None:
    connection.execute("PRAGMA synchronous=OFF")


def _tables() -> dict[str, Table]:
    return {table.name: table for table in tables.metadata.sorted_tables}
