"""How many clients there were on a day (contract/admin-ml-and-jobs.md 4.3 and 4.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Self

BACKFILLED_DAYS: Final = 30
# So many clients are needed for one more to be made up per day.
_CLIENTS_PER_STEP: Final = 60


@dataclass(frozen=True, slots=True)
class ClientCount:
    total: int
    active: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthSnapshot:
    day: date
    total: int
    new: int
    active: int

    @classmethod
    def of(cls, day: date, count: ClientCount, previous_total: int | None) -> Self:
        """The previous total is that of the newest snapshot of an earlier day; clients that were
        deleted make no negative growth."""
        new = max(0, count.total - previous_total) if previous_total else count.total
        return cls(day=day, total=count.total, new=new, active=count.active)


def made_up_history(today: date, total: int) -> Sequence[GrowthSnapshot]:
    """A chart for a new installation, which has no history: the oldest day first. The figures are
    invented, as those of the former server are."""
    history = []
    for days_ago in range(BACKFILLED_DAYS, -1, -1):
        on_that_day = max(1, total - days_ago * (total // _CLIENTS_PER_STEP))
        history.append(
            GrowthSnapshot(
                day=today - timedelta(days=days_ago),
                total=on_that_day,
                new=on_that_day if days_ago == BACKFILLED_DAYS else 1,
                active=on_that_day,
            )
        )
    return history
