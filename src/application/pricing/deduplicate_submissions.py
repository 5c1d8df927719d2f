from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWork, UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.jobs import NOTHING_DONE, JobResult
from spot_optimizer.domain.pricing.buckets import BucketSnapshot
from spot_optimizer.domain.pricing.raw import BucketKey, Judgement, RawSubmission, judge
from spot_optimizer.domain.pricing.report import SpotPool

MOST_AT_ONCE: Final = 5000
# Which submissions stand in the buckets that were touched last, to be forgotten as a whole.
_WINNERS_REMEMBERED: Final = 50_000


@dataclass(frozen=True, slots=True)
class DeduplicateSubmissions:
    """Judges all submissions that nobody has judged, a few thousand in a transaction: whatever
    ends it, the next run goes on with those that are left."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    at_once: int = MOST_AT_ONCE

    def __call__(self) -> JobResult:
        total, batches = NOTHING_DONE, _Batches()
        while True:
            done = self._next_batch(batches)
            if done is None:
                return total
            total = total.plus(done)

    @repeated_when_lost
    def _next_batch(self, batches: "_Batches") -> JobResult | None:
        now = self.clock.now()
        with self.unit_of_work() as work:
            raws = work.submissions.unprocessed(batches.last_id, self.at_once)
            if not raws:
                return None
            standing = work.prices.buckets_at({raw.key for raw in raws})
            judged = judge(raws, standing, batches.winners(work, standing))
            pools: Mapping[PoolId, SpotPool] = {raw.observation.pool_id: raw.pool for raw in raws}
            work.prices.add_buckets(list(judged.added.values()), pools, now)
            work.prices.replace_buckets(list(judged.replaced.values()), pools, now)
            work.submissions.settle(judged, now)
            work.commit()
        batches.took(raws[-1], judged)
        return JobResult(
            processed=len(judged.processed),
            inserted=len(judged.added),
            updated=len(judged.replaced),
            details={"duplicates": judged.duplicates, "errors": judged.unusable},
        )


@dataclass(slots=True)
class _Batches:
    """What one batch leaves for the next."""

    last_id: int = 0
    known: dict[BucketKey, str] = field(default_factory=dict)

    def winners(
        self, work: UnitOfWork, standing: Mapping[BucketKey, BucketSnapshot]
    ) -> Mapping[BucketKey, str]:
        measured: Collection[BucketKey] = {
            key for key, snapshot in standing.items() if snapshot.is_measured
        }
        unknown = measured - self.known.keys()
        found = work.submissions.winners(unknown) if unknown else {}
        return {
            **found,
            **{key: self.known[key] for key in standing if key in self.known},
        }

    def took(self, last: RawSubmission, judged: Judgement) -> None:
        if len(self.known) > _WINNERS_REMEMBERED:
            self.known.clear()
        self.known.update(judged.winners)
        self.last_id = last.id
