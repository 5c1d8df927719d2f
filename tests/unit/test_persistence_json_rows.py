"""Rows that are fetched as JSON are the rows that were stored."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.adapters.persistence.json_rows import JsonRows
from tests.builders import HOUR, NOON
from tests.stores import SqlStore

INSTANCES = tables.instances.c
HOSTILE = [
    'a "quoted" word',
    "back\\slash \\u0041 \\",
    "it's",
    "[1,2]",
    '{"a":null}',
    "null",
    "true",
    "0012",
    "tab\tline\nbreak\r\x01\x1f\x7f",
    "\N{SNOWMAN}\N{PILE OF POO}\N{LINE SEPARATOR}",
    "",
]
TEXTS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30),
)


@dataclass(frozen=True, slots=True)
class Line:
    id: str
    instance_type: str
    ami_id: str | None
    spot_price: Decimal | None
    is_active: bool | None
    terminated_at: datetime | None
    """As `installed_at`, if that is not known."""


LINES = JsonRows(
    Line,
    [
        INSTANCES.id,
        INSTANCES.instance_type,
        INSTANCES.ami_id,
        INSTANCES.spot_price,
        INSTANCES.is_active,
        func.coalesce(
            INSTANCES.terminated_at, INSTANCES.installed_at, type_=INSTANCES.installed_at.type
        ),
    ],
)


def found(database: SqlStore) -> list[Line]:
    with database.engine.connect() as connection:
        return list(LINES.read(connection, LINES.select.order_by(INSTANCES.id), {}))


def put(database: SqlStore, **values: Any) -> None:
    row = {
        "id": "i-1",
        "client_id": "client-acme",
        "instance_type": "m5.large",
        "region": "us-east-1",
        "az": "us-east-1a",
    }
    database.insert(tables.instances, **{**row, **values})


@pytest.fixture(autouse=True)
def client(database: SqlStore) -> None:
    database.insert(
        tables.clients, id="client-acme", name="Acme", email="a@b.c", client_token="token-a"
    )


def test_each_value_comes_as_what_it_is(database: SqlStore) -> None:
    put(
        database,
        ami_id="ami-1",
        spot_price=Decimal("0.012300"),
        is_active=False,
        installed_at=NOON - HOUR,
        terminated_at=NOON,
    )

    (line,) = found(database)

    assert line == Line("i-1", "m5.large", "ami-1", Decimal("0.0123"), False, NOON)
    assert isinstance(line.spot_price, Decimal)
    assert line.is_active is False


def test_nothing_stays_nothing(database: SqlStore) -> None:
    put(database, ami_id=None, spot_price=None, is_active=None, installed_at=None)

    assert found(database) == [Line("i-1", "m5.large", None, None, None, None)]


def test_no_rows_are_no_lines(database: SqlStore) -> None:
    assert found(database) == []


def test_rows_keep_their_order(database: SqlStore) -> None:
    for number in (3, 1, 2):
        put(database, id=f"i-{number}", is_active=True, installed_at=NOON)

    assert [line.id for line in found(database)] == ["i-1", "i-2", "i-3"]
    assert found(database)[0].terminated_at == NOON


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_whatever_a_text_holds_it_comes_back(database: SqlStore, text: str) -> None:
    put(database, ami_id=text)

    (line,) = found(database)

    database.empty(tables.instances)
    assert line.ami_id == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(micros=st.integers(min_value=0, max_value=9_999_999_999))
def test_prices_are_exact(database: SqlStore, micros: int) -> None:
    price = Decimal(micros).scaleb(-6)
    put(database, spot_price=price)

    (line,) = found(database)

    database.empty(tables.instances)
    assert line.spot_price == price


def test_a_line_has_a_field_for_each_column() -> None:
    with pytest.raises(ValueError, match="6 fields for 1 columns"):
        JsonRows(Line, [INSTANCES.id])
