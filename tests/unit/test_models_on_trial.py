"""Activating behind the gate and leaving it again, with the trial in memory."""

from dataclasses import dataclass, field
from datetime import datetime

import pytest

from spot_optimizer.application.models.watch_drift import WatchDrift
from spot_optimizer.application.ports.model_trial import TrialFailed
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.identifiers import ClientId
from spot_optimizer.domain.models.gate import (
    ActivationRefused,
    Drift,
    Evidence,
    Figure,
    Verdict,
)
from spot_optimizer.domain.models.sessions import ModelSession, SessionNotFound, SessionState
from tests.builders import OPERATOR, a_client, globex
from tests.unit.test_gate import compared, verdict
from tests.unit.test_serving_models import House

_GOOD = verdict(Evidence.RECORD, compared(-2.0, -1.0))
_BAD = verdict(Evidence.SCENARIOS, compared(0.01, 0.02, Figure.BRIER_6H))


@dataclass
class FakeTrial:
    """Finds what it is told to, or fails."""

    found: Verdict | Drift | Exception | None = None
    judged: list[tuple[str, str | None]] = field(default_factory=list)

    def judge(self, candidate: ModelSession, champion: ModelSession | None) -> Verdict | None:
        self.judged.append((candidate.id, None if champion is None else champion.id))
        if isinstance(self.found, Exception):
            raise self.found
        assert not isinstance(self.found, Drift)
        return self.found

    def drift(self, live: ModelSession, since: datetime) -> Drift | None:
        assert live.activated_at == since
        self.judged.append((live.id, None))
        if isinstance(self.found, Exception):
            raise self.found
        assert not isinstance(self.found, Verdict)
        return self.found


class TestActivating:
    def test_what_has_stood_its_trial_goes_into_service_and_the_figures_on_record(self) -> None:
        house = House(trial=FakeTrial(_GOOD))
        session = house.upload("model.skops")

        house.serve.activate(session.id, OPERATOR)

        assert house.serving == session.id
        details = house.work.audit.entries[-1].details
        assert details is not None
        assert details["evidence"] == Evidence.RECORD

    @pytest.mark.parametrize("found", [_BAD, TrialFailed("out of memory")])
    def test_what_has_not_changes_nothing_and_the_figure_is_named(
        self, found: Verdict | TrialFailed
    ) -> None:
        house = House()
        live = house.upload("a.skops")
        house.serve.activate(live.id, OPERATOR)
        house.trial = FakeTrial(found)
        bad = house.upload("b.skops")
        before = dict(house.states)

        with pytest.raises(
            ActivationRefused, match="6 h" if found is _BAD else "memory"
        ) as refused:
            house.serve.activate(bad.id, OPERATOR)

        assert refused.value.details["sessionId"] == bad.id
        assert house.trial.judged == [(bad.id, live.id)]
        assert (house.states, house.serving) == (before, live.id)
        assert house.work.audit.actions[-1] == "activation_refused"
        assert house.work.events.types[-1] == "ml_models_refused"

    def test_force_spares_the_trial_and_is_on_record(self) -> None:
        trial = FakeTrial(_BAD)
        house = House(trial=trial)
        session = house.upload("a.skops")

        house.serve.activate(session.id, OPERATOR, force=True)

        assert house.serving == session.id
        assert trial.judged == []
        assert house.work.audit.entries[-1].details == {"forced": True}

    def test_where_there_is_nothing_to_judge_everything_stays_as_it_was(self) -> None:
        house = House(trial=FakeTrial(None))
        session = house.upload("a.onnx")

        house.serve.activate(session.id, OPERATOR)

        assert house.serving == session.id
        assert house.work.audit.entries[-1].details is None

    def test_what_is_in_service_is_not_judged_again(self) -> None:
        house = House(trial=FakeTrial(_GOOD))
        session = house.upload("a.skops")
        house.serve.activate(session.id, OPERATOR)
        house.trial = FakeTrial(_BAD)

        house.serve.activate(session.id, OPERATOR)

        assert house.trial.judged == []

    def test_falling_back_needs_no_trial(self) -> None:
        house = House()
        first = house.upload("a.skops")
        house.serve.activate(first.id, OPERATOR)
        house.serve.activate(house.upload("b.skops").id, OPERATOR)
        house.trial = FakeTrial(_BAD)

        assert house.serve.fall_back(OPERATOR).session_id == first.id

    def test_nobody_is_no_session(self) -> None:
        with pytest.raises(SessionNotFound):
            House(trial=FakeTrial(_GOOD)).serve.activate("nobody", OPERATOR)


_DRIFTED = Drift(n=500, difference=0.05, low=0.02)


class TestDrifting:
    def _watch(self, house: House) -> None:
        @dataclass
        class Sessions:
            def sessions(self) -> list[ModelSession]:
                return list(house.work.models.sessions())

        @dataclass
        class Line:
            client_id: ClientId

        @dataclass
        class Clients:
            def clients(self) -> list[Line]:
                return [Line(client.id) for client in house.work.clients.kept.values()]

        WatchDrift(
            house.work,
            house.clock,
            Sessions(),  # type: ignore[arg-type]  # nothing else is asked
            Clients(),  # type: ignore[arg-type]  # nothing else is asked
            house.trial,
            house.serve,
        )()

    def _two_sessions(self, *clients: Client) -> tuple[House, str, str]:
        house = House()
        with house.work as work:
            for client in clients:
                work.clients.add(client, house.clock.now())
            work.commit()
        first = house.upload("a.skops")
        house.serve.activate(first.id, OPERATOR)
        second = house.upload("b.skops")
        house.serve.activate(second.id, OPERATOR)
        return house, first.id, second.id

    def test_brings_the_former_models_back_and_tells_everybody(self) -> None:
        house, first, second = self._two_sessions(a_client(), globex())
        house.trial = FakeTrial(_DRIFTED)

        self._watch(house)

        assert house.serving == first
        assert house.states == {first: SessionState.LIVE, second: SessionState.ARCHIVED}
        assert house.work.events.types[-2:] == ["ml_models_rollback", "ml_models_drifted"]
        told = house.work.notifications.entries
        assert [one.client_id for one in told] == [a_client().id, globex().id]
        assert "previous models" in told[0].message

    @pytest.mark.parametrize(
        "found", [None, Drift(n=500, difference=0.005, low=0.001), TrialFailed("no memory")]
    )
    def test_within_its_bound_changes_nothing(self, found: Drift | TrialFailed | None) -> None:
        house, _, second = self._two_sessions(a_client())
        house.trial = FakeTrial(found)
        events = list(house.work.events.types)

        self._watch(house)

        assert house.serving == second
        assert house.work.events.types == events
        assert house.work.notifications.entries == []

    def test_without_former_models_tells_the_operator_only(self) -> None:
        house = House()
        session = house.upload("a.skops")
        house.serve.activate(session.id, OPERATOR)
        house.trial = FakeTrial(_DRIFTED)

        self._watch(house)

        assert house.serving == session.id
        assert house.work.events.types[-1] == "ml_models_drifted"

    def test_is_of_no_concern_where_no_model_serves_or_none_is_opened(self) -> None:
        house = House(trial=FakeTrial(_DRIFTED))
        house.upload("a.skops")
        self._watch(house)
        house.trial = None
        self._watch(house)

        assert house.work.events.types == []
