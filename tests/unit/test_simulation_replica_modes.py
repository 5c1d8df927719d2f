"""Replica modes: set once for each agent, and compared among agents that are alike."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from spot_optimizer.simulation.fleet import FleetOptions, run
from spot_optimizer.simulation.replica_modes import ReplicaMode
from spot_optimizer.simulation.tally import Tally
from tests.simulated_stage import BASE_URL, THERE, Call, FakeServer, JumpingTime

TRACE = """timestamp,us-east-1a|m5.large,us-east-1b|m5.large
2023-04-19T00:00:00Z,1,1
2023-04-19T00:04:00Z,0,1
2023-04-19T02:00:00Z,1,1
"""
ALL = tuple(ReplicaMode)


class ServerOfMany(FakeServer):
    """Keeps the replicas of each agent apart, and wants a standby for those in manual mode."""

    def __init__(self, *, takes_settings: bool = True) -> None:
        super().__init__(JumpingTime())
        self.settings: dict[str, dict[str, Any]] = {}
        self._takes_settings = takes_settings
        self._rooms: dict[str, FakeServer] = {}

    def answer(self, call: Call) -> httpx.Response:
        match call.path.split("/")[2:]:
            case ["client", "agents", agent_id, "config"]:
                if not self._takes_settings:
                    return httpx.Response(404)
                self.settings[agent_id] = call.body
                if call.body["manualReplicaEnabled"]:
                    self._room(agent_id).want_replica(THERE)
                stored = {
                    "auto_switch_enabled": call.body["autoSwitchEnabled"],
                    "manual_replica_enabled": call.body["manualReplicaEnabled"],
                }
                return httpx.Response(200, json={"success": True} | stored)
            case ["agents", agent_id, _, *_]:
                return self._room(agent_id).answer(call)
            case _:
                return super().answer(call)

    def _room(self, agent_id: str) -> FakeServer:
        return self._rooms.setdefault(agent_id, FakeServer(self.time, has_replicas=True))


def compared(
    folder: Path,
    *,
    modes: tuple[ReplicaMode, ...] = ALL,
    agents: int = 21,
    seconds: float = 100,
    server: ServerOfMany | None = None,
) -> tuple[ServerOfMany, Tally]:
    path = folder / "trace.csv"
    path.write_text(TRACE)
    server = server or ServerOfMany()

    async def play_it() -> Tally:
        options = FleetOptions(
            base_url=BASE_URL,
            token="token-x",
            agents=agents,
            speedup=1.0,
            duration_s=seconds,
            interruptions=path,
            replica_modes=modes,
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


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> tuple[ServerOfMany, Tally]:
    """All modes, until the machines in one zone are lost and replaced."""
    return compared(tmp_path_factory.mktemp("trace"), seconds=460)


def registered(server: ServerOfMany) -> dict[str, dict[str, Any]]:
    """The first registration of each agent."""
    firsts: dict[str, dict[str, Any]] = {}
    for call in server.told("/register"):
        firsts.setdefault(call.body["logical_agent_id"], call.body)
    return firsts


def test_agents_of_different_modes_begin_as_twins(comparison: tuple[ServerOfMany, Tally]) -> None:
    server, _ = comparison
    seats = [
        tuple(body.get(key) for key in ("agent_version", "instance_type", "az", "mode"))
        for _, body in sorted(registered(server).items())
    ]

    assert all(len(set(seats[n : n + 3])) == 1 for n in range(0, 21, 3))
    assert len(set(seats)) > 3


def test_each_agent_gets_its_mode_and_b_none(comparison: tuple[ServerOfMany, Tally]) -> None:
    server, tally = comparison
    is_b = {name: body["agent_version"] == "3.2.0" for name, body in registered(server).items()}

    assert any(is_b.values())
    assert server.settings == {
        f"agent-of-{name}": (ReplicaMode.NONE if is_b[name] else ALL[number % 3]).settings
        for number, name in enumerate(sorted(is_b))
    }
    counted = {kind: downtime.agents for kind, downtime in tally.downtimes.items()}
    assert sum(counted.values()) == 21
    assert {kind for kind in counted if kind[0] == "B"} == {("B", "none")}
    assert counted["C", "none"] == counted["C", "automatic"] == counted["C", "manual"]
    assert tally.errors == 0


@pytest.mark.parametrize(
    ("mode", "settings"),
    [
        (ReplicaMode.NONE, (False, False)),
        (ReplicaMode.AUTOMATIC, (True, False)),
        (ReplicaMode.MANUAL, (False, True)),
    ],
)
def test_a_mode_is_two_settings(mode: ReplicaMode, settings: tuple[bool, bool]) -> None:
    keys = ("autoSwitchEnabled", "manualReplicaEnabled")

    assert mode.settings == dict(zip(keys, settings, strict=True))


@pytest.mark.parametrize("mode", ALL)
def test_a_mode_holds_only_when_the_server_says_that_it_is_stored(mode: ReplicaMode) -> None:
    answers = [
        {"success": True, "auto_switch_enabled": automatic, "manual_replica_enabled": manual}
        for automatic, manual in ((False, False), (True, False), (False, True), (True, True))
    ]

    assert [mode.is_stored(answer) for answer in answers] == [
        mode is ReplicaMode.NONE,
        mode is ReplicaMode.AUTOMATIC,
        mode is ReplicaMode.MANUAL,
        False,
    ]
    assert not mode.is_stored({"success": True})


def test_a_server_that_takes_no_settings_leaves_all_agents_as_they_begin(tmp_path: Path) -> None:
    _, tally = compared(tmp_path, agents=6, server=ServerOfMany(takes_settings=False))

    assert {mode for _, mode in tally.downtimes} == {"automatic"}
    assert tally.errors == 0


def test_without_modes_no_settings_are_touched(tmp_path: Path) -> None:
    server, _ = compared(tmp_path, modes=(), agents=6)

    assert server.settings == {}


def test_nobody_orders_switches_while_modes_are_compared(
    tmp_path: Path, comparison: tuple[ServerOfMany, Tally]
) -> None:
    one, _ = compared(tmp_path, modes=(ReplicaMode.AUTOMATIC,), agents=6)
    several, _ = comparison

    assert one.told("/switch-recommendation")
    assert several.told("/switch-recommendation") == []


def test_standbys_save_the_minutes_that_agents_without_lose(
    comparison: tuple[ServerOfMany, Tally],
) -> None:
    _, tally = comparison
    none, manual = tally.downtimes["C", "none"], tally.downtimes["C", "manual"]

    assert none.reclaims == manual.reclaims == manual.failovers > 0
    assert (none.failovers, manual.lost.total_seconds()) == (0, 0)
    assert 30 * none.reclaims <= none.lost.total_seconds() <= 90 * none.reclaims
