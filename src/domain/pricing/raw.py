"""Submitted prices on their way into buckets (contract/domain.md 4.1.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.buckets import (
    Bucket,
    BucketSnapshot,
    Settlement,
    settle,
)
from spot_optimizer.domain.pricing.prices import PriceObservation, is_spot_price
from spot_optimizer.domain.pricing.report import SpotPool

BucketKey = tuple[PoolId, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSubmission:
    """A price as one instance submitted it, not yet judged."""

    id: int
    submission_id: str
    observation: PriceObservation
    pool: SpotPool

    @property
    def key(self) -> BucketKey:
        return self.observation.pool_id, Bucket.of(self.observation.observed_at).start


@dataclass(frozen=True, slots=True)
class Processing:
    """A submission that has been judged: the one that stands in its place is None where it stands
    itself, or where nobody knows which one that is."""

    id: int
    is_duplicate: bool
    duplicate_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a batch of submissions comes to."""

    processed: Sequence[Processing]
    added: Mapping[BucketKey, BucketSnapshot]
    replaced: Mapping[BucketKey, BucketSnapshot]
    winners: Mapping[BucketKey, str]
    """Which submission stands in each bucket, where that is known."""
    overturned: Mapping[str, str]
    """Submissions of earlier batches that stood in a bucket, and which took it from them."""
    unusable: int
    """Submissions without a price in bounds."""

    @property
    def duplicates(self) -> int:
        return sum(one.is_duplicate for one in self.processed) + len(self.overturned)


def judge(
    batch: Sequence[RawSubmission],
    standing: Mapping[BucketKey, BucketSnapshot],
    winners: Mapping[BucketKey, str],
) -> Judgement:
    """Settle each in turn; the one that loses its bucket is a duplicate of the one that wins it.
    However the submissions are divided into batches, they come to the same."""
    stands, wins = dict(standing), dict(winners)
    added: dict[BucketKey, BucketSnapshot] = {}
    replaced: dict[BucketKey, BucketSnapshot] = {}
    processed: list[Processing] = []
    place_of: dict[str, int] = {}
    overturned: dict[str, str] = {}
    unusable = 0
    for raw in batch:
        if not is_spot_price(raw.observation.price):
            processed.append(Processing(raw.id, is_duplicate=False))
            unusable += 1
            continue
        key = raw.key
        outcome = settle(stands.get(key), raw.observation, Bucket(key[1]))
        if not outcome.accepted:
            processed.append(Processing(raw.id, True, wins.get(key)))
            continue
        place_of[raw.submission_id] = len(processed)
        processed.append(Processing(raw.id, is_duplicate=False))
        if outcome.reason is Settlement.REPLACED_EXISTING and key in wins:
            former = wins[key]
            if former in place_of:
                place = place_of[former]
                processed[place] = Processing(processed[place].id, True, raw.submission_id)
            else:
                overturned[former] = raw.submission_id
        (replaced if key in standing else added)[key] = outcome.snapshot
        stands[key] = outcome.snapshot
        wins[key] = raw.submission_id
    return Judgement(
        processed=processed,
        added=added,
        replaced=replaced,
        winners=wins,
        overturned=overturned,
        unusable=unusable,
    )
