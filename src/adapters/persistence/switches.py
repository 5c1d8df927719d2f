from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, case, exists, func, insert, select, type_coerce

from spot_optimizer.adapters.persistence.tables import instance_switches, switches
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.application.ports.repositories import SwitchActivity
from spot_optimizer.domain.identifiers import AgentId, CommandId, InstanceId
from spot_optimizer.domain.placement.costs import MoveTimes
from spot_optimizer.domain.replicas.promotion import PrimaryChange, PromotionReason
from spot_optimizer.domain.switching import TRAFFIC_SWITCHED, Switch, time_told

# When a switch took place: as its agent says, else when it was recorded.
_TOOK_PLACE: Final = func.coalesce(switches.c.initiated_at, switches.c.timestamp)

_ACTIVITY: Final = (
    select(
        switches.c.agent_id,
        func.sum(case((bindparam("since", type_=UtcInstant) <= _TOOK_PLACE, 1), else_=0)).label(
            "recent"
        ),
        type_coerce(func.max(_TOOK_PLACE), UtcInstant).label("last_at"),
    )
    .where(switches.c.agent_id.in_(bindparam("ids", expanding=True)))
    .group_by(switches.c.agent_id)
)

_TIMES: Final = (
    select(
        switches.c.agent_id,
        switches.c.initiated_at,
        switches.c.instance_ready_at,
        switches.c.old_terminated_at,
        switches.c.timing_data,
    )
    .where(switches.c.agent_id.in_(bindparam("ids", expanding=True)))
    .where(switches.c.timestamp >= bindparam("since", type_=UtcInstant))
)

_PRIMARY_CHANGES: Final = (
    select(instance_switches)
    .where(instance_switches.c.agent_id.in_(bindparam("ids", expanding=True)))
    .where(instance_switches.c.switch_reason == bindparam("reason"))
    .where(instance_switches.c.switched_at >= bindparam("since", type_=UtcInstant))
    .order_by(instance_switches.c.switched_at.desc(), instance_switches.c.id.desc())
)


class SqlSwitchRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, switch: Switch) -> None:
        self._connection.execute(insert(switches).values(**_to_row(switch)))

    def was_reported(
        self,
        agent_id: AgentId,
        old_instance_id: InstanceId | None,
        new_instance_id: InstanceId,
        initiated_at: datetime,
    ) -> bool:
        same = (
            exists()
            .where(switches.c.agent_id == agent_id)
            .where(switches.c.old_instance_id == old_instance_id)
            .where(switches.c.new_instance_id == new_instance_id)
            .where(switches.c.initiated_at == initiated_at)
        )
        return bool(self._connection.execute(select(same)).scalar_one())

    def was_reported_for(self, command_id: CommandId) -> bool:
        same = exists().where(switches.c.command_id == command_id)
        return bool(self._connection.execute(select(same)).scalar_one())

    def any_since(self, agent_id: AgentId, since: datetime) -> bool:
        any_switch = (
            exists().where(switches.c.agent_id == agent_id).where(switches.c.timestamp >= since)
        )
        return bool(self._connection.execute(select(any_switch)).scalar_one())

    def add_primary_changes(self, changes: Sequence[PrimaryChange]) -> None:
        rows = [
            {
                "agent_id": change.agent_id,
                "old_instance_id": change.old_instance_id,
                "new_instance_id": change.new_instance_id,
                "switch_reason": change.reason,
                "switched_at": change.at,
                "success": True,
            }
            for change in changes
        ]
        if rows:
            self._connection.execute(insert(instance_switches), rows)

    def primary_changes_of(
        self, agent_ids: Collection[AgentId], reason: PromotionReason, since: datetime
    ) -> Mapping[AgentId, Sequence[PrimaryChange]]:
        found: dict[AgentId, list[PrimaryChange]] = {}
        if agent_ids:
            asked = {"ids": sorted(agent_ids), "reason": reason, "since": since}
            for row in self._connection.execute(_PRIMARY_CHANGES, asked):
                change = PrimaryChange(
                    agent_id=AgentId(row.agent_id),
                    old_instance_id=row.old_instance_id,
                    new_instance_id=row.new_instance_id,
                    reason=reason,
                    at=row.switched_at,
                )
                found.setdefault(change.agent_id, []).append(change)
        return found

    def activity_of(
        self, agent_ids: Collection[AgentId], since: datetime
    ) -> Mapping[AgentId, SwitchActivity]:
        if not agent_ids:
            return {}
        rows = self._connection.execute(_ACTIVITY, {"ids": sorted(agent_ids), "since": since})
        return {
            AgentId(row.agent_id): SwitchActivity(count=int(row.recent), last_at=row.last_at)
            for row in rows
        }

    def times_of(
        self, agent_ids: Collection[AgentId], since: datetime
    ) -> Mapping[AgentId, Sequence[MoveTimes]]:
        found: dict[AgentId, list[MoveTimes]] = {}
        if agent_ids:
            asked = {"ids": sorted(agent_ids), "since": since}
            for row in self._connection.execute(_TIMES, asked):
                times = MoveTimes(
                    row.initiated_at,
                    row.instance_ready_at,
                    row.old_terminated_at,
                    time_told(row.timing_data, TRAFFIC_SWITCHED),
                )
                found.setdefault(AgentId(row.agent_id), []).append(times)
        return found


def _to_row(switch: Switch) -> dict[str, Any]:
    report = switch.report
    old, new, prices, timing = report.old, report.new, report.prices, report.timing
    return {
        "id": switch.id,
        "client_id": switch.client_id,
        "agent_id": switch.agent_id,
        "command_id": switch.command_id,
        "old_instance_id": old.instance_id,
        "old_instance_type": old.instance_type,
        "old_region": old.region,
        "old_az": old.zone,
        "old_mode": old.mode,
        "old_pool_id": old.pool_id,
        "old_ami_id": old.ami_id,
        "new_instance_id": report.new_instance_id,
        "new_instance_type": new.instance_type,
        "new_region": new.region,
        "new_az": new.zone,
        "new_mode": new.mode,
        "new_pool_id": new.pool_id,
        "new_ami_id": new.ami_id,
        "on_demand_price": prices.on_demand,
        "old_spot_price": prices.old_spot,
        "new_spot_price": prices.new_spot,
        "savings_impact": report.savings_impact,
        "event_trigger": switch.trigger,
        "trigger_type": switch.trigger,
        "snapshot_used": report.snapshot.used,
        "snapshot_id": report.snapshot.snapshot_id,
        "ami_id": report.snapshot.ami_id,
        "initiated_at": switch.initiated_at,
        "ami_created_at": timing.ami_created_at,
        "instance_launched_at": timing.instance_launched_at,
        "instance_ready_at": timing.instance_ready_at,
        "old_terminated_at": timing.old_terminated_at,
        "timestamp": switch.recorded_at,
        "timing_data": dict(report.timing_as_received),
        "success": True,
        "created_at": switch.recorded_at,
    }
