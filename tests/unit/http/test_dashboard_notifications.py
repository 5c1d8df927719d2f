"""What clients were told, and that they have seen it (contract/clients-and-notifications.md 8)."""

from __future__ import annotations

import pytest

from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER,
    STRANGER_TOKEN,
    Api,
    Json,
    Store,
)

STRANGER = "client-stranger"


def a_notification(number: int, client_id: str = OWNER, **columns: Json) -> dict[str, Json]:
    return {
        "id": f"n{number}",
        "client_id": client_id,
        "message": f"m{number}",
        "severity": "info",
        "is_read": 0,
        "created_at": f"2025-06-17 10:00:{number:02}",
        **columns,
    }


@pytest.fixture(autouse=True)
def told(api: Api, store: Store) -> None:
    mine = [a_notification(number) for number in range(1, 13)]
    store.add({"notifications": [*mine, a_notification(30, STRANGER)]})


def shown(api: Api, query: str = "", **options: Json) -> list[str]:
    answer = api.get(f"/api/notifications{query}", **options)
    assert answer.status_code == 200, answer.text
    return [notification["id"] for notification in answer.json()]


def unread(store: Store) -> set[str]:
    return {row["id"] for row in store.rows("notifications") if not row["is_read"]}


class TestReading:
    def test_shows_the_newest_ten(self, api: Api) -> None:
        assert shown(api) == [f"n{number}" for number in range(12, 2, -1)]
        assert shown(api, token=OPERATOR_TOKEN)[:2] == ["n30", "n12"]
        assert shown(api, f"?client_id={STRANGER}", token=OPERATOR_TOKEN) == ["n30"]
        assert shown(api, "?client_id=", token=OPERATOR_TOKEN)[0] == "n30"
        assert shown(api, "?client_id=nobody", token=OPERATOR_TOKEN) == []

    def test_shows_each_with_its_time(self, api: Api) -> None:
        assert api.get("/api/notifications?limit=1").json() == [
            {
                "id": "n12",
                "message": "m12",
                "severity": "info",
                "isRead": False,
                "time": "2025-06-17T10:00:12",
            }
        ]

    @pytest.mark.parametrize(
        ("limit", "count"),
        [("0", 0), ("-1", 0), ("3", 3), ("5000", 12), ("many", 10), ("", 10), ("1.5", 10)],
    )
    def test_is_limited(self, api: Api, limit: str, count: int) -> None:
        assert len(shown(api, f"?limit={limit}")) == count

    def test_does_not_show_those_of_another_client(self, api: Api) -> None:
        answer = api.get(f"/api/notifications?client_id={STRANGER}")

        assert (answer.status_code, answer.json()) == (404, {"error": "Client not found"})


class TestMarkingOne:
    def test_twice_changes_it_once(self, api: Api, store: Store) -> None:
        for _ in range(2):
            answer = api.post("/api/notifications/n3/mark-read", b"", headers=JSON)
            assert (answer.status_code, answer.json()) == (200, {"success": True})

        assert "n3" not in unread(store)
        assert [row["action"] for row in store.rows("audit_logs")] == ["notification_read"]

    @pytest.mark.parametrize("notification", ["n30", "nothing", "N3"])
    def test_that_is_not_there_for_a_client_is_not_found(
        self, api: Api, store: Store, notification: str
    ) -> None:
        before = store.contents()

        answer = api.post(f"/api/notifications/{notification}/mark-read")

        assert (answer.status_code, answer.json()) == (404, {"error": "Notification not found"})
        assert store.contents() == before

    def test_that_nobody_sent_pleases_the_operator(self, api: Api) -> None:
        answer = api.post("/api/notifications/nothing/mark-read", token=OPERATOR_TOKEN)

        assert (answer.status_code, answer.json()) == (200, {"success": True})


class TestMarkingAll:
    @pytest.mark.parametrize("whose", [None, "", OWNER])
    def test_of_a_client_leaves_those_of_others(
        self, api: Api, store: Store, whose: str | None
    ) -> None:
        answer = api.post("/api/notifications/mark-all-read", {"client_id": whose})

        assert (answer.status_code, answer.json()) == (200, {"success": True})
        assert unread(store) == {"n30"}
        audited = store.row("audit_logs")
        assert (audited["entity_id"], audited["details"]) == (OWNER, {"count": 12})

    def test_of_everybody_is_the_operators(self, api: Api, store: Store) -> None:
        api.post("/api/notifications/mark-all-read", {}, token=OPERATOR_TOKEN)

        assert unread(store) == set()

    def test_of_another_client_is_refused(self, api: Api, store: Store) -> None:
        before = store.contents()

        sent = {"client_id": OWNER}
        answer = api.post("/api/notifications/mark-all-read", sent, token=STRANGER_TOKEN)

        assert (answer.status_code, answer.json()) == (404, {"error": "Client not found"})
        assert store.contents() == before

    @pytest.mark.parametrize("whose", [5, True, ["x"], {}])
    def test_needs_a_text(self, api: Api, whose: Json) -> None:
        answer = api.post("/api/notifications/mark-all-read", {"client_id": whose})

        assert (answer.status_code, answer.json()) == (
            400,
            {"error": "Validation failed", "details": {"client_id": ["Not a valid string."]}},
        )

    def test_needs_a_body(self, api: Api, store: Store) -> None:
        assert api.post("/api/notifications/mark-all-read").status_code == 415
        assert api.post("/api/notifications/mark-all-read", b"").status_code == 400
        assert len(unread(store)) == 13


JSON = {"Content-Type": "application/json"}
