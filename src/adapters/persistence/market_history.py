from datetime import datetime
from typing import Final

from sqlalchemy import Engine, and_, bindparam, func, select

from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import (
    commands,
    instances,
    pricing_snapshots_clean,
    replica_instances,
    spot_interruption_events,
    termination_events,
)
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.application.models.market_history import (
    MarketRecord,
    RecordedLoss,
    RecordedPrice,
)
from spot_optimizer.domain.identifiers import PoolId

_SINCE: Final = bindparam("since", type_=UtcInstant)

_PRICES: Final = (
    select(
        pricing_snapshots_clean.c.pool_id,
        pricing_snapshots_clean.c.instance_type,
        pricing_snapshots_clean.c.region,
        pricing_snapshots_clean.c.az,
        pricing_snapshots_clean.c.time_bucket,
        pricing_snapshots_clean.c.spot_price,
        pricing_snapshots_clean.c.ondemand_price,
    )
    .where(pricing_snapshots_clean.c.time_bucket >= _SINCE)
    .order_by(pricing_snapshots_clean.c.pool_id, pricing_snapshots_clean.c.time_bucket)
)
_NOTICES: Final = (
    select(spot_interruption_events.c.pool_id, spot_interruption_events.c.detected_at.label("at"))
    .where(spot_interruption_events.c.signal_type == "termination-notice")
    .where(spot_interruption_events.c.pool_id.is_not(None))
    .where(spot_interruption_events.c.detected_at >= _SINCE)
)
# Agents of an older kind report here only; the pool is that of the instance.
_REPORTED: Final = (
    select(
        instances.c.current_pool_id.label("pool_id"), termination_events.c.detected_at.label("at")
    )
    .join(
        instances,
        and_(
            instances.c.id == termination_events.c.instance_id,
            instances.c.current_pool_id.is_not(None),
        ),
    )
    .where(termination_events.c.event_type == "termination_notice")
    .where(termination_events.c.detected_at >= _SINCE)
)
_SWITCHES_FAILED: Final = (
    select(
        commands.c.target_pool_id.label("pool_id"),
        func.coalesce(commands.c.completed_at, commands.c.executed_at, type_=UtcInstant).label(
            "at"
        ),
    )
    .where(commands.c.status == "failed")
    .where(commands.c.target_pool_id.is_not(None))
    .where(commands.c.created_at >= _SINCE)
    .where(func.coalesce(commands.c.completed_at, commands.c.executed_at).is_not(None))
)
_REPLICAS_FAILED: Final = (
    select(replica_instances.c.pool_id, replica_instances.c.created_at.label("at"))
    .where(replica_instances.c.status == "failed")
    .where(replica_instances.c.pool_id.is_not(None))
    .where(replica_instances.c.created_at >= _SINCE)
)
_LOSSES: Final = (_NOTICES, _REPORTED, _SWITCHES_FAILED, _REPLICAS_FAILED)


class SqlMarketHistory:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def since(self, moment: datetime) -> MarketRecord:
        given = {"since": moment}
        with reading(self._engine) as connection:
            prices = [
                RecordedPrice(
                    PoolId(pool_id),
                    instance_type,
                    region,
                    zone,
                    at,
                    float(price),
                    None if on_demand is None else float(on_demand),
                )
                for pool_id, instance_type, region, zone, at, price, on_demand in (
                    connection.execute(_PRICES, given)
                )
            ]
            losses = [
                RecordedLoss(PoolId(pool_id), at)
                for statement in _LOSSES
                for pool_id, at in connection.execute(statement, given)
            ]
        return MarketRecord(prices, sorted(losses, key=lambda one: (one.at, one.pool_id)))
