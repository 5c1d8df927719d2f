"""Which uploaded models serve, and which stand by (contract/admin-ml-and-jobs.md 3.2)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType

from spot_optimizer.domain.errors import NotFound

SessionId = NewType("SessionId", str)

# The column that orders sessions holds whole seconds.
_NEXT_MOMENT: Final = timedelta(seconds=1)


class SessionNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Session not found")


class NoFallback(NotFound):
    def __init__(self) -> None:
        super().__init__("No fallback version available")


class SessionState(StrEnum):
    PENDING = "pending"
    LIVE = "live"
    FALLBACK = "fallback"
    ARCHIVED = "archived"
    REMOVED = "removed"


class Happening(StrEnum):
    """What can happen to a session, by an action on it or on another one."""

    ACTIVATED = "activated"
    BROUGHT_BACK = "brought back"
    """It is the fallback that the operator falls back to."""
    OTHER_UPLOADED = "other uploaded"
    OTHER_ACTIVATED = "other activated"
    OTHER_BROUGHT_BACK = "other brought back"
    REPLACED = "replaced"
    """Another session has become the fallback."""


_PENDING, _LIVE = SessionState.PENDING, SessionState.LIVE
_FALLBACK, _ARCHIVED = SessionState.FALLBACK, SessionState.ARCHIVED
_REMOVED = SessionState.REMOVED

TRANSITIONS: Final[Mapping[SessionState, Mapping[Happening, SessionState]]] = {
    _PENDING: {
        Happening.ACTIVATED: _LIVE,
        Happening.OTHER_UPLOADED: _REMOVED,
        Happening.OTHER_ACTIVATED: _PENDING,
        Happening.OTHER_BROUGHT_BACK: _PENDING,
        Happening.REPLACED: _PENDING,
    },
    _LIVE: {
        Happening.ACTIVATED: _LIVE,
        Happening.OTHER_UPLOADED: _FALLBACK,
        Happening.OTHER_ACTIVATED: _FALLBACK,
        Happening.OTHER_BROUGHT_BACK: _ARCHIVED,
        Happening.REPLACED: _LIVE,
    },
    _FALLBACK: {
        Happening.ACTIVATED: _LIVE,
        Happening.BROUGHT_BACK: _LIVE,
        Happening.OTHER_UPLOADED: _FALLBACK,
        Happening.OTHER_ACTIVATED: _FALLBACK,
        Happening.OTHER_BROUGHT_BACK: _FALLBACK,
        Happening.REPLACED: _REMOVED,
    },
    _ARCHIVED: {
        Happening.ACTIVATED: _LIVE,
        Happening.OTHER_UPLOADED: _REMOVED,
        Happening.OTHER_ACTIVATED: _ARCHIVED,
        Happening.OTHER_BROUGHT_BACK: _ARCHIVED,
        Happening.REPLACED: _ARCHIVED,
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file of a session as it was taken in; `sha256` in hex, None if nobody wrote it down."""

    name: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSession:
    id: SessionId
    state: SessionState
    files: tuple[KeptFile, ...]
    total_bytes: int
    created_at: datetime
    activated_at: datetime | None = None

    def after(self, happening: Happening) -> "ModelSession":
        return replace(self, state=TRANSITIONS[self.state][happening])


@dataclass(frozen=True, slots=True)
class SessionChanges:
    """What has to be written: a new session, those in another state, and those that go."""

    added: ModelSession | None = None
    changed: tuple[ModelSession, ...] = ()
    removed: tuple[ModelSession, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelSessions:
    """All of them; at most one is live, one the fallback and one pending."""

    sessions: tuple[ModelSession, ...] = ()
    newer_fallback_stays: bool = field(default=False, kw_only=True)
    """A fallback that was uploaded after the live session stays one beside it, as in the former
    server."""

    @property
    def in_service(self) -> ModelSession | None:
        """Whose models answer: after an upload it is the fallback until the next activation."""
        served = [one for one in self.sessions if one.state is _FALLBACK and one.activated_at]
        return self._newest(_LIVE) or max(served, key=_activation, default=None)

    @property
    def waiting(self) -> ModelSession | None:
        """To be activated."""
        return self._newest(_PENDING)

    def find(self, session_id: str) -> ModelSession:
        """Raises:
        SessionNotFound: there is none of this id.
        """
        for one in self.sessions:
            if one.id == session_id:
                return one
        raise SessionNotFound

    def fallback(self) -> ModelSession:
        """Raises:
        NoFallback: there is none.
        """
        found = self._newest(_FALLBACK)
        if found is None:
            raise NoFallback
        return found

    def upload(
        self, session_id: SessionId, files: Sequence[KeptFile], total_bytes: int, now: datetime
    ) -> tuple[ModelSession, SessionChanges]:
        """A new session waits to be activated; its creation is later than any other's."""
        newest = max((one.created_at for one in self.sessions), default=None)
        added = ModelSession(
            id=session_id,
            state=_PENDING,
            files=tuple(files),
            total_bytes=total_bytes,
            created_at=now if newest is None else max(now, newest + _NEXT_MOMENT),
        )
        after = self._after((one, Happening.OTHER_UPLOADED) for one in self.sessions)
        return added, replace(after, added=added)

    def activate(self, session_id: SessionId, now: datetime) -> SessionChanges:
        self.find(session_id)
        return self._after(
            (
                (replace(one, activated_at=now), Happening.ACTIVATED)
                if one.id == session_id
                else (one, Happening.OTHER_ACTIVATED)
            )
            for one in self.sessions
        )

    def fall_back(self, now: datetime) -> SessionChanges:
        """The newest fallback is live again, and what was live is kept for the eye only."""
        fallback = self.fallback()
        return self._after(
            (
                (replace(one, activated_at=now), Happening.BROUGHT_BACK)
                if one is fallback
                else (one, Happening.OTHER_BROUGHT_BACK)
            )
            for one in self.sessions
        )

    def _newest(self, state: SessionState) -> ModelSession | None:
        found = [one for one in self.sessions if one.state is state]
        return max(found, key=lambda one: (one.created_at, one.id), default=None)

    def _after(self, happenings: Iterable[tuple[ModelSession, Happening]]) -> SessionChanges:
        before = {one.id: one for one in self.sessions}
        after = [one.after(happening) for one, happening in happenings]
        demoted = [one for one in after if _has_become_fallback(one, before[one.id])]
        if demoted:
            stays = max(demoted, key=_activation)
            after = [
                one.after(Happening.REPLACED) if self._gives_way(one, stays) else one
                for one in after
            ]
        return SessionChanges(
            changed=tuple(
                one for one in after if one != before[one.id] and one.state is not _REMOVED
            ),
            removed=tuple(one for one in after if one.state is _REMOVED),
        )

    def _gives_way(self, one: ModelSession, new_fallback: ModelSession) -> bool:
        if one.state is not _FALLBACK or one is new_fallback:
            return False
        return not (self.newer_fallback_stays and one.created_at > new_fallback.created_at)


def _has_become_fallback(after: ModelSession, before: ModelSession) -> bool:
    return after.state is _FALLBACK and before.state is not _FALLBACK


def _activation(session: ModelSession) -> tuple[bool, datetime, datetime]:
    activated_at = session.activated_at
    return activated_at is not None, activated_at or session.created_at, session.created_at
