"""The application as `bootstrap` builds it, run in process over a database of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Barrier, Event, Semaphore
from typing import Any, Final, TypeAlias, TypeVar

import httpx
import msgspec
import pytest
from dependency_injector import providers
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.schema import create_schema
from spot_optimizer.application.ports.cache import Cache
from spot_optimizer.bootstrap import Container, web_app
from spot_optimizer.settings import Settings
from tests.contract.clock import ReplayClock
from tests.contract.database import ReplayDatabase
from tests.contract.recording import Row, Rows, read_catalogue
from tests.contract.snapshots import Snapshot
from tests.described_api import check_response

OPERATOR_TOKEN: Final = "operator-of-the-tests"
OWNER_TOKEN: Final = "token-owner-0123456789abcdefghijABCDEF"
STRANGER_TOKEN: Final = "token-stranger-0123456789abcdefghijAB"
INACTIVE_TOKEN: Final = "token-inactive-0123456789abcdefghijAB"
OWNER: Final = "client-owner"

# What answers without credentials (ruling R1).
PROBES: Final = frozenset({"/health", "/livez", "/readyz"})
DOCUMENTATION: Final = frozenset(
    {"/docs", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/openapi.json"}
)
OPEN_PATHS: Final = PROBES | DOCUMENTATION | {"/login"}

# What answers browsers, with pages.
PAGES: Final = frozenset({"/login", "/logout"})

_CLIENTS: Final[list[Row]] = [
    {
        "id": client_id,
        "name": client_id,
        "email": f"{client_id}@example.com",
        "client_token": token,
        "is_active": is_active,
        "status": "active",
        "total_savings": 0,
        "created_at": "2025-01-01 00:00:00",
        "updated_at": "2025-01-01 00:00:00",
    }
    for client_id, token, is_active in (
        (OWNER, OWNER_TOKEN, 1),
        ("client-stranger", STRANGER_TOKEN, 1),
        ("client-inactive", INACTIVE_TOKEN, 0),
    )
]

# Far longer than anything takes here; only a failing test waits for it.
_PATIENCE_S: Final = 20

Json: TypeAlias = Any
Answer: TypeAlias = httpx.Response
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Store:
    """A database with the schema, and a look at it behind the application's back."""

    url: str
    database: ReplayDatabase

    def empty(self, rows: Rows | None = None) -> None:
        """Nothing but three clients, one of them inactive, and the given rows."""
        self.database.reset(rows or {}, {"clients": _CLIENTS})

    def add(self, rows: Rows, *, instead_of: Iterable[str] = ()) -> None:
        """Behind the application's back, in place of all that these tables hold."""
        self.database.prepare(instead_of, rows)

    def rows(self, table: str) -> list[Row]:
        return list(self.database.snapshot()[table].values())

    def row(self, table: str) -> Row:
        (only,) = self.rows(table)
        return only

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction of somebody else."""
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.begin() as connection:
            yield connection
        engine.dispose()

    def contents(self, *, but: Iterable[str] = ()) -> Snapshot:
        """Everything in it, apart from some tables."""
        left_out = set(but)
        return {
            table: rows for table, rows in self.database.snapshot().items() if table not in left_out
        }


@contextmanager
def a_shared_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """The database of the kind `request.param` that all tests of a process empty and use."""
    engine: Engine = request.getfixturevalue(f"{request.param}_engine")
    with a_store(engine.url.render_as_string(hide_password=False)) as store:
        yield store


@contextmanager
def a_new_store(url: str) -> Iterator[Store]:
    engine = make_engine(url, 1)
    create_schema(engine)
    engine.dispose()
    with a_store(url) as store:
        yield store


@contextmanager
def a_store(url: str) -> Iterator[Store]:
    """In a database that has its schema."""
    database = ReplayDatabase(url, read_catalogue())
    try:
        yield Store(url, database)
    finally:
        database.close()


@contextmanager
def a_store_in(directory: Path) -> Iterator[Store]:
    """An SQLite file of its own."""
    with a_new_store(f"sqlite:///{directory / 'test.sqlite3'}") as store:
        yield store


@dataclass(frozen=True, slots=True)
class Api:
    """The running application, spoken to by a client, an operator or nobody."""

    app: Litestar
    http: TestClient[Litestar]
    container: Container
    clock: ReplayClock

    def send(
        self,
        method: str,
        path: str,
        body: Json = msgspec.UNSET,
        *,
        token: str | None = OWNER_TOKEN,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Bytes go as they are, anything else as JSON; no token means no credentials."""
        sent = dict(headers or {})
        if token is not None:
            sent.setdefault("Authorization", f"Bearer {token}")
        content = None
        if body is not msgspec.UNSET:
            content = body if isinstance(body, bytes) else msgspec.json.encode(body)
            sent.setdefault("Content-Type", "application/json")
        return self.http.request(
            method, path, content=content, headers=sent, follow_redirects=False
        )

    def ago(self, **duration: float) -> str:
        """The moment so long before now, as the database takes it."""
        return (self.clock.now() - timedelta(**duration)).strftime("%Y-%m-%d %H:%M:%S")

    def post(self, path: str, body: Json = msgspec.UNSET, **options: Any) -> Answer:
        return self.send("POST", path, body, **options)

    def get(self, path: str, **options: Any) -> Answer:
        return self.send("GET", path, **options)

    def order_switch(self, agent_id: str, **wanted: Json) -> str:
        """The id of the command."""
        order = {"target_mode": "spot", "target_pool_id": "t3.medium.us-east-1b", **wanted}
        answer = self.post(f"/api/agents/{agent_id}/issue-switch-command", order)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["command_id"])

    def poll(self, agent_id: str) -> list[Json]:
        """What the agent is to do."""
        answer = self.get(f"/api/agents/{agent_id}/pending-commands")
        assert answer.status_code == 200, answer.text
        commands: list[Json] = answer.json()
        return commands

    def register(self, *, token: str = OWNER_TOKEN, **said: Json) -> str:
        """The id under which the agent is known from now on."""
        answer = self.post("/api/agents/register", a_registration(**said), token=token)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["agent_id"])


