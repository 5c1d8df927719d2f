"""Which decision engine answers in this process (contract/admin-ml-and-jobs.md 3.5)."""

from typing import NamedTuple

from spot_optimizer.application.ports.decision_engine import DecisionEngine, Serving


class _InService(NamedTuple):
    engine: DecisionEngine | None
    serving: Serving


class EngineRegistry:
    """One assignment changes engine and activation together, for all threads at once."""

    def __init__(self) -> None:
        self._now = _InService(None, Serving())

    @property
    def current(self) -> DecisionEngine | None:
        return self._now.engine

    @property
    def serving(self) -> Serving:
        return self._now.serving

    def install(self, engine: DecisionEngine | None, serving: Serving) -> None:
        self._now = _InService(engine, serving)
