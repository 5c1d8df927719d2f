"""Results as tables for other programs."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pyarrow
import pyarrow.csv
import pyarrow.parquet
from msgspec.structs import fields

from spot_optimizer.backtest.results import Outcome

_COLUMNS: Final = tuple(field.name for field in fields(Outcome))


def as_table(outcomes: Sequence[Outcome]) -> pyarrow.Table:
    """A row per outcome; money in USD, `regret` as a share."""
    columns = {name: [getattr(one, name) for one in outcomes] for name in _COLUMNS}
    columns["regret"] = [one.regret for one in outcomes]
    return pyarrow.table(columns)


_WRITERS: Final[Mapping[str, Callable[[pyarrow.Table, Path], None]]] = {
    "results.csv": pyarrow.csv.write_csv,
    "results.parquet": pyarrow.parquet.write_table,
}


def write_tables(outcomes: Sequence[Outcome], folder: Path) -> Sequence[Path]:
    """`results.csv` and `results.parquet`; each is there as a whole or as it was before."""
    table = as_table(outcomes)
    written = []
    for name, write in _WRITERS.items():
        target, beside = folder / name, folder / f".{name}.new"
        write(table, beside)
        os.replace(beside, target)
        written.append(target)
    return written
