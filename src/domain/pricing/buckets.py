"""One judged price per pool and five minutes (contract/domain.md 4.1.7)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final, Self

from spot_optimizer.domain.identifiers import AgentId, InstanceId, PoolId
from spot_optimizer.domain.pricing.prices import (
    PriceObservation,
    SourceRole,
    confidence_in,
    difference_percent,
    rank_of,
)
from spot_optimizer.domain.savings import savings_percent

BUCKET_MINUTES: Final = 5
BUCKET_WIDTH: Final = timedelta(minutes=BUCKET_MINUTES)
LAST_SECOND: Final = BUCKET_WIDTH - timedelta(seconds=1)

# Two sources of one rank that are further apart than this deserve a warning.
DISCREPANCY_PERCENT: Final = Decimal(10)


class DataSource(StrEnum):
    MEASURED = "measured"
    INTERPOLATED = "interpolated"


class Settlement(StrEnum):
    """Why a bucket holds what it holds after an observation."""

    NEW_SNAPSHOT = "new_snapshot"
    REPLACED_EXISTING = "replaced_existing"
    LOWER_PRIORITY = "lower_priority"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, order=True)
class Bucket:
    """Five minutes of UTC, named by their start."""

    start: datetime

    @classmethod
    def of(cls, instant: datetime) -> Self:
        """The one bucket in which an instant lies."""
        return cls(
            instant.replace(
                minute=instant.minute - instant.minute % BUCKET_MINUTES, second=0, microsecond=0
            )
        )

    @property
    def end(self) -> datetime:
        """The last whole second."""
        return self.start + LAST_SECOND

    @property
    def next(self) -> "Bucket":
        return Bucket(self.start + BUCKET_WIDTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSnapshot:
    """What a pool cost during one bucket, and who says so."""

    pool_id: PoolId
    bucket: Bucket
    spot_price: Decimal
    ondemand_price: Decimal | None = None
    savings_percent: Decimal | None = None
    role: SourceRole = SourceRole.PRIMARY
    agent_id: AgentId | None = None
    instance_id: InstanceId | None = None
    confidence: Decimal = Decimal("1.00")
    data_source: DataSource = DataSource.MEASURED

    @classmethod
    def measured(cls, observation: PriceObservation, bucket: Bucket) -> Self:
        od = observation.ondemand_price
        return cls(
            pool_id=observation.pool_id,
            bucket=bucket,
            spot_price=observation.price,
            ondemand_price=od,
            savings_percent=None if od is None else savings_percent(od, observation.price),
            role=observation.role,
            agent_id=observation.agent_id,
            instance_id=observation.instance_id,
            confidence=confidence_in(observation.role),
        )

    @property
    def is_measured(self) -> bool:
        return self.data_source is DataSource.MEASURED


class Disputes:
    """Which pools the reporters disagree about in the current five minutes, so that a fleet that
    reports a thousand times says it once."""

    def __init__(self) -> None:
        self._newest: datetime | None = None
        self._pools: set[PoolId] = set()

    def is_first_about(self, pool_id: PoolId, bucket_start: datetime) -> bool:
        """Late news about earlier buckets is none."""
        if self._newest is None or bucket_start > self._newest:
            self._newest = bucket_start
            self._pools.clear()
        if bucket_start < self._newest or pool_id in self._pools:
            return False
        self._pools.add(pool_id)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketOutcome:
    """What the bucket holds now; the submission that lost is a duplicate of the one that won."""

    reason: Settlement
    snapshot: BucketSnapshot
    replaced: BucketSnapshot | None = None
    discrepancy: bool = False
    """Two sources of one rank disagree by more than 10 %: worth a warning."""

    @property
    def accepted(self) -> bool:
        """The observation is in the bucket, which has to be saved."""
        return self.reason in (Settlement.NEW_SNAPSHOT, Settlement.REPLACED_EXISTING)


def settle(
    existing: BucketSnapshot | None, observation: PriceObservation, bucket: Bucket
) -> BucketOutcome:
    """The higher rank counts, among equals the first (contract/domain.md 4.1.7)."""
    if existing is None:
        return BucketOutcome(
            reason=Settlement.NEW_SNAPSHOT, snapshot=BucketSnapshot.measured(observation, bucket)
        )
    lead = rank_of(observation.role) - rank_of(existing.role)
    if lead > 0:
        return BucketOutcome(
            reason=Settlement.REPLACED_EXISTING,
            snapshot=BucketSnapshot.measured(observation, bucket),
            replaced=existing,
        )
    if lead < 0:
        return BucketOutcome(reason=Settlement.LOWER_PRIORITY, snapshot=existing)
    apart = difference_percent(observation.price, existing.spot_price)
    return BucketOutcome(
        reason=Settlement.KEPT, snapshot=existing, discrepancy=apart > DISCREPANCY_PERCENT
    )
