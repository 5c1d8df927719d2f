"""Many rows by one statement come out as they went in."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.adapters.persistence.append import append_rows
from tests.builders import HOUR, NOON, REGION, SECOND_OF_TIME, TYPE
from tests.stores import SqlStore, statements

HOSTILE = [
    "it's",
    "back\\slash",
    "\\'); DROP TABLE spot_pools; --",
    "%s %(name)s %% :name ?",
    '"double"',
    "line\nbreak\r\x1a\b\t",
    "null\x00byte",
    "\N{SNOWMAN}\N{PILE OF POO}",
    "",
    "NULL",
]
AUDIT = tables.audit_logs

TEXTS = st.one_of(
    st.sampled_from(HOSTILE), st.none(), st.text(st.characters(codec="utf-8"), max_size=40)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.sampled_from(HOSTILE),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b%s", "c'"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def append(store: SqlStore, rows: Sequence[dict[str, Any]]) -> None:
    with store.engine.begin() as connection:
        append_rows(connection, tables.audit_logs, rows)


def an_entry(**changes: Any) -> dict[str, Any]:
    entry = {"id": str(uuid4()), "user_agent": "curl", "changes": ["it's %s"], "created_at": NOON}
    return entry | changes


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.lists(st.tuples(TEXTS, JSON), min_size=1, max_size=5))
def test_whatever_anybody_wrote_is_kept_as_it_is(
    database: SqlStore, entries: list[tuple[str | None, object]]
) -> None:
    rows = [an_entry(user_agent=text, changes=document) for text, document in entries]

    append(database, rows)

    kept = {row["id"]: (row["user_agent"], row["changes"]) for row in database.rows(AUDIT)}
    database.empty(AUDIT)
    assert kept == {row["id"]: (row["user_agent"], row["changes"]) for row in rows}


def test_amounts_and_instants_are_exact(database: SqlStore) -> None:
    prices = [Decimal("0.001000"), Decimal("0.1"), Decimal("9999.999999"), Decimal("1E+2")]
    rows = [
        {
            "region": REGION,
            "instance_type": TYPE,
            "price": price,
            "captured_at": NOON - HOUR,
            "recorded_at": NOON + SECOND_OF_TIME / 2,
        }
        for price in prices
    ]

    with database.engine.begin() as connection:
        append_rows(connection, tables.ondemand_price_snapshots, rows)

    kept = database.rows(tables.ondemand_price_snapshots)
    assert [row["price"] for row in kept] == prices
    assert {(row["captured_at"], row["recorded_at"]) for row in kept} == {(NOON - HOUR, NOON)}


def test_no_rows_are_no_statement(database: SqlStore) -> None:
    with statements(database.engine) as executed:
        append(database, [])

    assert [text for text in executed if text.startswith("INSERT")] == []


def test_many_rows_are_one_statement(database: SqlStore) -> None:
    with statements(database.engine) as executed:
        append(database, [an_entry() for _ in range(500)])

    assert len([text for text in executed if text.startswith("INSERT")]) == 1
    assert len(database.rows(AUDIT)) == 500


def test_more_than_a_packet_holds_is_several(database: SqlStore) -> None:
    long = "it's " * 12_000
    rows = [an_entry(user_agent=long) for _ in range(40)]

    append(database, rows)

    assert {row["user_agent"] for row in database.rows(AUDIT)} == {long}
    assert len(database.rows(AUDIT)) == 40


def test_what_is_there_may_be_left_as_it_is(database: SqlStore) -> None:
    place = {"region": REGION, "instance_type": TYPE, "recorded_at": NOON}
    first = {"id": str(uuid4()), **place, "price": Decimal("0.1")}
    second = {"id": str(uuid4()), **place, "region": "eu-west-1", "price": Decimal("0.2")}
    with database.engine.begin() as connection:
        append_rows(connection, tables.ondemand_prices, [first])
        other = {**first, "id": str(uuid4()), "price": Decimal("0.3")}
        append_rows(connection, tables.ondemand_prices, [other, second], leave_existing=True)

    kept = {row["id"]: row["price"] for row in database.rows(tables.ondemand_prices)}
    assert kept == {first["id"]: Decimal("0.1"), second["id"]: Decimal("0.2")}


def test_a_refused_row_takes_the_others_with_it_and_is_not_told(database: SqlStore) -> None:
    first = an_entry(user_agent="a secret")

    with pytest.raises(IntegrityError) as refused:
        append(database, [first, an_entry(), first])

    assert "a secret" not in str(refused.value)
    assert database.rows(AUDIT) == []
