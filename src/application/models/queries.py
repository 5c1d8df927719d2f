"""What operators read of models."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from spot_optimizer.domain.models.sessions import ModelSession

LONGEST_LIST: Final = 10
"""Sessions, files or models in one answer (contract/admin-ml-and-jobs.md 1.13, 1.18)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine:
    session_id: str
    status: str
    is_live: bool
    is_fallback: bool
    file_count: int
    files: Sequence[str]
    total_bytes: int
    created_at: datetime | None
    activated_at: datetime | None


@dataclass(frozen=True, slots=True)
class ActiveModel:
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class ModelSurvey:
    """The registered models in use, the newest first, and all sessions there are."""

    active: Sequence[ActiveModel]
    session_ids: Sequence[str]


class ModelQueries(Protocol):
    """Each answered by a fixed number of statements."""

    def session_lines(self) -> Sequence[SessionLine]:
        """Newest first, at most LONGEST_LIST."""
        ...

    def sessions(self) -> Sequence[ModelSession]: ...

    def survey(self) -> ModelSurvey: ...
