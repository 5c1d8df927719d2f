"""What operators do with one client (contract admin 1.2, 1.3 and 1.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER,
    OWNER_TOKEN,
    Answer,
    Api,
    Store,
    a_store_in,
    an_api,
)

NOT_FOUND = {"error": "Client not found"}
NOBODY = ["nobody", "CLIENT-OWNER", "client-owner%20", "%00", "ä", "' OR 1=1 --"]

# Gone with their agent though no foreign key says so.
ORPHANS = ("replica_instances", "spot_interruption_events", "instance_switches")


def delete(api: Api, client_id: str = OWNER) -> Answer:
    return api.send("DELETE", f"/api/admin/clients/{client_id}", token=OPERATOR_TOKEN)


def regenerate(api: Api, client_id: str = OWNER) -> Answer:
    return api.post(f"/api/admin/clients/{client_id}/regenerate-token", token=OPERATOR_TOKEN)


def put_orphans(store: Store, agent_id: str) -> None:
    with store.writing() as connection:
        for table, columns, values in (
            (
                "replica_instances",
                "id, agent_id, instance_id, replica_type, region, instance_type, az",
                f"'r-{agent_id}', '{agent_id}', 'i-8', 'manual', 'us-east-1', 't3.medium', 'x'",
            ),
            (
                "spot_interruption_events",
                "agent_id, instance_id, signal_type, detected_at, response_action",
                f"'{agent_id}', 'i-1', 'termination-notice', '2025-06-17 11:00:00', 'no-action'",
            ),
            ("instance_switches", "agent_id", f"'{agent_id}'"),
        ):
            connection.exec_driver_sql(f"INSERT INTO {table} ({columns}) VALUES ({values})")


class TestDeleting:
    def test_takes_everything_of_the_client_and_nothing_of_others(
        self, api: Api, store: Store
    ) -> None:
        mine = api.register()
        theirs = api.register(token="token-stranger-0123456789abcdefghijAB", instance_id="i-9")
        for agent_id in (mine, theirs):
            put_orphans(store, agent_id)

        answer = delete(api)

        assert (answer.status_code, answer.json()) == (
            200,
            {
                "success": True,
                "message": f"Client '{OWNER}' and all associated data have been deleted",
            },
        )
        left = store.contents(but=["audit_logs", "system_events"])
        assert mine not in str(left)
        assert OWNER not in str(left)
        assert {row["agent_id"] for table in ORPHANS for row in store.rows(table)} == {theirs}
        assert [row["id"] for row in store.rows("agents")] == [theirs]

    def test_is_told_in_an_event_that_outlives_the_client(self, api: Api, store: Store) -> None:
        api.register()

        delete(api)

        (event,) = [it for it in store.rows("system_events") if it["client_id"] is None]
        assert (event["event_type"], event["severity"]) == ("client_deleted", "warning")
        assert event["message"] == f"Client {OWNER} ({OWNER}) deleted permanently"
        assert event["metadata"] == {"deleted_client_id": OWNER, "deleted_client_name": OWNER}
        assert [it for it in store.rows("system_events") if it["client_id"] == OWNER] == []
        assert store.rows("notifications") == []

    def test_is_on_record_with_who_did_it(self, api: Api, store: Store) -> None:
        delete(api)

        entry = store.row("audit_logs")
        assert (entry["action"], entry["entity_id"], entry["actor_type"]) == (
            "client_deleted",
            OWNER,
            "operator",
        )
        assert entry["changes"] == {
            "name": [OWNER, None],
            "email": [f"{OWNER}@example.com", None],
        }

    def test_shuts_its_agents_out_at_once(self, api: Api) -> None:
        agent_id = api.register()

        delete(api)

        answer = api.get(f"/api/agents/{agent_id}/config")
        assert (answer.status_code, answer.json()) == (401, {"error": "Invalid client token"})

    def test_happens_once(self, api: Api, store: Store) -> None:
        delete(api)
        before = store.contents()

        answer = delete(api)

        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)
        assert store.contents() == before

    @pytest.mark.parametrize("client_id", NOBODY)
    def test_needs_exactly_the_id(self, api: Api, store: Store, client_id: str) -> None:
        before = store.contents()

        assert delete(api, client_id).status_code == 404
        assert store.contents() == before


class TestDeletingAsTheMonolith:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        with a_store_in(tmp_path) as store:
            store.empty()
            yield store

    def test_leaves_what_no_foreign_key_reaches(self, store: Store, tmp_path: Path) -> None:
        with an_api(store.url, tmp_path, DELETION_LEAVES_ORPHANS="True") as api:
            put_orphans(store, api.register())

            delete(api)

        assert [len(store.rows(table)) for table in ORPHANS] == [1, 1, 1]
        assert store.rows("agents") == []


class TestRegeneratingTheToken:
    def test_shuts_the_former_token_out_and_lets_the_new_one_in(self, api: Api) -> None:
        agent_id = api.register()

        answer = regenerate(api)

        told = answer.json()
        assert answer.status_code == 200
        assert re.fullmatch(r"token-[A-Za-z0-9]{32}", told.pop("token"))
        assert told == {
            "success": True,
            "message": "Token regenerated successfully. Update all agents with the new token.",
        }
        path, new = f"/api/agents/{agent_id}/config", answer.json()["token"]
        assert api.get(path, token=OWNER_TOKEN).status_code == 401
        assert api.get(path, token=new).status_code == 200

    def test_is_told_to_everybody_without_the_token(self, api: Api, store: Store) -> None:
        new = regenerate(api).json()["token"]

        notification, event = store.row("notifications"), store.row("system_events")
        assert (notification["severity"], notification["message"]) == (
            "warning",
            f"API token regenerated for client: {OWNER}. All agents need new token.",
        )
        assert (event["event_type"], event["severity"], event["message"], event["metadata"]) == (
            "token_regenerated",
            "warning",
            f"Token regenerated for {OWNER}",
            None,
        )
        assert event["client_id"] == notification["client_id"] == OWNER
        assert store.row("audit_logs")["action"] == "token_regenerated"
        told = str(store.contents(but=["clients"]))
        assert new not in told
        assert OWNER_TOKEN not in told

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
    def test_reads_no_body(self, api: Api, body: bytes) -> None:
        path = f"/api/admin/clients/{OWNER}/regenerate-token"

        assert api.post(path, body, token=OPERATOR_TOKEN).status_code == 200

    @pytest.mark.parametrize("client_id", NOBODY)
    def test_needs_exactly_the_id(self, api: Api, store: Store, client_id: str) -> None:
        before = store.contents()

        assert regenerate(api, client_id).status_code == 404
        assert store.contents() == before

    def test_gives_each_caller_one_that_was_valid(self, api: Api, store: Store) -> None:
        first, second = regenerate(api).json()["token"], regenerate(api).json()["token"]

        assert first != second
        kept = [row["client_token"] for row in store.rows("clients") if row["id"] == OWNER]
        assert kept == [second]


class TestReadingOne:
    def test_is_its_line_of_the_list(self, api: Api) -> None:
        api.register()

        answer = api.get(f"/api/admin/clients/{OWNER}", token=OPERATOR_TOKEN)

        lines = api.get("/api/admin/clients", token=OPERATOR_TOKEN).json()
        assert answer.status_code == 200
        assert answer.json() == next(line for line in lines if line["id"] == OWNER)
        assert answer.json()["agentsOnline"] == answer.json()["instances"] == 1

    def test_of_a_client_without_agents_counts_nothing(self, api: Api) -> None:
        line = api.get("/api/admin/clients/client-inactive", token=OPERATOR_TOKEN).json()

        assert (line["agentsTotal"], line["instances"], line["status"]) == (0, 0, "inactive")

    @pytest.mark.parametrize("client_id", NOBODY)
    def test_needs_exactly_the_id(self, api: Api, client_id: str) -> None:
        answer = api.get(f"/api/admin/clients/{client_id}", token=OPERATOR_TOKEN)

        assert (answer.status_code, answer.json()) == (404, NOT_FOUND)

    def test_is_not_for_the_client_itself(self, api: Api) -> None:
        assert api.get(f"/api/admin/clients/{OWNER}", token=OWNER_TOKEN).status_code == 401
