"""Runs a recording against a server, step by step, and collects what differs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from tests.contract.clock import ReplayClock
from tests.contract.database import ReplayDatabase
from tests.contract.judge import Judge
from tests.contract.recording import Recording, Request, Step
from tests.contract.reply import Reply
from tests.contract.snapshots import Snapshot
from tests.contract.stand_in import stand_in
from tests.contract.templates import Scope, Unbound

# What a recording may need to have running, and how often that looks around, in seconds.
COORDINATOR: Final = "coordinator"
ROUND_S: Final = 10


class Routes(Protocol):
    def serve(self, step: Step) -> bool: ...


class Server(Protocol):
    """Whom the steps are sent to."""

    @property
    def routes(self) -> Routes: ...

    def send(self, request: Request, scope: Scope) -> Reply: ...

    def coordinate(self) -> object:
        """What the server does every ten seconds where its coordinator is on."""
        ...


class Outcome(StrEnum):
    AS_RECORDED = "as recorded"
    DIFFERENT = "different"
    STOOD_IN = "stood in for"  # the route does not exist yet; its effects were made to happen
    LEFT_OUT = "left out"  # it needs a value which a step that was stood in for did not yield


@dataclass(frozen=True, slots=True)
class StepReport:
    step: Step
    outcome: Outcome
    remarks: Sequence[str] = ()

    def __str__(self) -> str:
        request = self.step.request
        kind = " (defect)" if self.step.defect else ""
        heading = f"* {self.step.name}  [{request.method} {request.path}]{kind}"
        return "\n".join([heading, *(f"      {remark}" for remark in self.remarks)])


@dataclass(frozen=True, slots=True)
class Report:
    scenario: str
    steps: Sequence[StepReport]

    @property
    def different(self) -> bool:
        return self._count(Outcome.DIFFERENT) > 0

    def _count(self, outcome: Outcome) -> int:
        return sum(step.outcome is outcome for step in self.steps)

    def __str__(self) -> str:
        counts = ", ".join(f"{self._count(outcome)} {outcome}" for outcome in Outcome)
        told = [str(step) for step in self.steps if step.remarks]
        return "\n".join([f"{self.scenario}: {counts}", *told])


def is_replayable(recording: Recording, routes: Routes) -> bool:
    """Whether the application has anything that the recording is about."""
    return any(step.route is not None and routes.serve(step) for step in recording.steps)


def can_be_provided(recording: Recording) -> bool:
    """Whether what the recording needs is part of the application."""
    return set(recording.needs) <= {COORDINATOR}


def steps_to_judge(recordings: Iterable[Recording], routes: Routes) -> list[Step]:
    return [
        step
        for recording in recordings
        if can_be_provided(recording) and is_replayable(recording, routes)
        for step in recording.steps
        if routes.serve(step)
    ]


class Replay:
    def __init__(self, server: Server, database: ReplayDatabase, clock: ReplayClock) -> None:
        self._server, self._database, self._clock = server, database, clock
        self._judge = Judge(database.catalogue)
        self._scope = Scope(clock)
        self._last_look: Snapshot | None = None
        self._lacks_a_step = self._is_coordinated = False

    def run(self, recording: Recording) -> Report:
        self._scope, self._last_look = Scope(self._clock), None
        self._lacks_a_step, self._is_coordinated = False, COORDINATOR in recording.needs
        self._database.reset(
            rows=self._scope.expand(recording.given, "sql"),
            seed=self._scope.expand(self._database.catalogue.seed, "sql"),
        )
        steps = [self._run_step(recording, step) for step in recording.steps]
        return Report(recording.scenario, steps)

    def _run_step(self, recording: Recording, step: Step) -> StepReport:
        try:
            self._prepare(recording, step)
            if self._lacks_a_step:
                return StepReport(step, Outcome.LEFT_OUT)
            if self._server.routes.serve(step):
                return self._send(step)
            self._last_look = None
            return StepReport(step, Outcome.STOOD_IN, stand_in(step, self._database, self._scope))
        except Unbound as unbound:
            self._lacks_a_step = True  # what comes next would find a state that never was
            return StepReport(step, Outcome.LEFT_OUT, [str(unbound)])
        finally:
            self._wait(step.wait_after_s)

    def _prepare(self, recording: Recording, step: Step) -> None:
        given = recording.preparation(step)
        if given is not None:
            self._lacks_a_step = self._lacks_a_step and not given.rows
            self._database.prepare(given.clear, self._scope.expand(given.rows, "sql"))
            self._last_look = None
        if step.new_second:
            self._clock.enter_next_second()
        if step.watch:
            self._last_look = self._look()
        self._wait(step.wait_before_s)

    def _wait(self, seconds: float) -> None:
        while self._is_coordinated and seconds >= ROUND_S:
            self._clock.advance(ROUND_S)
            self._server.coordinate()
            seconds -= ROUND_S
        self._clock.advance(seconds)

    def _send(self, step: Step) -> StepReport:
        before = self._look()
        reply = self._server.send(step.request, self._scope)
        self._last_look = None
        after = self._last_look = self._look()
        found = self._judge.judge(step, reply, before, after, self._scope)
        return StepReport(step, Outcome.DIFFERENT if found else Outcome.AS_RECORDED, found)

    def _look(self) -> Snapshot:
        """Nobody else writes, so what was seen after one step is what the next one finds."""
        return self._last_look or self._database.snapshot()
