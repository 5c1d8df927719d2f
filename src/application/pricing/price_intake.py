"""From offers in reports to one clean price series (contract/domain.md 4.1.5 and 4.1.7)."""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.application.pricing.price_memory import BucketKey, PriceMemory, TakenIn
from spot_optimizer.domain.agents.vitals import Vitals
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.buckets import (
    DISCREPANCY_PERCENT,
    Bucket,
    BucketSnapshot,
    Settlement,
    settle,
)
from spot_optimizer.domain.pricing.duplicates import KeptPoint, screen
from spot_optimizer.domain.pricing.prices import (
    PriceObservation,
    SourceRole,
    time_of_observation,
)
from spot_optimizer.domain.pricing.recent_points import PointsOfPool
from spot_optimizer.domain.pricing.report import SpotPool
from spot_optimizer.domain.pricing.submission import PriceSubmission

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Offered:
    """A report with offers, and in which role its instance speaks."""

    agent: Vitals
    submission: PriceSubmission
    role: SourceRole


@dataclass(frozen=True, slots=True)
class _Seen:
    observation: PriceObservation
    pool: SpotPool


@dataclass(frozen=True, slots=True)
class PriceIntake:
    """Takes what several reports offer into the price series, within one unit of work."""

    work: UnitOfWork
    memory: PriceMemory
    now: datetime

    def take(self, offered: Sequence[Offered]) -> TakenIn:
        pools = {pool.id: pool for one in offered for pool in _pools_in(one)}
        kept_as = self._ensure(pools.values())
        seen = [sight for one in offered for sight in self._observations(one, pools, kept_as)]
        admitted = self._admit(seen)
        observations = [sight.observation for sight in admitted]
        self.work.prices.add_ticks(observations)
        return TakenIn(
            pools={pool: kept_as[pool_id] for pool_id, pool in pools.items()},
            observations=observations,
            standing=self._settle(admitted),
        )

    def _ensure(self, pools: Collection[SpotPool]) -> Mapping[PoolId, PoolId]:
        """The ids under which the pools are kept."""
        seen = self.memory.pools_seen(self.now)
        kept_as = {pool.id: seen[pool] for pool in pools if pool in seen}
        if unseen := [pool for pool in pools if pool not in seen]:
            kept_as.update(self.work.pools.ensure(unseen, self.now))
        return kept_as

    def _observations(
        self,
        offered: Offered,
        pools: Mapping[PoolId, SpotPool],
        kept_as: Mapping[PoolId, PoolId],
    ) -> Iterator[_Seen]:
        said = offered.submission
        observed_at = time_of_observation(said.collected_at, self.now)
        if worthless := [offer.pool_id for offer in said.offers if offer.price is None]:
            logger.warning("agent %s offers %s at no price", offered.agent.id, ", ".join(worthless))
        for offer in said.offers:
            if offer.price is None:
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
            )
            yield _Seen(observation, pools[offer.pool_id])

    def _admit(self, seen: Sequence[_Seen]) -> list[_Seen]:
        """Those that nobody has told already."""
        admitted = []
        news: defaultdict[PoolId, PointsOfPool] = defaultdict(PointsOfPool)
        for sight in seen:
            observation = sight.observation
            told = news[observation.pool_id]
            like = (*self.memory.recent.like(observation), *told.like(observation))
            if screen(observation, like).is_new:
                admitted.append(sight)
                told.add(KeptPoint.of(observation))
        return admitted

    def _settle(self, admitted: Sequence[_Seen]) -> Mapping[BucketKey, BucketSnapshot]:
        """Which of the admitted prices stands for its five minutes."""
        pools = {sight.observation.pool_id: sight.pool for sight in admitted}
        standing = self._standing(
            {
                (sight.observation.pool_id, Bucket.of(sight.observation.observed_at).start)
                for sight in admitted
            }
        )
        on_record = set(standing)
        added: dict[BucketKey, BucketSnapshot] = {}
        replaced: dict[BucketKey, BucketSnapshot] = {}
        for sight in admitted:
            bucket = Bucket.of(sight.observation.observed_at)
            key = (sight.observation.pool_id, bucket.start)
            outcome = settle(standing.get(key), sight.observation, bucket)
            if outcome.discrepancy and self.memory.disputes.is_first_about(*key):
                logger.warning(
                    "two sources disagree by more than %s %% about %s at %s",
                    DISCREPANCY_PERCENT,
                    *key,
                )
            if outcome.reason in (Settlement.NEW_SNAPSHOT, Settlement.REPLACED_EXISTING):
                standing[key] = outcome.snapshot
                (replaced if key in on_record else added)[key] = outcome.snapshot
        self.work.prices.add_buckets(list(added.values()), pools, self.now)
        self.work.prices.replace_buckets(list(replaced.values()), pools, self.now)
        return standing

    def _standing(self, keys: Collection[BucketKey]) -> dict[BucketKey, BucketSnapshot]:
        standing = self.memory.standing(keys)
        if unknown := set(keys) - standing.keys():
            standing.update(self.work.prices.buckets_at(unknown))
        return standing


def _pools_in(offered: Offered) -> Iterator[SpotPool]:
    for offer in offered.submission.offers:
        yield SpotPool.of(
            offer.instance_type, offered.submission.region or "", offer.zone, offer.pool_id
        )
