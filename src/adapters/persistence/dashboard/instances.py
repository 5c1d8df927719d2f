from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import inf
from typing import Any, Final

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Row,
    ScalarSelect,
    Select,
    bindparam,
    case,
    func,
    or_,
    select,
    true,
    type_coerce,
)

from spot_optimizer.adapters.persistence.collation import SameText
from spot_optimizer.adapters.persistence.dashboard.pages import asked_of, comes_after
from spot_optimizer.adapters.persistence.dashboard.switches import TOOK_PLACE
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.listing import Listing, batched
from spot_optimizer.adapters.persistence.tables import (
    agents,
    instances,
    pricing_reports,
    spot_interruption_events,
    spot_pools,
    spot_price_snapshots,
    switches,
)
from spot_optimizer.adapters.persistence.tables.types import Amount, UtcInstant
from spot_optimizer.application.dashboard.instances import (
    InstanceFigures,
    InstanceFilter,
    InstanceLine,
    InstanceLog,
    InstanceNotFound,
    InstancePrices,
    InstancesWanted,
    PastPriceOfInstance,
    PastSwitchOfInstance,
    PoolLine,
    SwitchOptions,
)
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.agents.agent import AgentStatus
from spot_optimizer.domain.identifiers import ClientId, InstanceId
from spot_optimizer.domain.interruptions import SignalType

_WEEK, _MONTH = timedelta(days=7), timedelta(days=30)
_SWITCHES_LOGGED, _PRICES_LOGGED, _TERMINATIONS_LOGGED = 50, 20, 10

# In the order of the fields of InstanceLine.
_LINE: Final[tuple[Column[Any], ...]] = (
    instances.c.id,
    instances.c.instance_type,
    instances.c.region,
    instances.c.az,
    instances.c.current_mode,
    instances.c.current_pool_id,
    instances.c.spot_price,
    instances.c.ondemand_price,
    instances.c.is_active,
    instances.c.last_switch_at,
    instances.c.created_at,
    instances.c.client_id,
)
OF_CLIENT: Final = (
    select(*_LINE)
    .where(instances.c.client_id == bindparam("client_id"))
    .order_by(instances.c.created_at.desc(), instances.c.id)
)


def _is_wanted(name: str, condition: Any) -> Any:
    """What is not asked for lets everything pass."""
    return or_(bindparam(name).is_(None), condition)


def _contains(column: Column[Any]) -> Any:
    return func.lower(column).like(func.lower(bindparam("text")), escape=_ESCAPE)


def _literally(text: str) -> str:
    for wildcard in (_ESCAPE, "%", "_"):
        text = text.replace(wildcard, _ESCAPE + wildcard)
    return text


def _newest_first(line: InstanceLine) -> tuple[float, str]:
    at = line.created_at
    return inf if at is None else -at.timestamp(), line.id


_ESCAPE: Final = "/"
_WANTED: Final = (
    select(*_LINE)
    .where(instances.c.client_id.in_(bindparam("clients", expanding=True)))
    .where(_is_wanted("is_active", instances.c.is_active == bindparam("is_active")))
    .where(_is_wanted("mode", SameText(instances.c.current_mode, bindparam("mode"))))
    .where(_is_wanted("text", or_(_contains(instances.c.id), _contains(instances.c.instance_type))))
)
_LISTED: Final = Listing(InstanceLine, _WANTED, _newest_first)
_PAGED: Final = Listing(
    InstanceLine,
    _WANTED.where(comes_after(instances.c.created_at, instances.c.id))
    .order_by(instances.c.created_at.desc(), instances.c.id)
    .limit(bindparam("limit")),
    _newest_first,
)


def _newest_price(*conditions: Any) -> ScalarSelect[Any]:
    """Of each pool."""
    ticks = spot_price_snapshots.c
    return (
        select(ticks.price)
        .where(ticks.pool_id == spot_pools.c.id, *conditions)
        .order_by(ticks.captured_at.desc(), ticks.id.desc())
        .limit(1)
        .correlate(spot_pools)
        .scalar_subquery()
    )


