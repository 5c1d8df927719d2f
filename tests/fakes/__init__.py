"""Everything outside the application, in memory: fakes that keep state and can be asked for it."""

from tests.fakes.engines import FakeDecisionEngine, FixedEngine
from tests.fakes.system import (
    CacheAway,
    CountingIdentifiers,
    FixedClock,
    FixedTokens,
    HeldStopwatch,
    InMemoryCache,
    SteadyStopwatch,
)
from tests.fakes.unit_of_work import (
    InMemoryCommandQueries,
    InMemoryCredentials,
    InMemoryUnitOfWork,
)

__all__ = [
    "CacheAway",
    "CountingIdentifiers",
    "FakeDecisionEngine",
    "FixedClock",
    "FixedEngine",
    "FixedTokens",
    "HeldStopwatch",
    "InMemoryCache",
    "InMemoryCommandQueries",
    "InMemoryCredentials",
    "InMemoryUnitOfWork",
    "SteadyStopwatch",
]
