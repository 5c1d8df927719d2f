"""What a simulated fleet counts: calls, their answers and latencies, switches, money."""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from math import ceil

NO_ANSWER = "no answer"
"""Outcome of a call that was never answered: refused, cut off or timed out."""


@dataclass(slots=True)
class RouteTally:
    """The calls of one route. An outcome is a status code as text, or `no answer`."""

    requests: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    tolerated: Counter[str] = field(default_factory=Counter)
    """Refusals that had to be expected, so they are no errors."""
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    """Seconds from sending to the whole answer, one per answered call."""
    server_times: "array[float]" = field(default_factory=lambda: array("d"))
    """Seconds that the server says it took, one per answer that says so."""


@dataclass(slots=True)
class StormTally:
    """A storm, and the calls that were answered from its first signal to its last reclaim."""

    place: str
    struck: int
    """Instances that get notice."""
    spot: int
    """Spot instances that ran when it broke."""
    is_over: bool = False
    routes: dict[str, RouteTally] = field(default_factory=dict)
    delays: "array[float]" = field(default_factory=lambda: array("d"))
    """Seconds by which the simulator itself came late to what it had to do."""
    waits: "array[float]" = field(default_factory=lambda: array("d"))
    """Seconds for which calls waited until one of the simulator's connections was free."""


@dataclass(slots=True)
class Downtime:
    """What interruptions did to agents of one kind; times are simulated."""

    agents: int = 0
    reclaims: int = 0
    """Machines that were reclaimed while an agent was at home on them."""
    failovers: int = 0
    """Moves to a standby by the server."""
    lost: timedelta = timedelta(0)
    """Time without a running primary, summed over the agents."""
    cost: Decimal = Decimal(0)
    """USD for all their machines, standbys among them."""


@dataclass(slots=True)
class Tally:
    """Everything the final table shows. Money is USD and, like hours, in simulated time."""

    speedup: float = 1.0
    agents: int = 0
    """Logical agents the fleet was asked to run."""
    price_source: str = ""
    real_time: timedelta = timedelta(0)
    simulated_time: timedelta = timedelta(0)
    routes: dict[str, RouteTally] = field(default_factory=dict)
    switches_ordered: int = 0
    switches_done: int = 0
    switches_failed: int = 0
    switch_durations: list[timedelta] = field(default_factory=list)
    """Simulated time from the command to the report, one per finished switch."""
    interruptions: int = 0
    """Instances that were reclaimed, standbys among them."""
    storm_is_due: bool = False
    """A storm was wanted, and has yet to break."""
    storm: StormTally | None = None
    downtimes: dict[tuple[str, str], Downtime] = field(default_factory=dict)
    """By agent program and replica mode."""
    instance_hours: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    """What all instances cost, both of them while a switch is going on."""
    on_demand_cost: Decimal = Decimal(0)
    """What one on-demand instance per agent would have cost over the same time."""

    @property
    def requests(self) -> int:
        return sum(route.requests for route in self.routes.values())

    @property
    def errors(self) -> int:
        return sum(route.errors.total() for route in self.routes.values())

    @property
    def saved(self) -> Decimal:
        """USD saved against on demand; negative when the fleet was dearer."""
        return self.on_demand_cost - self.cost

    def answered(
        self,
        route: str,
        status: int,
        seconds: float,
        tolerated: frozenset[int] = frozenset(),
        server_s: float | None = None,
    ) -> None:
        for counted in self._counting(route):
            counted.requests += 1
            counted.latencies.append(seconds)
            if server_s is not None:
                counted.server_times.append(server_s)
            if not 200 <= status < 300:
                refused = counted.tolerated if status in tolerated else counted.errors
                refused[str(status)] += 1

    def unanswered(self, route: str) -> None:
        for counted in self._counting(route):
            counted.requests += 1
            counted.errors[NO_ANSWER] += 1

    def came_late(self, seconds: float) -> None:
        """The simulator shares its processor with others: latencies hold its own delay, too."""
        if self.storm is not None and not self.storm.is_over:
            self.storm.delays.append(max(0.0, seconds))

    def waited(self, seconds: float) -> None:
        """A call was sent so long after it was wanted; its latency does not hold that."""
        if self.storm is not None and not self.storm.is_over:
            self.storm.waits.append(seconds)

    def _counting(self, route: str) -> Iterator[RouteTally]:
        yield self.routes.setdefault(route, RouteTally())
        if self.storm is not None and not self.storm.is_over:
            yield self.storm.routes.setdefault(route, RouteTally())


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How a running fleet stands."""

    real_time: timedelta
    simulated_time: timedelta
    agents_online: int
    requests: int
    errors: int
    switches_done: int
    switches_under_way: int


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The nearest-rank percentile: a value that occurred, or None when nothing did."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[max(0, ceil(percent / 100 * len(ordered)) - 1)]
