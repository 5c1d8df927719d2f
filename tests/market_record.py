"""What a server has on record after some days of work, for commands that learn from it."""

import random
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine, insert

from spot_optimizer.adapters.persistence import tables
from spot_optimizer.domain.identifiers import PoolId
from tests.builders import AGENT, a_pool
from tests.stores import SqlStore

TYPES: Final = ("m5.large", "c5.xlarge")
ZONES: Final = ("us-east-1a", "us-east-1b", "us-east-1c")
_HOURS_BETWEEN_LOSSES: Final = 9.0
_PRICE_EVERY: Final = timedelta(hours=1)
_BUCKET: Final = timedelta(minutes=5)


def put_market_record(
    engine: Engine, until: datetime, days: int, *, losses: bool = True, seed: int = 6
) -> None:
    """Six pools with hourly prices that creep; the two of zone a are lost every few hours."""
    chance = random.Random(seed)  # noqa: S311  # no secret
    store = SqlStore(engine)
    store.put_two_clients_and_an_agent()
    start = (until - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    prices, notices = [], []
    for instance_type in TYPES:
        for zone in ZONES:
            pool_id, price = f"{instance_type}.{zone}", chance.uniform(0.03, 0.05)
            store.put_pool(a_pool(zone, instance_type=instance_type, id=PoolId(pool_id)))
            for hour in range(days * 24 + 1):
                price = min(0.09, max(0.02, price * chance.uniform(0.98, 1.02)))
                at = start + hour * _PRICE_EVERY
                prices.append(_price(pool_id, instance_type, zone, price, at))
            lost_at = start
            while losses and zone == ZONES[0]:
                lost_at += timedelta(hours=chance.expovariate(1 / _HOURS_BETWEEN_LOSSES) + 1)
                if lost_at >= until:
                    break
                notices.append(_notice(pool_id, lost_at.replace(microsecond=0)))
    with engine.begin() as connection:
        connection.execute(insert(tables.pricing_snapshots_clean), prices)
        if notices:
            connection.execute(insert(tables.spot_interruption_events), notices)


def _price(
    pool_id: str, instance_type: str, zone: str, price: float, at: datetime
) -> dict[str, object]:
    return {
        "pool_id": pool_id,
        "instance_type": instance_type,
        "region": zone[:-1],
        "az": zone,
        "spot_price": f"{price:.6f}",
        "ondemand_price": "0.100000",
        "time_bucket": at,
        "bucket_start": at,
        "bucket_end": at + _BUCKET,
        "source_type": "primary",
    }


def _notice(pool_id: str, at: datetime) -> dict[str, object]:
    return {
        "instance_id": f"i-{at:%d%H%M%S}",
        "agent_id": AGENT,
        "pool_id": pool_id,
        "signal_type": "termination-notice",
        "detected_at": at,
        "response_action": "no-action",
    }
