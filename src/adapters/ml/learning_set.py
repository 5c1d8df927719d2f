"""The learning set as a Parquet file beside the models."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Final

from spot_optimizer.application.ports.model_files import IncomingFile, ModelFiles
from spot_optimizer.domain.pricing.learning import LearningRow

FOLDER: Final = "training"
NAME: Final = "pricing_features.parquet"

_ROWS_PER_GROUP: Final = 20_000
_COLUMNS: Final = tuple(column.name for column in fields(LearningRow))
_TEXTS: Final = frozenset({"pool_id", "instance_type", "region", "az"})
_COUNTS: Final = frozenset(
    {"hour_of_day", "day_of_week", "day_of_month", "month", "year", "pool_rank_by_price"}
)


class ParquetLearningSet:
    def __init__(self, files: ModelFiles) -> None:
        self._files = files

    def write(self, rows: Iterable[LearningRow]) -> int:
        with TemporaryFile() as aside:
            written = _write(aside, iter(rows))
            aside.seek(0)
            self._files.put(FOLDER, [IncomingFile(NAME, aside)])
        return written


def _write(file: IO[bytes], rows: Iterator[LearningRow]) -> int:
    # Forty megabytes, which only this job needs.
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([(name, _type_of(name)) for name in _COLUMNS])
    written = 0
    with parquet.ParquetWriter(file, schema) as writer:
        while group := list(islice(rows, _ROWS_PER_GROUP)):
            columns = {name: [getattr(row, name) for row in group] for name in _COLUMNS}
            writer.write_table(pa.table(columns, schema=schema))
            written += len(group)
    return written


def _type_of(column: str) -> object:
    import pyarrow as pa

    if column in _TEXTS:
        return pa.string()
    if column in _COUNTS:
        return pa.int16()
    return pa.timestamp("s", tz="UTC") if column == "time_bucket" else pa.float64()
