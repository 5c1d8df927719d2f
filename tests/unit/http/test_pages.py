"""Lists that grow can be read by the page, and nothing changes for who does not ask."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.application_under_test import OWNER, Api, Json, Store

LISTS: Final = {
    "switches": f"/api/client/{OWNER}/switch-history",
    "instances": f"/api/client/{OWNER}/instances",
    "notifications": "/api/notifications",
    "replica_instances": f"/api/client/{OWNER}/replicas",
    "agents": f"/api/client/{OWNER}/agents",
    "past agents": f"/api/client/{OWNER}/agents/history",
}
# By the page these do not stand as the whole list does, which changes with every heartbeat.
SORTED_OTHERWISE: Final = ("agents", "past agents")
COUNT: Final = 23


@pytest.fixture(autouse=True)
def rows(api: Api, store: Store) -> None:
    """Some at the same moment, some without one."""
    agent_id = api.register(logical_agent_id="00")
    store.add({}, instead_of=["notifications", "instances"])
    ids = [f"{number:02}" for number in range(COUNT)]
    moments = {key: api.ago(minutes=int(key) // 3) for key in ids}
    store.add(
        {
            "switches": [
                {
                    "id": key,
                    "client_id": OWNER,
                    "agent_id": agent_id,
                    "initiated_at": None if int(key) > 17 else moments[key],
                }
                for key in ids
            ],
            "instances": [
                {
                    "id": key,
                    "client_id": OWNER,
                    "instance_type": "t3.medium",
                    "region": "us-east-1",
                    "az": "us-east-1a",
                    "created_at": moments[key],
                }
                for key in ids
            ],
            "notifications": [
                {"id": key, "client_id": OWNER, "message": "m", "created_at": moments[key]}
                for key in ids
            ],
            "replica_instances": [
                {
                    "id": key,
                    "agent_id": agent_id,
                    "instance_id": key,
                    "replica_type": "manual",
                    "instance_type": "t3.medium",
                    "region": "us-east-1",
                    "az": "us-east-1a",
                    "status": "ready",
                    "created_at": moments[key],
                }
                for key in ids
            ],
            "agents": [an_agent(key, moments[key]) for key in ids[1:]],
        }
    )
    as_the_server_writes_them(store)


def an_agent(key: str, created_at: str) -> dict[str, Json]:
    return {
        "id": key,
        "client_id": OWNER,
        "logical_agent_id": key,
        "status": "online",
        "created_at": created_at,
    }


def as_the_server_writes_them(store: Store) -> None:
    """Whole seconds; the tests' own way into SQLite adds fractions."""
    if store.url.startswith("sqlite"):
        with store.writing() as connection:
            for table, column in (
                ("switches", "initiated_at"),
                ("instances", "created_at"),
                ("notifications", "created_at"),
                ("replica_instances", "created_at"),
                ("agents", "created_at"),
            ):
                statement = f"UPDATE {table} SET {column} = substr({column}, 1, 19)"
                connection.exec_driver_sql(statement)


def ids_of(rows: list[dict[str, Json]]) -> list[str]:
    return [row["replica"]["id"] if "replica" in row else row["id"] for row in rows]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("limit", [1, 4, 23, 100])
def test_pages_make_up_the_list(api: Api, name: str, limit: int) -> None:
    everything = f"{LISTS[name]}?limit=1000" if name == "notifications" else LISTS[name]
    whole = ids_of(api.get(everything).json())
    assert len(whole) == COUNT

    path: str | None = f"{LISTS[name]}?limit={limit}&cursor="
    read: list[str] = []
    while path is not None:
        answer = api.get(path)
        page = ids_of(answer.json())
        assert len(page) <= limit
        read += page
        link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        path = link[1] if link else None

    assert (sorted(read) == sorted(whole)) if name in SORTED_OTHERWISE else (read == whole)


@pytest.mark.parametrize("name", LISTS)
def test_who_does_not_ask_is_answered_as_ever(api: Api, name: str) -> None:
    answer = api.get(LISTS[name])

    assert "Link" not in answer.headers
    assert isinstance(answer.json(), list)


@pytest.mark.parametrize("name", LISTS)
def test_what_is_added_meanwhile_moves_no_page(api: Api, store: Store, name: str) -> None:
    first = api.get(f"{LISTS[name]}?limit=5&cursor=")
    second = re.findall("<([^>]+)>", first.headers["Link"])[0]
    before = ids_of(api.get(second).json())
    at = api.ago(seconds=-60)
    row = {"id": "99", "client_id": OWNER}
    if name == "switches":
        row |= {"agent_id": store.rows("agents")[0]["id"], "initiated_at": at}
    elif name == "instances":
        row |= {"instance_type": "t3.medium", "region": "r", "az": "z", "created_at": at}
    elif name == "notifications":
        row |= {"message": "m", "created_at": at}
    elif name == "replica_instances":
        row = store.rows(name)[0] | {"id": "99", "instance_id": "99", "created_at": at}
    else:
        name, row = "agents", an_agent("99", at)
    store.add({name: [row]})
    as_the_server_writes_them(store)

    assert ids_of(api.get(second).json()) == before


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    "cursor", ["x", "%00", "é", "AAAA", "A" * 5000, "OTk5OTk5OTk5OTk5OTk5OTk6eA"]
)
def test_a_cursor_that_is_none_of_ours_is_refused(api: Api, name: str, cursor: str) -> None:
    answer = api.get(f"{LISTS[name]}?cursor={cursor}")

    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "Validation failed", "details": {"cursor": ["Not a valid cursor."]}},
    )


def test_a_page_keeps_the_filter(api: Api) -> None:
    answer = api.get(f"{LISTS['instances']}?search=1&limit=3")

    assert ids_of(answer.json()) == ["01", "10", "11"]
    assert "search=1" in answer.headers["Link"]
