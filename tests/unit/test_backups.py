"""What is backed up comes back as it was, and nothing is ever overwritten."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spot_optimizer.cli.backups import backup, restore
from spot_optimizer.cli.failures import Failure
from tests.application_under_test import Store, a_new_store, a_store, an_api
from tests.services import a_mariadb_database


@contextmanager
def an_empty_database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'fleet.sqlite3'}"
    else:
        with a_mariadb_database() as url:
            yield url


@pytest.fixture(params=["sqlite", "mariadb"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def url(kind: str, tmp_path: Path) -> Iterator[str]:
    with an_empty_database(kind, tmp_path) as url:
        yield url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with a_new_store(url) as store:
        store.empty()
        yield store


def use(monkeypatch: pytest.MonkeyPatch, url: str, data: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("DATA_DIR", str(data))


def test_everything_comes_back(
    kind: str, url: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "data" / "models"
    models.mkdir(parents=True)
    (models / "risk.onnx").write_bytes(b"\x00model")
    archive, elsewhere = tmp_path / "backup.tar.gz", tmp_path / "elsewhere"
    with an_api(url, tmp_path / "data") as api:
        agent_id = api.register(hostname="naïve \N{GRINNING FACE} 'quoted'\\")
        api.post(f"/api/agents/{agent_id}/heartbeat", {"status": "online"})
        before = store.contents()
        use(monkeypatch, url, tmp_path / "data")
        told = backup(archive)  # while the server runs
        api.register(logical_agent_id="later", instance_id="i-later")

    assert str(archive) in told
    assert archive.stat().st_mode & 0o777 == 0o600
    assert [it.name for it in tmp_path.iterdir() if "part" in it.name] == []
    elsewhere.mkdir()
    with an_empty_database(kind, elsewhere) as new_url:
        use(monkeypatch, new_url, elsewhere / "data")
        restore(archive)
        with a_store(new_url) as restored:
            assert restored.contents() == before
        with an_api(new_url, elsewhere / "data") as api:
            assert api.get(f"/api/agents/{agent_id}/config").status_code == 200
            assert api.get("/readyz").json() == {"status": "ready"}
    assert (elsewhere / "data" / "models" / "risk.onnx").read_bytes() == b"\x00model"


def test_nothing_is_overwritten(
    url: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, url, tmp_path / "data")
    archive = tmp_path / "backup.tar.gz"
    backup(archive)
    before = store.contents()

    with pytest.raises(Failure, match=r"is not empty|already"):
        restore(archive)

    assert store.contents() == before


def test_models_are_not_overwritten_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, f"sqlite:///{tmp_path / 'new.sqlite3'}", tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "risk.onnx").touch()

    with pytest.raises(Failure, match="There are files already"):
        restore(tmp_path / "backup.tar.gz")


def test_what_is_no_backup_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, f"sqlite:///{tmp_path / 'new.sqlite3'}", tmp_path)
    (tmp_path / "no.tar.gz").write_bytes(b"no archive")
    with tarfile.open(tmp_path / "other.tar.gz", "w:gz") as other:
        other.add(tmp_path / "no.tar.gz", "something.txt")

    for name in ("no.tar.gz", "other.tar.gz", "missing.tar.gz"):
        with pytest.raises(Failure, match="backup"):
            restore(tmp_path / name)
    assert not (tmp_path / "new.sqlite3").exists()


def test_a_database_that_is_not_there_cannot_be_backed_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, f"sqlite:///{tmp_path / 'none.sqlite3'}", tmp_path)
    with pytest.raises(Failure, match="There is no database"):
        backup(tmp_path / "backup.tar.gz")
    use(monkeypatch, "mysql+pymysql://u:s3cret@127.0.0.1:1/x", tmp_path)
    with pytest.raises(Failure, match="Cannot reach") as failed:
        backup(tmp_path / "backup.tar.gz")

    assert "s3cret" not in str(failed.value)
    assert not (tmp_path / "backup.tar.gz").exists()
