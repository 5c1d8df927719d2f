"""The learning set beside the models, as CSV: what would write Parquet weighs forty megabytes, and
stays in the server that has once imported it."""

import csv
import gzip
from collections.abc import Iterable
from dataclasses import fields
from io import TextIOWrapper
from tempfile import TemporaryFile
from typing import IO, Final

from spot_optimizer.application.ports.model_files import IncomingFile, ModelFiles
from spot_optimizer.domain.pricing.learning import LearningRow

FOLDER: Final = "training"
NAME: Final = "pricing_features.csv.gz"

_COLUMNS: Final = tuple(column.name for column in fields(LearningRow))


class CsvLearningSet:
    """A header, then a row per price; what is not known is empty, times are ISO 8601 in UTC."""

    def __init__(self, files: ModelFiles) -> None:
        self._files = files

    def write(self, rows: Iterable[LearningRow]) -> int:
        with TemporaryFile() as aside:
            written = _write(aside, rows)
            aside.seek(0)
            self._files.put(FOLDER, [IncomingFile(NAME, aside)])
        return written


def _write(file: IO[bytes], rows: Iterable[LearningRow]) -> int:
    written = 0
    # Equal prices make equal files: no time, no name.
    with (
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed,
        TextIOWrapper(packed, "utf-8", newline="") as text,
    ):
        lines = csv.writer(text)
        lines.writerow(_COLUMNS)
        for row in rows:
            lines.writerow([getattr(row, name) for name in _COLUMNS])
            written += 1
    return written
