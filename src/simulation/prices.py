"""Reading recorded spot prices: CSV, or what `aws ec2 describe-spot-price-history` prints."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from spot_optimizer.simulation.pools import Pool, region_of
from spot_optimizer.simulation.trace_files import UnreadableTrace, instant, opened

Group = tuple[str, str]
"""Region and instance type."""

MOST_GROUPS: Final = 20
"""So many types per region are simulated at most; a recorded file may hold hundreds."""

_COLUMNS: Final = ("timestamp", "region", "az", "instance_type", "price_usd_hour")
_LINUX: Final = ("Linux/UNIX", "Linux/UNIX (Amazon VPC)")


@dataclass(frozen=True, slots=True)
class PriceSteps:
    """The prices of one pool in USD per hour; each holds from its time until the next one."""

    times: tuple[datetime, ...]
    prices: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class _RawRow:
    """One line as it stands in the file; `place` says where, for error messages."""

    place: str
    pool: Pool
    timestamp: str
    price: str


def read_prices(path: Path, wanted: Iterable[Group] = ()) -> Mapping[Pool, PriceSteps]:
    """The recorded prices of a manageable set of pools.

    Types recorded in several zones are taken first, because an agent can only move between zones;
    among them those whose prices changed most often. `wanted` groups are taken in any case.
    The file is read twice, so that only what is used is ever held in memory.
    """
    chosen = _choose_groups(path, set(wanted))
    changes: dict[Pool, dict[datetime, Decimal]] = {}
    for row in _rows(path):
        if row.pool.group in chosen:
            changes.setdefault(row.pool, {})[_time(path, row)] = _price(path, row)
    history: dict[Pool, PriceSteps] = {}
    for pool in sorted(changes):
        ordered = sorted(changes[pool].items())
        history[pool] = PriceSteps(tuple(at for at, _ in ordered), tuple(p for _, p in ordered))
    return history


def _choose_groups(path: Path, wanted: set[Group]) -> set[Group]:
    zones: dict[Group, set[str]] = {}
    changes: dict[Group, int] = {}
    for row in _rows(path):
        zones.setdefault(row.pool.group, set()).add(row.pool.az)
        changes[row.pool.group] = changes.get(row.pool.group, 0) + 1
    if not zones:
        raise UnreadableTrace(path, "holds no Linux/UNIX spot price")
    in_order = sorted(
        zones, key=lambda group: (group not in wanted, -len(zones[group]), -changes[group], group)
    )
    several = [group for group in in_order if group in wanted or len(zones[group]) > 1]
    return set((several or in_order)[:MOST_GROUPS])


def _rows(path: Path) -> Iterator[_RawRow]:
    with opened(path) as text:
        if _looks_like_json(text.read(64)):
            text.seek(0)
            try:
                document: object = json.load(text)
            except json.JSONDecodeError as error:
                raise UnreadableTrace(path, f"is not JSON ({error})") from error
            yield from _aws_rows(path, document)
        else:
            text.seek(0)
            yield from _csv_rows(path, text)


def _looks_like_json(beginning: str) -> bool:
    return beginning.lstrip("\ufeff \t\r\n").startswith(("{", "["))


def _csv_rows(path: Path, text: Iterable[str]) -> Iterator[_RawRow]:
    reader = csv.DictReader(text)
    missing = [name for name in _COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise UnreadableTrace(path, f"has no column {', '.join(missing)}")
    for row in reader:
        place = f"line {reader.line_num}"
        cells = [row[name] for name in _COLUMNS]
        if not all(cells):
            raise UnreadableTrace(path, f"{place}: a value is missing")
        timestamp, region, az, instance_type, price = cells
        yield _RawRow(place, Pool(region, instance_type, az), timestamp, price)


def _aws_rows(path: Path, document: object) -> Iterator[_RawRow]:
    entries = document.get("SpotPriceHistory") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise UnreadableTrace(path, 'has no list "SpotPriceHistory"')
    for number, entry in enumerate(entries, start=1):
        place = f"entry {number}"
        if not isinstance(entry, dict):
            raise UnreadableTrace(path, f"{place}: is not an object")
        if entry.get("ProductDescription", _LINUX[0]) not in _LINUX:
            continue
        names = ("AvailabilityZone", "InstanceType", "SpotPrice", "Timestamp")
        az, instance_type, price, timestamp = (str(entry.get(name) or "") for name in names)
        if not (az and instance_type and price and timestamp):
            raise UnreadableTrace(path, f"{place}: lacks one of {', '.join(names)}")
        yield _RawRow(place, Pool(region_of(az) or az, instance_type, az), timestamp, price)


def _time(path: Path, row: _RawRow) -> datetime:
    try:
        return instant(row.timestamp)
    except ValueError as error:
        raise UnreadableTrace(path, f"{row.place}: {row.timestamp!r} is not a time") from error


def _price(path: Path, row: _RawRow) -> Decimal:
    try:
        price = Decimal(row.price)
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or price <= 0:
        raise UnreadableTrace(path, f"{row.place}: {row.price!r} is not a price")
    return price
