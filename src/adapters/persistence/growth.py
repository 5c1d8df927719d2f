from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, func, select, true

from spot_optimizer.adapters.persistence.tables import clients, clients_daily_snapshot
from spot_optimizer.adapters.persistence.upsert import update_rows
from spot_optimizer.domain.growth import ClientCount, GrowthSnapshot

_DAYS: Final = clients_daily_snapshot.c
_ACTIVE: Final = select(func.count()).select_from(clients).where(clients.c.is_active.is_(true()))


class SqlGrowthRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def clients_now(self) -> ClientCount:
        total = self._connection.execute(select(func.count()).select_from(clients)).scalar_one()
        return ClientCount(total, self._connection.execute(_ACTIVE).scalar_one())

    def is_empty(self) -> bool:
        return self._connection.execute(select(_DAYS.snapshot_date).limit(1)).first() is None

    def newest_total_before(self, day: date) -> int | None:
        newest: int | None = self._connection.execute(
            select(_DAYS.total_clients)
            .where(_DAYS.snapshot_date < day)
            .order_by(_DAYS.snapshot_date.desc())
            .limit(1)
        ).scalar_one_or_none()
        return newest

    def put(self, snapshots: Sequence[GrowthSnapshot], at: datetime) -> None:
        rows = [
            {
                "snapshot_date": one.day,
                "total_clients": one.total,
                "new_clients_today": one.new,
                "active_clients": one.active,
                "created_at": at,
            }
            for one in snapshots
        ]
        update_rows(
            self._connection,
            clients_daily_snapshot,
            rows,
            ("total_clients", "new_clients_today", "active_clients"),
            key=("snapshot_date",),
        )
