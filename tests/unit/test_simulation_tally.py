"""What a fleet counts, and the table it ends with."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from io import StringIO

import httpx
import pytest
from rich.console import Console

from spot_optimizer.simulation.control_plane import ControlPlane, open_lines
from spot_optimizer.simulation.progress import LiveStatus, status_line
from spot_optimizer.simulation.report import print_report
from spot_optimizer.simulation.tally import Downtime, Progress, StormTally, Tally, percentile


@pytest.mark.parametrize(
    ("percent", "value"), [(50, 50.0), (95, 95.0), (99, 99.0), (100, 100.0), (0, 1.0)]
)
def test_percentiles_are_values_that_occurred(percent: float, value: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], percent) == value


def test_there_is_no_percentile_of_nothing() -> None:
    assert percentile([], 50) is None
    assert percentile([3.0], 99) == 3.0


def a_tally() -> Tally:
    tally = Tally(speedup=60, agents=2, price_source="a [test] (MIT)")
    tally.answered("GET /x", 200, 0.010)
    tally.answered("GET /x", 503, 0.030)
    tally.answered("POST /y", 500, 0.020, tolerated=frozenset({500}))
    tally.unanswered("POST /y")
    tally.real_time = timedelta(minutes=1)
    tally.simulated_time = timedelta(hours=1)
    tally.instance_hours = Decimal(2)
    tally.cost = Decimal("0.05")
    tally.on_demand_cost = Decimal("0.2")
    tally.switches_done = 1
    tally.switch_durations.append(timedelta(seconds=400))
    return tally


def test_errors_are_what_nobody_had_to_expect() -> None:
    tally = a_tally()

    assert (tally.requests, tally.errors) == (4, 2)
    assert tally.routes["GET /x"].errors == {"503": 1}
    assert tally.routes["POST /y"].errors == {"no answer": 1}
    assert tally.routes["POST /y"].tolerated == {"500": 1}
    assert list(tally.routes["POST /y"].latencies) == [0.020]


def printed(tally: Tally) -> str:
    output = StringIO()
    print_report(Console(file=output, width=120), tally)
    return output.getvalue()


def test_the_table_shows_calls_switches_and_cost() -> None:
    text = printed(a_tally())

    for expected in ("GET /x", "1 x 503", "1 x 500 expected", "1 x no answer", "30.0", "400 s"):
        assert expected in text
    assert "0.0500 USD" in text
    assert "0.2000 USD" in text
    assert "0.1500 USD (75.0 %)" in text


def test_the_table_says_that_time_is_simulated_and_whose_prices_these_are() -> None:
    text = " ".join(printed(a_tally()).split())

    assert "0:01:00 at 60 times the speed are 1:00:00" in text
    assert "Prices: a [test] (MIT)." in text


def test_a_storm_has_a_table_of_its_own() -> None:
    tally = a_tally()
    tally.storm = StormTally("us-east-1a", struck=500, spot=1800)
    tally.answered("POST /y", 200, 0.123)
    tally.unanswered("POST /y")
    tally.came_late(0.007)
    tally.came_late(-0.001)
    tally.waited(2.5)
    tally.storm.is_over = True
    tally.answered("GET /x", 200, 0.456)
    tally.came_late(1.0)
    tally.waited(9.0)

    assert list(tally.storm.routes) == ["POST /y"]
    assert list(tally.storm.routes["POST /y"].latencies) == [0.123]
    assert list(tally.routes["POST /y"].latencies) == [0.020, 0.123]
    assert list(tally.storm.delays) == [0.007, 0.0]
    text = " ".join(printed(tally).split())
    assert "with its own delay in them: p50 0.0 ms, p99 7.0 ms." in text
    assert "waited for a free connection: p50 2500.0 ms, p99 2500.0 ms" in text
    assert "500 of 1800 spot instances were being reclaimed (us-east-1a)" in text


def test_a_storm_that_did_not_come_is_told() -> None:
    tally = a_tally()
    assert "No storm broke" not in printed(tally)
    tally.storm_is_due = True

    assert "No storm broke" in printed(tally)


def test_lost_minutes_stand_side_by_side() -> None:
    tally = a_tally()
    assert "Lost minutes" not in printed(tally)
    tally.downtimes = {
        ("C", "none"): Downtime(4, 8, 0, timedelta(minutes=10)),
        ("C", "manual"): Downtime(4, 8, 8, timedelta(seconds=30), Decimal(2)),
        ("A", "none"): Downtime(1),
    }
    rows = [
        [cell.strip() for cell in line.strip("\N{BOX DRAWINGS LIGHT VERTICAL}").split("│")]
        for line in printed(tally).splitlines()
        if line.startswith("│ A ") or line.startswith("│ C ")
    ]

    assert rows == [
        ["A", "none", "1", "0", "0", "0.0", "-", "0.0000"],
        ["C", "manual", "4", "8", "8", "0.5", "0.06", "0.5000"],
        ["C", "none", "4", "8", "0", "10.0", "1.25", "0.0000"],
    ]


def test_lost_minutes_come_with_what_a_call_took_of_the_notice() -> None:
    tally = a_tally()
    tally.downtimes = {("C", "none"): Downtime(1, 1)}

    assert "A call took 1.2 s of simulated time (p50), 1.8 s (p99)" in " ".join(
        printed(tally).replace("│", "").split()
    )


def test_an_empty_tally_can_be_shown() -> None:
    assert "Switches done" in printed(Tally())


def a_progress(real_s: float) -> Progress:
    return Progress(
        real_time=timedelta(seconds=real_s),
        simulated_time=timedelta(seconds=real_s * 60),
        agents_online=5,
        requests=12,
        errors=1,
        switches_done=2,
        switches_under_way=3,
    )


def test_the_status_is_one_line() -> None:
    assert status_line(a_progress(61)) == (
        "0:01:01 (1:01:00 simulated)  agents online 5  requests 12"
        "  switches 2 done, 3 under way  errors 1"
    )


def test_without_a_terminal_a_line_is_printed_every_ten_seconds() -> None:
    output = StringIO()
    with LiveStatus(Console(file=output, width=120)) as live:
        for second in range(21):
            live(a_progress(second))

    assert [line.split()[0] for line in output.getvalue().splitlines()] == [
        "0:00:00",
        "0:00:10",
        "0:00:20",
    ]


def test_on_a_terminal_one_line_is_kept_up_to_date() -> None:
    output = StringIO()
    with LiveStatus(Console(file=output, width=120, force_terminal=True)) as live:
        live(a_progress(3))

    assert "agents online" in output.getvalue()


def test_what_the_server_says_it_took_stands_beside_what_the_simulator_saw() -> None:
    tally = a_tally()
    assert "server p99" not in printed(tally)

    tally.answered("GET /x", 200, 0.040, server_s=0.0075)

    text = " ".join(printed(tally).split())
    assert "server p99 ms" in text or ("server" in text and "p99 ms" in text)
    assert "7.5" in text
    assert list(tally.routes["GET /x"].server_times) == [0.0075]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("total;dur=12.5", [0.0125]), ("total;dur=x", []), ("db;dur=3", []), (None, [])],
)
def test_the_time_of_the_server_is_read_from_its_header(
    said: str | None, seconds: list[float]
) -> None:
    tally = Tally()
    headers = {} if said is None else {"Server-Timing": said}

    async def call() -> None:
        answering = httpx.MockTransport(lambda _: httpx.Response(200, headers=headers))
        async with open_lines("http://test", answering) as lines:
            await ControlPlane(lines, "token", tally).get("/x")

    asyncio.run(call())

    assert list(tally.routes["GET /x"].server_times) == seconds
