"""What several tests of the replay itself need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.schema import create_schema
from tests.contract.database import ReplayDatabase
from tests.contract.recording import read_catalogue


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplayDatabase]:
    url = f"sqlite:///{tmp_path_factory.mktemp('echo') / 'echo.sqlite3'}"
    engine = make_engine(url, 1)
    create_schema(engine)
    engine.dispose()
    database = ReplayDatabase(url, read_catalogue())
    yield database
    database.close()
