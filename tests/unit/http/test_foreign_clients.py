"""Every route of the API's own document, tried with the token of another client: what is not
theirs looks absent, and stays as it is (ruling R1, FIX-3)."""

from __future__ import annotations

import re
from typing import Final

import pytest
from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig

from tests.application_under_test import (
    OPEN_PATHS,
    OPERATOR_TOKEN,
    OWNER,
    OWNER_TOKEN,
    STRANGER_TOKEN,
    Answer,
    Api,
    Json,
    Store,
    is_admin,
    routes_of,
)

STRANGER: Final = "client-stranger"

# What would do something, if it were one's own.
BODIES: Final[dict[str, Json]] = {
    "toggle-enabled": {"enabled": False},
    "settings": {"manual_replica_enabled": True, "replica_count": 3},
    "config": {"terminateWaitMinutes": 1, "manualReplicaEnabled": True, "risk_threshold": 1},
    "force-switch": {"target": "ondemand"},
    "mark-all-read": {"client_id": OWNER},
    "heartbeat": {"status": "offline", "instance_id": "i-7", "mode": "ondemand"},
    "executed": {"success": True},
    "mark-command-executed": {"command_id": "COMMAND"},
    "termination": {"reason": "gone", "instance_id": "i-1"},
    "cleanup-report": {"snapshots": {"deleted": ["snap-1"]}},
    "rebalance-recommendation": {"instance_id": "i-1"},
    "replicas": {"instance_id": "i-5", "status": "ready"},
    "status": {"status": "syncing"},
    "sync-status": {"sync_status": "syncing", "state_transfer_progress": 50},
    "create-emergency-replica": {"signal_type": "rebalance-recommendation"},
    "issue-switch-command": {"target_mode": "ondemand"},
    "decide": {"instance": {"instance_id": "i-1", "current_mode": "spot"}, "pricing": {}},
    "switch-report": {
        "old_instance": {"instance_id": "i-1"},
        "new_instance": {"instance_id": "i-2", "mode": "spot"},
    },
    "pricing-report": {
        "instance": {"instance_id": "i-1", "region": "us-east-1"},
        "pricing": {"on_demand_price": 0.05, "spot_pools": []},
    },
}
# By the page, of whatever else may be named, and all there is.
ASKING_FOR_MORE: Final = (
    "?limit=50&cursor=&days=90&format=json&include_terminated=true"
    "&client_id={client_id}&agent_id={agent_id}&instance_id={instance_id}"
)
# Answer about the caller alone, whatever ids are named.
ABOUT_THE_CALLER: Final = {"/api/client/validate", "/api/agents/register"}
# Says "stay" of an agent that does not exist (contract/agents-and-replicas.md A9).
SAYS_STAY: Final = "/decide"


def documented(api: Api) -> list[tuple[str, str]]:
    """Method and path of every operation in the OpenAPI document."""
    handlers = [handler for feature in api.container.http() for handler in feature]
    document = OpenAPIConfig("Spot Optimizer", "0")
    documenting = Litestar(handlers, openapi_config=document, logging_config=None)
    paths = documenting.openapi_schema.to_schema()["paths"]
    return sorted((method.upper(), path) for path, item in paths.items() for method in item)


def filled(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], "nothing"), path)


def body_of(method: str, path: str, ids: dict[str, str]) -> Json:
    if method == "PUT":
        return {"status": "syncing", "instance_id": "i-5"}
    if method != "POST":
        return b""
    body = BODIES.get(path.rsplit("/", 1)[1], {})
    return {"command_id": ids["command_id"]} if body == {"command_id": "COMMAND"} else body


