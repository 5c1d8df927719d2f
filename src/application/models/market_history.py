"""What the server has on record of its pools: what decisions can be judged on afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from spot_optimizer.domain.identifiers import PoolId


class RecordedPrice(NamedTuple):
    """Of one five-minute bucket, USD per hour. Floats: they go into estimates, not into bills."""

    pool_id: PoolId
    instance_type: str
    region: str
    zone: str
    at: datetime
    price: float
    on_demand_price: float | None


class RecordedLoss(NamedTuple):
    """An instance in the pool was given notice, or could not be launched there."""

    pool_id: PoolId
    at: datetime


@dataclass(frozen=True, slots=True)
class MarketRecord:
    prices: Sequence[RecordedPrice] = ()
    """By pool, the oldest first."""
    losses: Sequence[RecordedLoss] = ()


class MarketHistory(Protocol):
    def since(self, moment: datetime) -> MarketRecord: ...
