"""The judge finds what is wrong, and only that."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.contract.clock import ReplayClock
from tests.contract.judge import Judge
from tests.contract.recording import Catalogue, Change, Effects, Json, RowCounts, Step, Table
from tests.contract.reply import Reply
from tests.contract.snapshots import Snapshot, effects_between, rule_differences
from tests.contract.templates import Scope

AN_ID = "a9e00000-0000-4000-8000-0000000000a1"
CATALOGUE = Catalogue(
    about="two tables",
    tables={
        "agents": Table(pk=["id"], columns=["id", "status", "last_heartbeat_at", "updated_at"]),
        "audit_logs": Table(pk=["id"], columns=["id", "action"]),
    },
    seed={},
)


def a_scope(**names: Json) -> Scope:
    return Scope(ReplayClock(), names)


def a_table(*agents: dict[str, Any]) -> Snapshot:
    return {"agents": {(agent["id"],): agent for agent in agents}, "audit_logs": {}}


class TestEffects:
    def test_what_came_what_changed_and_what_went(self) -> None:
        before = a_table({"id": "1", "status": "online"}, {"id": "2", "status": "online"})
        after = a_table({"id": "1", "status": "offline"}, {"id": "3", "status": None})

        assert effects_between(before, after, CATALOGUE) == Effects(
            inserted={"agents": [{"id": "3"}]},
            updated={"agents": [Change(key={"id": "1"}, columns={"status": "offline"})]},
            deleted={"agents": [{"id": "2"}]},
        )

    def test_an_alternative_limits_how_many_rows_change(self) -> None:
        effects = Effects(inserted={"agents": [{"id": "1"}, {"id": "2"}]})

        assert rule_differences(RowCounts(inserted={"agents": 2}), effects) == []
        assert rule_differences(RowCounts(inserted={"agents": ">=1"}), effects) == []
        assert len(rule_differences(RowCounts(inserted={"agents": 3}), effects)) == 1
        assert len(rule_differences(RowCounts(inserted={"agents": ">=3"}), effects)) == 1
        assert len(rule_differences(RowCounts(unchanged=["agents"]), effects)) == 1
        assert len(rule_differences(RowCounts(deleted={"agents": 1}), effects)) == 1


def a_step(**changes: Json) -> Step:
    step = {
        "name": "heartbeat",
        "route": "POST /api/agents/<agent_id>/heartbeat",
        "request": {"method": "POST", "path": f"/api/agents/{AN_ID}/heartbeat", "json": {"a": 1}},
        "response": {
            "status": 200,
            "content_type": "application/json",
            "body_kind": "json",
            "body": {"success": True},
        },
        "effects": {},
    }
    return msgspec.convert({**step, **changes}, Step)


def a_defect(**changes: Json) -> Step:
    return a_step(
        defect=True,
        why="it stumbles",
        response={"status": 500, "content_type": "text/html", "body_kind": "html"},
        intended={
            "status": [400, 415],
            "shape": {"error": "string"},
            "db": {"unchanged": ["agents"]},
        },
        **changes,
    )


def a_reply(
    body: Json = None, status: int = 200, content_type: str = "application/json", kind: str = "json"
) -> Reply:
    said = {"success": True} if body is None else body
    return Reply(status=status, content_type=content_type, kind=kind, body=said, headers={})


def verdict(
    step: Step,
    reply: Reply,
    before: Snapshot | None = None,
    after: Snapshot | None = None,
    scope: Scope | None = None,
) -> list[str]:
    unchanged = before or a_table()
    return Judge(CATALOGUE).judge(step, reply, unchanged, after or unchanged, scope or a_scope())


ONLINE = {"id": "1", "status": "online", "last_heartbeat_at": "2025-06-17 11:00:00"}
OFFLINE = {**ONLINE, "status": "offline"}


class TestRecordedAnswers:
    def test_the_same_answer_is_right(self) -> None:
        assert verdict(a_step(), a_reply(content_type="application/json; charset=utf-8")) == []

    @pytest.mark.parametrize(
        ("reply", "complaint"),
        [
            (a_reply({"error": "no"}, 404), 'status: expected 200, got 404 ({"error":"no"})'),
            (a_reply({}), "$.success: missing (expected true)"),
            (a_reply({"success": True, "x": 1}), "$.x: unexpected (1)"),
            (
                a_reply(content_type="text/plain"),
                "content type: expected application/json, got text/plain",
            ),
            (a_reply(kind="empty"), "body: expected json, got empty"),
        ],
    )
    def test_another_answer_is_found(self, reply: Reply, complaint: str) -> None:
        assert verdict(a_step(), reply) == [complaint]

    def test_headers_are_compared_where_recorded(self) -> None:
        recorded = {**msgspec.to_builtins(a_step().response), "headers": {"Allow": "<re:GET>"}}

        assert len(verdict(a_step(response=recorded), a_reply())) == 1

    def test_a_shape_is_enough_where_the_recording_says_so(self) -> None:
        assert verdict(a_step(level="shape"), a_reply({"success": False})) == []
        assert verdict(a_step(level="shape"), a_reply({"success": "no"})) != []

    def test_another_answer_may_be_fine_too(self) -> None:
        step = a_step(also_ok=[{"status": 404, "values": {"$.error": "gone"}}])

        assert verdict(step, a_reply({"error": "gone"}, 404)) == []
        assert len(verdict(step, a_reply({"error": "lost"}, 404))) == 1

    def test_names_are_bound_from_the_answer(self) -> None:
        scope = a_scope()

        assert verdict(a_step(bind={"won": "$.success"}), a_reply(), scope=scope) == []
        assert scope.names == {"won": True}
        assert verdict(a_step(bind={"id": "$.id"}), a_reply()) == [
            "bind id: $.id is not in the answer"
        ]


class TestRecordedEffects:
    def test_an_unexpected_change_is_found(self) -> None:
        (found,) = verdict(a_step(), a_reply(), a_table(ONLINE), a_table(OFFLINE))

        assert found == 'db updated agents {"id":"1"}: unexpected {"status":"offline"}'

    def test_an_unexpected_row_is_found(self) -> None:
        (found,) = verdict(a_step(), a_reply(), a_table(), a_table(ONLINE))

        assert found.startswith("db inserted agents: expected 0 rows, got 1")

    def test_a_row_too_few_is_found(self) -> None:
        (found,) = verdict(a_step(), a_reply(), a_table(ONLINE), a_table())

        assert found == 'db deleted agents: expected 0 rows, got 1: [{"id":"1"}]'

    def test_a_missing_change_is_found(self) -> None:
        changes = {"agents": [{"key": {"id": "1"}, "set": {"status": "offline"}}]}
        step = a_step(effects={"updated": changes})

        assert verdict(step, a_reply(), a_table(ONLINE), a_table(OFFLINE)) == []
        (found,) = verdict(step, a_reply(), a_table(ONLINE))
        assert found.startswith('db updated agents {"id":"1"}: no such change')

    def test_a_missing_row_and_a_wrong_column_are_found(self) -> None:
        step = a_step(effects={"inserted": {"agents": [{**ONLINE, "last_heartbeat_at": "<any>"}]}})

        assert verdict(step, a_reply(), a_table(), a_table(ONLINE)) == []
        assert len(verdict(step, a_reply(), a_table())) == 1
        assert verdict(step, a_reply(), a_table(), a_table(OFFLINE)) == [
            "db inserted agents[0].status: expected 'online', got 'offline'"
        ]

    def test_a_clock_that_already_shows_this_second_counts_as_set(self) -> None:
        changes = {
            "agents": [{"key": {"id": "1"}, "set": {"last_heartbeat_at": "<mysql-datetime:now>"}}]
        }
        step = a_step(effects={"updated": changes})
        fresh = a_table({**ONLINE, "last_heartbeat_at": "2025-06-17 12:00:00"})

        assert verdict(step, a_reply(), fresh) == []
        assert len(verdict(step, a_reply(), a_table(ONLINE))) == 1

    def test_a_time_from_another_clock_is_found(self) -> None:
        changes = {
            "agents": [{"key": {"id": "1"}, "set": {"last_heartbeat_at": "<mysql-datetime:now>"}}]
        }
        step = a_step(effects={"updated": changes})
        late = a_table({**ONLINE, "last_heartbeat_at": "2026-06-17 12:00:00"})

        assert len(verdict(step, a_reply(), a_table(ONLINE), late)) == 1

    def test_the_servers_own_tables_are_its_own_affair(self) -> None:
        audited = a_table() | {"audit_logs": {("1",): {"id": "1", "action": "x"}}}

        assert verdict(a_step(), a_reply(), a_table(), audited) == []


class TestDefects:
    def test_what_was_intended_is_right(self) -> None:
        assert verdict(a_defect(), a_reply({"error": "JSON expected"}, 415)) == []

    def test_the_defect_itself_is_found(self) -> None:
        found = verdict(a_defect(), a_reply("<html>", 500, "text/html", "html"))

        assert found[0] == "repeats a known defect: it stumbles"
        assert len(found) == 2

    def test_another_answer_is_found(self) -> None:
        assert verdict(a_defect(), a_reply({"message": "?"}, 400)) != []

    def test_a_forbidden_change_is_found(self) -> None:
        refusal = a_reply({"error": "JSON expected"}, 400)

        assert verdict(a_defect(), refusal, a_table(ONLINE), a_table(OFFLINE)) == [
            "db: agents must not change, but 1 row(s) were updated"
        ]

    def test_an_empty_report_of_an_agent_may_be_answered_like_an_empty_object(self) -> None:
        empty = {"method": "POST", "path": f"/api/agents/{AN_ID}/heartbeat"}

        assert verdict(a_defect(request=empty), a_reply()) == []
        assert verdict(a_defect(request=empty), a_reply({"error": "oops"}, 500)) != []
