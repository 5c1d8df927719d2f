from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from spot_optimizer.adapters.persistence.tables import model_registry, model_upload_sessions
from spot_optimizer.adapters.persistence.upsert import update_rows
from spot_optimizer.application.ports.decision_engine import ModelFound
from spot_optimizer.domain.models.sessions import (
    KeptFile,
    ModelSession,
    SessionChanges,
    SessionId,
    SessionState,
)

_MODELS: Final = "models"
_NAME_LENGTH: Final = 128
_PLACE_LENGTH: Final = 512
_ARCHIVED: Final = "archived"

_AS_STORED: Final[Mapping[SessionState, Mapping[str, object]]] = {
    SessionState.PENDING: {"status": "uploaded", "is_live": False, "is_fallback": False},
    SessionState.LIVE: {"status": "active", "is_live": True, "is_fallback": False},
    SessionState.FALLBACK: {"status": "active", "is_live": False, "is_fallback": True},
    SessionState.ARCHIVED: {"status": _ARCHIVED, "is_live": False, "is_fallback": False},
}

SESSIONS: Final = (
    select(model_upload_sessions)
    .where(model_upload_sessions.c.session_type == _MODELS)
    .order_by(model_upload_sessions.c.created_at.desc(), model_upload_sessions.c.id.desc())
)


class SqlModelRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sessions(self) -> Sequence[ModelSession]:
        return [to_session(row) for row in self._connection.execute(SESSIONS)]

    def save(self, changes: SessionChanges) -> None:
        if changes.added is not None:
            self._connection.execute(insert(model_upload_sessions).values(_to_row(changes.added)))
        for session in changes.changed:  # three at most
            self._connection.execute(
                update(model_upload_sessions)
                .where(model_upload_sessions.c.id == session.id)
                .values(**_AS_STORED[session.state], activated_at=session.activated_at)
            )
        if changes.removed:
            gone = [session.id for session in changes.removed]
            self._connection.execute(
                delete(model_upload_sessions).where(model_upload_sessions.c.id.in_(gone))
            )

    def register(
        self,
        session: ModelSession,
        models: Sequence[ModelFound],
        fallback: SessionId | None,
        at: datetime,
    ) -> None:
        self._connection.execute(
            update(model_registry).values(
                is_active=False, is_fallback=model_registry.c.upload_session_id == fallback
            )
            if fallback is not None
            else update(model_registry).values(is_active=False, is_fallback=False)
        )
        update_rows(
            self._connection,
            model_registry,
            [
                {
                    "id": str(uuid4()),
                    "model_name": model.name[:_NAME_LENGTH],
                    "model_type": model.kind,
                    "version": model.version,
                    "file_path": model.place[-_PLACE_LENGTH:],
                    "upload_session_id": session.id,
                    "is_active": model.failure is None,
                    "is_fallback": False,
                    "config": {"sha256": model.sha256, "size": model.size_bytes},
                    "loaded_at": at,
                    "created_at": at,
                }
                for model in models
            ],
            (
                "model_type",
                "file_path",
                "upload_session_id",
                "is_active",
                "is_fallback",
                "config",
                "loaded_at",
            ),
            key=("model_name", "version"),
        )


def to_session(row: Row[Any]) -> ModelSession:
    return ModelSession(
        id=SessionId(row.id),
        state=_state(row),
        files=_files(row),
        total_bytes=row.total_size_bytes or 0,
        created_at=row.created_at,
        activated_at=row.activated_at,
    )


def _state(row: Row[Any]) -> SessionState:
    if row.is_live:
        return SessionState.LIVE
    if row.is_fallback:
        return SessionState.FALLBACK
    return SessionState.ARCHIVED if row.status == _ARCHIVED else SessionState.PENDING


def _files(row: Row[Any]) -> tuple[KeptFile, ...]:
    names = row.file_names if isinstance(row.file_names, list) else []
    hashes = _hashes(row.notes)
    return tuple(KeptFile(name=str(name), sha256=hashes.get(str(name))) for name in names)


def _hashes(notes: str | None) -> Mapping[str, str]:
    """Written by us, or by somebody who had something else to note."""
    try:
        return msgspec.json.decode(notes or "", type=dict[str, dict[str, str]]).get("sha256", {})
    except msgspec.MsgspecError:
        return {}


def _to_row(session: ModelSession) -> dict[str, object]:
    hashes = {file.name: file.sha256 for file in session.files if file.sha256 is not None}
    return {
        "id": session.id,
        "session_type": _MODELS,
        **_AS_STORED[session.state],
        "file_count": len(session.files),
        "file_names": [file.name for file in session.files],
        "total_size_bytes": session.total_bytes,
        "notes": msgspec.json.encode({"sha256": hashes}).decode() if hashes else None,
        "created_at": session.created_at,
        "activated_at": session.activated_at,
    }
