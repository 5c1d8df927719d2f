"""What batch jobs read and write, in memory."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from spot_optimizer.domain.growth import ClientCount, GrowthSnapshot
from spot_optimizer.domain.identifiers import ClientId
from spot_optimizer.domain.monthly_bill import (
    BilledInstance,
    BilledSwitch,
    DayOfSwitches,
    MonthlyBill,
    price_after,
)
from spot_optimizer.domain.pricing.raw import BucketKey, Judgement, RawSubmission
from spot_optimizer.domain.retention import Deletion, Record
from tests.fakes.identity import InMemoryClients, InMemoryInstances
from tests.fakes.keeping import Keeping
from tests.fakes.orders import InMemorySwitches


class InMemoryGrowth(Keeping):
    def __init__(self, clients: InMemoryClients) -> None:
        self._clients = clients
        self.days: dict[date, GrowthSnapshot] = {}

    def clients_now(self) -> ClientCount:
        known = self._clients.kept.values()
        return ClientCount(len(known), sum(client.is_active for client in known))

    def is_empty(self) -> bool:
        return not self.days

    def newest_total_before(self, day: date) -> int | None:
        earlier = [one for one in self.days if one < day]
        return self.days[max(earlier)].total if earlier else None

    def put(self, snapshots: Sequence[GrowthSnapshot], at: datetime) -> None:
        self.days.update({one.day: one for one in snapshots})


class InMemoryBilling(Keeping):
    def __init__(self, instances: InMemoryInstances, switches: InMemorySwitches) -> None:
        self._instances, self._switches = instances, switches
        self.bills: dict[tuple[ClientId, int, int], MonthlyBill] = {}
        self.days: dict[tuple[ClientId, date], DayOfSwitches] = {}

    def instances_of(self, client_id: ClientId) -> Sequence[BilledInstance]:
        return [
            BilledInstance(agent_id=one.agent_id, baseline_price=one.baseline_on_demand_price)
            for one in self._instances.kept.values()
            if one.client_id == client_id and one.is_active
        ]

    def switches_of(
        self, client_id: ClientId, since: datetime, until: datetime
    ) -> Sequence[BilledSwitch]:
        return [
            BilledSwitch(
                agent_id=one.agent_id,
                at=at,
                price=price_after(
                    one.report.new.mode, one.report.prices.new_spot, one.report.prices.on_demand
                ),
            )
            for one in self._switches.kept
            if one.client_id == client_id
            and (at := one.initiated_at) is not None
            and since <= at < until
        ]

    def put(
        self, client_id: ClientId, year: int, month: int, bill: MonthlyBill, at: datetime
    ) -> None:
        self.bills[client_id, year, month] = bill

    def impacts_of_all(
        self, since: datetime, until: datetime
    ) -> Mapping[ClientId, Sequence[Decimal]]:
        found: dict[ClientId, list[Decimal]] = {}
        for one in self._switches.kept:
            if since <= one.recorded_at < until:
                found.setdefault(one.client_id, []).append(one.report.savings_impact)
        return found

    def put_day(self, day: date, savings: Mapping[ClientId, DayOfSwitches], at: datetime) -> None:
        self.days.update({(client_id, day): one for client_id, one in savings.items()})


class InMemoryOldRows(Keeping):
    """Rows are no more than their times."""

    def __init__(self) -> None:
        self.rows: dict[Record, list[datetime]] = {}
        self.batches: list[int] = []

    def delete(self, record: Record, before: datetime, position: object, most: int) -> Deletion:
        kept = sorted(self.rows.get(record, ()))
        old = [at for at in kept if at < before][:most]
        self.rows[record] = kept[len(old) :]
        self.batches.append(len(old))
        return Deletion(len(old), old[-1] if len(old) == most else None)


class InMemorySubmissions(Keeping):
    def __init__(self) -> None:
        self.raw: dict[int, RawSubmission] = {}
        self.settled: dict[int, tuple[bool, str | None]] = {}

    def unprocessed(self, after_id: int, most: int) -> Sequence[RawSubmission]:
        waiting = [one for key, one in sorted(self.raw.items()) if key not in self.settled]
        return [one for one in waiting if one.id > after_id][:most]

    def winners(self, keys: Collection[BucketKey]) -> Mapping[BucketKey, str]:
        stands = [self.raw[key] for key, (duplicate, _) in self.settled.items() if not duplicate]
        return {one.key: one.submission_id for one in stands if one.key in keys}

    def settle(self, judgement: Judgement, at: datetime) -> None:
        for one in judgement.processed:
            self.settled[one.id] = one.is_duplicate, one.duplicate_of
        ids: dict[Any, int] = {one.submission_id: one.id for one in self.raw.values()}
        for loser, winner in judgement.overturned.items():
            self.settled[ids[loser]] = True, winner
