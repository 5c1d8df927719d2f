"""What a model looks at besides what the agent says: other pools, and how pools have fared."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from spot_optimizer.application.decisions.price_histories import PriceHistories
from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.domain.decisions.contract import (
    INTERRUPTION_HISTORY_WINDOW,
    INTERRUPTIONS_TOLD,
    DecisionInput,
)
from spot_optimizer.domain.decisions.trend import PRICES_NEEDED, PriceTrend
from spot_optimizer.domain.identifiers import PoolId
from spot_optimizer.domain.pricing.history import PriceHistory
from spot_optimizer.domain.pricing.pool_choice import PricedPool, alternatives


def with_other_pools(
    work: UnitOfWork, questions: Sequence[DecisionInput], now: datetime, freshness: timedelta
) -> Sequence[DecisionInput]:
    """One statement for each type in a region."""
    priced: dict[tuple[str, str], Sequence[PricedPool]] = {}
    informed = []
    for question in questions:
        place = question.instance_type or "", question.region or ""
        if place not in priced:
            priced[place] = work.pools.list_priced(*place, now)
        others = alternatives(priced[place], question.current_pool_id, now, freshness)
        informed.append(replace(question, alternative_pools=others))
    return informed


def with_past(
    work: UnitOfWork,
    questions: Sequence[DecisionInput],
    now: datetime,
    histories: PriceHistories,
) -> Sequence[DecisionInput]:
    """What the pool in question has cost, and the interruptions of that pool and of the one that
    the agent is in."""
    quoted = {pool for question in questions if (pool := question.quote.pool_id)}
    prices = histories.of(work, quoted, now)
    trends = {pool: PriceTrend.of(one.newest(PRICES_NEEDED)) for pool, one in prices.items()}
    pools = quoted | {pool for question in questions if (pool := question.current_pool_id)}
    past = work.interruptions.past_of(pools, now - INTERRUPTION_HISTORY_WINDOW, INTERRUPTIONS_TOLD)
    informed = []
    for question in questions:
        pool_id = question.quote.pool_id
        concerned = {pool_id, question.current_pool_id} - {None}
        told = [one for pool in concerned for one in past.get(PoolId(pool or ""), ())]
        told.sort(key=lambda one: (one.detected_at, one.pool_id or ""), reverse=True)
        informed.append(
            replace(
                question,
                price_history_7d=prices.get(pool_id or PoolId(""), PriceHistory()),
                trend=trends.get(pool_id or PoolId(""), PriceTrend()),
                interruption_history=tuple(told),
            )
        )
    return informed
