"""Where decisions and the models behind them are kept, inside the current unit of work."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from spot_optimizer.application.ports.decision_engine import ModelFound
from spot_optimizer.domain.decisions.record import DecisionRecord
from spot_optimizer.domain.models.sessions import ModelSession, SessionChanges, SessionId


class DecisionLog(Protocol):
    def add(self, records: Sequence[DecisionRecord]) -> Sequence[int | None]:
        """Under which id each can be found again; None where no engine answered, or where the
        database does not tell.

        The risk scores must be kept; history and engine log are best effort.
        """
        ...


class ModelRepository(Protocol):
    """Upload sessions of models, and the register of models."""

    def sessions(self) -> Sequence[ModelSession]: ...

    def save(self, changes: SessionChanges) -> None: ...

    def register(
        self,
        session: ModelSession,
        models: Sequence[ModelFound],
        fallback: SessionId | None,
        at: datetime,
    ) -> None:
        """These models are the active ones now, those with a failure and all others are not."""
        ...
