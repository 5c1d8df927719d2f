"""The application under replay, as `bootstrap` builds it, with the time in our hands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from litestar import Litestar
from litestar.testing import TestClient

from spot_optimizer.bootstrap import Container, web_app
from spot_optimizer.settings import Settings
from tests.contract.server import Routes, Server
from tests.contract.templates import Clock


@contextmanager
def a_running_server(database_url: str, data_dir: Path, clock: Clock) -> Iterator[Server]:
    container = a_container(database_url, data_dir, clock)
    app = web_app(container)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield Server(client, Routes.of(app), container.coordinator_pass())


def an_application(database_url: str, data_dir: Path, clock: Clock) -> Litestar:
    return web_app(a_container(database_url, data_dir, clock))


def a_container(database_url: str, data_dir: Path, clock: Clock) -> Container:
    settings = Settings.from_environment(
        {
            "DATABASE_URL": database_url,
            "DATA_DIR": str(data_dir),
            "COMPATIBILITY": "monolith",
            "ENABLE_BACKGROUND_JOBS": "False",
            "ENABLE_REPLICA_COORDINATOR": "False",
            "ALLOW_UNSAFE_UPLOADS": "True",
        }
    )
    container = Container(settings=settings)
    container.clock.override(clock)
    return container
