"""The answers of `POST /api/agents/register` (contract A1)."""

from __future__ import annotations

import pytest

from tests.application_under_test import (
    OWNER,
    OWNER_TOKEN,
    Api,
    Json,
    Store,
    a_registration,
)

REQUIRED = (
    "client_token",
    "logical_agent_id",
    "instance_id",
    "instance_type",
    "region",
    "az",
)
OPTIONAL = ("hostname", "ami_id", "mode", "agent_version", "private_ip", "public_ip", "pool_id")
LONGEST = {
    "logical_agent_id": 255,
    "instance_id": 50,
    "instance_type": 50,
    "region": 32,
    "az": 48,
    "hostname": 255,
    "ami_id": 50,
    "agent_version": 32,
    "private_ip": 45,
    "public_ip": 45,
    "pool_id": 100,
}
CONFIG = {
    "enabled": True,
    "auto_switch_enabled": True,
    "auto_terminate_enabled": True,
    "terminate_wait_seconds": 300,
    "replica_enabled": False,
    "replica_count": 0,
    "min_savings_percent": 15.0,
    "risk_threshold": 0.3,
    "max_switches_per_week": 10,
    "min_pool_duration_hours": 2,
}


def without(name: str) -> dict[str, Json]:
    return {key: value for key, value in a_registration().items() if key != name}


def refusal(details: Json) -> Json:
    return {"error": "Validation failed", "details": details}


def test_a_new_agent_is_told_its_id_and_its_settings(api: Api, store: Store) -> None:
    answer = api.post("/api/agents/register", a_registration())

    agent = store.row("agents")
    assert answer.status_code == 200
    assert answer.json() == {"agent_id": agent["id"], "client_id": OWNER, "config": CONFIG}
    assert [row["message"] for row in store.rows("notifications")] == ["New agent registered: web"]
    assert store.row("system_events")["message"] == "Agent web registered successfully"


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (..., "Missing data for required field."),
        (None, "Field may not be null."),
        (7, "Not a valid string."),
        (True, "Not a valid string."),
        (["i-1"], "Not a valid string."),
        ({"a": "b"}, "Not a valid string."),
        ("", "Shorter than minimum length 1."),
    ],
)
def test_a_required_field_is_asked_for(
    api: Api, store: Store, name: str, value: Json, message: str
) -> None:
    body = without(name) if value is ... else a_registration(**{name: value})
    before = store.contents(but=["system_events"])

    answer = api.post("/api/agents/register", body)

    assert (answer.status_code, answer.json()) == (400, refusal({name: [message]}))
    assert store.contents(but=["system_events"]) == before
    event = store.row("system_events")
    assert (event["event_type"], event["severity"]) == ("validation_error", "warning")
    assert event["message"].startswith("Agent registration validation failed: ")
    assert event["client_id"] == OWNER


@pytest.mark.parametrize("name", sorted(LONGEST))
def test_a_text_is_as_long_as_its_column_and_no_longer(api: Api, store: Store, name: str) -> None:
    fits = "ä" * LONGEST[name]

    taken = api.post("/api/agents/register", a_registration(**{name: fits}))
    refused = api.post("/api/agents/register", a_registration(**{name: fits + "x"}))

    assert taken.status_code == 200
    assert (refused.status_code, refused.json()) == (
        400,
        refusal({name: [f"Longer than maximum length {LONGEST[name]}."]}),
    )
    assert len(store.rows("agents")) == 1


@pytest.mark.parametrize("name", OPTIONAL)
def test_null_for_an_optional_field_says_nothing(api: Api, name: str) -> None:
    assert api.post("/api/agents/register", a_registration(**{name: None})).status_code == 200


@pytest.mark.parametrize("name", OPTIONAL)
def test_an_optional_field_may_be_left_out(api: Api, name: str) -> None:
    assert api.post("/api/agents/register", without(name)).status_code == 200


@pytest.mark.parametrize("mode", ["Spot", "on-demand", "", 5, ["spot"]])
def test_a_mode_is_one_of_three(api: Api, mode: Json) -> None:
    answer = api.post("/api/agents/register", a_registration(mode=mode))

    assert (answer.status_code, answer.json()) == (
        400,
        refusal({"mode": ["Must be one of: spot, ondemand, unknown."]}),
    )


def test_everything_wrong_is_told_at_once(api: Api) -> None:
    answer = api.post("/api/agents/register", {"client_token": OWNER_TOKEN, "shape": 1, "az": 2})

    assert answer.status_code == 400
    assert answer.json()["details"] == {
        "logical_agent_id": ["Missing data for required field."],
        "instance_id": ["Missing data for required field."],
        "instance_type": ["Missing data for required field."],
        "region": ["Missing data for required field."],
        "az": ["Not a valid string."],
    }


@pytest.mark.parametrize("field", ["shape", "pool_id", "", "client"])
def test_what_an_agent_says_beyond_that_refuses_nothing(api: Api, field: str) -> None:
    answer = api.post("/api/agents/register", a_registration(**{field: "t3.medium.us-east-1a"}))

    assert answer.status_code == 200


@pytest.mark.parametrize("body", [b"", b"{}", b"  "])
def test_an_empty_body_lacks_the_six_required_fields(api: Api, body: bytes) -> None:
    answer = api.post("/api/agents/register", body)

    missing = {name: ["Missing data for required field."] for name in REQUIRED}
    assert (answer.status_code, answer.json()) == (400, refusal(missing))


@pytest.mark.parametrize("body", [None, [], ["x"], "x", 5, True])
def test_a_body_that_is_no_object_means_nothing(api: Api, body: Json) -> None:
    answer = api.post("/api/agents/register", body)

    assert (answer.status_code, answer.json()) == (
        400,
        refusal({"_schema": ["Invalid input type."]}),
    )


def test_a_body_that_is_no_json_means_nothing(api: Api, store: Store) -> None:
    answer = api.post("/api/agents/register", b"{")

    assert (answer.status_code, answer.json()) == (400, {"error": "Invalid JSON body"})
    assert store.rows("agents") == []


@pytest.mark.parametrize("text", ["😀", "x\u0000y", "'; DROP TABLE agents; --", "\u202e", "%s%n"])
def test_any_text_is_kept_as_it_is(api: Api, store: Store, text: str) -> None:
    api.register(hostname=text, logical_agent_id=text)

    agent = store.row("agents")
    assert (agent["hostname"], agent["logical_agent_id"]) == (text, text)


def test_the_same_agent_again_keeps_its_id_and_notifies_nobody(api: Api, store: Store) -> None:
    first = api.register()

    assert api.register(hostname="renamed") == first
    assert len(store.rows("notifications")) == 1
    assert store.row("agents")["hostname"] == "renamed"
