from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine, select

from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.models import SESSIONS, to_session
from spot_optimizer.adapters.persistence.tables import model_registry
from spot_optimizer.application.models.queries import (
    LONGEST_LIST,
    ActiveModel,
    ModelSurvey,
    SessionLine,
)
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.models.sessions import ModelSession

_ACTIVE: Final = (
    select(model_registry.c.model_name, model_registry.c.version)
    .where(model_registry.c.is_active.is_(True))
    .order_by(model_registry.c.created_at.desc(), model_registry.c.id)
    .limit(LONGEST_LIST)
)


class SqlModelQueries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @repeated_when_lost
    def session_lines(self) -> Sequence[SessionLine]:
        with reading(self._engine) as connection:
            rows = connection.execute(SESSIONS.limit(LONGEST_LIST)).all()
        return [
            SessionLine(
                session_id=row.id,
                status=row.status,
                is_live=bool(row.is_live),
                is_fallback=bool(row.is_fallback),
                file_count=row.file_count or 0,
                files=[file.name for file in to_session(row).files],
                total_bytes=row.total_size_bytes or 0,
                created_at=row.created_at,
                activated_at=row.activated_at,
            )
            for row in rows
        ]

    @repeated_when_lost
    def sessions(self) -> Sequence[ModelSession]:
        with reading(self._engine) as connection:
            return [to_session(row) for row in connection.execute(SESSIONS)]

    @repeated_when_lost
    def survey(self) -> ModelSurvey:
        with reading(self._engine) as connection:
            return ModelSurvey(
                active=[
                    ActiveModel(row.model_name, row.version) for row in connection.execute(_ACTIVE)
                ],
                session_ids=[row.id for row in connection.execute(SESSIONS)],
            )
