"""Scripted storms: where they strike, whom, when, and what is counted meanwhile."""

import asyncio
from datetime import timedelta
from functools import cache
from typing import Any

import httpx
import pytest

from spot_optimizer.simulation.chance import chance
from spot_optimizer.simulation.fleet import FleetOptions, run
from spot_optimizer.simulation.machines import Cloud, NoCapacity
from spot_optimizer.simulation.market import open_market
from spot_optimizer.simulation.pools import Pool
from spot_optimizer.simulation.simulated_time import SimulatedTime
from spot_optimizer.simulation.storms import Storm, StormKind
from spot_optimizer.simulation.tally import Tally
from tests.simulated_stage import BASE_URL, Call, FakeServer, JumpingTime

POOLS = [
    Pool("us-east-1", "m5.large", "us-east-1a"),
    Pool("us-east-1", "c5.large", "us-east-1a"),
    Pool("us-east-1", "c5.large", "us-east-1b"),
    Pool("eu-west-1", "m5.large", "eu-west-1a"),
    Pool("eu-west-1", "m5.large", "eu-west-1b"),
    Pool("eu-west-1", "c5.large", "eu-west-1c"),
    Pool("eu-west-1", "m5.large", "eu-west-1d"),
]
UP_S, AFTER_S = 29.0, 100.0
"""When all agents have registered, and when the storm breaks."""


@cache
def storm_over(
    kind: StormKind, *, share: float = 1.0, seed: int = 1, seconds: float = 320
) -> tuple[FakeServer, Tally]:
    """A storm over 30 agents; whoever asks for the same gets the same."""
    return storm_of(kind, FakeServer(JumpingTime()), share=share, seed=seed, seconds=seconds)


def storm_of(
    kind: StormKind, server: FakeServer, *, share: float = 1.0, seed: int = 1, seconds: float
) -> tuple[FakeServer, Tally]:

    async def play_it() -> Tally:
        options = FleetOptions(
            base_url=BASE_URL,
            token="token-x",
            agents=30,
            speedup=1.0,
            seed=seed,
            duration_s=seconds,
            storm=Storm(kind, AFTER_S - UP_S, share),
        )
        return await server.time.play(
            run(
                options,
                asyncio.Event(),
                transport=httpx.MockTransport(server),
                now=server.time.now,
                sleep=server.time.sleep,
            )
        )

    return server, asyncio.run(play_it())


def exposed(server: FakeServer, key: str, place: str) -> list[dict[str, Any]]:
    """The registrations before the storm of what it could strike; B does not say its mode."""
    return [
        call.body
        for call in server.told("/register")
        if call.at < AFTER_S and call.body[key] == place and call.body.get("mode") == "spot"
    ]


def told_of(server: FakeServer, ending: str) -> set[str]:
    return {call.body["instance_id"] for call in server.told(ending)}


def first_of_each(calls: list[Call]) -> list[Call]:
    firsts: dict[str, Call] = {}
    for call in calls:
        firsts.setdefault(call.body["instance_id"], call)
    return list(firsts.values())


class TestPlace:
    @pytest.mark.parametrize(
        ("kind", "place", "covered"),
        [
            (StormKind.ZONE, "us-east-1a", 2),
            (StormKind.TYPE, "m5.large", 4),
            (StormKind.REGION, "eu-west-1", 4),
            (StormKind.REBALANCE, "everywhere", 7),
        ],
    )
    def test_it_strikes_where_most_instances_are(
        self, kind: StormKind, place: str, covered: int
    ) -> None:
        storm = Storm(kind)

        assert storm.place(POOLS) == place
        assert sum(storm.covers(pool, place) for pool in POOLS) == covered

    def test_among_equals_the_first_name_is_struck(self) -> None:
        assert Storm(StormKind.ZONE).place(reversed(POOLS[1:])) == "eu-west-1a"

    def test_a_storm_over_nothing_strikes_nothing(self) -> None:
        storm = Storm(StormKind.ZONE)

        assert not any(storm.covers(pool, storm.place([])) for pool in POOLS)
        assert storm.size(0) == 0

    @pytest.mark.parametrize(("exposed", "share", "size"), [(40, 0.25, 10), (3, 0.1, 1)])
    def test_its_size_is_a_share_and_never_nothing(
        self, exposed: int, share: float, size: int
    ) -> None:
        assert Storm(StormKind.ZONE, share=share).size(exposed) == size

    @pytest.mark.parametrize("wrong", [{"share": 0.0}, {"share": 1.1}, {"after_s": -1.0}])
    def test_a_storm_out_of_bounds_is_refused(self, wrong: dict[str, float]) -> None:
        with pytest.raises(ValueError, match="a storm strikes a share"):
            Storm(StormKind.ZONE, **wrong)


