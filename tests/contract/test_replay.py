"""The application answers like the recordings, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.schema import create_schema
from tests.contract.application import a_running_server, an_application
from tests.contract.clock import ReplayClock
from tests.contract.database import ReplayDatabase
from tests.contract.recording import Recording, read_catalogue, read_recordings
from tests.contract.replay import Replay, can_be_provided, is_replayable, steps_to_judge
from tests.contract.server import Routes
from tests.services import a_mariadb_database

RECORDINGS: Final = read_recordings()

# Raise it with every new route; a replay that judges nothing proves nothing.
JUDGED_STEPS_AT_LEAST: Final = 862


@dataclass(frozen=True, slots=True)
class Target:
    """A database in which scenario after scenario takes place."""

    url: str
    database: ReplayDatabase


@pytest.fixture(scope="module")
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    if request.param == "mariadb":
        with a_mariadb_database() as url, a_target(url) as ready:
            yield ready
    else:
        path = tmp_path_factory.mktemp("contract") / "contract.sqlite3"
        with a_target(f"sqlite:///{path}") as ready:
            yield ready


@contextmanager
def a_target(url: str) -> Iterator[Target]:
    engine = make_engine(url, 1)
    create_schema(engine)
    engine.dispose()
    database = ReplayDatabase(url, read_catalogue())
    try:
        yield Target(url, database)
    finally:
        database.close()


@pytest.mark.parametrize("target", ["sqlite", "mariadb"], indirect=True)
@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.scenario)
def test_replay(recording: Recording, target: Target, tmp_path: Path) -> None:
    assert can_be_provided(recording), f"needs {', '.join(recording.needs)}"
    clock = ReplayClock()
    with a_running_server(target.url, tmp_path, clock) as server:
        assert is_replayable(recording, server.routes), "no step has a route of the application"

        report = Replay(server, target.database, clock).run(recording)

    if report.different:
        pytest.fail(str(report), pytrace=False)


def test_enough_steps_are_judged(tmp_path: Path) -> None:
    app = an_application(f"sqlite:///{tmp_path / 'unused.sqlite3'}", tmp_path, ReplayClock())

    judged = steps_to_judge(read_recordings("*"), Routes.of(app))

    assert len(judged) >= JUDGED_STEPS_AT_LEAST
