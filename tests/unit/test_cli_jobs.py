"""Background jobs at the command line."""

from __future__ import annotations

import signal
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from redis import Redis

from spot_optimizer.cli import main
from spot_optimizer.cli.failures import DATABASE_UNUSABLE, FAILED, WRONG_SETTING
from tests.processes import Command, a_command
from tests.services import a_mariadb_database, redis_url, require_redis

pytestmark = pytest.mark.xdist_group("processes")

REDIS_DATABASE = 7


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABASE_URL", "DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "data"


def test_a_job_is_run_listed_and_remembered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["db", "init"]) == 0
    capsys.readouterr()

    assert main(["jobs", "run", "snapshot_client_growth"]) == 0
    assert "snapshot_client_growth: 0 rows read, 0 new, 1 changed, 0 deleted in" in (
        capsys.readouterr().out
    )
    assert main(["jobs", "list"]) == 0
    listed = capsys.readouterr().out
    (line,) = [it for it in listed.splitlines() if "snapshot_client_growth" in it]
    assert "5 0 * * *" in line
    assert "completed" in line
    assert main(["jobs", "history", "snapshot_client_growth"]) == 0
    assert "by hand" in capsys.readouterr().out


def test_what_cannot_be_run_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["db", "init"]) == 0
    capsys.readouterr()
    assert main(["jobs", "run", "nope"]) == FAILED
    assert capsys.readouterr().err == "There is no job nope\n"
    assert main(["jobs", "history", "nope"]) == FAILED
    assert capsys.readouterr().err == "There is no job nope\n"

    monkeypatch.setenv("DATABASE_URL", "mysql+pymysql://nobody:secret@127.0.0.1:1/none")
    for command in (["jobs", "list"], ["jobs", "run", "expire_commands"]):
        assert main(command) == DATABASE_UNUSABLE
        said = capsys.readouterr().err
        assert "Cannot reach the database at 127.0.0.1:1" in said
        assert "secret" not in said


@pytest.mark.parametrize("command", ["worker", "scheduler"])
def test_without_redis_there_is_nothing_to_work_for(
    capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main([command]) == WRONG_SETTING
    assert "REDIS_URL" in capsys.readouterr().err


@pytest.fixture
def redis() -> str:
    require_redis()
    url = redis_url(REDIS_DATABASE)
    client = Redis.from_url(url)
    for key in client.keys("spot-optimizer:*"):
        client.delete(key)
    return url


def test_scheduler_and_worker_share_the_work(tmp_path: Path, redis: str) -> None:
    """Two processes, MariaDB and Redis between them; each ends by a signal."""

    def a_process(*arguments: str) -> AbstractContextManager[Command]:
        return a_command(tmp_path, *arguments, DATABASE_URL=url, REDIS_URL=redis, LOG_LEVEL="DEBUG")

    with a_mariadb_database() as url:
        with a_process("db", "init") as made:
            assert made.end() == 0
        with a_process("worker", "--threads", "2") as worker, a_process("scheduler") as scheduler:
            scheduler.line_with("Scheduling")
            worker.line_with("backfill_client_growth: JobResult(")
            for process in (scheduler, worker):
                process.send(signal.SIGTERM)
                assert process.end() == 0
                assert "Ended" in process.said
