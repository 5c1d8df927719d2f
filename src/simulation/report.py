"""The table a simulated fleet ends with."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from spot_optimizer.simulation.progress import span
from spot_optimizer.simulation.tally import RouteTally, Tally, percentile

_FAIRNESS: Final = (
    "Lost is the time from a reclaim until the workload runs again, on a standby or on the "
    "instance that a scaling group launches at once in place of the lost one. Agents of different "
    "modes begin as twins: same program, pool, moments and chance. The server's own loops and "
    "windows run in real time: at a speedup they are as much slower for the fleet. B has no "
    "replicas, and A launches none before it is told to."
)


_SERVER_SIDE: Final = ("server p50 ms", "server p99 ms")


def print_report(console: Console, tally: Tally) -> None:
    """Calls per route; what interruptions cost, if any came; switches, cost against on demand."""
    console.print(_calls("Requests, real time", tally.routes))
    if (storm := tally.storm) is not None:
        title = (
            f"Requests while {storm.struck} of {storm.spot} spot instances were being reclaimed"
            f" ({storm.place}), real time"
        )
        table = _calls(title, storm.routes)
        table.caption_justify = "left"
        table.caption = (
            "Times are the simulator's, from sending to the whole answer, with its own delay in "
            f"them: p50 {_milliseconds(percentile(storm.delays, 50))} ms, "
            f"p99 {_milliseconds(percentile(storm.delays, 99))} ms. Before that, a call waited for "
            f"a free connection: p50 {_milliseconds(percentile(storm.waits, 50))} ms, "
            f"p99 {_milliseconds(percentile(storm.waits, 99))} ms; where this is long, simulator "
            "or server cannot keep up with the fleet."
        )
        console.print(table)
    if tally.storm_is_due:
        console.print("No storm broke: the fleet was stopped before all agents were ready for it.")
    if any(downtime.reclaims for downtime in tally.downtimes.values()):
        console.print(_interruptions(tally))
    console.print(_outcome(tally))


def _calls(title: str, routes: Mapping[str, RouteTally]) -> Table:
    table = Table(title=escape(title), title_justify="left")
    table.add_column("Route", overflow="fold")
    for name in ("Requests", "Errors", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(name, justify="right")
    is_timed = any(route.server_times for route in routes.values())
    for name in _SERVER_SIDE if is_timed else ():
        table.add_column(name, justify="right")
    table.add_column("Not 2xx")
    for route in sorted(routes):
        table.add_row(escape(route), *_counts(routes[route], is_timed=is_timed))
    table.add_section()
    table.add_row("all", *_counts(_together(routes.values()), is_timed=is_timed))
    return table


def _counts(route: RouteTally, *, is_timed: bool) -> tuple[str, ...]:
    refused = [f"{times} x {outcome}" for outcome, times in sorted(route.errors.items())]
    tolerated = [
        f"{times} x {outcome} expected" for outcome, times in sorted(route.tolerated.items())
    ]
    return (
        str(route.requests),
        str(route.errors.total()),
        *(_milliseconds(percentile(route.latencies, percent)) for percent in (50, 95, 99)),
        *(
            _milliseconds(percentile(route.server_times, percent))
            for percent in ((50, 99) if is_timed else ())
        ),
        ", ".join(refused + tolerated),
    )


def _together(routes: Iterable[RouteTally]) -> RouteTally:
    everything = RouteTally()
    for route in routes:
        everything.requests += route.requests
        everything.latencies.extend(route.latencies)
        everything.server_times.extend(route.server_times)
        everything.errors += Counter({"error": route.errors.total()})
        everything.tolerated += Counter({"refusal": route.tolerated.total()})
    return everything


def _interruptions(tally: Tally) -> Table:
    table = Table(
        title="Interruptions, simulated time",
        title_justify="left",
        caption=f"{_FAIRNESS} {_call_times(tally)}",
        caption_justify="left",
    )
    table.add_column("Agent program")
    table.add_column("Replicas")
    for name in (
        "Agents",
        "Reclaimed",
        "Moved by the server",
        "Lost minutes",
        "per reclaim",
        "USD per agent",
    ):
        table.add_column(name, justify="right")
    for (program, mode), downtime in sorted(tally.downtimes.items()):
        lost = downtime.lost.total_seconds() / 60
        table.add_row(
            program,
            mode,
            str(downtime.agents),
            str(downtime.reclaims),
            str(downtime.failovers),
            f"{lost:.1f}",
            f"{lost / downtime.reclaims:.2f}" if downtime.reclaims else "-",
            f"{downtime.cost / downtime.agents:.4f}",
        )
    return table


def _call_times(tally: Tally) -> str:
    """How much of the two minutes of a notice the calls have used up, at this speedup."""
    latencies = _together(tally.routes.values()).latencies
    half, slow = (percentile(latencies, percent) or 0.0 for percent in (50, 99))
    return (
        f"A call took {half * tally.speedup:.1f} s of simulated time (p50), "
        f"{slow * tally.speedup:.1f} s (p99): when that is much of the two minutes of a notice, "
        "the speedup is too high for this comparison."
    )


def _outcome(tally: Tally) -> Table:
    table = Table(
        title="The fleet, simulated time",
        title_justify="left",
        show_header=False,
        caption=(
            f"Money and hours are simulated: {span(tally.real_time)} at {tally.speedup:g} times "
            f"the speed are {span(tally.simulated_time)}. On demand is one instance per agent "
            f"over the same time. Prices: {escape(tally.price_source)}."
        ),
        caption_justify="left",
    )
    table.add_column()
    table.add_column(justify="right")
    table.add_row("Agents", str(tally.agents))
    table.add_row("Switches ordered by the fleet's operator", str(tally.switches_ordered))
    table.add_row("Switches done", str(tally.switches_done))
    table.add_row("Switches failed", str(tally.switches_failed))
    table.add_row("Switch, median time", _median_switch(tally))
    table.add_row("Instances reclaimed", str(tally.interruptions))
    table.add_row("Instance hours", f"{tally.instance_hours:.2f}")
    table.add_row("Cost", _dollars(tally.cost))
    table.add_row("On demand", _dollars(tally.on_demand_cost))
    table.add_row("Saved", f"{_dollars(tally.saved)} ({_share(tally)})")
    return table


def _median_switch(tally: Tally) -> str:
    median = percentile([took.total_seconds() for took in tally.switch_durations], 50)
    return "-" if median is None else f"{median:.0f} s"


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f}"


def _dollars(amount: Decimal) -> str:
    return f"{amount:.4f} USD"


def _share(tally: Tally) -> str:
    if tally.on_demand_cost == 0:
        return "-"
    return f"{tally.saved / tally.on_demand_cost * 100:.1f} %"
