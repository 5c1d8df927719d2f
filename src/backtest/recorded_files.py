"""Recorded files: compressed CSV, and `agents.json`, which says who is judged on what."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final

import numpy
import pyarrow
import pyarrow.compute
import pyarrow.csv
from msgspec import Meta, Struct, ValidationError, convert
from numpy.typing import NDArray

from spot_optimizer.backtest.traces import Counts, Figures

MANIFEST: Final = "agents.json"
_ON_DEMAND_PRICES: Final = "on_demand_prices.csv.gz"
_BANDS: Final = "interruption_bands.csv.gz"

Time = str
Text = Annotated[str, Meta(min_length=1)]


class RecordingUnusable(Exception):
    """A file is missing or does not hold what it should; one line says which and why."""


class PriceSet(Struct, kw_only=True):
    file: Text
    grid_start: Time
    eval_start: Time
    eval_end: Time
    band_snapshot: Text


class RecordedAgent(Struct, kw_only=True):
    """One that lives on recorded prices names its region and types, others a file and pools."""

    id: Text
    track: Text
    region: str = ""
    instance_types: list[str] = []
    od_type: str = ""
    file: str = ""
    pools: list[str] = []
    spot_price: float = 0.0
    od_price: float = 0.0
    eval_start: Time | None = None


class Manifest(Struct, kw_only=True):
    price_sets: dict[str, PriceSet] = {}
    agents: list[RecordedAgent]


class Recording:
    """A folder of recorded files; each is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def manifest(self) -> Manifest:
        """Raises:
        RecordingUnusable: it is missing or says something else.
        """
        path = self._folder / MANIFEST
        try:
            return convert(json.loads(path.read_bytes()), Manifest)
        except OSError as error:
            raise RecordingUnusable(f"{path}: {error.strerror or error}") from error
        except (ValueError, ValidationError) as error:
            raise RecordingUnusable(f"{path}: {error}") from error

    def on_demand_prices(self, region: str) -> Mapping[str, float]:
        """USD per hour, by instance type."""
        table = self._on_demand
        rows = table.filter(pyarrow.compute.equal(table["region"], region))
        types, prices = rows["instance_type"].to_pylist(), rows["od_price_usd_hour"].to_pylist()
        return dict(zip(types, map(float, prices), strict=True))

    def bands(self, region: str, snapshot: str) -> Mapping[str, int]:
        """The advisor's interruption bands, by instance type."""
        table = self._bands
        dates = pyarrow.compute.cast(table["snapshot_date"], pyarrow.string())
        of_then = pyarrow.compute.equal(dates, snapshot)
        rows = table.filter(
            pyarrow.compute.and_(of_then, pyarrow.compute.equal(table["region"], region))
        )
        return dict(
            zip(rows["instance_type"].to_pylist(), map(int, rows["band"].to_pylist()), strict=True)
        )

    def price_changes(self, file: str) -> Mapping[tuple[str, str], tuple[Counts, Figures]]:
        """When each (instance type, zone) got which price: seconds since 1970, USD per hour; in
        order of time, the pools in order of their names."""
        table = self._read(file, ("timestamp", "az", "instance_type", "price_usd_hour"))
        seconds = _seconds(table["timestamp"])
        prices = table["price_usd_hour"].to_numpy().astype(numpy.float64)
        zone, type_ = table["az"].to_pylist(), table["instance_type"].to_pylist()
        names = sorted(set(zip(type_, zone, strict=True)))
        index = {name: number for number, name in enumerate(names)}
        keys = numpy.array([index[name] for name in zip(type_, zone, strict=True)])
        order = numpy.lexsort((seconds, keys))
        ends = numpy.searchsorted(keys[order], numpy.arange(len(names) + 1))
        return {
            name: (seconds[order[ends[n] : ends[n + 1]]], prices[order[ends[n] : ends[n + 1]]])
            for name, n in index.items()
        }

    def availability(self, file: str, pools: Sequence[str]) -> tuple[Counts, NDArray[numpy.bool_]]:
        """Seconds since 1970, and (rows, pools) whether each was up."""
        table = self._read(file, ("timestamp", *pools))
        return _seconds(table["timestamp"]), numpy.column_stack(
            [table[pool].to_numpy() > 0 for pool in pools]
        )

    @cached_property
    def _on_demand(self) -> pyarrow.Table:
        return self._read(_ON_DEMAND_PRICES, ("region", "instance_type", "od_price_usd_hour"))

    @cached_property
    def _bands(self) -> pyarrow.Table:
        return self._read(_BANDS, ("snapshot_date", "region", "instance_type", "band"))

    def _read(self, file: str, columns: Sequence[str]) -> pyarrow.Table:
        path = self._folder / file
        options = pyarrow.csv.ConvertOptions(include_columns=list(columns))
        try:
            if path.parent.resolve() != self._folder.resolve():
                raise RecordingUnusable(f"{path}: lies outside the folder")
            return pyarrow.csv.read_csv(path, convert_options=options)
        except KeyError as error:
            raise RecordingUnusable(f"{path}: has no column {error}") from error
        except (OSError, pyarrow.ArrowInvalid) as error:
            raise RecordingUnusable(f"{path}: {error}") from error


def epoch(time: Time) -> int:
    """Seconds since 1970 of an ISO 8601 time; without a zone it is taken as UTC.

    Raises:
        RecordingUnusable: it is none.
    """
    try:
        parsed = datetime.fromisoformat(time)
    except ValueError as error:
        raise RecordingUnusable(f"{MANIFEST}: {error}") from error
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp())


def _seconds(column: pyarrow.ChunkedArray) -> Counts:
    stamps = pyarrow.compute.cast(column, pyarrow.timestamp("s", tz="UTC"))
    seconds: Counts = stamps.to_numpy().astype("datetime64[s]").astype(numpy.int64)
    return seconds
