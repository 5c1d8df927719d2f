"""How an agent is doing (contract/domain.md 4.4.6); it never triggers anything."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

SLOW: Final = timedelta(seconds=90)
DEGRADED: Final = timedelta(seconds=180)
OFFLINE: Final = timedelta(seconds=600)
PRICES_ARE_LATE: Final = timedelta(seconds=300)

_SLOW_COSTS: Final = 20
_LATE_PRICES_COST: Final = 30
NO_ISSUES: Final = "no issues"


class HealthClass(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    OFFLINE = "offline"


_BASE: Final = {HealthClass.HEALTHY: 100, HealthClass.DEGRADED: 50, HealthClass.OFFLINE: 0}
_ADVICE: Final = {
    HealthClass.HEALTHY: "continue_monitoring",
    HealthClass.DEGRADED: "monitor_closely",
    HealthClass.OFFLINE: "investigate_immediately",
}


@dataclass(frozen=True, slots=True)
class HealthReport:
    health: HealthClass
    score: int
    """0 - 100."""
    issues: tuple[str, ...]

    @property
    def recommendation(self) -> str:
        return _ADVICE[self.health]


def judge(heartbeat_age: timedelta | None, pricing_age: timedelta | None) -> HealthReport:
    """None is never; an age of nothing is fresh."""
    health, issues = _class_of(heartbeat_age), list[str]()
    score = _BASE[health]
    if heartbeat_age is None:
        issues.append("no heartbeat ever")
    elif heartbeat_age > SLOW:
        issues.append(f"last heartbeat {int(heartbeat_age.total_seconds())} s ago")
        score -= _SLOW_COSTS if health is HealthClass.HEALTHY else 0
    if pricing_age is None:
        issues.append("no prices ever")
    elif pricing_age > PRICES_ARE_LATE:
        issues.append(f"last prices {int(pricing_age.total_seconds())} s ago")
    if pricing_age is None or pricing_age > PRICES_ARE_LATE:
        score -= _LATE_PRICES_COST
    return HealthReport(health, max(0, score), tuple(issues) or (NO_ISSUES,))


def _class_of(heartbeat_age: timedelta | None) -> HealthClass:
    if heartbeat_age is None or heartbeat_age > OFFLINE:
        return HealthClass.OFFLINE
    return HealthClass.DEGRADED if heartbeat_age > DEGRADED else HealthClass.HEALTHY
