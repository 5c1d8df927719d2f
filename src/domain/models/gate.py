"""Whether models may go into service: by what they would have done on time they were not made of.

Figures are compared in pairs, one pair for each stretch of time; an interval says where the mean
difference lies (paired bootstrap, 95 %). Lower is better everywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from spot_optimizer.domain.errors import Conflict
from spot_optimizer.domain.models.sessions import SessionId

DRIFT_BOUND: Final = 0.01
"""By so much the Brier score of live models may exceed that of counting, at most."""


class Evidence(StrEnum):
    RECORD = "the server's own record"
    """The last part of it, which trained models have not seen."""
    SCENARIOS = "packaged scenarios"
    """Where the record is too short."""


class Figure(StrEnum):
    COST = "cost with downtime, % of on demand"
    BRIER_1H = "Brier score of reclaims within 1 h"
    BRIER_6H = "Brier score of reclaims within 6 h"


class Rival(StrEnum):
    CHAMPION = "the models in service"
    COUNT_TABLE = "the count table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The candidate's figure less the rival's: the mean, and its interval."""

    figure: Figure
    rival: Rival
    difference: float
    low: float
    high: float

    @property
    def is_better(self) -> bool:
        """Beyond doubt: the interval excludes that there is no difference."""
        return self.high < 0

    @property
    def is_worse(self) -> bool:
        return self.low > 0

    def __str__(self) -> str:
        return (
            f"{self.figure} against {self.rival}: "
            f"{self.difference:+.4f} ({self.low:+.4f} to {self.high:+.4f})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    evidence: Evidence
    stretches: int
    """How many stretches of time were compared."""
    comparisons: Sequence[Comparison]

    @property
    def failed(self) -> Sequence[Comparison]:
        """On the server's own record, costs have to be lower beyond doubt, and no forecast may be
        worse. Scenarios show what is bad, and not what is better here: there nothing may be worse.
        """
        return [one for one in self.comparisons if not self._is_met(one)]

    @property
    def passes(self) -> bool:
        return not self.failed

    @property
    def reason(self) -> str:
        """Why, in a sentence that names the figures."""
        judged = f"Judged on {self.evidence}, {self.stretches} stretches"
        if self.passes:
            return f"{judged}: " + "; ".join(map(str, self.comparisons))
        return f"{judged}: " + "; ".join(f"{one} {self._wanted(one)}" for one in self.failed)

    def as_details(self) -> Mapping[str, object]:
        """For the audit trail and for whoever asked."""
        return {
            "evidence": self.evidence,
            "stretches": self.stretches,
            "figures": [
                {
                    "figure": one.figure,
                    "rival": one.rival,
                    "difference": round(one.difference, 6),
                    "low": round(one.low, 6),
                    "high": round(one.high, 6),
                    "met": self._is_met(one),
                }
                for one in self.comparisons
            ],
        }

    def _has_to_win(self, one: Comparison) -> bool:
        return self.evidence is Evidence.RECORD and one.figure is Figure.COST

    def _is_met(self, one: Comparison) -> bool:
        return one.is_better if self._has_to_win(one) else not one.is_worse

    def _wanted(self, one: Comparison) -> str:
        return "has to be lower beyond doubt" if self._has_to_win(one) else "must not be worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How live models have done since they went into service: Brier score less that of the count
    table on the same hours."""

    n: int
    """Forecasts that have come true or not."""
    difference: float
    low: float

    @property
    def exceeds_bound(self) -> bool:
        return self.difference > DRIFT_BOUND and self.low > 0

    def __str__(self) -> str:
        return (
            f"over {self.n} forecasts their Brier score exceeds that of counting by "
            f"{self.difference:.4f} (at least {self.low:.4f})"
        )


class ActivationRefused(Conflict):
    def __init__(self, session_id: SessionId, reason: str, verdict: Verdict | None = None) -> None:
        details = {} if verdict is None else dict(verdict.as_details())
        super().__init__(
            f"Models not activated. {reason}. `force` activates them all the same",
            success=False,
            message="Models not activated",
            sessionId=session_id,
            **details,
        )
