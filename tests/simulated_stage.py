"""A small server in the same process and time that only jumps, for simulated fleets."""

import asyncio
import heapq
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

import httpx

from spot_optimizer.simulation.chance import chance
from spot_optimizer.simulation.control_plane import ControlPlane, open_lines
from spot_optimizer.simulation.crew import Crew
from spot_optimizer.simulation.interruptions import InterruptionTrace
from spot_optimizer.simulation.machines import Cloud, Mode
from spot_optimizer.simulation.market import RecordedMarket
from spot_optimizer.simulation.payloads import Program
from spot_optimizer.simulation.pools import Pool
from spot_optimizer.simulation.prices import PriceSteps
from spot_optimizer.simulation.reclaiming import Reclaiming
from spot_optimizer.simulation.simulated_time import SimulatedTime
from spot_optimizer.simulation.tally import Tally
from spot_optimizer.simulation.world import LogicalAgent

T = TypeVar("T")

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HERE = Pool("us-east-1", "m5.large", "us-east-1a")
THERE = Pool("us-east-1", "m5.large", "us-east-1b")
SPOT_HERE, SPOT_THERE, ON_DEMAND = Decimal("0.04"), Decimal("0.03"), Decimal("0.096")
BASE_URL = "http://server.test"


class JumpingTime:
    """A clock that stands still until everybody waits, and then jumps to whoever waits least."""

    def __init__(self) -> None:
        self.at = START
        self._waiting: list[tuple[datetime, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._waiting, (self.at + timedelta(seconds=seconds), self._count, woken))
        await woken

    async def drive(self, until: Callable[[], bool]) -> None:
        while not until():
            for _ in range(10):
                await asyncio.sleep(0)
            if self._waiting and not until():
                moment, _, woken = heapq.heappop(self._waiting)
                self.at = max(self.at, moment)
                if not woken.done():
                    woken.set_result(None)

    async def play(self, work: Awaitable[T]) -> T:
        """Let time jump until the work is done."""
        task = asyncio.ensure_future(work)
        await self.drive(task.done)
        return await task


@dataclass
class Call:
    at: float
    """Seconds since the start."""
    method: str
    path: str
    body: dict[str, Any]
    query: str = ""

    @property
    def name(self) -> str:
        return self.path.removeprefix("/api/agents/")


@dataclass
class FakeServer:
    """Registers everybody, hands out each order once, keeps what it was told."""

    time: JumpingTime
    refusals: int = 0
    """So many registrations are refused first."""
    advice: dict[str, object] = field(default_factory=dict)
    notice_status: int = 404
    has_replicas: bool = False
    """Whether it has the routes for replicas; without them it answers 404."""
    forgets_launches: bool = False
    """Takes no report of a launch, so that it lists the replica again."""
    wants_standby_beside: bool = False
    """Tells A once to launch a standby beside itself."""
    standby_pool: Pool = THERE
    """Where it wants an emergency replica."""
    replicas: list[dict[str, Any]] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    orders: list[dict[str, object]] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer token-x"
        assert request.headers["Content-Type"] == "application/json"
        body = json.loads(request.content) if request.content else {}
        seconds = (self.time.at - START).total_seconds()
        query = request.url.query.decode()
        call = Call(seconds, request.method, request.url.path, body, query)
        self.calls.append(call)
        return self.answer(call)

    def answer(self, call: Call) -> httpx.Response:
        match call.path.split("/")[3:]:
            case ["register"] if self.refusals:
                self.refusals -= 1
                return httpx.Response(503)
            case ["register"]:
                agent_id = f"agent-of-{call.body['logical_agent_id']}"
                return httpx.Response(200, json={"agent_id": agent_id, "config": {"enabled": True}})
            case ["None", *_]:
                return httpx.Response(404, json={"error": "Agent not found"})
            case [_, "config"]:
                return httpx.Response(200, json={"enabled": True})
            case [_, "pending-commands"]:
                given, self.orders = self.orders, []
                return httpx.Response(200, json=given)
            case [_, "switch-recommendation"]:
                return httpx.Response(200, json=self.advice)
            case [_, "issue-switch-command"]:
                self.orders.append({"id": f"c-{len(self.calls)}", **call.body})
                return httpx.Response(201, json={"success": True, "command_id": "c"})
            case [_, "termination-imminent"]:
                return self.notice()
            case [_, "create-emergency-replica" | "replicas", *_] if not self.has_replicas:
                return httpx.Response(404, json={"error": "Not Found"})
            case [_, "create-emergency-replica"]:
                if not self.live():
                    self.want_replica(self.standby_pool)
                return httpx.Response(201, json={"success": True, "replica_id": "r"})
            case [_, "replicas"] if call.method == "GET":
                return httpx.Response(200, json={"replicas": self._listed(call.query)})
            case [_, "replicas"]:
                replica_id = f"r-{len(self.replicas) + 1}"
                self.replicas.append({"id": replica_id, **call.body})
                return httpx.Response(201, json={"success": True, "replica_id": replica_id})
            case [_, "replicas", _] if self.forgets_launches:
                return httpx.Response(503)
            case [_, "replicas", replica_id, *_]:
                replica = next(it for it in self.replicas if it["id"] == replica_id)
                if replica["status"] != "promoted":
                    replica.update(call.body)
                return httpx.Response(200, json={"success": True})
            case _:
                return httpx.Response(200, json={"success": True})

    def want_replica(self, pool: Pool) -> None:
        """Let the agent launch one."""
        number = len(self.replicas) + 1
        self.replicas.append(
            {"id": f"r-{number}", "pool_id": pool.id, "az": pool.az, "status": "launching"}
        )

    def live(self) -> list[dict[str, Any]]:
        return [it for it in self.replicas if it["status"] in ("launching", "syncing", "ready")]

    def promote(self) -> str | None:
        """Make the instance of a replica that is ready, or gets ready, the primary."""
        for status in ("ready", "syncing"):
            for replica in self.live():
                if replica["status"] == status:
                    replica["status"] = "promoted"
                    return str(replica["instance_id"])
        return None

    def _listed(self, query: str) -> list[dict[str, Any]]:
        if query == "status=launching":
            return [it for it in self.live() if "instance_id" not in it]
        return self.replicas

    def notice(self) -> httpx.Response:
        promoted = self.promote()
        if promoted is not None:
            return httpx.Response(200, json={"success": True, "new_instance_id": promoted})
        if self.wants_standby_beside:
            self.wants_standby_beside = False
            answer = {"success": False, "create_emergency_replica": True}
            return httpx.Response(200, json=answer)
        return self.no_replica()

    def no_replica(self) -> httpx.Response:
        return httpx.Response(self.notice_status, json={"success": False})

    def told(self, ending: str) -> list[Call]:
        return [call for call in self.calls if call.path.endswith(ending)]


class Stage:
    """One crew on a market of two pools, with the fake server on the other side."""

    def __init__(self, server: FakeServer, trace: InterruptionTrace | None = None) -> None:
        self.tally = Tally()
        self.server = server
        self._jumping = server.time
        self._trace = trace
        self.crew: Crew
        self.agent: LogicalAgent

    async def play(
        self, program: Program, seconds: float, *, mode: Mode = "spot", speedup: float = 1.0
    ) -> None:
        """Run one agent for so many real seconds."""
        begin = START.replace(year=2021)
        history = {
            HERE: PriceSteps((begin,), (SPOT_HERE,)),
            THERE: PriceSteps((begin,), (SPOT_THERE,)),
        }
        market = RecordedMarket(history, {HERE.group: ON_DEMAND}, "a test")
        time = SimulatedTime(speedup, self._jumping.now, self._jumping.sleep)
        cloud = Cloud(market, self._trace, time, chance(1, "machines"))
        tasks = asyncio.TaskGroup()
        async with open_lines(BASE_URL, httpx.MockTransport(self.server)) as lines:
            control_plane = ControlPlane(lines, "token-x", self.tally)
            self.crew = Crew(tasks, time, cloud, control_plane, self.tally)
            async with tasks:
                first = cloud.place(HERE, mode, "ami-first")
                self.agent = LogicalAgent("sim-0001", program, chance(1, "agent"), first)
                self.crew.start(self.agent, timedelta(0))
                if self._trace is not None:
                    self.crew.do(Reclaiming(self.crew).play(self._trace, HERE))
                await self._jumping.play(self._jumping.sleep(seconds))
                self.crew.power_down()
            self.crew.close_the_books()
            await self.crew.say_goodbye()


def play(
    program: Program, seconds: float, *, speedup: float = 1.0, **server: Any
) -> tuple[FakeServer, Stage]:
    fake = FakeServer(JumpingTime(), **server)
    stage = Stage(fake)
    asyncio.run(stage.play(program, seconds, speedup=speedup))
    return fake, stage
