"""Trials in a process of their own: they take seconds of computing, which requests need not wait
behind, and more memory than a server keeps."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeVar

import msgspec

from spot_optimizer.application.ports.model_trial import TrialFailed
from spot_optimizer.domain.models.file_names import is_placement_model
from spot_optimizer.domain.models.gate import Comparison, Drift, Evidence, Figure, Rival, Verdict
from spot_optimizer.domain.models.sessions import ModelSession

T = TypeVar("T")

_TIME_LIMIT_S: Final = 300
_PROGRAM: Final = (sys.executable, "-m", "spot_optimizer.cli", "models")


class _Compared(msgspec.Struct):
    figure: str
    rival: str
    difference: float
    low: float
    high: float


class _Judged(msgspec.Struct):
    evidence: str
    stretches: int
    comparisons: list[_Compared]


class _Drifted(msgspec.Struct):
    n: int
    difference: float
    low: float


class _Judgement(msgspec.Struct):
    found: _Judged | None


class _DriftSeen(msgspec.Struct):
    found: _Drifted | None


@dataclass(frozen=True, slots=True)
class TrialProcess:
    """`environment` is what the command needs to come to the same settings as this server."""

    environment: Mapping[str, str]
    program: Sequence[str] = _PROGRAM

    def judge(self, candidate: ModelSession, champion: ModelSession | None) -> Verdict | None:
        if not _holds_placement_model(candidate):
            return None
        against = [] if champion is None else ["--against", champion.id]
        answer = self._answer("judge", candidate, *against, kind=_Judgement).found
        if answer is None:
            return None
        return Verdict(
            evidence=Evidence(answer.evidence),
            stretches=answer.stretches,
            comparisons=[
                Comparison(
                    figure=Figure(one.figure),
                    rival=Rival(one.rival),
                    difference=one.difference,
                    low=one.low,
                    high=one.high,
                )
                for one in answer.comparisons
            ],
        )

    def drift(self, live: ModelSession, since: datetime) -> Drift | None:
        if not _holds_placement_model(live):
            return None
        answer = self._answer("drift", live, "--since", since.isoformat(), kind=_DriftSeen).found
        if answer is None:
            return None
        return Drift(n=answer.n, difference=answer.difference, low=answer.low)

    def _answer(
        self,
        what: Literal["judge", "drift"],
        session: ModelSession,
        *more: str,
        kind: type[T],
    ) -> T:
        try:
            ended = subprocess.run(  # noqa: S603 - this program, with ids from the database
                [*self.program, what, session.id, *more, "--json"],
                env=dict(self.environment),
                capture_output=True,
                timeout=_TIME_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise TrialFailed(f"it took longer than {_TIME_LIMIT_S} s") from error
        except OSError as error:
            raise TrialFailed(error.strerror or "it cannot be started") from error
        if ended.returncode != 0:
            raise TrialFailed(_last_line(ended.stderr))
        try:
            return msgspec.json.decode(ended.stdout, type=kind)
        except msgspec.MsgspecError as error:
            raise TrialFailed("its answer cannot be read") from error


def _holds_placement_model(session: ModelSession) -> bool:
    """Other sessions need no process to tell that there is nothing to judge."""
    return any(is_placement_model(file.name) for file in session.files)


def _last_line(told: bytes) -> str:
    lines = told.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it ended without a word"
