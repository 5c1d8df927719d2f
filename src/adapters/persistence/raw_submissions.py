from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Column, Connection, Row, bindparam, false, select, true, update

from spot_optimizer.adapters.persistence.tables import pricing_submissions_raw
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId
from spot_optimizer.domain.pricing.buckets import BUCKET_WIDTH, Bucket
from spot_optimizer.domain.pricing.prices import PriceObservation, SourceRole
from spot_optimizer.domain.pricing.raw import BucketKey, Judgement, RawSubmission
from spot_optimizer.domain.pricing.report import SpotPool

T = TypeVar("T")

_RAW: Final = pricing_submissions_raw.c
_PROCESSED_AT: Final = UtcInstant()
_IN_ONE: Final = 250

# In the order of the index over both flags, which for each pair of them is that of the ids.
_UNPROCESSED: Final = (
    select(
        _RAW.id,
        _RAW.submission_id,
        _RAW.source_instance_id,
        _RAW.source_agent_id,
        _RAW.source_type,
        _RAW.pool_id,
        _RAW.instance_type,
        _RAW.region,
        _RAW.az,
        _RAW.spot_price,
        _RAW.ondemand_price,
        _RAW.observed_at,
        _RAW.received_at,
    )
    .where(_RAW.is_duplicate.is_(false()))
    .where(_RAW.processed.is_(false()))
    .where(_RAW.id > bindparam("after_id"))
    .order_by(_RAW.id)
    .limit(bindparam("most"))
)
_STANDING: Final = (
    select(_RAW.pool_id, _RAW.observed_at, _RAW.submission_id)
    .where(_RAW.pool_id.in_(bindparam("pools", expanding=True)))
    .where(_RAW.observed_at >= bindparam("since", type_=UtcInstant))
    .where(_RAW.observed_at < bindparam("until", type_=UtcInstant))
    .where(_RAW.processed.is_(true()))
    .where(_RAW.is_duplicate.is_(false()))
)


class SqlRawSubmissionRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def unprocessed(self, after_id: int, most: int) -> Sequence[RawSubmission]:
        asked = {"after_id": after_id, "most": most}
        pools: dict[str, SpotPool] = {}
        return [_to_submission(row, pools) for row in self._connection.execute(_UNPROCESSED, asked)]

    def winners(self, keys: Collection[BucketKey]) -> Mapping[BucketKey, str]:
        if not keys:
            return {}
        starts = [start for _, start in keys]
        rows = self._connection.execute(
            _STANDING,
            {
                "pools": sorted({pool_id for pool_id, _ in keys}),
                "since": min(starts),
                "until": max(starts) + BUCKET_WIDTH,
            },
        )
        found = {
            (PoolId(row.pool_id), Bucket.of(row.observed_at).start): row.submission_id
            for row in rows
        }
        return {key: found[key] for key in keys if key in found}

    def settle(self, judgement: Judgement, at: datetime) -> None:
        stands = [one.id for one in judgement.processed if not one.is_duplicate]
        lost = {one.id: one.duplicate_of for one in judgement.processed if one.is_duplicate}
        done = {"processed": True, "processed_at": at}
        for ids in _cut(stands):
            self._connection.execute(
                update(pricing_submissions_raw).where(_RAW.id.in_(ids)).values(done)
            )
        self._name_winners(_RAW.id, lost, at)
        self._name_winners(_RAW.submission_id, judgement.overturned, at)

    def _name_winners(
        self, key: Column[Any], winners: Mapping[Any, str | None], at: datetime
    ) -> None:
        """Many rows by one statement, composed here: as parameters of the toolkit they would cost
        ten times as much."""
        mark = "?" if self._connection.dialect.paramstyle == "qmark" else "%s"
        processed_at = _PROCESSED_AT.bind_processor(self._connection.dialect)
        moment = processed_at(at) if processed_at else at
        for some in _cut(list(winners.items())):
            which = " ".join([f"WHEN {mark} THEN {mark}"] * len(some))
            those = ", ".join([mark] * len(some))
            self._connection.exec_driver_sql(
                f"UPDATE {_RAW.id.table.name} SET processed = 1, processed_at = {mark}, "  # noqa: S608  # our own names
                f"is_duplicate = 1, duplicate_of = CASE {key.name} {which} END "
                f"WHERE {key.name} IN ({those})",
                (moment, *(value for pair in some for value in pair), *(it for it, _ in some)),
            )


def _cut(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """A row is compared with half of those in its statement."""
    return (items[first : first + _IN_ONE] for first in range(0, len(items), _IN_ONE))


def _to_submission(row: Row[*tuple[Any, ...]], pools: dict[str, SpotPool]) -> RawSubmission:
    pool_id = PoolId(row.pool_id)
    pool = pools.get(pool_id)
    if pool is None:
        pool = pools[pool_id] = SpotPool.of(row.instance_type, row.region, row.az, pool_id)
    return RawSubmission(
        id=row.id,
        submission_id=row.submission_id,
        observation=PriceObservation(
            pool_id=pool_id,
            price=row.spot_price,
            observed_at=row.observed_at,
            received_at=row.received_at,
            agent_id=AgentId(row.source_agent_id),
            instance_id=InstanceId(row.source_instance_id),
            role=SourceRole(row.source_type),
            ondemand_price=row.ondemand_price,
        ),
        pool=pool,
    )
