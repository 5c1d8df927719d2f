"""The replay as a whole: against a server that answers as recorded, and against spoiled ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.clock import ReplayClock
from tests.contract.database import ReplayDatabase
from tests.contract.echo_server import EchoServer
from tests.contract.made_up import SilentServer, a_step
from tests.contract.recording import Change, Recording, Step, read_recordings
from tests.contract.replay import Outcome, Replay, Report
from tests.contract.reply import Reply
from tests.contract.templates import Scope

RECORDINGS = read_recordings("*")

# It needs the id of a row which only an answer of the old server tells.
NOT_FOR_AN_ECHO = "delete the demoted primary"


def named(scenario: str) -> Recording:
    return next(recording for recording in RECORDINGS if recording.scenario == scenario)


def echo(
    recording: Recording,
    database: ReplayDatabase,
    spoil: Callable[[Step, Reply], Reply] = lambda step, reply: reply,
) -> Report:
    return Replay(EchoServer(recording, database, spoil), database, ReplayClock()).run(recording)


class TestAgainstAnEcho:
    @pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.scenario)
    def test_a_faithful_server_is_not_blamed_except_for_defects(
        self, recording: Recording, database: ReplayDatabase
    ) -> None:
        report = echo(recording, database)

        blamed = [
            str(it)
            for it in report.steps
            if it.outcome is not Outcome.AS_RECORDED
            and not it.step.defect
            and it.step.name != NOT_FOR_AN_ECHO
        ]
        assert blamed == []

    @pytest.mark.parametrize("recording", RECORDINGS, ids=lambda recording: recording.scenario)
    def test_a_server_without_words_is_blamed_for_every_answer(
        self, recording: Recording, database: ReplayDatabase
    ) -> None:
        report = echo(recording, database, lambda step, reply: replace(reply, status=599))

        assert {it.outcome for it in report.steps} <= {Outcome.DIFFERENT, Outcome.LEFT_OUT}

    def test_a_change_nobody_asked_for_is_found(self, database: ReplayDatabase) -> None:
        def rename_the_demo_client(step: Step, reply: Reply) -> Reply:
            change = Change(key={"email": "demo@example.com"}, columns={"name": step.name})
            database.change("clients", change)
            return reply

        report = echo(named("agent-heartbeat"), database, rename_the_demo_client)

        told = [str(it) for it in report.steps if not it.step.defect]
        assert told
        assert all("db updated clients" in text for text in told)


class TestTime:
    def test_it_passes_only_when_a_step_waits(self, database: ReplayDatabase) -> None:
        clock = ReplayClock()
        steps = [
            a_step("a", wait_before_s=14, wait_after_s=8),
            a_step("b", new_second=True),
            a_step("c"),
        ]

        Replay(SilentServer("POST /a", "POST /b", "POST /c"), database, clock).run(
            Recording(scenario="made-up", title="", steps=steps)
        )

        assert Scope(clock).now.isoformat() == "2025-06-17T12:00:23"


def test_every_recording_can_be_read() -> None:
    assert len(RECORDINGS) > 50
    assert [it.scenario for it in RECORDINGS] == sorted(
        path.stem for path in (Path(__file__).parent / "recordings").glob("*.json")
    )
