"""Whatever body anybody sends: JSON comes back, no 5xx, and a refusal changes nothing."""

from __future__ import annotations

from typing import Final

import pytest

from tests.application_under_test import (
    OPERATOR_TOKEN,
    PAGES,
    Answer,
    Api,
    Json,
    Store,
    assert_decent,
    is_admin,
    is_failure_of_ours,
    routes_of,
)

BODIES: Final[dict[str, bytes]] = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a list of objects": b"[{}]",
    "a text": b'"text"',
    "a number": b"5",
    "true": b"true",
    "half an object": b'{"a":',
    "single quotes": b"{'a':1}",
    "not a number": b'{"a":NaN}',
    "infinity": b'{"a":-Infinity}',
    "a number beyond floats": b'{"a":1e400,"instance":{},"pricing":{"spot_price":1e400}}',
    "a number below floats": b'{"a":1e-400}',
    "a huge integer": b'{"priority":' + b"9" * 400 + b',"success":' + b"9" * 400 + b"}",
    "an integer beyond all": b'{"a":' + b"9" * 100_000 + b"}",
    "many figures": b'{"a":0.' + b"3" * 100_000 + b"}",
    "deeply nested lists": b"[" * 100_000 + b"]" * 100_000,
    "deeply nested objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "as deep as can be read": b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
    "deeper than can be stored": b'{"instance":{},"pricing":{"a":'
    + b"[" * 40
    + b"]" * 40
    + b'},"new_instance":{"instance_id":"i-2"},"timing":{"a":'
    + b"[" * 40
    + b"]" * 40
    + b'},"spot_pools":['
    + b"[" * 40
    + b"]" * 40
    + b"]}",
    "invalid UTF-8": b'{"a":"\xff\xfe"}',
    "UTF-8 of a surrogate": b'{"a":"\xed\xa0\x80"}',
    "an escaped lone surrogate": b'{"a":"\\ud800"}',
    "UTF-16": '{"status":"online"}'.encode("utf-16"),
    "UTF-32": '{"status":"online"}'.encode("utf-32"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "NUL": b"\x00",
    "an escaped NUL": b'{"status":"\\u0000","instance_id":"\\u0000","reason":"\\u0000"}',
    "a key twice": b'{"status":"online","status":"offline","target_mode":"x","target_mode":1}',
    "an empty key": b'{"":{"":""}}',
    "a form": b"status=online&instance_id=i-1",
    "XML": b"<status>online</status>",
    "trailing words": b"{} and more",
}


def send(api: Api, store: Store, path: str, body: Json, **options: Json) -> Answer:
    """An answer that keeps to the rules above."""
    token = OPERATOR_TOKEN if is_admin(path) else options.pop("token", None)
    if token is not None:
        options["token"] = token
    before = store.contents(but=["system_events"])
    answer = api.post(path, body, **options)
    assert_decent(answer)
    if 400 <= answer.status_code < 500:
        assert store.contents(but=["system_events"]) == before, path
    return answer


def reads_json(path: str) -> bool:
    """What people send is declared as JSON, or refused."""
    if path.endswith(("/regenerate-token", "/fallback", "/upload")):
        return False
    return is_admin(path) or path.startswith("/api/client/") or path.endswith("/mark-all-read")


def posts(api: Api, agent_id: str) -> list[str]:
    routes = routes_of(api.app, agent_id=agent_id, client_id="client-stranger", command_id="1")
    return [path for method, path in routes if method == "POST" and path not in PAGES]


@pytest.mark.parametrize("name", sorted(BODIES))
def test_a_body_of_any_form_is_answered(api: Api, store: Store, name: str) -> None:
    for path in posts(api, api.register()):
        answer = send(api, store, path, BODIES[name])
        assert not is_failure_of_ours(answer), path
        assert isinstance(answer.json(), dict), path


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "application/json; charset=utf-16",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        "text/html",
        "nonsense",
        "application/x-msgpack",
    ],
)
def test_agents_need_not_say_what_they_send(api: Api, store: Store, kind: str) -> None:
    for path in posts(api, api.register()):
        answer = send(api, store, path, {"status": "online"}, headers={"Content-Type": kind})
        assert (answer.status_code == 415) == (reads_json(path) and "json" not in kind), path


@pytest.mark.parametrize("size", [1_000_000, 10_000_000])
def test_a_long_body_is_answered(api: Api, store: Store, size: int) -> None:
    agent_id = api.register()

    for name in ("cleanup-report", "heartbeat"):
        answer = send(api, store, f"/api/agents/{agent_id}/{name}", {"note": "y" * size})
        assert answer.status_code == 200


def test_a_report_that_is_too_long_to_keep_is_taken_without_it(api: Api, store: Store) -> None:
    path = f"/api/agents/{api.register()}/cleanup-report"

    answer = api.post(path, {"snapshots": {"deleted": ["s"]}, "note": "y" * 20_000_000})

    assert (answer.status_code, answer.json()["deleted_snapshots"]) == (200, 1)
    assert store.row("cleanup_logs")["details"] == {}


def test_a_report_that_is_too_deep_to_keep_is_cut_off(api: Api, store: Store) -> None:
    path = f"/api/agents/{api.register()}/cleanup-report"

    api.post(path, b'{"kept":[1,2],"deep":' + b"[" * 50 + b"]" * 50 + b"}")

    details = store.row("cleanup_logs")["details"]
    assert details["kept"] == [1, 2]
    assert str(details["deep"]).count("[") < 32
