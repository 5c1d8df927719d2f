from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, bindparam, func, select, type_coerce

from spot_optimizer.adapters.persistence.dashboard.hourly_prices import (
    LOOKS_AGAIN_AFTER,
    HourlyPrices,
    Mark,
)
from spot_optimizer.adapters.persistence.dashboard.hourly_sums import Hours, Sum, hour_start
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import (
    agents,
    instances,
    ondemand_price_snapshots,
    pricing_snapshots_clean,
    spot_pools,
    spot_price_snapshots,
)
from spot_optimizer.adapters.persistence.tables.types import Amount, UtcInstant
from spot_optimizer.application.dashboard.instances import InstanceNotFound
from spot_optimizer.application.dashboard.prices import (
    LONGEST_CHART,
    AgentChart,
    ChartedPool,
    ChartQuestion,
    InstanceChart,
    Interval,
    NoActiveAgents,
    PriceChart,
    PricePoint,
)
from spot_optimizer.application.ports.cache import Cache
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.agents.agent import AgentStatus
from spot_optimizer.domain.errors import AgentNotFound, DomainError
from spot_optimizer.domain.identifiers import AgentId, ClientId
from spot_optimizer.domain.pricing.buckets import BUCKET_WIDTH

_CHARTS_KEPT: Final = 64

_MARK: Final[tuple[Any, ...]] = (
    select(func.min(pricing_snapshots_clean.c.time_bucket))
    .scalar_subquery()
    .label("oldest_bucket"),
    select(func.max(pricing_snapshots_clean.c.id)).scalar_subquery().label("newest_bucket"),
    select(func.max(spot_price_snapshots.c.id)).scalar_subquery().label("newest_tick"),
    select(func.count()).select_from(spot_pools).scalar_subquery().label("known_pools"),
)
_INSTANCES: Final = select(
    instances.c.id,
    instances.c.client_id,
    instances.c.instance_type,
    instances.c.region,
    instances.c.ondemand_price,
    *_MARK,
).where(instances.c.id.in_(bindparam("ids", expanding=True)))
_AGENT_COLUMNS: Final[tuple[Any, ...]] = (
    agents.c.id,
    agents.c.client_id,
    agents.c.instance_type,
    agents.c.region,
    *_MARK,
)
_AGENT: Final = select(*_AGENT_COLUMNS).where(agents.c.id == bindparam("agent_id"))
_ONLINE: Final = (
    select(*_AGENT_COLUMNS)
    .where(agents.c.client_id == bindparam("client_id"))
    .where(agents.c.status == AgentStatus.ONLINE)
    .order_by(agents.c.last_heartbeat_at.desc(), agents.c.id)
    .limit(1)
)
_POOLS: Final = (
    select(spot_pools.c.id, spot_pools.c.pool_name, spot_pools.c.az)
    .where(spot_pools.c.instance_type == bindparam("instance_type"))
    .where(spot_pools.c.region == bindparam("region"))
    .order_by(spot_pools.c.id)
)
_PLACES: Final = (
    select(instances.c.instance_type, instances.c.region)
    .where(instances.c.is_active.is_(True))
    .distinct()
)
_ON_DEMAND: Final = (
    select(
        type_coerce(func.sum(ondemand_price_snapshots.c.price), Amount(20, 6)),
        func.count(),
    )
    .where(ondemand_price_snapshots.c.instance_type == bindparam("instance_type"))
    .where(ondemand_price_snapshots.c.region == bindparam("region"))
    .where(ondemand_price_snapshots.c.captured_at >= bindparam("since", type_=UtcInstant))
)

# Instance type, region, days, interval, and the first bucket that is in the window.
_Wanted = tuple[str | None, str | None, int, Interval, int]


