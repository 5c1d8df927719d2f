"""What the server has on record becomes time that decisions can be judged on."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.adapters.persistence.market_history import SqlMarketHistory
from spot_optimizer.application.models.market_history import (
    MarketRecord,
    RecordedLoss,
    RecordedPrice,
)
from spot_optimizer.backtest.server_history import server_traces
from spot_optimizer.domain.identifiers import PoolId
from tests.builders import DAY, HOUR, MINUTE, NOON, POOL_A, POOL_B, TYPE
from tests.stores import SqlStore


def _prices(
    pool: str, *prices: tuple[datetime, float], on_demand: float | None = 0.1
) -> list[RecordedPrice]:
    type_, zone = "m5.large", pool.rpartition(".")[2]
    return [
        RecordedPrice(PoolId(pool), type_, "us-east-1", zone, at, price, on_demand)
        for at, price in prices
    ]


_A, _B = "m5.large.us-east-1a", "m5.large.us-east-1b"
_END = NOON + 3 * DAY
_RECORD = [
    *_prices(_A, (NOON, 0.03), (NOON + HOUR, 0.04), (_END, 0.05)),
    *_prices(_B, (NOON + 30 * MINUTE, 0.02), (_END - HOUR, 0.02)),
]


def _losses(*at: datetime) -> Sequence[RecordedLoss]:
    return [RecordedLoss(PoolId(_A), moment) for moment in at]


def test_prices_hold_and_a_pool_begins_with_its_first() -> None:
    (trace,) = server_traces(MarketRecord(_RECORD))

    assert (trace.agent, trace.tick_s, trace.on_demand_price) == ("us-east-1/m5.large", 300, 0.1)
    assert trace.ticks == 3 * 288 + 1
    assert trace.prices[:13, 0].tolist() == [0.03] * 12 + [0.04]
    assert trace.up[:, 1].tolist() == [False] * 6 + [True] * (trace.ticks - 6)
    assert trace.start == 288


def test_a_loss_takes_the_pool_away_for_a_while() -> None:
    (trace,) = server_traces(MarketRecord(_RECORD, _losses(NOON + HOUR, NOON + HOUR + 2 * MINUTE)))

    # Seen at the tick of the notice, and at the one after the second notice for as long again.
    assert trace.up[:, 0].tolist() == [True] * 12 + [False] * 10 + [True] * (trace.ticks - 22)


def test_losses_before_and_after_the_record_are_no_matter() -> None:
    (trace,) = server_traces(MarketRecord(_RECORD, _losses(NOON - 2 * DAY, _END + DAY)))

    assert trace.up[9:, 0].all()


@pytest.mark.parametrize(
    "record",
    [
        [],
        _prices(_A, (NOON, 0.03), (_END, 0.03)),
        [one._replace(on_demand_price=None) for one in _RECORD],
        [one for one in _RECORD if one.at < NOON + DAY],
    ],
    ids=["nothing", "one pool", "no on-demand price", "less than two days"],
)
def test_too_little_makes_no_trace(record: Sequence[RecordedPrice]) -> None:
    assert server_traces(MarketRecord(record)) == []


def _put_prices(store: SqlStore, at: datetime) -> None:
    for pool, price in ((POOL_A, "0.03"), (POOL_B, "0.02")):
        store.insert(
            tables.pricing_snapshots_clean,
            pool_id=pool,
            instance_type=TYPE,
            region="us-east-1",
            az=pool.rpartition(".")[2],
            spot_price=price,
            ondemand_price="0.1",
            time_bucket=at,
            bucket_start=at,
            bucket_end=at + timedelta(minutes=5),
            source_type="primary",
        )


def test_the_record_is_read_from_the_moment_asked_for(database: SqlStore) -> None:
    for at in (NOON - DAY, NOON, NOON + HOUR):
        _put_prices(database, at)

    record = SqlMarketHistory(database.engine).since(NOON)

    assert [(one.pool_id, one.at, one.price) for one in record.prices] == [
        (POOL_A, NOON, 0.03),
        (POOL_A, NOON + HOUR, 0.03),
        (POOL_B, NOON, 0.02),
        (POOL_B, NOON + HOUR, 0.02),
    ]
    assert record.prices[0].on_demand_price == 0.1


def test_notices_and_failed_launches_are_losses(database: SqlStore) -> None:
    database.put_two_clients_and_an_agent()
    agent = database.row(tables.agents)
    database.insert(
        tables.instances,
        id="i-1",
        client_id=agent["client_id"],
        instance_type=TYPE,
        region="us-east-1",
        az="a",
        current_pool_id=POOL_B,
    )
    for signal, at in (
        ("termination-notice", NOON),
        ("rebalance-recommendation", NOON),
        ("termination-notice", NOON - DAY),
    ):
        database.insert(
            tables.spot_interruption_events,
            instance_id="i-9",
            agent_id=agent["id"],
            pool_id=POOL_A,
            signal_type=signal,
            detected_at=at,
            response_action="no-action",
        )
    database.insert(
        tables.termination_events,
        agent_id=agent["id"],
        instance_id="i-1",
        event_type="termination_notice",
        detected_at=NOON + MINUTE,
    )
    for status, minutes in (("failed", 2), ("completed", 3)):
        database.insert(
            tables.commands,
            client_id=agent["client_id"],
            agent_id=agent["id"],
            command_type="switch",
            target_pool_id=POOL_A,
            status=status,
            created_at=NOON,
            completed_at=NOON + minutes * MINUTE,
        )
    database.insert(
        tables.replica_instances,
        id="r-1",
        agent_id=agent["id"],
        instance_id="i-5",
        replica_type="manual",
        status="failed",
        pool_id=POOL_B,
        created_at=NOON + 4 * MINUTE,
    )

    record = SqlMarketHistory(database.engine).since(NOON)

    assert record.losses == [
        (POOL_A, NOON),
        (POOL_B, NOON + MINUTE),
        (POOL_A, NOON + 2 * MINUTE),
        (POOL_B, NOON + 4 * MINUTE),
    ]
