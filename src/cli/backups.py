"""`spot-optimizer db backup` and `db restore`: the database and the files that belong to it, at one
moment, in one archive that nobody else may read: it holds tokens.

A running server need not stop. SQLite is copied by its own online backup, MySQL and MariaDB by
their dump program in one transaction; models are written once and never changed.
"""

import shutil
import sqlite3
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Final

from sqlalchemy import URL, inspect

from spot_optimizer.adapters.persistence.schema import check_schema
from spot_optimizer.cli.configuration import settings_from
from spot_optimizer.cli.databases import is_in_memory, is_sqlite, opened, parse, place
from spot_optimizer.cli.failures import DATABASE_UNUSABLE, FAILED, Failure
from spot_optimizer.settings import Settings

_SQLITE: Final = "database.sqlite3"
_SQL: Final = "database.sql"
_FILES: Final = "files"
_DUMPERS: Final = ("mariadb-dump", "mysqldump")
_CLIENTS: Final = ("mariadb", "mysql")
_DUMP: Final = (
    *("--single-transaction", "--skip-lock-tables", "--routines", "--events", "--triggers"),
    *("--hex-blob", "--skip-add-drop-table", "--skip-comments"),
)


def backup(target: Path) -> str:
    """Returns what to say of it.

    Raises:
        Failure: the database or the target cannot be used.
    """
    settings = settings_from()
    url = parse(settings.database_url)
    part = target.with_name(f"{target.name}.part")
    with TemporaryDirectory(prefix="spot-optimizer-backup-") as folder:
        copied = _copied(url, Path(folder))
        try:
            with part.open("xb") as file:
                part.chmod(0o600)
                with tarfile.open(fileobj=file, mode="w:gz") as archive:
                    archive.add(copied, copied.name)
                    for name, source in _folders(settings).items():
                        if source.is_dir():
                            archive.add(source, f"{_FILES}/{name}")
            part.replace(target)
        except OSError as error:
            raise Failure(f"{target} cannot be written: {error.strerror}", FAILED) from error
        finally:
            part.unlink(missing_ok=True)
    return f"{target} holds the database at {place(url)} and its files"


def restore(source: Path) -> str:
    """Into a database that holds nothing, so that nothing is ever overwritten.

    Raises:
        Failure: the archive is none, or something is there already.
    """
    settings = settings_from()
    url = parse(settings.database_url)
    folders = {name: to for name, to in _folders(settings).items() if _holds_something(to)}
    if folders:
        raise Failure(f"There are files already: {', '.join(map(str, folders.values()))}", FAILED)
    _check_empty(url)
    with TemporaryDirectory(prefix="spot-optimizer-restore-") as folder:
        unpacked = Path(folder)
        try:
            with tarfile.open(source) as archive:
                archive.extractall(unpacked, filter="data")
        except (OSError, tarfile.TarError) as error:
            raise Failure(f"{source} cannot be read as a backup: {error}", FAILED) from error
        _put_back(url, unpacked)
        for name, to in _folders(settings).items():
            if (unpacked / _FILES / name).is_dir():
                shutil.copytree(unpacked / _FILES / name, to, dirs_exist_ok=True)
    with opened(settings.database_url) as engine:
        if not check_schema(engine).is_usable:
            raise Failure("The restored schema is incomplete: see `db check`", DATABASE_UNUSABLE)
    return f"The database at {place(url)} is as it was in {source}"


def _folders(settings: Settings) -> dict[str, Path]:
    """What is kept in files beside the database; a store elsewhere has backups of its own."""
    if settings.model_store_url:
        return {}
    return {
        "models": settings.model_dir or settings.data_dir / "models",
        "decision_engines": settings.decision_engine_dir or settings.data_dir / "decision_engines",
    }


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _copied(url: URL, folder: Path) -> Path:
    if is_sqlite(url):
        if is_in_memory(url) or not Path(str(url.database)).exists():
            raise Failure(f"There is no database at {place(url)}", FAILED)
        copy = folder / _SQLITE
        with (
            closing(sqlite3.connect(str(url.database))) as live,
            closing(sqlite3.connect(copy)) as kept,
        ):
            live.backup(kept)
        return copy
    with opened(url.render_as_string(hide_password=False)) as engine:
        engine.connect().close()  # told in our own words if it does not answer
    dump = folder / _SQL
    with dump.open("wb") as output:
        _run(url, _DUMPERS, _DUMP, stdout=output)
    return dump


def _check_empty(url: URL) -> None:
    if is_sqlite(url):
        if Path(str(url.database)).exists():
            raise Failure(f"There is a database already at {place(url)}", FAILED)
        return
    with opened(url.render_as_string(hide_password=False)) as engine:
        if inspect(engine).get_table_names():
            raise Failure(f"The database at {place(url)} is not empty", FAILED)


def _put_back(url: URL, unpacked: Path) -> None:
    wanted = unpacked / (_SQLITE if is_sqlite(url) else _SQL)
    if not wanted.is_file():
        raise Failure(f"The backup is not of a database like {place(url)}", FAILED)
    if is_sqlite(url):
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(wanted, str(url.database))
        return
    with wanted.open("rb") as dump:
        _run(url, _CLIENTS, (), stdin=dump)


def _run(
    url: URL,
    programs: tuple[str, ...],
    options: tuple[str, ...],
    *,
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes] | None = None,
) -> None:
    program = next(filter(None, map(shutil.which, programs)), None)
    if program is None:
        raise Failure(f"Neither {' nor '.join(programs)} is installed", FAILED)
    with _credentials(url) as file:
        command = [program, f"--defaults-extra-file={file}", *options, str(url.database)]
        done = subprocess.run(  # noqa: S603  a client of the database, and our own options
            command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, check=False
        )
    if done.returncode:
        raise Failure(f"{programs[0]}: {done.stderr.decode(errors='replace')[:500]}", FAILED)


@contextmanager
def _credentials(url: URL) -> Iterator[Path]:
    """In a file for the owner: what is on a command line, everybody on the machine can read."""
    with TemporaryDirectory(prefix="spot-optimizer-") as folder:
        file = Path(folder) / "client.cnf"
        file.touch(mode=0o600)
        password = str(url.password or "").replace("\\", "\\\\").replace('"', '\\"')
        lines = [
            "[client]",
            f"host={url.host or 'localhost'}",
            f"port={url.port or 3306}",
            f"user={url.username or ''}",
            f'password="{password}"',
            "protocol=tcp",
            "default-character-set=utf8mb4",
        ]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield file