class SqlPriceViews:
    """Charts are made once for all who ask for the same, as long as no price came or went."""

    def __init__(self, engine: Engine, clock: Clock, cache: Cache | None) -> None:
        self._engine = engine
        self._clock = clock
        self._prices = HourlyPrices(cache)
        self._made: OrderedDict[_Wanted, tuple[Mark, datetime, PriceChart]] = OrderedDict()

    @repeated_when_lost
    def of_instances(
        self, questions: Sequence[ChartQuestion]
    ) -> Sequence[InstanceChart | DomainError]:
        now = self._clock.now()
        asked = sorted({question.instance_id for question in questions})
        with reading(self._engine) as connection:
            rows = {row.id: row for row in connection.execute(_INSTANCES, {"ids": asked})}
            return [
                self._of_instance(connection, rows.get(question.instance_id), question, now)
                for question in questions
            ]

    @repeated_when_lost
    def of_agent(
        self, agent_id: AgentId | None, owner: ClientId | None, days: int, interval: Interval
    ) -> AgentChart:
        now = self._clock.now()
        with reading(self._engine) as connection:
            row = _agent(connection, agent_id, owner)
            chart = self._chart(connection, row, days, interval, now)
            since = now - timedelta(days=days)
            place = {"instance_type": row.instance_type, "region": row.region}
            total, count = connection.execute(_ON_DEMAND, {**place, "since": since}).one()
        return AgentChart(
            instance_type=row.instance_type,
            region=row.region,
            chart=chart if chart.pools else None,
            average_on_demand_price=None if not count else Sum.of(total, count).average,
        )

    def roll_up(self) -> None:
        """Where instances run, every hour has its sums before anybody asks for the first chart."""
        now = self._clock.now()
        since = hour_start(now - LONGEST_CHART)
        with reading(self._engine) as connection:
            places = connection.execute(_PLACES).all()
        for place in places:
            self._roll_up(place, since, now)

    @repeated_when_lost
    def _roll_up(self, place: Row[*tuple[Any, ...]], since: datetime, now: datetime) -> None:
        with reading(self._engine) as connection:
            mark = _mark(connection.execute(select(*_MARK)).one())
            asked = {"instance_type": place.instance_type, "region": place.region}
            pools = [pool.id for pool in connection.execute(_POOLS, asked)]
            self._prices.keep(connection, pools, since, now, mark)

    def _of_instance(
        self,
        connection: Connection,
        row: Row[*tuple[Any, ...]] | None,
        question: ChartQuestion,
        now: datetime,
    ) -> InstanceChart | DomainError:
        if row is None or question.caller.owner not in (None, row.client_id):
            return InstanceNotFound()
        chart = self._chart(connection, row, question.days, question.interval, now)
        return InstanceChart(chart, row.ondemand_price)

    def _chart(
        self,
        connection: Connection,
        row: Row[*tuple[Any, ...]],
        days: int,
        interval: Interval,
        now: datetime,
    ) -> PriceChart:
        mark = _mark(row)
        since = now - timedelta(days=days)
        first_bucket = -int(-since.timestamp() // BUCKET_WIDTH.total_seconds())
        wanted = (row.instance_type, row.region, days, interval, first_bucket)
        made = self._made.get(wanted)
        if made is not None and made[0] == mark and now - made[1] < LOOKS_AGAIN_AFTER:
            return made[2]
        chart = self._make(connection, row, since, interval, now)
        self._made[wanted] = mark, now, chart
        while len(self._made) > _CHARTS_KEPT:
            self._made.popitem(last=False)
        return chart

    def _make(
        self,
        connection: Connection,
        row: Row[*tuple[Any, ...]],
        since: datetime,
        interval: Interval,
        now: datetime,
    ) -> PriceChart:
        place = {"instance_type": row.instance_type, "region": row.region}
        pools = [ChartedPool(*pool) for pool in connection.execute(_POOLS, place)]
        ids = [pool.id for pool in pools]
        hours = self._prices.of(connection, ids, since, now, _mark(row))
        return PriceChart(pools, _points(hours, interval), interval)


def _agent(
    connection: Connection, agent_id: AgentId | None, owner: ClientId | None
) -> Row[*tuple[Any, ...]]:
    if agent_id is None:
        online = connection.execute(_ONLINE, {"client_id": owner}).one_or_none()
        if online is None:
            raise NoActiveAgents
        return online
    row = connection.execute(_AGENT, {"agent_id": agent_id}).one_or_none()
    if row is None or row.id != agent_id or owner not in (None, row.client_id):
        raise AgentNotFound
    return row


def _mark(row: Row[*tuple[Any, ...]]) -> Mark:
    newest_tick = row.newest_tick if row.newest_bucket is None else None
    return Mark(row.oldest_bucket, row.newest_bucket, newest_tick, row.known_pools)


def _points(hours: Hours, interval: Interval) -> list[PricePoint]:
    if interval is Interval.HOUR:
        return [_point(hour, hours[hour]) for hour in sorted(hours)]
    days: dict[int, dict[str, Sum]] = {}
    for hour, sums in hours.items():
        day = days.setdefault(hour - hour % 24, {})
        for pool, one in sums.items():
            day[pool] = day[pool].plus(one) if pool in day else one
    return [_point(day, days[day]) for day in sorted(days)]


def _point(hour: int, sums: Any) -> PricePoint:
    starts_at = datetime.fromtimestamp(hour * 3600, UTC)
    return PricePoint(starts_at, {pool: one.average for pool, one in sums.items()})
