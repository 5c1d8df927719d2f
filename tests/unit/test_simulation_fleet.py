"""The simulated fleet against a small server in the same process, in time that only jumps."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from spot_optimizer.simulation.enrolment import EnrolmentRefused, enrol
from spot_optimizer.simulation.fleet import FleetOptions, run, stop_on_signals
from spot_optimizer.simulation.interruptions import read_interruptions
from spot_optimizer.simulation.payloads import Program
from spot_optimizer.simulation.tally import Progress, Tally
from spot_optimizer.simulation.trace_files import UnreadableTrace
from tests.simulated_stage import (
    BASE_URL,
    ON_DEMAND,
    SPOT_HERE,
    SPOT_THERE,
    THERE,
    FakeServer,
    JumpingTime,
    Stage,
    play,
)


def a_switch(**changes: object) -> dict[str, object]:
    return {
        "id": "c-1",
        "instance_id": "i-1",
        "target_mode": "spot",
        "target_pool_id": THERE.id,
        "priority": 75,
        "terminate_wait_seconds": 120,
        "created_at": "2026-11-20T09:00:00",
    } | changes


class TestCadence:
    def times(self, server: FakeServer, ending: str) -> list[float]:
        return [call.at for call in server.told(ending)]

    def test_an_agent_registers_first_and_keeps_the_intervals_of_the_real_ones(self) -> None:
        server, _ = play(Program.A, 301)

        assert server.calls[0].name == "register"
        assert self.times(server, "/heartbeat")[:-1] == [30.0 * n for n in range(11)]
        assert self.times(server, "/config") == [60.0 * n for n in range(6)]
        assert self.times(server, "/pending-commands") == [15.0 * n for n in range(21)]
        assert self.times(server, "/pricing-report") == [0.0, 300.0]
        assert self.times(server, "/cleanup-report") == [60.0]

    def test_cleaning_up_is_repeated_every_hour(self) -> None:
        server, _ = play(Program.C, 3700)

        assert self.times(server, "/cleanup-report") == [60.0, 3660.0]

    def test_b_does_not_clean_up(self) -> None:
        server, _ = play(Program.B, 100)

        assert self.times(server, "/cleanup-report") == []

    def test_the_speedup_shortens_the_intervals_and_leaves_the_times_alone(self) -> None:
        server, _ = play(Program.A, 31, speedup=10)

        assert self.times(server, "/heartbeat")[:3] == [0.0, 3.0, 6.0]
        reports = server.told("/pricing-report")
        assert [report.at for report in reports] == [0.0, 30.0]
        assert reports[1].body["pricing"]["collected_at"] == "2026-11-20T09:00:30"

    def test_the_last_word_is_offline(self) -> None:
        server, _ = play(Program.C, 10)

        assert server.calls[-1].path.endswith("/agent-of-sim-0001/heartbeat")
        assert server.calls[-1].body == {"status": "offline", "monitored_instances": []}

    def test_a_refused_agent_says_goodbye_under_no_id_and_is_started_again(self) -> None:
        server, stage = play(Program.A, 25, refusals=2)

        assert [call.name for call in server.calls[:5]] == [
            "register",
            "None/heartbeat",
            "register",
            "None/heartbeat",
            "register",
        ]
        assert self.times(server, "/register") == [0.0, 10.0, 20.0]
        assert stage.tally.errors == 2
        assert stage.tally.routes["POST /api/agents/{agent_id}/heartbeat"].tolerated == {"404": 2}


class TestSwitching:
    def after_the_order(self, server: FakeServer) -> list[str]:
        """The calls of a switch in order, without what goes on all the time."""
        noise = ("/config", "/pending-commands", "/pricing-report", "/cleanup-report")
        return [
            call.name
            for call in server.calls
            if not call.path.endswith(noise) and call.body.get("status") != "online"
        ][1:-1]

    def test_a_launches_reports_acknowledges_and_leaves_in_this_order(self) -> None:
        server, stage = play(Program.A, 900, orders=[a_switch()])

        assert self.after_the_order(server) == [
            "register",
            "agent-of-sim-0001/switch-report",
            "agent-of-sim-0001/commands/c-1/executed",
            "agent-of-sim-0001/heartbeat",
        ]
        assert server.told("/executed")[0].body == {"success": True, "message": "Switch completed"}
        assert stage.tally.switches_done == 1

    def test_b_marks_the_command_instead(self) -> None:
        server, _ = play(Program.B, 900, orders=[a_switch()])

        assert self.after_the_order(server) == [
            "register",
            "agent-of-sim-0001/switch-report",
            "agent-of-sim-0001/mark-command-executed",
            "agent-of-sim-0001/heartbeat",
        ]
        assert server.told("/mark-command-executed")[0].body == {"command_id": "c-1"}

    @pytest.mark.parametrize(("program", "waits_s"), [(Program.A, 300), (Program.C, 120)])
    def test_only_c_waits_as_it_is_told(self, program: Program, waits_s: float) -> None:
        server, _ = play(program, 900, orders=[a_switch()])
        timing = server.told("/switch-report")[0].body["timing"]
        moved = datetime.fromisoformat(timing["traffic_switched_at"])
        ended = datetime.fromisoformat(timing["old_instance_terminated_at"])

        assert waits_s < (ended - moved).total_seconds() < waits_s + 60

    def test_the_successor_works_long_before_the_report(self) -> None:
        server, _ = play(Program.C, 900, orders=[a_switch(terminate_wait_seconds=300)])
        first, second = server.told("/register")
        report = server.told("/switch-report")[0]
        beats = [call for call in server.told("/heartbeat") if call.body["status"] == "online"]
        between = {
            call.body["instance_id"] for call in beats if second.at < call.at < report.at - 60
        }

        assert between == {first.body["instance_id"], second.body["instance_id"]}
        assert second.body["logical_agent_id"] == first.body["logical_agent_id"]
        assert second.body["az"] == "us-east-1b"
        assert report.body["old_instance"]["instance_id"] == first.body["instance_id"]
        assert report.body["new_instance"]["instance_id"] == second.body["instance_id"]
        assert {call.body["instance_id"] for call in beats if call.at > report.at} == {
            second.body["instance_id"]
        }

    def test_the_old_agent_asks_for_no_more_orders_while_it_switches(self) -> None:
        server, _ = play(Program.A, 50, orders=[a_switch()])

        assert [call.at for call in server.told("/pending-commands")] == [0.0]
        assert len(server.told("/heartbeat")) == 3

    def test_a_bakes_a_new_image_and_c_boots_the_old_one(self) -> None:
        for program, same in ((Program.A, False), (Program.C, True)):
            server, _ = play(program, 900, orders=[a_switch()])

            assert (server.told("/register")[1].body["ami_id"] == "ami-first") is same

    def test_c_keeps_the_old_instance_when_no_wait_is_given(self) -> None:
        order = a_switch(terminate_wait_seconds=0)
        server, stage = play(Program.C, 900, orders=[order])

        assert "old_instance_terminated_at" not in server.told("/switch-report")[0].body["timing"]
        assert len(stage.crew.world.cloud.running) == 2

    def test_spot_without_a_pool_runs_on_demand_and_is_reported_as_spot(self) -> None:
        server, _ = play(Program.C, 900, orders=[a_switch(target_pool_id=None)])

        assert server.told("/register")[1].body["mode"] == "ondemand"
        assert server.told("/switch-report")[0].body["new_instance"]["mode"] == "spot"

    @pytest.mark.parametrize("program", [Program.A, Program.B])
    def test_a_pool_that_does_not_exist_fails_the_switch(self, program: Program) -> None:
        server, stage = play(program, 400, orders=[a_switch(target_pool_id="m5.large.nowhere")])

        assert server.told("/switch-report") == []
        assert stage.tally.switches_failed == 1
        acknowledged = server.told("executed")
        assert [call.body for call in acknowledged] == (
            [{"command_id": "c-1"}]
            if program is Program.B
            else [{"success": False, "message": "Switch failed"}]
        )

    def test_b_marks_an_order_without_a_mode_and_a_skips_it(self) -> None:
        order = a_switch(target_mode=None)

        assert len(play(Program.B, 10, orders=[order])[0].told("executed")) == 1
        assert len(play(Program.A, 10, orders=[order])[0].told("executed")) == 0

    def test_only_the_first_usable_order_is_carried_out(self) -> None:
        orders = [a_switch(target_mode=None), a_switch(), a_switch(id="c-2")]
        server, _ = play(Program.A, 900, orders=orders)

        assert [call.name for call in server.told("/executed")] == [
            "agent-of-sim-0001/commands/c-1/executed"
        ]

    def test_c_fails_to_create_a_replica_that_the_server_does_not_take(self) -> None:
        server, _ = play(Program.C, 10, orders=[a_switch(command_type="create_replica")])

        assert server.told("/executed")[0].body == {
            "success": False,
            "message": "Replica creation failed",
        }

    def test_both_machines_cost_while_both_run(self) -> None:
        _, stage = play(Program.C, 900, orders=[a_switch()])

        assert stage.tally.instance_hours > Decimal("0.25")
        cheaper, dearer = stage.tally.instance_hours * SPOT_THERE, stage.tally.instance_hours
        assert cheaper < stage.tally.cost < dearer * SPOT_HERE
        assert stage.tally.on_demand_cost == ON_DEMAND / 4


class TestInterruptions:
    TRACE = (
        "timestamp,us-east-1a|m5.large,us-east-1b|m5.large\n"
        "2023-04-19T00:00:00Z,1,1\n"
        "2023-04-19T00:10:00Z,0,1\n"
        "2023-04-19T02:00:00Z,0,1\n"
    )

    def play(self, folder: Path, program: Program, status: int = 404) -> tuple[FakeServer, Stage]:
        path = folder / "trace.csv"
        path.write_text(self.TRACE)
        server = FakeServer(JumpingTime(), notice_status=status)
        stage = Stage(server, read_interruptions(path))
        asyncio.run(stage.play(program, 1000))
        return server, stage

    @pytest.mark.parametrize(
        ("program", "hints", "notices"), [(Program.A, 14, 24), (Program.B, 0, 0), (Program.C, 1, 1)]
    )
    def test_a_repeats_its_signals_c_says_them_once_b_never(
        self, tmp_path: Path, program: Program, hints: int, notices: int
    ) -> None:
        server, _ = self.play(tmp_path, program)

        assert len(server.told("/rebalance-recommendation")) == hints
        assert len(server.told("/termination-imminent")) == notices

    def test_hint_notice_and_reclaim_come_as_recorded(self, tmp_path: Path) -> None:
        server, stage = self.play(tmp_path, Program.C)
        first, second = server.told("/register")
        notice = server.told("/termination-imminent")[0]

        assert 300.0 <= server.told("/rebalance-recommendation")[0].at <= 330.0
        assert 600.0 <= notice.at <= 605.0
        assert notice.body["termination_time"] == "2026-11-20T09:12:00Z"
        said = [
            call.at
            for call in server.told("/heartbeat")
            if call.body.get("instance_id") == first.body["instance_id"]
        ]
        assert max(said) < 720.0
        assert 750.0 <= second.at <= 810.0
        assert stage.tally.interruptions == 1

    def test_a_machine_vanishes_without_a_word_and_its_successor_keeps_the_name(
        self, tmp_path: Path
    ) -> None:
        server, _ = self.play(tmp_path, Program.C)
        first, second = server.told("/register")

        goodbyes = [call for call in server.calls if call.body.get("status") == "offline"]
        assert [call.at for call in goodbyes] == [1000.0]
        assert second.body["logical_agent_id"] == first.body["logical_agent_id"]
        assert second.body["instance_id"] != first.body["instance_id"]
        assert second.body["az"] == "us-east-1b"

    @pytest.mark.parametrize("status", [404, 500])
    def test_no_replica_is_no_error(self, tmp_path: Path, status: int) -> None:
        _, stage = self.play(tmp_path, Program.C, status)

        assert stage.tally.errors == 0
        route = stage.tally.routes["POST /api/agents/{agent_id}/termination-imminent"]
        assert route.tolerated == {str(status): 1}


class TestRunning:
    def run(
        self, server: FakeServer, watch: Callable[[Progress], None] | None = None, **options: Any
    ) -> Tally:
        async def play_it() -> Tally:
            jumping = server.time
            chosen = {"duration_s": 60.0, "agents": 5, "speedup": 20.0} | options
            return await jumping.play(
                run(
                    FleetOptions(base_url=BASE_URL, token="token-x", **chosen),
                    asyncio.Event(),
                    watch=watch,
                    transport=httpx.MockTransport(server),
                    now=jumping.now,
                    sleep=jumping.sleep,
                )
            )

        return asyncio.run(play_it())

    def test_all_agents_register_and_say_goodbye(self) -> None:
        server = FakeServer(JumpingTime())
        tally = self.run(server)

        names = {f"sim-{number:04d}" for number in range(1, 6)}
        assert {call.body["logical_agent_id"] for call in server.told("/register")} == names
        goodbyes = [call for call in server.calls if call.body.get("status") == "offline"]
        assert {call.path for call in goodbyes} == {
            f"/api/agents/agent-of-{name}/heartbeat" for name in names
        }
        assert tally.requests == len(server.calls)
        assert tally.errors == 0
        assert tally.simulated_time == timedelta(minutes=20)
        assert tally.on_demand_cost > 0

    def test_the_same_seed_seats_the_same_agents(self) -> None:
        def seated(seed: int) -> list[tuple[str, str, str]]:
            server = FakeServer(JumpingTime())
            self.run(server, seed=seed, duration_s=5.0)
            return [
                (call.body["az"], call.body["instance_type"], call.body["agent_version"])
                for call in server.told("/register")
            ]

        assert seated(1) == seated(1)
        assert seated(1) != seated(2)

    def test_instances_of_another_run_have_other_ids(self) -> None:
        ids: list[set[str]] = []
        for minute in (0, 1):
            server = FakeServer(JumpingTime())
            server.time.at += timedelta(minutes=minute)
            self.run(server, duration_s=5.0)
            ids.append({call.body["instance_id"] for call in server.told("/register")})

        assert not ids[0] & ids[1]

    def test_with_a_trace_only_watched_pools_are_used_at_first(self, tmp_path: Path) -> None:
        path = tmp_path / "trace.csv"
        path.write_text("timestamp,us-east-1b|m5.large\n2023-01-01,0\n2023-01-02,1\n")
        server = FakeServer(JumpingTime())
        self.run(server, interruptions=path, duration_s=5.0)

        registered = [call.body for call in server.told("/register")]
        assert {(body["instance_type"], body["az"]) for body in registered} == {
            ("m5.large", "us-east-1b")
        }

    def test_the_operator_orders_what_is_recommended(self) -> None:
        advice: dict[str, object] = {
            "auto_switch_enabled": True,
            "will_auto_execute": True,
            "decision_type": "switch_to_ondemand",
            "recommended_pool_id": None,
            "reason": "Spot price too high",
        }
        server = FakeServer(JumpingTime(), advice=advice)
        tally = self.run(server)

        orders = server.told("/issue-switch-command")
        assert orders[0].at <= 20
        assert orders[0].body == {"target_mode": "ondemand", "reason": "Spot price too high"}
        assert tally.switches_ordered == len(orders) <= 5
        assert tally.switches_done > 0

    def test_the_operator_orders_a_much_cheaper_pool_by_hand(self) -> None:
        advice: dict[str, object] = {
            "auto_switch_enabled": True,
            "will_auto_execute": False,
            "decision_type": "stay_spot",
            "alternative_pools": [{"id": "m5.large.us-east-1b", "spot_price": 0.001}],
        }
        server = FakeServer(JumpingTime(), advice=advice)
        self.run(server)

        assert server.told("/issue-switch-command")[0].body == {
            "target_mode": "spot",
            "target_pool_id": "m5.large.us-east-1b",
            "reason": "Much cheaper pool",
            "priority": 75,
        }

    def test_the_operator_leaves_agents_alone_whose_owner_does(self) -> None:
        advice: dict[str, object] = {
            "auto_switch_enabled": False,
            "will_auto_execute": False,
            "decision_type": "switch_to_ondemand",
            "alternative_pools": [{"id": "m5.large.us-east-1b", "spot_price": 0.001}],
        }
        server = FakeServer(JumpingTime(), advice=advice)
        self.run(server)

        assert server.told("/switch-recommendation")
        assert server.told("/issue-switch-command") == []

    def test_whoever_watches_is_told_every_second(self) -> None:
        seen: list[Progress] = []
        self.run(FakeServer(JumpingTime()), watch=seen.append, duration_s=10.5)

        assert [progress.real_time.total_seconds() for progress in seen] == list(range(11))
        assert seen[-1].agents_online == 5
        assert seen[-1].requests > 0

    def test_a_fleet_stops_when_it_is_told(self) -> None:
        server = FakeServer(JumpingTime())

        async def play_it() -> Tally:
            stop = asyncio.Event()
            options = FleetOptions(base_url=BASE_URL, token="token-x", agents=3)
            fleet = asyncio.ensure_future(
                run(
                    options,
                    stop,
                    transport=httpx.MockTransport(server),
                    now=server.time.now,
                    sleep=server.time.sleep,
                )
            )
            await server.time.drive(lambda: len(server.calls) > 50)
            stop.set()
            return await fleet

        tally = asyncio.run(play_it())

        assert [call.body.get("status") for call in server.calls[-3:]] == ["offline"] * 3
        assert tally.errors == 0

    def test_a_cancelled_fleet_says_goodbye_too(self) -> None:
        server = FakeServer(JumpingTime())

        async def play_it() -> None:
            options = FleetOptions(base_url=BASE_URL, token="token-x", agents=3)
            fleet = asyncio.ensure_future(
                run(
                    options,
                    asyncio.Event(),
                    transport=httpx.MockTransport(server),
                    now=server.time.now,
                    sleep=server.time.sleep,
                )
            )
            await server.time.drive(lambda: len(server.calls) > 50)
            fleet.cancel()
            with pytest.raises(asyncio.CancelledError):
                await fleet

        asyncio.run(play_it())

        assert [call.body.get("status") for call in server.calls[-3:]] == ["offline"] * 3

    def test_a_server_that_is_not_there_is_counted_and_nothing_breaks(self) -> None:
        jumping = JumpingTime()

        def refuse(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused", request=request)

        async def play_it() -> Tally:
            return await jumping.play(
                run(
                    FleetOptions(base_url=BASE_URL, token="t", agents=2, duration_s=5.0),
                    asyncio.Event(),
                    transport=httpx.MockTransport(refuse),
                    now=jumping.now,
                    sleep=jumping.sleep,
                )
            )

        tally = asyncio.run(play_it())

        assert tally.errors == tally.requests > 0
        assert tally.routes["POST /api/agents/register"].errors["no answer"] > 0

    def test_a_trace_of_pools_without_prices_is_refused_before_the_first_call(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "trace.csv"
        path.write_text("timestamp,us-east-1a|x99.huge\n2023-01-01,1\n2023-01-02,0\n")
        server = FakeServer(JumpingTime())

        with pytest.raises(UnreadableTrace, match="no price is known for its pools x99"):
            self.run(server, interruptions=path)

        assert server.calls == []

    @pytest.mark.parametrize("wrong", [{"agents": 0}, {"speedup": 0.0}])
    def test_a_fleet_of_nothing_is_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="at least one agent"):
            FleetOptions(base_url=BASE_URL, token="t", **wrong)

    def test_a_signal_sets_the_stop(self) -> None:
        async def raise_it() -> bool:
            import signal

            stop = asyncio.Event()
            stop_on_signals(stop)
            signal.raise_signal(signal.SIGTERM)
            await asyncio.wait_for(stop.wait(), 5)
            return stop.is_set()

        assert asyncio.run(raise_it())


class TestEnrolling:
    def enrol(self, answers: dict[str, httpx.Response]) -> tuple[str, list[str]]:
        asked: list[str] = []

        def answer(request: httpx.Request) -> httpx.Response:
            assert request.headers["Authorization"] == "Bearer operator"
            key = f"{request.method} {request.url.path}"
            asked.append(key)
            return answers[key]

        transport = httpx.MockTransport(answer)
        token = asyncio.run(enrol(BASE_URL, "operator", "Demo", transport=transport))
        return token, asked

    def test_a_new_client_comes_with_its_token(self) -> None:
        created = {"success": True, "client": {"id": "1", "name": "Demo", "token": "token-new"}}
        answers = {"POST /api/admin/clients/create": httpx.Response(200, json=created)}

        assert self.enrol(answers)[0] == "token-new"

    def test_the_token_of_a_known_client_is_looked_up(self) -> None:
        clients = [{"id": "1", "name": "Other"}, {"id": "2", "name": "demo"}]
        token, asked = self.enrol(
            {
                "POST /api/admin/clients/create": httpx.Response(409, json={"error": "exists"}),
                "GET /api/admin/clients": httpx.Response(200, json=clients),
                "GET /api/admin/clients/2/token": httpx.Response(200, json={"token": "token-old"}),
            }
        )

        assert token == "token-old"
        assert len(asked) == 3

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            (httpx.Response(401, json={"error": "no"}), "was answered with 401"),
            (httpx.Response(200, json={"client": {}}), "holds no client.token"),
            (httpx.Response(200, content=b"<html>"), "answered no JSON"),
        ],
    )
    def test_a_refusal_is_one_line(self, answer: httpx.Response, reason: str) -> None:
        with pytest.raises(EnrolmentRefused, match=reason) as raised:
            self.enrol({"POST /api/admin/clients/create": answer})

        assert "operator" not in str(raised.value)
