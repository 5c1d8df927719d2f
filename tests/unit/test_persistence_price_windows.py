"""What only a database has of estimated prices."""

from decimal import Decimal

from spot_optimizer.adapters.persistence import tables
from tests.builders import MINUTE, NOON, POOL_A, ZONE_A
from tests.stores import SqlStore, statements
from tests.unit.test_filling_price_gaps import fill, put


def test_it_is_said_where_an_estimate_comes_from(database: SqlStore) -> None:
    database.put_pools(ZONE_A)
    put(database, POOL_A, {20: "0.0400", 10: "0.0500"})

    fill(database)

    row = database.row(tables.pricing_snapshots_interpolated)
    ids = {it["time_bucket"]: it["id"] for it in database.rows(tables.pricing_snapshots_clean)}
    assert row["interpolated_from_before"] == ids[NOON - 20 * MINUTE]
    assert row["interpolated_from_after"] == ids[NOON - 10 * MINUTE]
    assert row["gap_duration_minutes"] == 10
    assert row["confidence_score"] == Decimal("0.85")


def test_where_nothing_is_missing_pools_and_their_counts_say_so(database: SqlStore) -> None:
    database.put_pools(ZONE_A)
    put(database, POOL_A, {20: "0.0400", 15: "0.0300", 10: "0.0500"})

    with statements(database.engine) as sent:
        fill(database)

    assert len([one for one in sent if one.startswith("SELECT")]) == 2
