from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, Engine, bindparam, func, select

from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import (
    client_savings_monthly,
    instances,
    switches,
)
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.application.dashboard.savings import MONTHS_SHOWN, Charts, MonthLine
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.identifiers import ClientId

_ZERO: Final = Decimal(0)

MONTHS: Final = (
    select(
        client_savings_monthly.c.year,
        client_savings_monthly.c.month,
        client_savings_monthly.c.baseline_cost,
        client_savings_monthly.c.actual_cost,
        client_savings_monthly.c.savings,
    )
    .where(client_savings_monthly.c.client_id == bindparam("client_id"))
    .order_by(client_savings_monthly.c.year.desc(), client_savings_monthly.c.month.desc())
)
_NEWEST_MONTHS: Final = MONTHS.limit(MONTHS_SHOWN)
_MODES: Final = (
    select(instances.c.current_mode, func.count())
    .where(instances.c.client_id == bindparam("client_id"))
    .where(instances.c.is_active.is_(True))
    .group_by(instances.c.current_mode)
    .order_by(instances.c.current_mode)
)
_DAY: Final = func.date(switches.c.initiated_at)
_DAYS: Final = (
    select(_DAY, func.count())
    .where(switches.c.client_id == bindparam("client_id"))
    .where(switches.c.initiated_at >= bindparam("since", type_=UtcInstant))
    .group_by(_DAY)
    .order_by(_DAY)
)


class SqlSavingsViews:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @repeated_when_lost
    def months_of(self, client_id: ClientId) -> Sequence[MonthLine]:
        with reading(self._engine) as connection:
            return _newest_months(connection, client_id)

    @repeated_when_lost
    def charts_of(self, client_id: ClientId, since: datetime) -> Charts:
        asked: dict[str, object] = {"client_id": client_id}
        with reading(self._engine) as connection:
            months = _newest_months(connection, client_id)
            modes = connection.execute(_MODES, asked).all()
            days = connection.execute(_DAYS, {**asked, "since": since}).all()
        return Charts(
            months=months,
            active_by_mode=[(mode, count) for mode, count in modes],
            switches_by_day=[(_date(day), count) for day, count in days],
        )


def to_month(year: int, month: int, *amounts: Decimal | None) -> MonthLine:
    baseline, actual, savings = (amount or _ZERO for amount in amounts)
    return MonthLine(year, month, baseline, actual, savings)


def _newest_months(connection: Connection, client_id: ClientId) -> list[MonthLine]:
    rows = connection.execute(_NEWEST_MONTHS, {"client_id": client_id}).all()
    return [to_month(*row) for row in reversed(rows)]


def _date(value: Any) -> date:
    """SQLite has no dates, only texts of them."""
    return value if isinstance(value, date) else date.fromisoformat(value)
