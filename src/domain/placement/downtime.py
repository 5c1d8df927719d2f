"""What an hour of downtime is worth, by groups of agents."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import isfinite
from typing import Final, Self

from spot_optimizer.domain.identifiers import LogicalAgentId

USUAL_VALUE: Final = 20.0
"""Hours of on demand that an hour of downtime is worth to an agent of no group."""

_MOST: Final = 10_000.0


@dataclass(frozen=True, slots=True)
class DowntimeValues:
    groups: tuple[tuple[str, float], ...] = ()
    """Patterns of logical agent ids, with `*` and `?`, and hours of on demand."""

    @classmethod
    def of(cls, text: str) -> Self:
        """From `db-*=200, batch-*=1`.

        Raises:
            ValueError: a part has no `=`, or a value that is no number from 0 to 10000.
        """
        return cls(tuple(_group(part) for part in text.split(",") if part.strip()))

    def of_agent(self, logical_id: LogicalAgentId) -> float:
        """Hours of on demand that an hour of its downtime is worth; the first pattern counts."""
        fitting = (value for pattern, value in self.groups if fnmatchcase(logical_id, pattern))
        return next(fitting, USUAL_VALUE)


def _group(part: str) -> tuple[str, float]:
    pattern, is_given, value = part.rpartition("=")
    if not is_given or not pattern.strip():
        raise ValueError(f"{part.strip()!r} is not PATTERN=HOURS")
    try:
        hours = float(value)
    except ValueError:
        hours = -1.0
    if not (isfinite(hours) and 0 <= hours <= _MOST):
        raise ValueError(f"{value.strip()!r} is not a number from 0 to {_MOST:g}")
    return pattern.strip(), hours
