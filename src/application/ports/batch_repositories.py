"""Where batch jobs read and write, inside the current unit of work."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from spot_optimizer.domain.growth import ClientCount, GrowthSnapshot
from spot_optimizer.domain.identifiers import ClientId
from spot_optimizer.domain.monthly_bill import (
    BilledInstance,
    BilledSwitch,
    DayOfSwitches,
    MonthlyBill,
)
from spot_optimizer.domain.pricing.raw import BucketKey, Judgement, RawSubmission
from spot_optimizer.domain.retention import Deletion, Record


class GrowthRepository(Protocol):
    def clients_now(self) -> ClientCount: ...

    def is_empty(self) -> bool: ...

    def newest_total_before(self, day: date) -> int | None: ...

    def put(self, snapshots: Sequence[GrowthSnapshot], at: datetime) -> None:
        """In the place of those of the same days."""
        ...


class BillingRepository(Protocol):
    def instances_of(self, client_id: ClientId) -> Sequence[BilledInstance]:
        """The active ones."""
        ...

    def switches_of(
        self, client_id: ClientId, since: datetime, until: datetime
    ) -> Sequence[BilledSwitch]:
        """Those initiated since then and before `until`, in the order in which they were told."""
        ...

    def put(
        self, client_id: ClientId, year: int, month: int, bill: MonthlyBill, at: datetime
    ) -> None:
        """In the place of the one of the same month."""
        ...

    def impacts_of_all(
        self, since: datetime, until: datetime
    ) -> Mapping[ClientId, Sequence[Decimal]]:
        """The savings impact, USD per hour, of each switch recorded since then and before `until`;
        no client without any."""
        ...

    def put_day(self, day: date, savings: Mapping[ClientId, DayOfSwitches], at: datetime) -> None:
        """In the place of those of the same day."""
        ...


class OldRowsRepository(Protocol):
    def delete(self, record: Record, before: datetime, position: object, most: int) -> Deletion:
        """Delete rows that are over and strictly older, at most so many."""
        ...


class RawSubmissionRepository(Protocol):
    def unprocessed(self, after_id: int, most: int) -> Sequence[RawSubmission]:
        """In the order in which they came; those after that row."""
        ...

    def winners(self, keys: Collection[BucketKey]) -> Mapping[BucketKey, str]:
        """The submissions that stand in the buckets that start at these moments."""
        ...

    def settle(self, judgement: Judgement, at: datetime) -> None:
        """They are processed, and the duplicates among them name who won."""
        ...
