"""What moving and being down costs one agent: as it has reported, and as the operator has set."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.application.decisions.costs import AgentCosts
from spot_optimizer.domain.identifiers import LogicalAgentId
from spot_optimizer.domain.placement.costs import MoveTimes, SwitchingCost, measured
from spot_optimizer.domain.placement.downtime import USUAL_VALUE, DowntimeValues
from spot_optimizer.domain.switching import TRAFFIC_SWITCHED, SwitchTiming, time_told
from spot_optimizer.settings import Settings, WrongSetting
from tests.builders import AGENT, DAY, HOUR, MINUTE, NOON, a_switch, a_switch_report, an_agent
from tests.fakes import InMemoryUnitOfWork

PROFILE = SwitchingCost(boot_s=200, cutover_s=30, drain_s=300)


def a_move(
    boot_s: float, cutover_s: float = 30, drain_s: float = 300, days_ago: int = 0
) -> MoveTimes:
    start = NOON - days_ago * DAY
    ready = start + timedelta(seconds=boot_s)
    switched = ready + timedelta(seconds=cutover_s)
    return MoveTimes(start, ready, switched + timedelta(seconds=drain_s), switched)


class TestMeasuring:
    def test_an_agent_without_reports_has_the_times_of_the_profile(self) -> None:
        assert measured([], PROFILE) == PROFILE
        assert measured([MoveTimes(None, NOON, None)], PROFILE) == PROFILE
        assert measured([MoveTimes(NOON, NOON - HOUR, NOON - 2 * HOUR)], PROFILE) == PROFILE

    def test_three_reports_are_believed(self) -> None:
        moves = [a_move(300, 40, 600), a_move(500, 60, 800), a_move(400, 50, 700)]

        costs = measured(moves, PROFILE)

        assert (costs.boot_s, costs.cutover_s, costs.drain_s) == (400, 50, 700)
        assert costs.downtime_value == PROFILE.downtime_value

    def test_the_newest_five_count(self) -> None:
        now = [a_move(400, days_ago=days) for days in range(1, 4)]
        then = [a_move(900, days_ago=days) for days in range(6, 20)]

        assert measured(then, PROFILE).boot_s == 900
        assert measured([*then, *now], PROFILE).boot_s == 400

    @given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 1e6))
    def test_one_wild_report_decides_nothing(self, boot: float, cut: float, drain: float) -> None:
        wild = a_move(boot, cut, drain)

        assert measured([wild], PROFILE) == PROFILE
        steady = [a_move(400, 40, 600, days) for days in range(1, 5)]
        costs = measured([wild, *steady], PROFILE)
        assert (costs.boot_s, costs.cutover_s, costs.drain_s) == (400, 40, 600)

    def test_reports_that_agree_are_believed_within_bounds_only(self) -> None:
        slow, quick = (
            measured([a_move(4000, 900, 9000)] * 3, PROFILE),
            measured([a_move(1, 0, 2)] * 3, PROFILE),
        )

        assert (slow.boot_s, slow.cutover_s, slow.drain_s) == (3200, 480, 4800)
        assert (quick.boot_s, quick.cutover_s, quick.drain_s) == (50, 7.5, 75)

    @given(st.lists(st.tuples(*[st.floats(-1e5, 1e5)] * 3), max_size=9))
    def test_whatever_is_reported_the_times_stay_within_bounds(
        self, times: list[tuple[float, float, float]]
    ) -> None:
        costs = measured([a_move(*one) for one in times], PROFILE)

        assert PROFILE.boot_s / 4 <= costs.boot_s <= PROFILE.boot_s * 16
        assert PROFILE.cutover_s / 4 <= costs.cutover_s <= PROFILE.cutover_s * 16
        assert PROFILE.drain_s / 4 <= costs.drain_s <= PROFILE.drain_s * 16

    def test_without_a_word_on_the_cut_over_it_is_as_usual(self) -> None:
        moves = [MoveTimes(NOON, NOON + 5 * MINUTE, NOON + 5 * MINUTE + timedelta(seconds=630))] * 3

        costs = measured(moves, PROFILE)

        assert (costs.boot_s, costs.cutover_s, costs.drain_s) == (300, 30, 600)


class TestValueOfDowntime:
    def test_the_first_pattern_that_fits_counts(self) -> None:
        values = DowntimeValues.of("db-*=200, db-1=3 ,batch-?=0")

        told = [values.of_agent(LogicalAgentId(one)) for one in ("db-1", "batch-7", "batch-77")]
        assert told == [200, 0, USUAL_VALUE]
        assert DowntimeValues.of(" ") == DowntimeValues()

    @pytest.mark.parametrize("text", ["db", "=3", "db=", "db=x", "db=-1", "db=nan", "db=1e9"])
    def test_what_cannot_be_read_is_a_wrong_setting(self, text: str) -> None:
        with pytest.raises(WrongSetting, match="DOWNTIME_VALUES"):
            Settings.from_environment({"DOWNTIME_VALUES": text})

    def test_agents_pay_what_is_set_for_them(self) -> None:
        agent = an_agent(logical_agent_id=LogicalAgentId("db-1"))
        work = InMemoryUnitOfWork(agents=[agent])

        costs = AgentCosts(DowntimeValues.of("db-*=200"))(work, [agent], NOON)

        assert costs == {AGENT: SwitchingCost(downtime_value=200)}


def test_the_times_that_an_agent_reported_are_its_own() -> None:
    agent = an_agent()
    work = InMemoryUnitOfWork(agents=[agent])
    ready = NOON - HOUR + 5 * MINUTE
    report = a_switch_report(
        timing=SwitchTiming(instance_ready_at=ready, old_terminated_at=ready + 11 * MINUTE),
        timing_as_received={TRAFFIC_SWITCHED: (ready + MINUTE).isoformat()},
    )
    work.switches.kept += [a_switch(initiated_at=NOON - HOUR, report=report)] * 3

    costs = AgentCosts()(work, [agent], NOON)[AGENT]

    assert (costs.boot_s, costs.cutover_s, costs.drain_s) == (300, 60, 600)


@pytest.mark.parametrize(
    "told", ["2026-03-01T12:00:00", "2026-03-01T12:00:00Z", " 2026-03-01T13:00+01:00"]
)
def test_times_are_read_in_all_forms_that_agents_send(told: str) -> None:
    assert time_told({"at": told}, "at") == NOON


@pytest.mark.parametrize("told", [None, {}, {"at": 7}, {"at": "later"}, {"at": None}, "at", ["at"]])
def test_what_is_no_time_is_none(told: object) -> None:
    assert time_told(told, "at") is None
