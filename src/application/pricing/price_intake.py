"""From offers in reports to one clean price series (contract/domain.md 4.1.5 and 4.1.7)."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from spot_optimizer.application.ports.identity import Identifiers
from spot_optimizer.application.ports.repositories import RawSubmission
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.identifiers import ClientId, PoolId
from spot_optimizer.domain.pricing.buckets import Bucket, BucketSnapshot, Settlement, settle
from spot_optimizer.domain.pricing.duplicates import (
    DUPLICATE_WINDOW,
    Admission,
    KeptPoint,
    screen,
)
from spot_optimizer.domain.pricing.prices import (
    PriceObservation,
    SourceRole,
    time_of_observation,
)
from spot_optimizer.domain.pricing.report import SpotPool
from spot_optimizer.domain.pricing.submission import PriceSubmission

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Offered:
    """A report with offers, and in which role its instance speaks."""

    agent: Agent
    submission: PriceSubmission
    role: SourceRole


@dataclass(frozen=True, slots=True)
class _Seen:
    observation: PriceObservation
    pool: SpotPool
    client_id: ClientId


@dataclass(frozen=True, slots=True)
class PriceIntake:
    """Takes what several reports offer into the price series, within one unit of work."""

    work: UnitOfWork
    identifiers: Identifiers
    now: datetime

    def take(self, offered: Sequence[Offered]) -> None:
        pools = {pool.id: pool for one in offered for pool in _pools_in(one)}
        kept_as = self.work.pools.ensure(list(pools.values()), self.now)
        seen = [sight for one in offered for sight in self._observations(one, pools, kept_as)]
        admitted = self._admit(seen)
        self.work.prices.add_ticks([sight.observation for sight in admitted])
        self._settle(admitted)

    def _observations(
        self,
        offered: Offered,
        pools: Mapping[PoolId, SpotPool],
        kept_as: Mapping[PoolId, PoolId],
    ) -> Iterator[_Seen]:
        said = offered.submission
        observed_at = time_of_observation(said.collected_at, self.now)
        for offer in said.offers:
            if offer.price is None:
                logger.warning("agent %s offers %s at no price", offered.agent.id, offer.pool_id)
                continue
            observation = PriceObservation(
                pool_id=kept_as[offer.pool_id],
                price=offer.price,
                observed_at=observed_at,
                received_at=self.now,
                agent_id=offered.agent.id,
                instance_id=said.instance_id,
                role=offered.role,
                ondemand_price=said.valid_on_demand_price,
                submission_id=self.identifiers.new_id(),
            )
            yield _Seen(observation, pools[offer.pool_id], offered.agent.client_id)

    def _admit(self, seen: Sequence[_Seen]) -> list[_Seen]:
        """Those that nobody has told already; what was submitted is recorded either way."""
        points = self._points_near(seen)
        admitted, submissions = [], []
        for sight in seen:
            observation = sight.observation
            near = points[observation.pool_id]
            screening = screen(observation, near)
            if screening.admission is Admission.DUPLICATE_EXACT:
                continue
            if screening.is_new:
                admitted.append(sight)
                near.append(
                    KeptPoint(
                        price=observation.price,
                        observed_at=observation.observed_at,
                        source=observation.source,
                        id=observation.submission_id,
                    )
                )
            submissions.append(
                RawSubmission(
                    observation=observation,
                    pool=sight.pool,
                    client_id=sight.client_id,
                    is_duplicate=not screening.is_new,
                    duplicate_of=screening.kept.id if screening.kept else None,
                )
            )
        self.work.prices.add_submissions(submissions)
        return admitted

    def _points_near(self, seen: Sequence[_Seen]) -> dict[PoolId, list[KeptPoint]]:
        spans: dict[PoolId, tuple[datetime, datetime]] = {}
        for sight in seen:
            at, pool_id = sight.observation.observed_at, sight.observation.pool_id
            first, last = spans.get(pool_id, (at, at))
            spans[pool_id] = min(first, at), max(last, at)
        found = self.work.prices.points_near(
            {
                pool_id: (first - DUPLICATE_WINDOW, last + DUPLICATE_WINDOW)
                for pool_id, (first, last) in spans.items()
            }
        )
        return defaultdict(list, {pool_id: list(points) for pool_id, points in found.items()})

    def _settle(self, admitted: Sequence[_Seen]) -> None:
        """Which of the admitted prices stands for its five minutes."""
        pools = {sight.observation.pool_id: sight.pool for sight in admitted}
        standing = dict(
            self.work.prices.buckets_at(
                {
                    (sight.observation.pool_id, Bucket.of(sight.observation.observed_at).start)
                    for sight in admitted
                }
            )
        )
        on_record = set(standing)
        added: dict[tuple[PoolId, datetime], BucketSnapshot] = {}
        replaced: dict[tuple[PoolId, datetime], BucketSnapshot] = {}
        for sight in admitted:
            bucket = Bucket.of(sight.observation.observed_at)
            key = (sight.observation.pool_id, bucket.start)
            outcome = settle(standing.get(key), sight.observation, bucket)
            if outcome.discrepancy:
                logger.warning("two sources disagree by more than 10 %% about %s", key[0])
            if outcome.reason in (Settlement.NEW_SNAPSHOT, Settlement.REPLACED_EXISTING):
                standing[key] = outcome.snapshot
                (replaced if key in on_record else added)[key] = outcome.snapshot
        self.work.prices.add_buckets(list(added.values()), pools, self.now)
        self.work.prices.replace_buckets(list(replaced.values()))


def _pools_in(offered: Offered) -> Iterator[SpotPool]:
    for offer in offered.submission.offers:
        yield SpotPool.of(
            offer.instance_type, offered.submission.region or "", offer.zone, offer.pool_id
        )
