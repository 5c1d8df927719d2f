"""Databases with something to do for each batch job, and the jobs themselves."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Table, insert, select

from spot_optimizer.adapters.ml.learning_set import FOLDER, NAME, CsvLearningSet
from spot_optimizer.adapters.persistence import tables
from spot_optimizer.adapters.persistence.billing import SqlBilledClients
from spot_optimizer.adapters.persistence.price_windows import SqlPriceWindows
from spot_optimizer.adapters.persistence.trusted_prices import SqlTrustedPrices
from spot_optimizer.adapters.persistence.unit_of_work import SqlUnitOfWork
from spot_optimizer.application.admin.purge_old_rows import PurgeOldRows
from spot_optimizer.application.clients.snapshot_growth import BackfillGrowth, SnapshotGrowth
from spot_optimizer.application.pricing.build_learning_set import BuildLearningSet
from spot_optimizer.application.pricing.deduplicate_submissions import DeduplicateSubmissions
from spot_optimizer.application.pricing.fill_price_gaps import FillPriceGaps
from spot_optimizer.application.savings.compute_monthly_savings import ComputeMonthlySavings
from spot_optimizer.application.savings.snapshot_savings import SnapshotSavings
from spot_optimizer.domain.retention import Record
from tests.builders import NOON
from tests.fakes import FixedClock, SteadyStopwatch
from tests.fakes.models import InMemoryModelFiles

FIVE_MINUTES = timedelta(minutes=5)
DAY = timedelta(days=1)
TYPE, REGION = "t3.medium", "us-east-1"
POOLS = [f"{TYPE}.{REGION}{zone}" for zone in "abc"]

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class BatchJob:
    """What it works on, what it does, and the tables in which it shows."""

    seed: Callable[[Engine], None]
    make: Callable[[Engine], Callable[[], object]]
    shows_in: tuple[Table, ...]


def put(engine: Engine, table: Table, rows: Rows) -> None:
    if rows:
        with engine.begin() as connection:
            connection.execute(insert(table), list(rows))


def pools(engine: Engine) -> None:
    put(
        engine,
        tables.spot_pools,
        [
            {
                "id": pool,
                "pool_name": pool,
                "instance_type": TYPE,
                "region": REGION,
                "az": pool.rpartition(".")[2],
                "is_active": True,
            }
            for pool in POOLS
        ],
    )


def clean_row(pool: str, start: datetime, price: str, **changes: Any) -> dict[str, Any]:
    return {
        "pool_id": pool,
        "instance_type": TYPE,
        "region": REGION,
        "az": pool.rpartition(".")[2],
        "spot_price": Decimal(price),
        "ondemand_price": None,
        "time_bucket": start,
        "bucket_start": start,
        "bucket_end": start + FIVE_MINUTES - timedelta(seconds=1),
        "source_type": "primary",
        "confidence_score": Decimal("1.00"),
        "data_source": "measured",
    } | changes


def raw_row(
    number: int, pool: str, observed_at: datetime, price: str, **changes: Any
) -> dict[str, Any]:
    return {
        "submission_id": str(UUID(int=number)),
        "source_instance_id": f"i-{number}",
        "source_agent_id": f"agent-{number}",
        "source_type": "primary",
        "pool_id": pool,
        "instance_type": TYPE,
        "region": REGION,
        "az": pool.rpartition(".")[2],
        "spot_price": Decimal(price),
        "ondemand_price": Decimal("0.0416"),
        "observed_at": observed_at,
        "submitted_at": observed_at,
        "received_at": observed_at,
        "is_duplicate": False,
        "processed": False,
    } | changes


def _gaps(engine: Engine) -> None:
    """One of a bucket, one of five, one of twenty, and one that is too long."""
    pools(engine)
    first = NOON - timedelta(hours=12)
    missing = {POOLS[0]: {3, *range(10, 15), *range(30, 50)}, POOLS[1]: {7, *range(60, 90)}}
    put(
        engine,
        tables.pricing_snapshots_clean,
        [
            clean_row(pool, first + FIVE_MINUTES * place, f"0.0{100 + (place * 7 + at) % 40}")
            for at, pool in enumerate(POOLS)
            for place in range(100)
            if place not in missing.get(pool, ())
        ],
    )


def _submissions(engine: Engine) -> None:
    pools(engine)
    roles = ("replica-manual", "primary", "replica-automatic", "primary")
    first = NOON - timedelta(hours=1)
    put(engine, tables.pricing_snapshots_clean, [clean_row(POOLS[2], first, "0.0125")])
    put(
        engine,
        tables.pricing_submissions_raw,
        [
            raw_row(
                number,
                POOLS[number % 3],
                first + timedelta(seconds=97 * (number // 6)),
                f"0.0{110 + number % 30}",
                source_type=roles[(number // 3) % 4],
            )
            for number in range(24)
        ],
    )


def _clients(engine: Engine) -> None:
    put(
        engine,
        tables.clients,
        [
            {
                "id": f"client-{number}",
                "name": f"Client {number}",
                "email": f"{number}@example.com",
                "client_token": f"token-{number}",
                "is_active": number != 2,
            }
            for number in range(4)
        ],
    )
    put(
        engine,
        tables.agents,
        [
            {
                "id": f"agent-{number}",
                "client_id": f"client-{number}",
                "logical_agent_id": f"agent-{number}",
            }
            for number in range(4)
        ],
    )
    put(
        engine,
        tables.instances,
        [
            {
                "id": f"i-{number}",
                "client_id": f"client-{number}",
                "agent_id": f"agent-{number}",
                "instance_type": TYPE,
                "region": REGION,
                "az": f"{REGION}a",
                "baseline_ondemand_price": Decimal("0.0416"),
                "is_active": True,
            }
            for number in range(4)
        ],
    )
    put(
        engine,
        tables.switches,
        [
            {
                "id": f"switch-{number}",
                "client_id": "client-1",
                "agent_id": "agent-1",
                "new_mode": "spot",
                "new_spot_price": Decimal(price),
                "on_demand_price": Decimal("0.0416"),
                "savings_impact": Decimal("0.0291") - number * Decimal("0.0300"),
                "initiated_at": NOON - timedelta(minutes=10 - number),
                "timestamp": NOON - timedelta(minutes=10 - number),
                "created_at": NOON - timedelta(minutes=10 - number),
            }
            for number, price in enumerate(("0.0125", "0.0150"))
        ],
    )


def _old_rows(engine: Engine) -> None:
    """Around every limit: a second too young, at it, a second too old, and long gone."""
    pools(engine)
    _clients(engine)
    ages = (timedelta(0), DAY * 30, DAY * 30 + timedelta(seconds=1), DAY * 50, DAY * 50, DAY * 95)
    times = [NOON - age for age in ages]
    put(
        engine,
        tables.spot_price_snapshots,
        [
            {"pool_id": POOLS[0], "price": Decimal("0.01"), "captured_at": at, "recorded_at": NOON}
            for at in times
        ],
    )
    put(
        engine,
        tables.notifications,
        [
            {
                "id": f"{at:%j}-{is_read}-{place}",
                "client_id": "client-1",
                "message": "hello",
                "is_read": is_read,
                "created_at": at,
            }
            for place, at in enumerate(times)
            for is_read in (True, False)
        ],
    )
    put(
        engine,
        tables.risk_scores,
        [
            {"client_id": "client-1", "recommended_action": "stay", "created_at": at}
            for at in sorted(times)
        ],
    )
    put(
        engine,
        tables.commands,
        [
            {
                "id": f"command-{place}-{status}",
                "client_id": "client-1",
                "agent_id": "agent-1",
                "command_type": "switch",
                "status": status,
                "created_at": at - DAY,
                "completed_at": None if status == "pending" else at,
            }
            for place, at in enumerate((NOON - DAY * 7, NOON - DAY * 8, NOON - DAY * 9))
            for status in ("pending", "completed", "failed", "cancelled")
        ],
    )


class _File:
    """A learning set whose content can be asked for."""

    def __init__(self) -> None:
        self.files = InMemoryModelFiles()

    @property
    def rows(self) -> Sequence[Mapping[str, str]]:
        text = gzip.decompress(self.files.read(FOLDER, NAME)).decode()
        return list(csv.DictReader(text.splitlines()))


def learning_job(engine: Engine, clock: FixedClock | None = None) -> tuple[BuildLearningSet, _File]:
    file = _File()
    prices = SqlTrustedPrices(engine)
    return BuildLearningSet(clock or FixedClock(), prices, CsvLearningSet(file.files)), file


KEPT = {
    Record.SPOT_PRICES: 30,
    Record.READ_NOTIFICATIONS: 30,
    Record.RISK_SCORES: 90,
    Record.COMMANDS: 7,
}


def works_of(engine: Engine) -> Callable[[], SqlUnitOfWork]:
    return lambda: SqlUnitOfWork(engine)


JOBS: Mapping[str, BatchJob] = {
    "gaps": BatchJob(
        _gaps,
        lambda engine: FillPriceGaps(works_of(engine), FixedClock(), SqlPriceWindows(engine)),
        (tables.pricing_snapshots_clean, tables.pricing_snapshots_interpolated),
    ),
    "submissions": BatchJob(
        _submissions,
        lambda engine: DeduplicateSubmissions(works_of(engine), FixedClock(), at_once=10),
        (tables.pricing_snapshots_clean, tables.pricing_submissions_raw),
    ),
    "purge": BatchJob(
        _old_rows,
        lambda engine: PurgeOldRows(
            works_of(engine), FixedClock(), SteadyStopwatch(), lambda _: None, KEPT, at_once=2
        ),
        (
            tables.spot_price_snapshots,
            tables.notifications,
            tables.risk_scores,
            tables.commands,
        ),
    ),
    "savings": BatchJob(
        _clients,
        lambda engine: ComputeMonthlySavings(
            works_of(engine), FixedClock(), SqlBilledClients(engine)
        ),
        (tables.client_savings_monthly,),
    ),
    "days": BatchJob(
        _clients,
        lambda engine: SnapshotSavings(works_of(engine), FixedClock(NOON + DAY)),
        (tables.savings_snapshots,),
    ),
    "growth": BatchJob(
        _clients,
        lambda engine: SnapshotGrowth(works_of(engine), FixedClock()),
        (tables.clients_daily_snapshot,),
    ),
    "backfill": BatchJob(
        _clients,
        lambda engine: BackfillGrowth(works_of(engine), FixedClock()),
        (tables.clients_daily_snapshot,),
    ),
}


def shown(engine: Engine, job: BatchJob) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables hold: their generated ids are left out, and those that point at price
    buckets are told by what they point at."""
    with engine.connect() as connection:
        clean = tables.pricing_snapshots_clean.c
        starts = dict(connection.execute(select(clean.id, clean.time_bucket)).all())
        found = {}
        for table in job.shows_in:
            rows = connection.execute(select(table)).mappings().all()
            found[table.name] = sorted(
                (tuple(_told(name, value, starts) for name, value in row.items()) for row in rows),
                key=repr,
            )
    return found


def _told(name: str, value: Any, starts: Mapping[int, datetime]) -> Any:
    if name == "id" and isinstance(value, int):
        return None
    if name.startswith("interpolated_from"):
        return starts.get(value)
    return None if name in ("created_at", "recorded_at") else value
