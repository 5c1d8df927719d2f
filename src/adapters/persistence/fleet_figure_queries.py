from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Engine, case, distinct, func, select, true

from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import (
    agents,
    clients,
    commands,
    pricing_snapshots_clean,
    replica_instances,
    spot_pools,
)
from spot_optimizer.application.admin.fleet_figures import (
    HEARD_WITHIN_S,
    PRICED_WITHIN_S,
    FleetFigures,
)
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.agents.agent import AgentStatus

_NOT_DELETED = agents.c.status != AgentStatus.DELETED


class SqlFleetFigureQueries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @repeated_when_lost
    def figures(self, now: datetime) -> FleetFigures:
        by_state = (
            select(agents.c.status, agents.c.current_mode, func.count().label("number"))
            .where(_NOT_DELETED)
            .group_by(agents.c.status, agents.c.current_mode)
        )
        heard = select(
            func.count().label("enabled"), *_within(agents.c.last_heartbeat_at, HEARD_WITHIN_S, now)
        ).where(_NOT_DELETED, agents.c.enabled.is_(true()))
        replicas = (
            select(replica_instances.c.status, func.count().label("number"))
            .where(replica_instances.c.is_active.is_(true()))
            .group_by(replica_instances.c.status)
        )
        bucket = pricing_snapshots_clean.c.time_bucket
        priced = [
            select(func.count(distinct(pricing_snapshots_clean.c.pool_id)))
            .where(bucket >= now - timedelta(seconds=age))
            .scalar_subquery()
            .label(f"within_{age}")
            for age in PRICED_WITHIN_S
        ]
        newest = select(bucket.label("at")).order_by(bucket.desc()).limit(1)
        totals = select(
            *priced,
            _count(spot_pools, spot_pools.c.is_active.is_(true())).label("pools"),
            _count(commands, commands.c.status == "pending").label("pending"),
            select(func.sum(clients.c.total_savings)).scalar_subquery().label("savings"),
        )
        with reading(self._engine) as connection:
            states = connection.execute(by_state).all()
            signs = connection.execute(heard).one()
            standing = connection.execute(replicas).all()
            newest_price = connection.execute(newest).one_or_none()
            total = connection.execute(totals).one()
        return FleetFigures(
            agents={(row.status, row.current_mode or "unknown"): row.number for row in states},
            heard_within={age: int(getattr(signs, f"within_{age}") or 0) for age in HEARD_WITHIN_S},
            enabled_agents=signs.enabled,
            replicas={row.status: row.number for row in standing},
            pending_commands=total.pending,
            newest_price_at=None if newest_price is None else newest_price.at,
            pools=total.pools,
            priced_within={age: getattr(total, f"within_{age}") for age in PRICED_WITHIN_S},
            total_savings=total.savings or Decimal(0),
        )


def _within(column: Any, ages: Sequence[int], now: datetime) -> list[Any]:
    return [
        func.sum(case((column >= now - timedelta(seconds=age), 1), else_=0)).label(f"within_{age}")
        for age in ages
    ]


def _count(table: Any, *conditions: Any) -> Any:
    return select(func.count()).select_from(table).where(*conditions).scalar_subquery()
