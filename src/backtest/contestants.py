"""Who takes part in a backtest."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Protocol

from spot_optimizer.backtest.agents import DeciderFactory
from spot_optimizer.backtest.baselines import BASELINES
from spot_optimizer.backtest.traces import Trace


class Contestant(Protocol):
    """Can be sent to another process."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """Changes with whatever changes its decisions, the code aside."""
        ...

    def prepared(self, trace: Trace) -> DeciderFactory:
        """Deciders for that trace; what they see of it is what they are asked about."""
        ...


@dataclass(frozen=True, slots=True)
class Baseline:
    name: str

    @property
    def fingerprint(self) -> str:
        return f"baseline {self.name}"

    def prepared(self, trace: Trace) -> DeciderFactory:
        return BASELINES[self.name]


def baselines() -> Sequence[Baseline]:
    return [Baseline(name) for name in BASELINES]


@cache
def code_fingerprint() -> str:
    """Of the code that results follow from: other code may come to other results."""
    hashed = sha256()
    for package in ("spot_optimizer.backtest", "spot_optimizer.domain.placement"):
        for file in sorted(files(package).iterdir(), key=lambda one: one.name):
            if file.name.endswith(".py"):
                hashed.update(file.name.encode() + b"\0" + file.read_bytes())
    return hashed.hexdigest()