def test_a_closed_pool_has_room_again_later() -> None:
    time = JumpingTime()
    market = open_market(None, 1)
    cloud = Cloud(market, None, SimulatedTime(2.0, time.now, time.sleep), chance(1, "machines"))
    pool, other = market.pools[:2]
    cloud.close(pool, timedelta(minutes=30))

    assert cloud.has_room(other)
    time.at += timedelta(minutes=14, seconds=59)
    with pytest.raises(NoCapacity):
        cloud.launch(pool, "spot")
    cloud.launch(pool, "ondemand")
    time.at += timedelta(seconds=1)
    assert cloud.has_room(pool)


class TestStriking:
    @pytest.mark.parametrize(
        ("kind", "key"),
        [
            (StormKind.ZONE, "az"),
            (StormKind.TYPE, "instance_type"),
            (StormKind.REGION, "region"),
        ],
    )
    def test_all_spot_instances_of_a_place_get_notice_at_once(
        self, kind: StormKind, key: str
    ) -> None:
        server, tally = storm_over(kind)
        assert tally.storm is not None
        struck = exposed(server, key, tally.storm.place)
        notices = first_of_each(server.told("/termination-imminent"))

        assert {call.body["instance_id"] for call in notices} == {
            it["instance_id"] for it in struck
        }
        assert struck
        assert all(AFTER_S <= call.at <= AFTER_S + 5 for call in notices)
        assert {call.body["termination_time"] for call in notices} == {"2026-11-20T09:03:40Z"}
        assert tally.interruptions == tally.storm.struck >= len(struck)  # B gives no notice

    def test_two_minutes_later_they_are_gone_and_replaced_elsewhere(self) -> None:
        server, tally = storm_over(StormKind.ZONE)
        assert tally.storm is not None
        gone = told_of(server, "/termination-imminent")
        beats = [call for call in server.told("/heartbeat") if call.at >= AFTER_S + 120]
        replacements = [call.body for call in server.told("/register") if call.at > AFTER_S + 120]

        assert not gone & {call.body.get("instance_id") for call in beats}
        assert len(replacements) == tally.storm.struck
        assert all(
            it["az"] != tally.storm.place or it.get("mode") == "ondemand"
            for it in replacements
            if "mode" in it
        )

    def test_a_share_of_them_is_struck(self) -> None:
        _, whole = storm_over(StormKind.REGION)
        _, half = storm_over(StormKind.REGION, share=0.5)

        assert whole.storm is not None
        assert half.storm is not None
        assert half.interruptions == half.storm.struck == round(whole.storm.struck / 2)

    def test_the_same_seed_strikes_the_same_agents(self) -> None:
        def struck(seed: int) -> list[str]:
            server, _ = storm_over(StormKind.REGION, share=0.5, seed=seed, seconds=110)
            return sorted({call.path for call in server.told("/termination-imminent")})

        assert struck(1) == struck(1) != struck(2)

    def test_a_rebalance_storm_hints_at_all_and_takes_a_share(self) -> None:
        server, tally = storm_over(StormKind.REBALANCE, share=0.25, seconds=530)
        assert tally.storm is not None
        hints = first_of_each(server.told("/rebalance-recommendation"))
        notices = first_of_each(server.told("/termination-imminent"))
        spot = exposed(server, "client_token", "token-x")

        assert {call.body["instance_id"] for call in hints} == {it["instance_id"] for it in spot}
        assert all(AFTER_S <= call.at <= AFTER_S + 30 for call in hints)
        assert all(AFTER_S + 300 <= call.at <= AFTER_S + 305 for call in notices)
        assert tally.interruptions == tally.storm.struck == round(tally.storm.spot / 4)

    def test_what_is_answered_while_it_rages_is_counted_apart(self) -> None:
        server, tally = storm_over(StormKind.ZONE)
        assert tally.storm is not None
        beats = [call for call in server.told("/heartbeat") if AFTER_S < call.at <= AFTER_S + 120]
        route = "POST /api/agents/{agent_id}/heartbeat"

        assert tally.storm.routes[route].requests == pytest.approx(len(beats), abs=2)
        assert tally.routes[route].requests > 1.5 * tally.storm.routes[route].requests
        notices = "POST /api/agents/{agent_id}/termination-imminent"
        assert tally.storm.routes[notices].requests == tally.routes[notices].requests

    def test_it_waits_for_the_last_agent_to_register(self) -> None:
        class LeavesOneOut(FakeServer):
            def answer(self, call: Call) -> httpx.Response:
                late = call.body.get("logical_agent_id") == "sim-0007" and call.at < 60
                return httpx.Response(503) if late else super().answer(call)

        server, tally = storm_of(StormKind.REGION, LeavesOneOut(JumpingTime()), seconds=200)
        (last,) = [
            call.at
            for call in server.told("/register")
            if call.body["logical_agent_id"] == "sim-0007" and call.at >= 60
        ]

        assert tally.storm is not None
        assert min(call.at for call in server.told("/termination-imminent")) >= (
            last + AFTER_S - UP_S
        )

    def test_a_fleet_that_ends_before_the_storm_sees_none(self) -> None:
        server, tally = storm_over(StormKind.ZONE, seconds=50)

        assert tally.storm is None
        assert tally.storm_is_due
        assert server.told("/termination-imminent") == []
