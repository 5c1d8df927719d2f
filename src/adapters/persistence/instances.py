from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from spot_optimizer.adapters.persistence.listing import Listing
from spot_optimizer.adapters.persistence.tables import instances
from spot_optimizer.adapters.persistence.upsert import update_rows
from spot_optimizer.domain.agents.instances import Instance
from spot_optimizer.domain.identifiers import AgentId, ClientId, InstanceId, PoolId
from spot_optimizer.domain.switching import mode_of


class _InstanceRow(NamedTuple):
    id: str
    client_id: str
    agent_id: str | None
    instance_type: str
    region: str
    az: str
    ami_id: str | None
    current_mode: str | None
    current_pool_id: str | None
    spot_price: Decimal | None
    ondemand_price: Decimal | None
    baseline_ondemand_price: Decimal | None
    is_active: bool | None
    installed_at: datetime | None
    last_switch_at: datetime | None
    terminated_at: datetime | None


_COLUMNS: Final = tuple(instances.c[name] for name in _InstanceRow._fields)
_OF: Final = Listing(
    _InstanceRow,
    select(*_COLUMNS).where(instances.c.id.in_(bindparam("ids", expanding=True))),
)
_OF_AGENT: Final = Listing(
    _InstanceRow, select(*_COLUMNS).where(instances.c.agent_id == bindparam("agent_id"))
)
_SEEN: Final = (
    update(instances)
    .where(instances.c.id.in_(bindparam("ids", expanding=True)))
    .values(updated_at=bindparam("seen_at"))
)
_REPORTED: Final = ("spot_price", "ondemand_price", "current_mode", "current_pool_id", "updated_at")


class SqlInstanceRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, instance_id: InstanceId) -> Instance | None:
        # MySQL may know it in another spelling, beside which it cannot be stored again.
        return next(iter(self.of([instance_id]).values()), None)

    def of(self, instance_ids: Collection[InstanceId]) -> Mapping[InstanceId, Instance]:
        if not instance_ids:
            return {}
        rows = _OF.read(self._connection, {"ids": sorted(instance_ids)})
        return {InstanceId(row.id): _to_instance(row) for row in rows}

    def of_agent(self, agent_id: AgentId) -> Sequence[Instance]:
        rows = _OF_AGENT.read(self._connection, {"agent_id": agent_id})
        return [_to_instance(row) for row in rows]

    def add(self, instance: Instance, at: datetime) -> None:
        self._connection.execute(
            insert(instances).values(**_to_row(instance), created_at=at, updated_at=at)
        )

    def add_all(self, added: Sequence[Instance], at: datetime) -> None:
        if added:
            rows = [{**_to_row(one), "created_at": at, "updated_at": at} for one in added]
            self._connection.execute(insert(instances), rows)

    def save(self, instance: Instance, at: datetime) -> None:
        self._connection.execute(
            update(instances)
            .where(instances.c.id == instance.id)
            .values(**_to_row(instance), updated_at=at)
        )

    def save_all(self, saved: Sequence[Instance], at: datetime) -> None:
        rows = [{**_to_row(instance), "updated_at": at} for instance in saved]
        if rows:
            update_rows(self._connection, instances, rows, tuple(rows[0].keys() - {"id"}))

    def seen(self, instance_ids: Collection[InstanceId], at: datetime) -> None:
        if instance_ids:
            self._connection.execute(_SEEN, {"ids": sorted(instance_ids), "seen_at": at})

    def save_prices(self, priced: Sequence[Instance], at: datetime) -> None:
        rows = [{**_to_row(instance), "updated_at": at} for instance in priced]
        update_rows(self._connection, instances, rows, _REPORTED)


def _to_instance(row: _InstanceRow) -> Instance:
    return Instance(
        id=InstanceId(row.id),
        client_id=ClientId(row.client_id),
        agent_id=AgentId(row.agent_id) if row.agent_id else None,
        instance_type=row.instance_type,
        region=row.region,
        zone=row.az,
        ami_id=row.ami_id,
        mode=mode_of(row.current_mode),
        pool_id=PoolId(row.current_pool_id) if row.current_pool_id else None,
        spot_price=row.spot_price,
        on_demand_price=row.ondemand_price,
        baseline_on_demand_price=row.baseline_ondemand_price,
        is_active=bool(row.is_active),
        installed_at=row.installed_at,
        last_switch_at=row.last_switch_at,
        terminated_at=row.terminated_at,
    )


def _to_row(instance: Instance) -> dict[str, Any]:
    return {
        "id": instance.id,
        "client_id": instance.client_id,
        "agent_id": instance.agent_id,
        "instance_type": instance.instance_type,
        "region": instance.region,
        "az": instance.zone,
        "ami_id": instance.ami_id,
        "current_mode": instance.mode,
        "current_pool_id": instance.pool_id,
        "spot_price": instance.spot_price,
        "ondemand_price": instance.on_demand_price,
        "baseline_ondemand_price": instance.baseline_on_demand_price,
        "is_active": instance.is_active,
        "installed_at": instance.installed_at,
        "last_switch_at": instance.last_switch_at,
        "terminated_at": instance.terminated_at,
    }
