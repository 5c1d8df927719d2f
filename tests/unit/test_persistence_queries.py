"""What operators and agents read."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.adapters.persistence.admin_queries import SqlAdminQueries, SqlHealthProbe
from spot_optimizer.adapters.persistence.agent_queries import SqlAgentQueries
from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.schema import create_schema
from spot_optimizer.application.admin.queries import ClientLine, Totals
from spot_optimizer.application.agents.queries import AgentConfiguration, AgentQuestion
from spot_optimizer.domain.agents.agent import AgentSettings, AgentStatus
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.decisions.contract import SwitchLimits
from spot_optimizer.domain.errors import AgentNotFound
from spot_optimizer.domain.identifiers import AgentId, ClientId, LogicalAgentId, SwitchId
from tests.builders import (
    ACME,
    AGENT,
    FROM_ACME,
    FROM_GLOBEX,
    GLOBEX,
    HOUR,
    NOON,
    OPERATOR,
    SECOND,
    THIRD,
    ZONE_A,
    ZONE_B,
    a_client,
    a_pool,
    a_switch,
    a_switch_report,
    an_agent,
    an_instance,
    globex,
    many_agents,
)
from tests.stores import SqlStore


class TestClientLines:
    def lines(self, database: SqlStore) -> list[ClientLine]:
        return list(SqlAdminQueries(database.engine).clients())

    def test_nobody_is_a_client(self, database: SqlStore) -> None:
        assert self.lines(database) == []

    def test_each_client_comes_with_its_figures(self, database: SqlStore) -> None:
        online, offline, deleted = many_agents(3)
        database.put(
            a_client(total_savings=Decimal("1.5")),
            globex(is_active=False),
            online,
            replace(offline, status=AgentStatus.OFFLINE),
            replace(deleted, status=AgentStatus.DELETED),
            an_instance(),
            an_instance(id=SECOND),
            an_instance(id=THIRD, is_active=False),
        )
        with database.work() as work:
            work.clients.heard_of([ACME], NOON)
            work.commit()

        lines = {line.client_id: line for line in self.lines(database)}

        assert lines[ACME] == ClientLine(
            client_id=ACME,
            name="Acme",
            is_active=True,
            agents_online=1,
            agents_total=3,
            instances=2,
            total_savings=Decimal("1.5000"),
            last_sync_at=NOON,
        )
        assert lines[GLOBEX] == ClientLine(
            client_id=GLOBEX,
            name="Globex",
            is_active=False,
            agents_online=0,
            agents_total=0,
            instances=0,
            total_savings=Decimal("0.0000"),
            last_sync_at=None,
        )

    def test_the_newest_client_stands_first_and_of_equals_the_higher_id(
        self, database: SqlStore
    ) -> None:
        ages = {"b": 1, "c": 0, "a": 1, "d": 2}
        with database.work() as work:
            for name, age in ages.items():
                client = a_client(id=ClientId(name), email=name, token=name)
                work.clients.add(client, NOON - age * HOUR)
            work.commit()

        assert [line.client_id for line in self.lines(database)] == ["c", "b", "a", "d"]


class TestTotals:
    def totals(self, database: SqlStore) -> Totals:
        return SqlAdminQueries(database.engine).totals()

    def test_where_nothing_is_everything_is_nothing(self, database: SqlStore) -> None:
        assert self.totals(database) == Totals(0, 0, 0, 0, Decimal(0), 0, 0, 0)

    def test_everything_is_counted(self, database: SqlStore) -> None:
        online, offline = many_agents(2)
        database.put(
            a_client(total_savings=Decimal("1.5")),
            globex(total_savings=Decimal("0.25")),
            online,
            replace(offline, status=AgentStatus.OFFLINE),
        )
        database.put_pools(ZONE_A)
        database.put_pool(a_pool(ZONE_B, is_active=False))
        with database.work() as work:
            for number, trigger in enumerate(["manual", "model", "model", None, "emergency"]):
                report = a_switch_report(trigger=trigger)
                work.switches.add(a_switch(id=SwitchId(f"s-{number}"), report=report))
            work.commit()

        assert self.totals(database) == Totals(
            accounts=2,
            agents_online=1,
            agents_total=2,
            active_pools=1,
            total_savings=Decimal("1.7500"),
            switches=5,
            manual_switches=1,
            model_switches=2,
        )


class TestConfigurations:
    settings = AgentSettings(enabled=False, terminate_wait_seconds=60, replica_count=1)

    def ask(self, database: SqlStore, *questions: tuple[str, Caller]) -> list[object]:
        asked = [AgentQuestion(AgentId(agent_id), caller) for agent_id, caller in questions]
        answers = SqlAgentQueries(database.engine).configurations(asked)
        return [None if isinstance(one, AgentNotFound) else one for one in answers]

    def test_a_configuration_is_what_was_set(self, database: SqlStore) -> None:
        limits = SwitchLimits(risk_threshold=Decimal("0.50"), max_switches_per_week=3)
        database.put(a_client())
        with database.work() as work:
            work.agents.add(an_agent(settings=self.settings), limits, NOON)
            work.commit()

        assert self.ask(database, (AGENT, FROM_ACME)) == [AgentConfiguration(self.settings, limits)]

    def test_answers_stand_in_the_order_of_the_questions(self, database: SqlStore) -> None:
        second = an_agent(
            id=AgentId("agent-2"),
            logical_agent_id=LogicalAgentId("web-2"),
            settings=self.settings,
        )
        database.put(a_client(), an_agent(), second)
        first_one = AgentConfiguration(AgentSettings(), SwitchLimits())
        second_one = AgentConfiguration(self.settings, SwitchLimits())

        answers = self.ask(
            database,
            ("agent-2", FROM_ACME),
            ("agent-9", FROM_ACME),
            ("agent-1", FROM_ACME),
            ("agent-2", OPERATOR),
        )

        assert answers == [second_one, None, first_one, second_one]
        assert self.ask(database) == []

    def test_an_agent_of_another_client_does_not_exist(self, database: SqlStore) -> None:
        database.put_two_clients_and_an_agent()

        known = AgentConfiguration(AgentSettings(), SwitchLimits())
        answers = self.ask(
            database, (AGENT, FROM_GLOBEX), (AGENT, FROM_ACME), ("AGENT-1", OPERATOR)
        )
        assert answers == [None, known, None]

    def test_without_limits_the_defaults_hold(self, database: SqlStore) -> None:
        database.put_two_clients_and_an_agent()
        database.empty(tables.agent_configs)

        assert self.ask(database, (AGENT, FROM_ACME)) == [
            AgentConfiguration(AgentSettings(), SwitchLimits())
        ]

    def test_where_nothing_is_stored_the_defaults_hold(self, database: SqlStore) -> None:
        database.put_two_clients_and_an_agent()
        database.change(tables.agent_configs, min_savings_percent=None, risk_threshold=None)
        database.change(tables.agents, terminate_wait_seconds=None, replica_count=None)

        assert self.ask(database, (AGENT, FROM_ACME)) == [
            AgentConfiguration(AgentSettings(terminate_wait_seconds=None), SwitchLimits())
        ]


class TestHealth:
    def test_a_database_that_answers_is_well(self, database: SqlStore) -> None:
        probe = SqlHealthProbe(database.engine)

        assert probe.database_answers()
        assert probe.schema_is_complete()

    def test_a_database_without_tables_is_not_complete(self, tmp_path: Path) -> None:
        engine = make_engine(f"sqlite:///{tmp_path / 'empty.sqlite3'}", 1)
        probe = SqlHealthProbe(engine)

        assert probe.database_answers()
        assert not probe.schema_is_complete()

        create_schema(engine)
        assert probe.schema_is_complete()
        engine.dispose()
