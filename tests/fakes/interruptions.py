"""Notices in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from spot_optimizer.domain.decisions.contract import PastInterruption
from spot_optimizer.domain.identifiers import AgentId, PoolId
from spot_optimizer.domain.interruption_features import Circumstances
from spot_optimizer.domain.interruptions import Interruption, InterruptionId, Sign, SignalType
from spot_optimizer.domain.pricing.prices import PricePoint
from tests.fakes.identity import InMemoryAgents
from tests.fakes.keeping import Keeping
from tests.fakes.prices import InMemoryPrices


class InMemoryInterruptions(Keeping):
    """The place in the list is the id, less one."""

    def __init__(self, agents: InMemoryAgents, prices: InMemoryPrices) -> None:
        self.kept: list[Interruption] = []
        self._agents = agents
        self._prices = prices

    def add(self, interruption: Interruption, at: datetime) -> InterruptionId:
        key = InterruptionId(len(self.kept) + 1)
        self.kept.append(replace(interruption, id=key))
        return key

    def add_all(self, interruptions: Sequence[Interruption], at: datetime) -> None:
        for one in interruptions:
            self.add(one, at)

    def save_all(self, interruptions: Sequence[Interruption]) -> None:
        for one in interruptions:
            self.save(one)

    def save(self, interruption: Interruption) -> None:
        if interruption.id is not None:
            self.kept[interruption.id - 1] = interruption

    def list_of(self, agent_id: AgentId, since: datetime) -> Sequence[Interruption]:
        found = [
            (one.detected_at, key, one)
            for key, one in enumerate(self.kept)
            if one.agent_id == agent_id and one.detected_at >= since
        ]
        return [one for _, _, one in sorted(found, key=lambda it: it[:2], reverse=True)]

    def of(
        self, agent_ids: Collection[AgentId], since: datetime
    ) -> Mapping[AgentId, Sequence[Interruption]]:
        return {one: found for one in agent_ids if (found := self.list_of(one, since))}

    def any_since(self, agent_id: AgentId, signal: SignalType, since: datetime) -> bool:
        return any(one.signal_type is signal for one in self.list_of(agent_id, since))

    def count_in_pool(self, pool_id: PoolId, since: datetime) -> int:
        return sum(one.pool_id == pool_id and one.detected_at >= since for one in self.kept)

    def past_of(
        self, pool_ids: Collection[PoolId], since: datetime, most: int
    ) -> Mapping[PoolId, Sequence[PastInterruption]]:
        found: dict[PoolId, list[PastInterruption]] = {}
        for one in sorted(self.kept, key=lambda one: one.detected_at, reverse=True):
            if one.pool_id in pool_ids and one.detected_at >= since:
                past = PastInterruption(pool_id=one.pool_id, detected_at=one.detected_at)
                found.setdefault(PoolId(one.pool_id or ""), []).append(past)
        return {pool_id: past[:most] for pool_id, past in found.items()}

    def moments_in_pool(self, pool_id: PoolId, since: datetime) -> Sequence[datetime]:
        return sorted(
            one.detected_at
            for one in self.kept
            if one.pool_id == pool_id and one.detected_at >= since
        )

    def losses_in(
        self, pool_ids: Collection[PoolId], since: datetime
    ) -> Mapping[PoolId, Sequence[datetime]]:
        found: dict[PoolId, list[datetime]] = {}
        for one in sorted(self.kept, key=lambda it: it.detected_at):
            is_loss = one.signal_type is SignalType.TERMINATION_NOTICE
            if is_loss and one.pool_id in pool_ids and one.detected_at >= since:
                found.setdefault(PoolId(one.pool_id or ""), []).append(one.detected_at)
        return found

    def signs_in(self, pool_id: PoolId, since: datetime, most: int) -> Sequence[Sign]:
        found = [
            (one.detected_at, key, Sign(one.instance_id, one.signal_type, one.detected_at))
            for key, one in enumerate(self.kept)
            if one.pool_id == pool_id and one.detected_at >= since
        ]
        return [sign for _, _, sign in sorted(found, reverse=True)[:most]]

    def circumstances_of(
        self, pools: Mapping[AgentId, PoolId | None], since: datetime, now: datetime
    ) -> Mapping[AgentId, Circumstances]:
        return {
            agent_id: self._circumstances(agent_id, pool_id, since, now)
            for agent_id, pool_id in pools.items()
        }

    def _circumstances(
        self, agent_id: AgentId, pool_id: PoolId | None, since: datetime, now: datetime
    ) -> Circumstances:
        of_agent = [one.detected_at for one in self.kept if one.agent_id == agent_id]
        seen = Circumstances(
            now=now,
            agent_interruptions=len(of_agent),
            agent_last_interrupted_at=max(of_agent, default=None),
        )
        if pool_id is None:
            return seen
        of_pool = [one.detected_at for one in self.kept if one.pool_id == pool_id]
        ticks = sorted(
            (tick.observed_at, number, tick.price)
            for number, tick in enumerate(self._prices.ticks)
            if tick.pool_id == pool_id
        )
        points = [tick for tick in ticks if tick[0] >= since] or ticks[-1:]
        return replace(
            seen,
            prices=[
                PricePoint(pool_id=pool_id, price=price, captured_at=at) for at, _, price in points
            ],
            pool_interruptions=len(of_pool),
            pool_first_interrupted_at=min(of_pool, default=None),
            agents_in_pool=sum(
                agent.placement.pool_id == pool_id
                and agent.settings.enabled
                and not agent.is_deleted
                for agent in self._agents.kept.values()
            ),
        )
