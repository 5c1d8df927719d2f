"""Opening recorded files: plain or gzip text, told apart by content and not by name."""

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

_GZIP_MAGIC: Final = b"\x1f\x8b"


class UnreadableTrace(Exception):
    """A recorded file cannot be used; one line says which and why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@contextmanager
def opened(path: Path) -> Iterator[IO[str]]:
    """The text of a recorded file, unpacked; whatever goes wrong with the file is one error."""
    try:
        with path.open("rb") as probe:
            packed = probe.read(2) == _GZIP_MAGIC
        with (
            gzip.open(path, "rt", encoding="utf-8-sig", newline="")
            if packed
            else path.open(encoding="utf-8-sig", newline="")
        ) as text:
            yield text
    except UnicodeDecodeError as error:
        raise UnreadableTrace(path, "is not text in UTF-8") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UnreadableTrace(path, f"is damaged gzip ({error})") from error
    except csv.Error as error:
        raise UnreadableTrace(path, f"is not CSV ({error})") from error
    except OSError as error:
        raise UnreadableTrace(path, error.strerror or str(error)) from error


def instant(text: str) -> datetime:
    """An ISO 8601 time in UTC; without a zone it is taken as UTC. Raises ValueError."""
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
