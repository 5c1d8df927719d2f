"""Which uploaded models serve, and which stand by: the table, and any history of actions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.domain.models.sessions import (
    TRANSITIONS,
    Happening,
    KeptFile,
    ModelSession,
    ModelSessions,
    NoFallback,
    SessionChanges,
    SessionId,
    SessionNotFound,
    SessionState,
)
from tests.builders import HOUR, MINUTE, NOON

LIVE, FALLBACK = SessionState.LIVE, SessionState.FALLBACK
PENDING, ARCHIVED = SessionState.PENDING, SessionState.ARCHIVED
REMOVED: Final = SessionState.REMOVED

A, B, C = SessionId("a"), SessionId("b"), SessionId("c")


def a_session(session_id: str, state: SessionState = PENDING, age_h: int = 0) -> ModelSession:
    created_at = NOON - age_h * HOUR
    is_served = state in (LIVE, FALLBACK)
    return ModelSession(
        id=SessionId(session_id),
        state=state,
        files=(KeptFile(name="m.onnx"),),
        total_bytes=1,
        created_at=created_at,
        activated_at=created_at + MINUTE if is_served else None,
    )


def after(before: Sequence[ModelSession], changes: SessionChanges) -> dict[str, SessionState]:
    """The state of every session that is left."""
    states = {one.id: one.state for one in before}
    states.update({one.id: one.state for one in changes.changed})
    if changes.added is not None:
        states[changes.added.id] = changes.added.state
    for gone in changes.removed:
        del states[gone.id]
    return {str(name): state for name, state in states.items()}


def upload(*sessions: ModelSession, former: bool = False) -> dict[str, SessionState]:
    known = ModelSessions(sessions, newer_fallback_stays=former)
    _, changes = known.upload(SessionId("new"), [KeptFile(name="m.onnx")], 1, NOON)
    return after(sessions, changes)


def activate(session_id: SessionId, *sessions: ModelSession) -> dict[str, SessionState]:
    return after(sessions, ModelSessions(sessions).activate(session_id, NOON))


def fall_back(*sessions: ModelSession) -> dict[str, SessionState]:
    return after(sessions, ModelSessions(sessions).fall_back(NOON))


class TestTheTable:
    def test_knows_every_state_but_that_of_a_session_that_is_gone(self) -> None:
        assert set(TRANSITIONS) == set(SessionState) - {REMOVED}

    @pytest.mark.parametrize("state", TRANSITIONS)
    def test_knows_what_every_state_makes_of_what_happens(self, state: SessionState) -> None:
        only_for_fallbacks = set() if state is FALLBACK else {Happening.BROUGHT_BACK}
        assert set(TRANSITIONS[state]) == set(Happening) - only_for_fallbacks

    @pytest.mark.parametrize("state", TRANSITIONS)
    def test_activation_makes_anything_live(self, state: SessionState) -> None:
        assert TRANSITIONS[state][Happening.ACTIVATED] is LIVE


class TestUploading:
    def test_the_first(self) -> None:
        assert upload() == {"new": PENDING}

    def test_replaces_what_waits_and_what_is_archived(self) -> None:
        assert upload(a_session("a"), a_session("b", ARCHIVED)) == {"new": PENDING}

    def test_makes_the_live_session_the_fallback(self) -> None:
        assert upload(a_session("a", LIVE)) == {"a": FALLBACK, "new": PENDING}

    def test_removes_the_former_fallback(self) -> None:
        sessions = a_session("a", FALLBACK, 2), a_session("b", LIVE, 1)

        assert upload(*sessions) == {"b": FALLBACK, "new": PENDING}

    def test_removes_a_fallback_that_is_newer_than_the_live_session(self) -> None:
        sessions = a_session("a", FALLBACK, 1), a_session("b", LIVE, 2)

        assert upload(*sessions) == {"b": FALLBACK, "new": PENDING}
        assert upload(*sessions, former=True) == {"a": FALLBACK, "b": FALLBACK, "new": PENDING}

    def test_leaves_the_fallback_where_nothing_is_live(self) -> None:
        assert upload(a_session("a", FALLBACK)) == {"a": FALLBACK, "new": PENDING}

    def test_comes_later_than_any_other(self) -> None:
        newest = replace(a_session("a", LIVE), created_at=NOON + HOUR)

        added, _ = ModelSessions((newest,)).upload(B, [], 0, NOON)

        assert added.created_at == NOON + HOUR + timedelta(seconds=1)

    def test_keeps_the_models_in_service_that_were(self) -> None:
        live = a_session("a", LIVE)

        assert ModelSessions((live,)).in_service == live
        demoted = replace(live, state=FALLBACK)
        assert ModelSessions((demoted, a_session("new"))).in_service == demoted


class TestActivating:
    @pytest.mark.parametrize("state", [PENDING, FALLBACK, ARCHIVED, LIVE])
    def test_makes_it_live(self, state: SessionState) -> None:
        assert activate(A, a_session("a", state)) == {"a": LIVE}

    def test_makes_the_live_session_the_fallback_and_removes_the_former_one(self) -> None:
        sessions = a_session("a"), a_session("b", LIVE, 1), a_session("c", FALLBACK, 2)

        assert activate(A, *sessions) == {"a": LIVE, "b": FALLBACK}

    def test_of_the_fallback_exchanges_the_two(self) -> None:
        assert activate(A, a_session("a", FALLBACK, 1), a_session("b", LIVE)) == {
            "a": LIVE,
            "b": FALLBACK,
        }

    def test_leaves_the_others_alone(self) -> None:
        sessions = a_session("a"), a_session("b", FALLBACK), a_session("c", ARCHIVED)

        assert activate(A, *sessions) == {"a": LIVE, "b": FALLBACK, "c": ARCHIVED}

    def test_again_counts_as_another_activation(self) -> None:
        (changed,) = ModelSessions((a_session("a", LIVE, 3),)).activate(A, NOON).changed

        assert changed.activated_at == NOON

    def test_needs_a_session(self) -> None:
        with pytest.raises(SessionNotFound):
            activate(C, a_session("a"))


class TestFallingBack:
    def test_brings_the_fallback_back_and_archives_what_was_live(self) -> None:
        assert fall_back(a_session("a", FALLBACK), a_session("b", LIVE)) == {
            "a": LIVE,
            "b": ARCHIVED,
        }

    def test_works_where_nothing_is_live(self) -> None:
        assert fall_back(a_session("a", FALLBACK), a_session("b")) == {"a": LIVE, "b": PENDING}

    def test_chooses_the_newest(self) -> None:
        sessions = a_session("a", FALLBACK, 2), a_session("b", FALLBACK, 1)

        assert fall_back(*sessions) == {"a": FALLBACK, "b": LIVE}

    def test_needs_a_fallback(self) -> None:
        with pytest.raises(NoFallback):
            fall_back(a_session("a", LIVE))


@given(st.lists(st.sampled_from(["upload", "activate newest", "activate oldest", "fall back"])))
def test_in_any_history_each_place_is_taken_once_and_service_never_ends(
    actions: list[str],
) -> None:
    sessions: dict[SessionId, ModelSession] = {}
    served = False
    for number, action in enumerate(actions):
        now = NOON + number * MINUTE
        known = ModelSessions(tuple(sessions.values()))
        try:
            match action:
                case "upload":
                    _, changes = known.upload(SessionId(f"s-{number:03}"), [], 0, now)
                case "fall back":
                    changes = known.fall_back(now)
                case _ if sessions:
                    chosen = max(sessions) if action.endswith("newest") else min(sessions)
                    changes = known.activate(chosen, now)
                    served = True
                case _:
                    continue
        except NoFallback:
            continue
        in_service = known.in_service
        for one in (*changes.changed, *([changes.added] if changes.added else [])):
            sessions[one.id] = one
        for gone in changes.removed:
            del sessions[gone.id]
        states = [one.state for one in sessions.values()]
        assert all(states.count(state) <= 1 for state in (LIVE, FALLBACK, PENDING))
        after_it = ModelSessions(tuple(sessions.values())).in_service
        assert (after_it is not None) == served
        if action == "upload" and in_service is not None:
            assert after_it is not None
            assert after_it.id == in_service.id
