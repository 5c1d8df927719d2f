"""Rows that cross as one text are what they were."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text, update

from spot_optimizer.adapters.persistence import listing
from spot_optimizer.adapters.persistence.listing import Listing
from spot_optimizer.adapters.persistence.tables import switches
from tests.builders import ACME, AGENT, NOON, a_client, an_agent
from tests.stores import SqlStore


class Line(NamedTuple):
    id: str
    trigger: str | None
    price: Decimal | None
    at: datetime | None
    success: bool | None
    seconds: int | None


LISTING = Listing(
    Line,
    select(
        switches.c.id,
        switches.c.error_message,
        switches.c.savings_impact,
        switches.c.initiated_at,
        switches.c.success,
        switches.c.downtime_seconds,
    ),
    order=lambda line: line.id,
)


def listed(store: SqlStore, *rows: dict[str, Any]) -> Sequence[Line]:
    whose = {"client_id": ACME, "agent_id": AGENT}
    if rows:
        with store.engine.begin() as connection:
            for number, row in enumerate(rows):
                values = {"id": f"{number:03}", **whose, **row}
                connection.execute(insert(switches).values(**values))
    with store.engine.connect() as connection:
        return LISTING.read(connection, {})


def plain(**columns: Any) -> dict[str, Any]:
    """Nothing in it but these."""
    return {"success": None, **columns}


@pytest.fixture(autouse=True)
def somebody(database: SqlStore) -> None:
    database.put(a_client(), an_agent())


def test_nothing_is_nothing(database: SqlStore) -> None:
    assert listed(database) == []


def test_every_kind_of_value_comes_through(database: SqlStore) -> None:
    full = {
        "error_message": "text",
        "savings_impact": Decimal("-0.000001"),
        "initiated_at": NOON,
        "success": True,
        "downtime_seconds": 7,
    }

    assert listed(database, full, plain(), plain(success=False, savings_impact=0)) == [
        Line("000", "text", Decimal("-0.000001"), NOON, True, 7),
        Line("001", None, None, None, None, None),
        Line("002", None, Decimal(0), None, False, None),
    ]


@pytest.mark.parametrize(
    "words",
    [
        "null",
        "1",
        "true",
        "",
        " ",
        '"',
        "\\",
        "\\u0000",
        "a\nb\tc\r",
        "é€漢字🎉",
        "[1,2]",
        "{}",
        "'",
        "%s",
        "\x1e",
        "\x1f",
        "a\x1fb\x1ec\x1dd",
    ],
)
def test_every_text_comes_through(database: SqlStore, words: str) -> None:
    assert listed(database, plain(error_message=words))[0].trigger == words


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
)
def test_any_text_comes_through(sqlite: SqlStore, words: str) -> None:
    sqlite.clear()
    sqlite.put(a_client(), an_agent())

    assert listed(sqlite, plain(error_message=words))[0].trigger == words


def test_what_is_longer_than_the_database_puts_into_one_text_comes_row_by_row(
    mariadb: SqlStore,
) -> None:
    mariadb.put(a_client(), an_agent())
    listed(mariadb, *(plain(error_message="x" * 100) for _ in range(30)))

    with mariadb.engine.connect() as connection:
        connection.execute(text("SET SESSION group_concat_max_len = 1000"))
        lines = LISTING.read(connection, {})
        connection.execute(text("SET SESSION group_concat_max_len = DEFAULT"))

    assert [line.id for line in lines] == [f"{number:03}" for number in range(30)]
    assert {line.trigger for line in lines} == {"x" * 100}


def test_the_order_is_the_lists_own(database: SqlStore) -> None:
    reverse = Listing(Line, LISTING.rows, order=lambda line: -int(line.id))
    listed(database, plain(), plain(), plain())

    with database.engine.connect() as connection:
        assert [line.id for line in reverse.read(connection, {})] == ["002", "001", "000"]


def test_a_row_that_has_not_changed_is_the_same_line_again(mariadb: SqlStore) -> None:
    mariadb.put(a_client(), an_agent())
    before = listed(mariadb, plain(success=True), plain(success=True))

    with mariadb.engine.begin() as connection:
        connection.execute(update(switches).where(switches.c.id == "001").values(success=False))
    after = listed(mariadb)

    assert after[0] is before[0]
    assert [line.success for line in after] == [True, False]


def test_lines_are_forgotten_rather_than_kept_without_end(
    mariadb: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_LINES_REMEMBERED", 3)
    mariadb.put(a_client(), an_agent())

    assert len(listed(mariadb, *(plain() for _ in range(3)))) == 3
    with mariadb.engine.begin() as connection:
        connection.execute(update(switches).values(downtime_seconds=5))
    first = listed(mariadb)

    assert [(line.id, line.seconds) for line in first] == [("000", 5), ("001", 5), ("002", 5)]
    assert all(one is same for one, same in zip(first, listed(mariadb), strict=True))