_SINCE: Final = bindparam("since", type_=UtcInstant)
# In the order of the fields of PoolLine.
_POOL: Final[tuple[Column[Any], ...]] = (
    spot_pools.c.id,
    spot_pools.c.pool_name,
    spot_pools.c.az,
    spot_pools.c.instance_type,
)
_POOLS: Final = (
    select(*_POOL, _newest_price(spot_price_snapshots.c.captured_at >= _SINCE).label("price"))
    .where(spot_pools.c.instance_type == bindparam("instance_type"))
    .where(spot_pools.c.region == bindparam("region"))
)
_OPEN_POOLS: Final = (
    select(*_POOL, _newest_price().label("price"))
    .where(spot_pools.c.instance_type == bindparam("instance_type"))
    .where(spot_pools.c.region == bindparam("region"))
    .where(spot_pools.c.is_active.is_(true()))
)
_TYPES: Final = (
    select(spot_pools.c.instance_type)
    .where(spot_pools.c.region == bindparam("region"))
    .where(spot_pools.c.is_active.is_(true()))
    .distinct()
)
_INSTANCE: Final = select(instances).where(instances.c.id == bindparam("instance_id"))
_CURRENT_POOL: Final[Select[Any]] = select(*_POOL).where(spot_pools.c.id == bindparam("pool_id"))


def _since(name: str) -> Any:
    return switches.c.initiated_at >= bindparam(name, type_=UtcInstant)


def _sum(*conditions: Any) -> Any:
    impact = case((conditions[0], switches.c.savings_impact)) if conditions else None
    total = func.sum(switches.c.savings_impact if impact is None else impact)
    return type_coerce(func.coalesce(total, 0), Amount(20, 6))


_FIGURES: Final = select(
    func.count().label("switches"),
    func.count(case((_since("a_week_ago"), 1))).label("in_a_week"),
    func.count(case((_since("a_month_ago"), 1))).label("in_a_month"),
    _sum(_since("a_month_ago")).label("impact_in_a_month"),
    _sum().label("impact"),
).where(
    switches.c.new_instance_id == bindparam("instance_id"),
    switches.c.client_id == bindparam("client_id"),
)
_AGENT: Final = (
    select(
        agents.c.client_id,
        agents.c.instance_id,
        agents.c.instance_type,
        agents.c.region,
        agents.c.az,
    )
    .where(agents.c.instance_id == bindparam("instance_id"))
    .order_by(agents.c.status == AgentStatus.DELETED, agents.c.id)
)
_SWITCHES: Final = (
    select(
        TOOK_PLACE,
        switches.c.success,
        switches.c.old_instance_type,
        switches.c.new_instance_type,
        switches.c.savings_impact,
        switches.c.event_trigger,
    )
    .where(
        or_(
            switches.c.old_instance_id == bindparam("instance_id"),
            switches.c.new_instance_id == bindparam("instance_id"),
        )
    )
    .where(switches.c.client_id == bindparam("client_id"))
    .order_by(TOOK_PLACE.desc(), switches.c.id)
    .limit(_SWITCHES_LOGGED)
)
_PRICES: Final = (
    select(
        pricing_reports.c.received_at,
        pricing_reports.c.instance_type,
        pricing_reports.c.current_spot_price,
        pricing_reports.c.on_demand_price,
    )
    .where(pricing_reports.c.instance_id == bindparam("instance_id"))
    .where(pricing_reports.c.agent_id == bindparam("agent_id"))
    .order_by(pricing_reports.c.received_at.desc(), pricing_reports.c.id)
    .limit(_PRICES_LOGGED)
)
_NOTICES: Final = (
    select(spot_interruption_events.c.detected_at)
    .where(spot_interruption_events.c.instance_id == bindparam("instance_id"))
    .where(spot_interruption_events.c.agent_id == bindparam("agent_id"))
    .where(spot_interruption_events.c.signal_type == SignalType.TERMINATION_NOTICE)
    .order_by(spot_interruption_events.c.detected_at.desc())
    .limit(_TERMINATIONS_LOGGED)
)


