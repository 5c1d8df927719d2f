from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, Engine, select, true

from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import (
    client_savings_monthly,
    clients,
    instances,
    savings_snapshots,
    switches,
)
from spot_optimizer.adapters.persistence.upsert import update_rows
from spot_optimizer.domain.identifiers import AgentId, ClientId
from spot_optimizer.domain.monthly_bill import (
    BilledInstance,
    BilledSwitch,
    DayOfSwitches,
    MonthlyBill,
    price_after,
)


class SqlBillingRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def instances_of(self, client_id: ClientId) -> Sequence[BilledInstance]:
        rows = self._connection.execute(
            select(instances.c.agent_id, instances.c.baseline_ondemand_price)
            .where(instances.c.client_id == client_id)
            .where(instances.c.is_active.is_(true()))
        )
        return [
            BilledInstance(
                agent_id=row.agent_id and AgentId(row.agent_id),
                baseline_price=row.baseline_ondemand_price,
            )
            for row in rows
        ]

    def switches_of(
        self, client_id: ClientId, since: datetime, until: datetime
    ) -> Sequence[BilledSwitch]:
        row = switches.c
        rows = self._connection.execute(
            select(
                row.agent_id,
                row.initiated_at,
                row.new_mode,
                row.new_spot_price,
                row.on_demand_price,
            )
            .where(row.client_id == client_id)
            .where(row.initiated_at >= since)
            .where(row.initiated_at < until)
            .order_by(row.created_at, row.id)
        )
        return [
            BilledSwitch(
                agent_id=AgentId(one.agent_id),
                at=one.initiated_at,
                price=price_after(one.new_mode, one.new_spot_price, one.on_demand_price),
            )
            for one in rows
        ]

    def put(
        self, client_id: ClientId, year: int, month: int, bill: MonthlyBill, at: datetime
    ) -> None:
        figures = {
            "baseline_cost": bill.baseline_cost,
            "actual_cost": bill.actual_cost,
            "savings": bill.savings,
            "savings_percentage": bill.savings_percent,
            "switch_count": bill.switches,
            "instance_count": bill.instances,
            "computed_at": at,
        }
        update_rows(
            self._connection,
            client_savings_monthly,
            [{"client_id": client_id, "year": year, "month": month, **figures}],
            tuple(figures),
            key=("client_id", "year", "month"),
        )

    def impacts_of_all(
        self, since: datetime, until: datetime
    ) -> Mapping[ClientId, Sequence[Decimal]]:
        row = switches.c
        found: dict[ClientId, list[Decimal]] = {}
        for one in self._connection.execute(
            select(row.client_id, row.savings_impact)
            .where(row.timestamp >= since)
            .where(row.timestamp < until)
        ):
            impact = Decimal(0) if one.savings_impact is None else one.savings_impact
            found.setdefault(ClientId(one.client_id), []).append(impact)
        return found

    def put_day(self, day: date, savings: Mapping[ClientId, DayOfSwitches], at: datetime) -> None:
        update_rows(
            self._connection,
            savings_snapshots,
            [
                {
                    "client_id": client_id,
                    "snapshot_date": day,
                    "daily_savings": one.savings,
                    "switch_count": one.switches,
                    "updated_at": at,
                }
                for client_id, one in savings.items()
            ],
            ("daily_savings", "switch_count", "updated_at"),
            key=("client_id", "snapshot_date"),
        )


class SqlBilledClients:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def active(self) -> Sequence[ClientId]:
        wanted = select(clients.c.id).where(clients.c.is_active.is_(true())).order_by(clients.c.id)
        with reading(self._engine) as connection:
            return [ClientId(client_id) for client_id in connection.execute(wanted).scalars()]