@pytest.fixture
def ids(api: Api, store: Store) -> dict[str, str]:
    """Of what a client owns, one of each kind."""
    agent_id = api.register()
    api.register(token=STRANGER_TOKEN, logical_agent_id="theirs", instance_id="i-9")
    command_id = api.order_switch(agent_id)
    store.add(
        {
            "replica_instances": [
                {
                    "id": "replica-1",
                    "agent_id": agent_id,
                    "instance_id": "i-5",
                    "replica_type": "manual",
                    "status": "ready",
                }
            ],
            "switches": [
                {
                    "id": "switch-1",
                    "client_id": OWNER,
                    "agent_id": agent_id,
                    "new_instance_id": "i-1",
                    "savings_impact": 0.777,
                    "initiated_at": api.ago(days=1),
                }
            ],
            "client_savings_monthly": [
                {"client_id": OWNER, "year": 2025, "month": 5, "savings": 777}
            ],
        }
    )
    (notification, *_) = [row for row in store.rows("notifications") if row["client_id"] == OWNER]
    return {
        "client_id": OWNER,
        "agent_id": agent_id,
        "instance_id": "i-1",
        "command_id": command_id,
        "replica_id": "replica-1",
        "notification_id": notification["id"],
    }


def test_the_document_has_every_route(api: Api) -> None:
    names = [
        "client_id",
        "agent_id",
        "instance_id",
        "command_id",
        "replica_id",
        "notification_id",
        "name",
    ]
    known = {name: f"{{{name}}}" for name in names}

    assert set(documented(api)) >= {
        (method, path) for method, path in routes_of(api.app, **known) if method != "HEAD"
    }


@pytest.mark.parametrize("query", ["", ASKING_FOR_MORE])
def test_nothing_of_another_client_is_revealed_or_changed(
    api: Api, store: Store, ids: dict[str, str], query: str
) -> None:
    private = {*ids.values(), "i-5", "switch-1", "0.777", "777", OWNER_TOKEN, "client-owner"}
    tried = 0
    for method, template in documented(api):
        path = filled(template, ids)
        if path in OPEN_PATHS | ABOUT_THE_CALLER:
            continue
        before = store.contents(but=["system_events"])
        asked = path + filled(query, ids)
        answer = api.send(method, asked, body_of(method, path, ids), token=STRANGER_TOKEN)
        after = store.contents(but=["system_events"])

        assert after == before, f"{method} {path} changed something"
        if is_admin(path):
            assert answer.status_code == 401, path
        elif names_somebody(template) and not path.endswith(SAYS_STAY):
            assert answer.status_code == 404, path
            assert method == "HEAD" or set(answer.json()) == {"error"}, path
        told = answer.text.replace(path, "")
        if not path.endswith(SAYS_STAY):  # says the instance again that it was told
            assert not [text for text in private if text in told], path
        tried += 1
    assert tried >= 50


def test_what_is_foreign_cannot_be_told_from_what_is_absent(api: Api, ids: dict[str, str]) -> None:
    absent = dict.fromkeys(ids, "nobody")
    for method, template in documented(api):
        if not names_somebody(template) or is_admin(template):
            continue

        def answer(named: dict[str, str], method: str = method, path: str = template) -> Answer:
            body = body_of(method, path, ids)
            return api.send(method, filled(path, named), body, token=STRANGER_TOKEN)

        foreign, nobodys = answer(ids), answer(absent)
        assert (foreign.status_code, foreign.text) == (nobodys.status_code, nobodys.text), template


@pytest.mark.parametrize("token", [OWNER_TOKEN, OPERATOR_TOKEN])
def test_the_owner_and_the_operator_are_let_in(api: Api, ids: dict[str, str], token: str) -> None:
    """Otherwise the tests above would prove nothing."""
    ends = ("/termination-imminent", "/heartbeat", "/termination")

    def how_final(operation: tuple[str, str]) -> tuple[bool, int]:
        method, path = operation
        return method == "DELETE", next((i for i, it in enumerate(ends, 1) if path.endswith(it)), 0)

    for method, template in sorted(documented(api), key=how_final):
        if names_somebody(template) and not is_admin(template) and "replica_id" not in template:
            path = filled(template, ids)
            answer = api.send(method, path, body_of(method, path, ids), token=token)
            assert answer.status_code in (200, 201), (path, answer.text)


def names_somebody(template: str) -> bool:
    return "{" in template
