"""Two servers are restarted one after the other, twice, while agents register without a pause.

    .venv/bin/python -m tests.drills.rolling_restart [WORKERS]

Needs haproxy, and MariaDB as the tests do. Exit code 0 when no request failed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.schema import create_schema
from tests.drills.stage import register, two_servers, under_load
from tests.processes import a_free_port
from tests.services import a_mariadb_database, redis_url


def main(workers: int) -> int:
    ports = (a_free_port(), a_free_port(), a_free_port())
    with TemporaryDirectory() as folder, a_mariadb_database() as url:
        engine = make_engine(url, 1)
        create_schema(engine)
        engine.dispose()
        settings = {"DATABASE_URL": url, "REDIS_URL": redis_url(9)}
        with two_servers(Path(folder), ports, workers, **settings) as servers:

            def restart_all() -> None:
                time.sleep(2)
                for server in servers * 2:
                    print(f"{server.port}: ended with {server.restart()}")
                    time.sleep(2)

            load = asyncio.run(under_load(ports[2], register, 6, restart_all))
    told = f"{len(load.answered)} answered, {len(load.failed)} failed"
    print(f"{told}, longest gap {load.longest_gap_s:.1f} s", load.failed[:3])
    return 1 if load.failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
