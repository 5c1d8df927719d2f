from datetime import datetime
from typing import Protocol

from spot_optimizer.domain.models.gate import Drift, Verdict
from spot_optimizer.domain.models.sessions import ModelSession


class TrialFailed(Exception):
    """No verdict came out of it; the message says why and shows nothing of the files."""


class ModelTrial(Protocol):
    """Models on trial: what they would have done on recorded time. Takes its time."""

    def judge(self, candidate: ModelSession, champion: ModelSession | None) -> Verdict | None:
        """None: nothing in the session is for the placement policy, so there is nothing to judge.

        Raises:
            TrialFailed
        """
        ...

    def drift(self, live: ModelSession, since: datetime) -> Drift | None:
        """None: too little has come true since, or there is nothing to judge.

        Raises:
            TrialFailed
        """
        ...
