"""How fast the price jobs are on MariaDB, what they hold in memory, and whether heartbeats wait for
a clean-up.

    .venv/bin/python -m tests.job_figures submissions ROWS...
    .venv/bin/python -m tests.job_figures gaps POOLS... [--days DAYS]
    .venv/bin/python -m tests.job_figures heartbeats ROWS [--seconds SECONDS] [--rate RATE]

Each figure is of a database of its own, which is dropped afterwards, and of the job as operators
run it, `spot-optimizer jobs run`, in a process of its own: what that process takes to start is in
its seconds and in its peak of memory. Rows are made by the database itself, so that a hundred
million of them are a matter of disk and patience. `gaps` lacks two buckets of six in the last 24
hours of each pool, after DAYS days without any; `heartbeats` come at RATE a second, first with
nothing else to do and then during a clean-up, each as long as the clean-up takes or SECONDS.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import monotonic

import httpx
from sqlalchemy import Engine, text

from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.schema import create_schema
from tests.processes import LOCAL, a_command, a_free_port
from tests.services import a_mariadb_database
from tests.two_servers import Server

POOLS_OF_SUBMISSIONS = 500
IN_GROUP = 6
"""Pools of one type and region."""
AT_ONCE = 100_000
PATIENCE_S = 6 * 60 * 60
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Ran:
    seconds: float
    processor_s: float
    database_s: float | None
    """None where its processor time cannot be read."""
    peak_mb: float
    said: str


@contextmanager
def a_database() -> Iterator[tuple[str, Engine]]:
    with a_mariadb_database() as url:
        engine = make_engine(url, 2)
        create_schema(engine)
        try:
            yield url, engine
        finally:
            engine.dispose()


def execute(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def run_job(engine: Engine, url: str, name: str) -> Ran:
    with TemporaryDirectory() as directory:
        before, began = _database_s(engine), monotonic()
        process = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, "-m", "spot_optimizer.cli", "jobs", "run", name],
            env={**os.environ, "DATABASE_URL": url, "DATA_DIR": directory, "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        with process.stdout as out:
            said = out.read()
        _, status, used = os.wait4(process.pid, 0)
        took = monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        after = _database_s(engine)
    assert process.returncode == 0, said
    return Ran(
        seconds=took,
        processor_s=used.ru_utime + used.ru_stime,
        database_s=None if before is None or after is None else after - before,
        peak_mb=used.ru_maxrss / 1024,
        said=said.strip().splitlines()[-1],
    )


def _database_s(engine: Engine) -> float | None:
    """Of the whole server: only of use where nobody else uses it."""
    with engine.connect() as connection:
        pid_file = connection.execute(text("SELECT @@pid_file")).scalar_one()
    try:
        pid = int(Path(pid_file).read_text())
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / TICK


def say(what: str, count: int, unit: str, ran: Ran) -> None:
    database = "unknown" if ran.database_s is None else f"{ran.database_s:.1f} s"
    sys.stdout.write(
        f"{what}: {count / ran.seconds:,.0f} {unit}/s by the wall ({ran.seconds:.1f} s); processor "
        f"{ran.processor_s:.1f} s, MariaDB's {database}; peak {ran.peak_mb:.0f} MB\n  {ran.said}\n"
    )
    sys.stdout.flush()


def make_pools(engine: Engine, pools: int) -> None:
    zone = f"CONCAT('eu-west-1', CHAR(97 + seq % {IN_GROUP}))"
    kind = f"CONCAT('t', seq DIV {IN_GROUP}, '.large')"
    execute(
        engine,
        "INSERT INTO spot_pools (id, pool_name, instance_type, region, az, is_active) "
        f"SELECT CONCAT({kind}, '.', {zone}), seq, {kind}, 'eu-west-1', {zone}, TRUE "
        f"FROM seq_0_to_{pools - 1}",
    )
    # A pool by its number, without looking it up by text.
    execute(engine, "CREATE TABLE pool_numbers (number INT PRIMARY KEY, id VARCHAR(128), t TEXT)")
    execute(
        engine,
        "INSERT INTO pool_numbers SELECT pool_name, id, instance_type FROM spot_pools",
    )


def submissions(rows: int) -> None:
    """Of each bucket one by the primary and one by a standby, in the order in which they come."""
    with a_database() as (url, engine):
        make_pools(engine, POOLS_OF_SUBMISSIONS)
        for first in range(0, rows, AT_ONCE):
            last = min(first + AT_ONCE, rows) - 1
            execute(
                engine,
                "INSERT INTO pricing_submissions_raw (submission_id, source_instance_id, "
                "source_agent_id, source_type, pool_id, instance_type, region, az, spot_price, "
                "ondemand_price, observed_at, submitted_at, received_at) "
                "SELECT UUID(), CONCAT('i-', seq % 2), CONCAT('agent-', number), "
                "IF(seq % 2, 'replica-automatic', 'primary'), id, t, 'eu-west-1', 'eu-west-1a', "
                "0.01 + seq % 100 / 10000, 0.0416, at, at, at FROM "
                "(SELECT seq, FROM_UNIXTIME(1500000000 + seq DIV "
                f"{2 * POOLS_OF_SUBMISSIONS} * 300) AS at FROM seq_{first}_to_{last}) AS s "
                f"JOIN pool_numbers ON number = seq DIV 2 % {POOLS_OF_SUBMISSIONS}",
            )
        ran = run_job(engine, url, "aggregate_pricing_hourly")
        say(f"{rows:,} submissions for {rows // 2:,} buckets", rows, "submissions", ran)


def gaps(pools: int, days: int) -> None:
    with a_database() as (url, engine):
        make_pools(engine, pools)
        buckets = (days + 1) * 288
        for first in range(0, pools, max(1, AT_ONCE // buckets)):
            last = min(first + max(1, AT_ONCE // buckets), pools) - 1
            execute(
                engine,
                "INSERT INTO pricing_snapshots_clean (pool_id, instance_type, region, az, "
                "spot_price, time_bucket, bucket_start, bucket_end, source_type, "
                "confidence_score, data_source) SELECT id, t, 'eu-west-1', 'eu-west-1a', "
                "0.01 + back * 7 % 100 / 10000, at, at, at + INTERVAL 299 SECOND, 'primary', 1, "
                "'measured' FROM (SELECT seq AS back, "
                "FROM_UNIXTIME(UNIX_TIMESTAMP() DIV 300 * 300 - seq * 300) AS at "
                f"FROM seq_1_to_{buckets}) AS b JOIN pool_numbers "
                f"WHERE number BETWEEN {first} AND {last} "
                "AND (back > 288 OR back % 6 NOT IN (2, 3))",
            )
        ran = run_job(engine, url, "aggregate_pricing_daily")
        with engine.connect() as connection:
            asked = text("SELECT COUNT(*) FROM pricing_snapshots_interpolated")
            filled = connection.execute(asked).scalar_one()
        say(f"{filled:,} buckets of {pools:,} pools, {days} days before", filled, "buckets", ran)


class Heart:
    """Beats at an even rate, whatever the answers take."""

    def __init__(self, port: int, agent: tuple[str, str], rate: float) -> None:
        agent_id, token = agent
        self._url = f"http://{LOCAL}:{port}/api/agents/{agent_id}/heartbeat"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._apart_s = 1 / rate

    def beat(self, ended: threading.Event, limit_s: float) -> Sequence[float]:
        """Milliseconds, each from the moment it was due."""
        took: list[float] = []

        def one(client: httpx.Client, threads: int, place: int) -> None:
            due = monotonic() + place * self._apart_s
            until = monotonic() + limit_s
            while due < until and not ended.wait(max(0.0, due - monotonic())):
                answer = client.post(self._url, json={"status": "online"}, headers=self._headers)
                assert answer.status_code == 200, answer.text
                took.append((monotonic() - due) * 1000)
                due += self._apart_s * threads

        threads = 4
        with httpx.Client(trust_env=False, timeout=60) as client:
            beating = [
                threading.Thread(target=one, args=(client, threads, place))
                for place in range(threads)
            ]
            for thread in beating:
                thread.start()
            for thread in beating:
                thread.join()
        return took


def heartbeats(rows: int, seconds: float, rate: float) -> None:
    with a_database() as (url, engine), TemporaryDirectory() as directory:
        make_pools(engine, 1)
        for first in range(0, rows, AT_ONCE):
            last = min(first + AT_ONCE, rows) - 1
            execute(
                engine,
                "INSERT INTO spot_price_snapshots (pool_id, price, captured_at, recorded_at) "
                "SELECT id, 0.01, at, at FROM (SELECT UTC_TIMESTAMP() - INTERVAL 60 DAY + "
                f"INTERVAL seq DIV 10 SECOND AS at FROM seq_{first}_to_{last}) AS s "
                "JOIN pool_numbers",
            )
        port = a_free_port()
        server = a_command(
            Path(directory),
            *("serve", "--port", str(port)),
            patience_s=PATIENCE_S,
            DATABASE_URL=url,
            ADMIN_API_TOKEN="operator",
            ENABLE_BACKGROUND_JOBS="False",
        )
        with server as running:
            running.line_with("Listening on ")
            heart = Heart(port, Server(port).enrol(), rate)
            heart.beat(threading.Event(), 5)
            told("idle", heart.beat(threading.Event(), seconds))
            ended = threading.Event()
            found: list[Ran] = []

            def clean() -> None:
                found.append(run_job(engine, url, "cleanup_old_data"))
                ended.set()

            cleaner = threading.Thread(target=clean)
            cleaner.start()
            took = heart.beat(ended, PATIENCE_S)
            cleaner.join()
            told("during the clean-up", took)
            say(f"a clean-up of {rows:,} rows", rows, "rows", found[0])


def told(when: str, took: Sequence[float]) -> None:
    sys.stdout.write(
        f"{len(took):,} heartbeats {when}: p50 {median(took):.1f} ms, "
        f"p99 {quantiles(took, n=100)[-1]:.1f}, longest {max(took):.1f}\n"
    )
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("submissions").add_argument("rows", type=int, nargs="+")
    filling = what.add_parser("gaps")
    filling.add_argument("pools", type=int, nargs="+")
    filling.add_argument("--days", type=int, default=0)
    beating = what.add_parser("heartbeats")
    beating.add_argument("rows", type=int)
    beating.add_argument("--seconds", type=float, default=60)
    beating.add_argument("--rate", type=float, default=50)
    asked = parser.parse_args()
    if asked.what == "submissions":
        for rows in asked.rows:
            submissions(rows)
    elif asked.what == "gaps":
        for pools in asked.pools:
            gaps(pools, asked.days)
    else:
        heartbeats(asked.rows, asked.seconds, asked.rate)


if __name__ == "__main__":
    main()
