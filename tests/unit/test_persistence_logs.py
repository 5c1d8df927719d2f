"""What is only ever written: decisions, events, notifications, audit entries, clean-ups."""

from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Table
from sqlalchemy.exc import DataError

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.domain.callers import SYSTEM
from spot_optimizer.domain.decisions.record import DecisionRecord, EngineAnswer
from spot_optimizer.domain.identifiers import ClientId, InstanceId
from spot_optimizer.domain.journal import AuditEntry, Notification, SystemEvent
from spot_optimizer.domain.values import Severity
from tests.builders import (
    ACME,
    AGENT,
    DAY,
    FIRST,
    FROM_ACME,
    MINUTE,
    NOON,
    OPERATOR,
    POOL_A,
    POOL_B,
    SECOND,
    a_cleanup_report,
    a_decision_record,
)
from tests.stores import SqlStore

STRANGER = ClientId("nobody")
EVENT = SystemEvent(
    event_type="agent_registered",
    severity=Severity.INFO,
    message="hello",
    client_id=ACME,
    agent_id=AGENT,
    instance_id=FIRST,
    metadata={"amount": Decimal("0.1")},
)
NOTIFICATION = Notification(client_id=ACME, message="hello", severity=Severity.WARNING)
ENTRY = AuditEntry(
    entity_type="agent",
    entity_id=AGENT,
    action="agent_changed",
    details={"why": "test"},
    changes={"status": ("offline", "online")},
)


@pytest.fixture(autouse=True)
def an_agent_is_known(request: pytest.FixtureRequest) -> None:
    place = next(name for name in ("database", "mariadb") if name in request.fixturenames)
    request.getfixturevalue(place).put_two_clients_and_an_agent()


def write(
    store: SqlStore,
    *entries: SystemEvent | Notification | AuditEntry | DecisionRecord,
) -> None:
    with store.work() as work:
        for entry in entries:
            match entry:
                case SystemEvent():
                    work.events.add(entry, NOON)
                case Notification():
                    work.notifications.add(entry, NOON)
                case AuditEntry():
                    work.audit.add(entry, FROM_ACME, NOON)
                case DecisionRecord():
                    work.decisions.add([entry])
        work.clients.credit(ACME, Decimal(1), NOON)
        work.commit()


def took_effect(store: SqlStore) -> bool:
    with store.work() as work:
        return work.clients.get(ACME).total_savings == 1