@contextmanager
def an_api(
    url: str,
    directory: Path,
    clock: ReplayClock | None = None,
    cache: Cache | None = None,
    **variables: str,
) -> Iterator[Api]:
    """The application in its default mode; `variables` are further settings."""
    clock = clock or ReplayClock()
    container = Container(
        settings=Settings.from_environment(
            {
                "DATABASE_URL": url,
                "DATA_DIR": str(directory),
                "ADMIN_API_TOKEN": OPERATOR_TOKEN,
                "ENABLE_BACKGROUND_JOBS": "False",
                "ENABLE_REPLICA_COORDINATOR": "False",
                **variables,
            }
        )
    )
    container.clock.override(clock)
    container.try_out_model.override(providers.Object(None))  # a process of its own each time
    if cache is not None:
        container.cache.override(cache)
    app = web_app(container)
    with TestClient(app, raise_server_exceptions=False) as http:
        http.event_hooks = {"response": [check_response]}
        yield Api(app, http, container, clock)


class GatedClock(ReplayClock):
    """Stops whoever asks for the time while the gate is shut, until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self._open = Event()
        self._open.set()
        self._waiting = Semaphore(0)

    def now(self) -> datetime:
        if not self._open.is_set():
            self._waiting.release()
            assert self._open.wait(_PATIENCE_S), "nobody opened the gate"
        return super().now()

    def shut(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def wait_for_somebody(self) -> None:
        assert self._waiting.acquire(timeout=_PATIENCE_S), "nobody came to the gate"


def at_once(*calls: Callable[[], T]) -> list[T]:
    """What the calls return that are made at the same moment, each by a thread of its own."""
    start = Barrier(len(calls))

    def call(function: Callable[[], T]) -> T:
        start.wait(_PATIENCE_S)
        return function()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(call, calls))


def a_registration(**said: Json) -> dict[str, Json]:
    """What an agent sends at its start."""
    return {
        "client_token": OWNER_TOKEN,
        "logical_agent_id": "web",
        "hostname": "ip-10-0-0-1",
        "instance_id": "i-1",
        "instance_type": "t3.medium",
        "region": "us-east-1",
        "az": "us-east-1a",
        "ami_id": "ami-1",
        "mode": "spot",
        "agent_version": "4.0.0",
        "private_ip": "10.0.0.1",
        "public_ip": None,
        **said,
    }


def routes_of(app: Litestar, **ids: str) -> list[tuple[str, str]]:
    """Every method and path of the application, with the ids filled in where a path has some."""
    filled = defaultdict(lambda: "nothing-of-that-name", ids)
    return sorted(
        (method, route.path_format.format_map(filled))
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods - {"OPTIONS"}
    )


def is_admin(path: str) -> bool:
    return path.startswith("/api/admin/") or path in PAGES or path == "/metrics"


# Texts that only the inside of a server knows.
_INSIDE: Final = (
    "Traceback",
    "sqlalchemy",
    "pymysql",
    "sqlite3",
    "SELECT ",
    "INSERT ",
    "UPDATE ",
    "/src/",
    ".py",
    "site-packages",
    "Exception",
)


# What the contract answers with 500 on purpose (contract/agents-and-replicas.md R8, R9, D9).
_MEANT_SO: Final = frozenset(
    {"No replica available", "No suitable pool found for emergency replica"}
)


def is_meant_so(answer: Answer) -> bool:
    return answer.status_code == 500 and answer.json()["error"] in _MEANT_SO


def is_failure_of_ours(answer: Answer) -> bool:
    return answer.status_code >= 500 and not is_meant_so(answer)


def assert_decent(answer: Answer) -> None:
    """Whatever was asked: JSON, no failure of ours, and nothing of the inside shown."""
    assert not is_failure_of_ours(answer), answer.text
    assert answer.headers["content-type"].startswith("application/json")
    if answer.status_code >= 400:
        assert isinstance(answer.json()["error"], str)
    for text in _INSIDE:
        assert text not in answer.text, answer.text
