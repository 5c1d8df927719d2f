"""Standbys of a simulated agent: launched, booted, in step, promoted, or never needed."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from spot_optimizer.simulation.interruptions import read_interruptions
from spot_optimizer.simulation.payloads import Program
from spot_optimizer.simulation.tally import Downtime
from tests.simulated_stage import (
    HERE,
    SPOT_HERE,
    SPOT_THERE,
    START,
    THERE,
    Call,
    FakeServer,
    JumpingTime,
    Stage,
    play,
)

NOTICE_ONLY = """timestamp,us-east-1a|m5.large
2023-04-19T00:00:00Z,0
2023-04-19T00:18:00Z,1
2023-04-19T00:20:00Z,0
2023-04-19T05:00:00Z,0
"""
"""A notice after 20 minutes without a hint before it."""

HINT_FIRST = """timestamp,us-east-1a|m5.large
2023-04-19T00:00:00Z,1
2023-04-19T00:20:00Z,0
2023-04-19T05:00:00Z,0
"""
NOTICE_S, RECLAIM_S = 1200.0, 1320.0


def interrupted(
    folder: Path, program: Program, trace: str, seconds: float = 2000, **server: Any
) -> tuple[FakeServer, Stage]:
    path = folder / "trace.csv"
    path.write_text(trace)
    fake = FakeServer(JumpingTime(), **server)
    stage = Stage(fake, read_interruptions(path))
    asyncio.run(stage.play(program, seconds))
    return fake, stage


def downtime(stage: Stage) -> Downtime:
    (only,) = stage.tally.downtimes.values()
    return only


def outcome(stage: Stage) -> tuple[int, int, timedelta]:
    """Reclaims, failovers, lost time."""
    only = downtime(stage)
    return only.reclaims, only.failovers, only.lost


def wanted(pool_id: str = THERE.id) -> dict[str, Any]:
    return {"id": "r-1", "pool_id": pool_id, "az": "us-east-1b", "status": "launching"}


def order(**changes: object) -> dict[str, object]:
    return {
        "id": "c-1",
        "command_type": "create_replica",
        "target_mode": None,
        "target_pool_id": THERE.id,
        "priority": 75,
    } | changes


def said_about_replicas(server: FakeServer) -> list[Call]:
    return [call for call in server.calls if "/replicas/" in call.path]


class TestPolling:
    def test_c_asks_for_what_is_to_be_launched_every_half_minute(self) -> None:
        server, stage = play(Program.C, 100, has_replicas=True)

        asked = [call for call in server.told("/replicas") if call.method == "GET"]
        assert [(call.at, call.query) for call in asked] == [
            (30.0 * n, "status=launching") for n in range(4)
        ]
        assert len(stage.crew.world.cloud.running) == 1

    @pytest.mark.parametrize("program", [Program.A, Program.B])
    def test_a_and_b_do_not(self, program: Program) -> None:
        server, _ = play(program, 100, has_replicas=True, replicas=[wanted()])

        assert server.told("/replicas") == []

    def test_a_replica_is_launched_reported_booted_and_ready(self) -> None:
        server, stage = play(Program.C, 200, has_replicas=True, replicas=[wanted()])
        put, ready = said_about_replicas(server)
        primary, standby = server.told("/register")

        assert (put.method, put.path) == ("PUT", "/api/agents/agent-of-sim-0001/replicas/r-1")
        assert put.body == {"instance_id": standby.body["instance_id"], "status": "syncing"}
        assert ready.path.endswith("/replicas/r-1/status")
        completed = ready.body.pop("sync_completed_at")
        assert ready.body == {"status": "ready"}
        assert datetime.fromisoformat(completed).utcoffset() == timedelta(0)
        assert put.at + 20 <= ready.at <= put.at + 60
        assert len(stage.crew.world.cloud.running) == 2
        assert primary.body["instance_id"] != standby.body["instance_id"]

    def test_a_standby_has_an_agent_under_the_name_of_its_primary(self) -> None:
        server, _ = play(Program.C, 400, has_replicas=True, replicas=[wanted()])
        primary, standby = server.told("/register")
        ready = said_about_replicas(server)[1]

        assert standby.body["logical_agent_id"] == primary.body["logical_agent_id"]
        assert standby.body["az"] == "us-east-1b"
        assert standby.body["ami_id"] == primary.body["ami_id"]
        assert ready.at + 10 <= standby.at <= ready.at + 30
        polls = [call.at for call in server.told("/pending-commands") if call.at > standby.at]
        assert len(polls) > 1.9 * (400 - standby.at) / 15

    def test_what_is_still_listed_is_launched_again(self) -> None:
        server, stage = play(
            Program.C, 200, has_replicas=True, forgets_launches=True, replicas=[wanted()]
        )

        assert len(stage.crew.world.cloud.running) > 2
        assert stage.tally.errors > 0
        assert "instance_id" not in server.replicas[0]

    def test_without_room_the_replica_has_failed(self) -> None:
        replicas = [wanted("m5.large.us-east-1z")]
        server, stage = play(Program.C, 60, has_replicas=True, replicas=replicas)

        (failed,) = said_about_replicas(server)[:1]
        assert failed.body["status"] == "failed"
        assert "InsufficientInstanceCapacity" in failed.body["error_message"]
        assert len(stage.crew.world.cloud.running) == 1

    def test_an_entry_without_pool_or_zone_is_skipped(self) -> None:
        replicas = [{**wanted(), "az": None}, {**wanted(), "pool_id": ""}]
        server, _ = play(Program.C, 60, has_replicas=True, replicas=replicas)

        assert said_about_replicas(server) == []

    @pytest.mark.parametrize("program", list(Program))
    def test_a_server_without_the_routes_breaks_nothing(
        self, tmp_path: Path, program: Program
    ) -> None:
        _, stage = interrupted(tmp_path, program, HINT_FIRST)

        assert stage.tally.errors == 0
        assert downtime(stage).reclaims == 1

    def test_a_standby_costs_as_any_instance_does(self) -> None:
        _, alone = play(Program.C, 400, has_replicas=True)
        _, two = play(Program.C, 400, has_replicas=True, replicas=[wanted()])
        price = SPOT_HERE * 400 / 3600

        assert downtime(alone).cost == pytest.approx(price)
        assert price + SPOT_THERE * 399 / 3600 < downtime(two).cost == two.tally.cost
        assert two.tally.cost <= price + SPOT_THERE * 400 / 3600


class TestOrderedReplica:
    def test_c_launches_it_posts_it_and_reports_every_step(self) -> None:
        server, _ = play(Program.C, 200, has_replicas=True, orders=[order()])
        primary, standby = server.told("/register")
        created = next(call for call in server.told("/replicas") if call.method == "POST")
        syncing, ready = said_about_replicas(server)

        assert created.body == {
            "instance_id": standby.body["instance_id"],
            "replica_type": "manual",
            "parent_instance_id": primary.body["instance_id"],
            "pool_id": THERE.id,
            "status": "launching",
        }
        assert list(syncing.body) == ["status", "sync_started_at"]
        assert list(ready.body) == ["status", "sync_completed_at"]
        assert server.told("/executed")[0].body == {
            "success": True,
            "message": "Replica created: r-1",
        }

    @pytest.mark.parametrize("pool_id", ["m5.large.us-east-1z", None])
    def test_without_room_or_pool_it_fails(self, pool_id: str | None) -> None:
        orders = [order(target_pool_id=pool_id)]
        server, _ = play(Program.C, 100, has_replicas=True, orders=orders)

        assert server.told("/register")[1:] == []
        assert server.told("/executed")[0].body == {
            "success": False,
            "message": "Replica creation failed",
        }


class TestNotice:
    def test_c_asks_for_a_replica_before_it_says_anything(self, tmp_path: Path) -> None:
        server, _ = interrupted(tmp_path, Program.C, HINT_FIRST)
        primary = server.told("/register")[0].body["instance_id"]
        heard = ("/create-emergency-replica", "/rebalance-recommendation", "/termination-imminent")
        said = [call for call in server.calls if call.path.endswith(heard)]

        assert [call.path.rsplit("/", 1)[1] for call in said] == [
            "create-emergency-replica",
            "rebalance-recommendation",
            "create-emergency-replica",
            "termination-imminent",
        ]
        assert said[0].body == {
            "signal_type": "rebalance-recommendation",
            "instance_id": primary,
        }
        assert said[2].body == {
            "signal_type": "termination-notice",
            "instance_id": primary,
            "termination_time": said[3].body["termination_time"],
        }

    def test_a_ready_standby_loses_no_minute(self, tmp_path: Path) -> None:
        server, stage = interrupted(
            tmp_path, Program.C, NOTICE_ONLY, has_replicas=True, replicas=[wanted()]
        )

        assert outcome(stage) == (1, 1, timedelta(0))
        assert len(server.told("/register")) == 2  # nobody replaced the lost machine

    def test_c_stops_once_it_is_moved_and_its_machine_is_reclaimed_all_the_same(
        self, tmp_path: Path
    ) -> None:
        server, stage = interrupted(
            tmp_path, Program.C, NOTICE_ONLY, has_replicas=True, replicas=[wanted()]
        )
        primary = server.told("/register")[0].body["instance_id"]
        goodbyes = [call.at for call in server.calls if call.body.get("status") == "offline"]
        beats = [
            call.at for call in server.told("/heartbeat") if call.body.get("instance_id") == primary
        ]

        assert NOTICE_S <= goodbyes[0] <= NOTICE_S + 5
        assert max(beats) <= goodbyes[0]
        assert len(server.told("/termination-imminent")) == 1
        assert stage.tally.interruptions == 1
        assert [machine.pool for machine in stage.crew.world.cloud.running] == [THERE]

    def test_a_replica_asked_for_at_the_hint_is_ready_in_time(self, tmp_path: Path) -> None:
        _, stage = interrupted(tmp_path, Program.C, HINT_FIRST, has_replicas=True)

        assert outcome(stage) == (1, 1, timedelta(0))

    def test_without_a_replica_the_workload_waits_for_a_replacement(self, tmp_path: Path) -> None:
        server, stage = interrupted(tmp_path, Program.C, NOTICE_ONLY)
        lost = downtime(stage).lost

        assert timedelta(seconds=30) <= lost <= timedelta(seconds=90)
        assert server.told("/register")[1].at == RECLAIM_S + lost.total_seconds()

    def test_an_outage_that_lasts_counts_until_now(self, tmp_path: Path) -> None:
        _, stage = interrupted(tmp_path, Program.C, NOTICE_ONLY, seconds=RECLAIM_S + 10)

        assert downtime(stage).lost == timedelta(seconds=10)

    def test_a_standby_that_the_server_promotes_later_is_found(self, tmp_path: Path) -> None:
        class LatePromoter(FakeServer):
            """Promotes by itself, in its own time, as its loop does."""

            def __call__(self, request: Any) -> Any:
                if request.url.path.endswith("/status"):
                    answer = super().__call__(request)
                    self.promote()
                    return answer
                return super().__call__(request)

        path = tmp_path / "trace.csv"
        path.write_text(NOTICE_ONLY)
        server = LatePromoter(JumpingTime(), has_replicas=True)
        stage = Stage(server, read_interruptions(path))
        asyncio.run(stage.play(Program.C, 2000))

        assert downtime(stage).failovers == 1
        assert downtime(stage).lost == timedelta(0)

    def test_a_standby_promoted_after_the_end_makes_its_replacement_superfluous(
        self, tmp_path: Path
    ) -> None:
        class TooLate(FakeServer):
            def answer(self, call: Call) -> Any:
                if call.at >= RECLAIM_S + 10:
                    self.promote()
                return super().answer(call)

            def notice(self) -> Any:
                return super().no_replica()

        path = tmp_path / "trace.csv"
        path.write_text(NOTICE_ONLY)
        server = TooLate(JumpingTime(), has_replicas=True, replicas=[wanted()])
        stage = Stage(server, read_interruptions(path))
        asyncio.run(stage.play(Program.C, 2000))

        assert downtime(stage).failovers == 1
        assert timedelta(seconds=10) <= downtime(stage).lost <= timedelta(seconds=20)
        assert len(server.told("/register")) == 2
        assert len(stage.crew.world.cloud.running) == 1

    def test_a_launches_a_standby_in_its_own_zone_when_it_is_told(self, tmp_path: Path) -> None:
        trace = NOTICE_ONLY.replace("20:00Z,0", "20:00Z,0\n2023-04-19T00:20:00.001Z,1")
        server, stage = interrupted(
            tmp_path, Program.A, trace, has_replicas=True, wants_standby_beside=True
        )
        primary, standby = (call.body["instance_id"] for call in server.told("/register")[:2])
        (created,) = [call for call in server.told("/replicas") if call.method == "POST"]

        assert created.body == {
            "instance_id": standby,
            "replica_type": "emergency",
            "parent_instance_id": primary,
            "pool_id": HERE.id,
            "status": "ready",
        }
        assert downtime(stage).failovers == 1

    def test_a_posts_nothing_when_its_zone_has_no_room(self, tmp_path: Path) -> None:
        server, stage = interrupted(
            tmp_path, Program.A, NOTICE_ONLY, has_replicas=True, wants_standby_beside=True
        )

        assert [call for call in server.told("/replicas") if call.method == "POST"] == []
        assert downtime(stage).failovers == 0

    def test_a_repeats_its_notice_after_it_is_moved(self, tmp_path: Path) -> None:
        ready = {**wanted(), "status": "ready", "instance_id": "i-ready"}
        server, _ = interrupted(
            tmp_path, Program.A, NOTICE_ONLY, has_replicas=True, replicas=[ready]
        )

        assert len(server.told("/termination-imminent")) > 20

    def test_a_standby_in_the_same_pool_is_lost_with_its_primary(self, tmp_path: Path) -> None:
        trace = HINT_FIRST.replace("00:20:00Z,0", "00:19:00Z,1\n2023-04-19T00:20:00Z,0")
        _, stage = interrupted(
            tmp_path, Program.C, trace, has_replicas=True, replicas=[wanted(HERE.id)]
        )

        assert stage.tally.interruptions == 2
        assert downtime(stage).reclaims == 1
        assert downtime(stage).lost >= timedelta(seconds=30)


def test_a_standby_whose_agent_takes_an_order_to_switch_is_no_standby_any_more() -> None:
    class OrderForWhoeverAsks(FakeServer):
        def answer(self, call: Call) -> Any:
            standby_is_up = len(self.told("/register")) == 2 and call.at % 30 not in (0.0, 15.0)
            if call.path.endswith("/pending-commands") and standby_is_up and not self.ordered:
                self.ordered = True
                self.orders.append(
                    order(command_type=None, target_mode="spot", terminate_wait_seconds=10)
                )
            return super().answer(call)

        ordered = False

    server = OrderForWhoeverAsks(JumpingTime(), has_replicas=True, replicas=[wanted()])
    stage = Stage(server)
    asyncio.run(stage.play(Program.C, 400))
    primary, standby, successor = (call.body["instance_id"] for call in server.told("/register"))

    assert server.told("/switch-report")[0].body["old_instance"]["instance_id"] == standby
    assert stage.agent.standbys == {}
    assert stage.agent.machine.instance_id == successor
    assert primary in {machine.instance_id for machine in stage.crew.world.cloud.running}


@pytest.mark.parametrize("program", [Program.A, Program.B])
def test_a_switch_takes_the_workload_along_before_the_successor_has_its_agent(
    program: Program,
) -> None:
    switch = order(command_type=None, target_mode="spot")
    whole, _ = play(program, 900, orders=[switch])
    timing = whole.told("/switch-report")[0].body["timing"]
    traffic_at = datetime.fromisoformat(timing["traffic_switched_at"]) - START
    up_at = whole.told("/register")[1].at
    assert traffic_at.total_seconds() < up_at

    _, stage = play(program, (traffic_at.total_seconds() + up_at) / 2, orders=[switch])

    assert stage.agent.workload.machine is stage.agent.machine
    assert stage.agent.machine.pool == THERE