class SqlInstanceViews:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @repeated_when_lost
    def of_clients(
        self, asked: Collection[InstancesWanted]
    ) -> Mapping[InstancesWanted, Sequence[InstanceLine]]:
        found: dict[InstancesWanted, list[InstanceLine]] = {one: [] for one in asked}
        clients: dict[InstanceFilter, list[ClientId]] = {}
        with reading(self._engine) as connection:
            for client_id, wanted, page in asked:
                if page is None:
                    clients.setdefault(wanted, []).append(client_id)
                    continue
                those = {**_those(wanted), "clients": [client_id], **asked_of(page)}
                found[client_id, wanted, page].extend(_PAGED.read(connection, those))
            for wanted, ids in clients.items():
                for some in batched(ids):
                    for line in _LISTED.read(connection, {**_those(wanted), "clients": some}):
                        theirs = found.get((ClientId(line.client_id), wanted, None))
                        if theirs is not None:  # MySQL compares without case
                            theirs.append(line)
        return found

    @repeated_when_lost
    def prices(
        self, instance_id: InstanceId, owner: ClientId | None, since: datetime
    ) -> InstancePrices:
        with reading(self._engine) as connection:
            row = _instance(connection, instance_id, owner)
            asked = {"instance_type": row.instance_type, "region": row.region, "since": since}
            pools = _pools(connection, _POOLS, asked)
            current = connection.execute(_CURRENT_POOL, {"pool_id": row.current_pool_id}).first()
        return InstancePrices(
            mode=row.current_mode,
            on_demand_price=row.ondemand_price,
            current_pool=None
            if current is None
            else PoolLine(
                current.id, current.pool_name, current.az, current.instance_type, price=None
            ),
            pools=pools,
        )

    @repeated_when_lost
    def figures(
        self, instance_id: InstanceId, owner: ClientId | None, now: datetime
    ) -> InstanceFigures:
        with reading(self._engine) as connection:
            row = _instance(connection, instance_id, owner)
            asked = {
                **_rows_of(row),
                "a_week_ago": now - _WEEK,
                "a_month_ago": now - _MONTH,
            }
            counted = connection.execute(_FIGURES, asked).one()
        return InstanceFigures(
            id=row.id,
            instance_type=row.instance_type,
            mode=row.current_mode,
            pool_id=row.current_pool_id,
            spot_price=row.spot_price,
            on_demand_price=row.ondemand_price,
            baseline_on_demand_price=row.baseline_ondemand_price,
            installed_at=row.installed_at,
            last_switch_at=row.last_switch_at,
            switches=counted.switches,
            switches_in_a_week=counted.in_a_week,
            switches_in_a_month=counted.in_a_month,
            impact_in_a_month=counted.impact_in_a_month,
            impact=counted.impact,
        )

    @repeated_when_lost
    def options(self, instance_id: InstanceId, owner: ClientId | None) -> SwitchOptions:
        with reading(self._engine) as connection:
            at = _place(connection, instance_id, owner)
            asked = {"instance_type": at.instance_type, "region": at.region}
            pools = _pools(connection, _OPEN_POOLS, asked)
            family = at.instance_type and at.instance_type.partition(".")[0]
            sisters = connection.execute(_TYPES, {"region": at.region}).scalars()
            types = sorted(one for one in sisters if one.partition(".")[0] == family)
        return SwitchOptions(
            instance_type=at.instance_type,
            region=at.region,
            zone=at.az,
            pools=pools,
            types=types,
        )

    @repeated_when_lost
    def log(self, instance_id: InstanceId, owner: ClientId | None) -> InstanceLog:
        with reading(self._engine) as connection:
            row = _instance(connection, instance_id, owner)
            asked = _rows_of(row)
            moves = [PastSwitchOfInstance(*one) for one in connection.execute(_SWITCHES, asked)]
            prices = [PastPriceOfInstance(*one) for one in connection.execute(_PRICES, asked)]
            notices = list(connection.execute(_NOTICES, asked).scalars())
        ended = [] if row.terminated_at is None else [row.terminated_at]
        return InstanceLog(
            instance_type=row.instance_type,
            switches=moves,
            prices=prices,
            terminations=[*ended, *notices],
        )


def _those(wanted: InstanceFilter) -> dict[str, object]:
    return {
        "is_active": wanted.is_active,
        "mode": wanted.mode,
        "text": f"%{_literally(wanted.text)}%" if wanted.text else None,
    }


def _instance(
    connection: Connection, instance_id: InstanceId, owner: ClientId | None
) -> Row[*tuple[Any, ...]]:
    row = connection.execute(_INSTANCE, {"instance_id": instance_id}).one_or_none()
    if row is None or row.id != instance_id or owner not in (None, row.client_id):
        raise InstanceNotFound
    return row


def _rows_of(row: Row[*tuple[Any, ...]]) -> dict[str, object]:
    """Others may have told stories about the same instance, which are none of its client's."""
    return {"instance_id": row.id, "client_id": row.client_id, "agent_id": row.agent_id}


def _place(
    connection: Connection, instance_id: InstanceId, owner: ClientId | None
) -> Row[*tuple[Any, ...]]:
    """Its agent knows best where it is."""
    for row in connection.execute(_AGENT, {"instance_id": instance_id}):
        if row.instance_id == instance_id and owner in (None, row.client_id):
            return row
    return _instance(connection, instance_id, owner)


def _pools(
    connection: Connection, statement: Select[Any], asked: Mapping[str, object]
) -> list[PoolLine]:
    rows = connection.execute(statement, asked)
    return sorted((PoolLine(*row) for row in rows), key=_cheapest_first)


def _cheapest_first(pool: PoolLine) -> tuple[bool, Decimal, str]:
    return pool.price is None, pool.price or Decimal(0), pool.id
