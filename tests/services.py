"""The services some tests need: skipped when absent, required when REQUIRE_SERVICES=1."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn
from uuid import uuid4

import pymysql
import pytest

MARIADB_HOST = os.environ.get("TEST_MARIADB_HOST", "127.0.0.1")
MARIADB_PORT = int(os.environ.get("TEST_MARIADB_PORT", "3306"))
MARIADB_USER = os.environ.get("TEST_MARIADB_USER", "root")
MARIADB_PASSWORD = os.environ.get("TEST_MARIADB_PASSWORD", "")
REDIS_HOST = os.environ.get("TEST_REDIS_HOST", "127.0.0.1")
REDIS_PORT = int(os.environ.get("TEST_REDIS_PORT", "6379"))


def mariadb_url(database: str) -> str:
    password = f":{MARIADB_PASSWORD}" if MARIADB_PASSWORD else ""
    return (
        f"mysql+pymysql://{MARIADB_USER}{password}@{MARIADB_HOST}:{MARIADB_PORT}/{database}"
        "?charset=utf8mb4"
    )


def redis_url(database: int = 0) -> str:
    return f"redis://{REDIS_HOST}:{REDIS_PORT}/{database}"


def require_mariadb() -> None:
    _require("MariaDB", MARIADB_HOST, MARIADB_PORT)


def require_redis() -> None:
    _require("Redis", REDIS_HOST, REDIS_PORT)


@contextmanager
def a_mariadb_database() -> Iterator[str]:
    """The URL of a new empty database, which is gone afterwards."""
    require_mariadb()
    name = f"test_{uuid4().hex}"
    _execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    try:
        yield mariadb_url(name)
    finally:
        _execute(f"DROP DATABASE {name}")


@pytest.fixture(name="mariadb_database")
def a_mariadb_database_for_one_test() -> Iterator[str]:
    with a_mariadb_database() as url:
        yield url


def require_program(name: str, package: str) -> str:
    """Where it is."""
    found = shutil.which(name)
    if found is None:
        _miss(f"{name}, of Debian's package {package}, is not here")
    return found


def _require(service: str, host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError as error:
        _miss(f"{service} does not answer at {host}:{port}: {error}")


def _miss(reason: str) -> NoReturn:
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _execute(statement: str) -> None:
    connection = pymysql.connect(
        host=MARIADB_HOST,
        port=MARIADB_PORT,
        user=MARIADB_USER,
        password=MARIADB_PASSWORD,
        connect_timeout=5,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