class TestJournal:
    def test_an_event_is_written_for_operators(self, database: SqlStore) -> None:
        write(database, EVENT)

        row = database.row(tables.system_events)
        row.pop("id")
        assert row == {
            "event_type": "agent_registered",
            "severity": "info",
            "client_id": ACME,
            "agent_id": AGENT,
            "instance_id": FIRST,
            "message": "hello",
            "metadata": {"amount": Decimal("0.1")},
            "created_at": NOON,
        }

    def test_an_event_may_tell_little(self, database: SqlStore) -> None:
        write(database, SystemEvent(event_type="e", severity=Severity.ERROR, message=None))

        row = database.row(tables.system_events)
        assert row["metadata"] is row["message"] is row["client_id"] is None

    def test_a_long_instance_id_is_cut_in_an_event(self, database: SqlStore) -> None:
        write(database, replace(EVENT, instance_id=InstanceId("i" * 80)))

        assert database.row(tables.system_events)["instance_id"] == "i" * 64

    def test_a_notification_is_written_for_the_client(self, database: SqlStore) -> None:
        write(database, NOTIFICATION)

        row = database.row(tables.notifications)
        assert len(row["id"]) == 36
        assert (row["client_id"], row["message"], row["severity"]) == (ACME, "hello", "warning")
        assert (row["is_read"], row["created_at"]) == (False, NOON)

    def test_an_audit_entry_tells_who_changed_what(self, database: SqlStore) -> None:
        with database.work() as work:
            work.audit.add(ENTRY, OPERATOR, NOON)
            work.commit()

        row = database.row(tables.audit_logs)
        assert len(row.pop("id")) == 36
        assert row == {
            "entity_type": "agent",
            "entity_id": AGENT,
            "action": "agent_changed",
            "actor_type": "operator",
            "actor_id": "10.0.0.9",
            "details": {"why": "test"},
            "changes": {"status": ["offline", "online"]},
            "ip_address": "10.0.0.9",
            "user_agent": "browser",
            "created_at": NOON,
        }

    def test_the_server_acts_for_nobody(self, database: SqlStore) -> None:
        with database.work() as work:
            work.audit.add(AuditEntry(entity_type="a", entity_id="b", action="c"), SYSTEM, NOON)
            work.audit.add(ENTRY, FROM_ACME, NOON)
            work.commit()

        rows = {row["actor_type"]: row for row in database.rows(tables.audit_logs)}
        assert rows["system"]["actor_id"] is rows["system"]["changes"] is None
        assert rows["client"]["actor_id"] == ACME

    def test_without_commit_nothing_is_written(self, database: SqlStore) -> None:
        with database.work() as work:
            work.events.add(EVENT, NOON)
            work.notifications.add(NOTIFICATION, NOON)
            work.audit.add(ENTRY, OPERATOR, NOON)

        for table in (tables.system_events, tables.notifications, tables.audit_logs):
            assert database.rows(table) == []

    @pytest.mark.parametrize(
        ("unwritable", "table"),
        [
            (replace(EVENT, client_id=STRANGER), tables.system_events),
            (replace(NOTIFICATION, client_id=STRANGER), tables.notifications),
        ],
    )
    def test_what_operators_and_clients_are_told_never_fails_the_rest(
        self,
        database: SqlStore,
        unwritable: SystemEvent | Notification,
        table: Table,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        write(database, ENTRY, unwritable)

        assert took_effect(database)
        assert database.rows(table) == []
        assert len(database.rows(tables.audit_logs)) == 1
        assert f"could not write 1 rows of {table.name}" in caplog.text

    def test_an_event_that_does_not_fit_never_fails_the_rest(self, mariadb: SqlStore) -> None:
        write(mariadb, replace(EVENT, event_type="e" * 65), NOTIFICATION)

        assert took_effect(mariadb)
        assert mariadb.rows(tables.system_events) == []
        assert len(mariadb.rows(tables.notifications)) == 1

    def test_an_audit_entry_that_cannot_be_written_fails_everything(
        self, mariadb: SqlStore
    ) -> None:
        with pytest.raises(DataError):
            write(mariadb, EVENT, NOTIFICATION, replace(ENTRY, action="a" * 101))

        assert not took_effect(mariadb)
        for table in (tables.system_events, tables.notifications, tables.audit_logs):
            assert mariadb.rows(table) == []


class TestDecisions:
    def test_a_decision_is_kept_in_three_places(self, database: SqlStore) -> None:
        write(database, a_decision_record())

        risk = database.row(tables.risk_scores)
        expected = {
            "client_id": ACME,
            "agent_id": AGENT,
            "instance_id": FIRST,
            "risk_score": Decimal("0.2000"),
            "recommended_action": "switch_spot",
            "recommended_mode": "spot",
            "recommended_pool_id": POOL_B,
            "expected_savings_per_hour": Decimal("0.029100"),
            "allowed": True,
            "reason": "cheaper there",
            "model_version": "1.2",
            "created_at": NOON,
        }
        assert {name: risk[name] for name in expected} == expected

        history = database.row(tables.agent_decision_history)
        history.pop("id")
        assert history == {
            "agent_id": AGENT,
            "client_id": ACME,
            "decision_type": "switch_spot",
            "recommended_action": "switch_spot",
            "recommended_pool_id": POOL_B,
            "risk_score": Decimal("0.2000"),
            "expected_savings": Decimal("0.0291"),
            "current_mode": "spot",
            "current_pool_id": POOL_A,
            "current_price": Decimal("0.012500"),
            "decision_time": NOON,
        }

        log = database.row(tables.decision_engine_log)
        log.pop("id")
        assert log == {
            "engine_type": "TestEngine",
            "engine_version": "1.2",
            "instance_id": FIRST,
            "input_data": log["input_data"],
            "output_decision": log["output_decision"],
            "execution_time_ms": 12,
            "models_used": ["risk"],
            "created_at": NOON,
        }
        assert log["input_data"]["pricing"] == {"current_spot_price": Decimal("0.0125")}
        assert log["input_data"]["flight"]["question"]["spot_price"] == Decimal("0.0125")
        assert log["output_decision"]["decision_type"] == "switch_to_spot"
        assert log["output_decision"]["advice"]["action"] == "switch_spot"

    def test_each_is_told_the_id_in_the_engine_log(self, database: SqlStore) -> None:
        unanswered = a_decision_record(answer=None, model_version=None)
        records = [
            a_decision_record(instance_id=FIRST),
            unanswered,
            a_decision_record(instance_id=SECOND),
        ]
        with database.work() as work:
            first, none, second = work.decisions.add(records)
            work.commit()

        kept = {row["id"]: row["instance_id"] for row in database.rows(tables.decision_engine_log)}
        assert kept == {first: FIRST, second: SECOND}
        assert none is None

    def test_where_no_engine_answered_there_is_no_engine_log(self, database: SqlStore) -> None:
        write(database, a_decision_record(answer=None, model_version=None))

        assert len(database.rows(tables.risk_scores)) == 1
        assert len(database.rows(tables.agent_decision_history)) == 1
        assert database.rows(tables.decision_engine_log) == []

    def test_no_decisions_leave_nothing(self, database: SqlStore) -> None:
        with database.work() as work:
            work.decisions.add([])
            work.commit()

        assert database.rows(tables.risk_scores) == []

    def test_without_commit_no_decision_is_kept(self, database: SqlStore) -> None:
        with database.work() as work:
            work.decisions.add([a_decision_record()])

        for table in (tables.risk_scores, tables.decision_engine_log):
            assert database.rows(table) == []

    def test_a_history_that_cannot_be_written_fails_nothing_else(self, mariadb: SqlStore) -> None:
        write(mariadb, a_decision_record(current_mode="m" * 21))

        assert took_effect(mariadb)
        assert mariadb.rows(tables.agent_decision_history) == []
        assert len(mariadb.rows(tables.risk_scores)) == 1
        assert len(mariadb.rows(tables.decision_engine_log)) == 1

    def test_an_engine_log_that_cannot_be_written_fails_nothing_else(
        self, mariadb: SqlStore
    ) -> None:
        answer = a_decision_record().answer
        assert isinstance(answer, EngineAnswer)
        write(mariadb, a_decision_record(answer=replace(answer, version="v" * 33)))

        assert took_effect(mariadb)
        assert mariadb.rows(tables.decision_engine_log) == []
        assert len(mariadb.rows(tables.agent_decision_history)) == 1

    def test_a_risk_score_that_cannot_be_written_fails_everything(self, mariadb: SqlStore) -> None:
        with pytest.raises(DataError):
            write(mariadb, a_decision_record(model_version="v" * 65))

        assert not took_effect(mariadb)
        assert mariadb.rows(tables.risk_scores) == []


def test_a_clean_up_is_kept(database: SqlStore) -> None:
    with database.work() as work:
        work.cleanups.add(a_cleanup_report())
        work.commit()

    row = database.row(tables.cleanup_logs)
    row.pop("id")
    assert row == {
        "agent_id": AGENT,
        "client_id": ACME,
        "cleanup_type": "full",
        "deleted_snapshots_count": 2,
        "deleted_amis_count": 1,
        "failed_count": 3,
        "details": {"snapshots": {"deleted": ["snap-1", "snap-2"]}},
        "cutoff_date": NOON - 7 * DAY,
        "executed_at": NOON - MINUTE,
    }
