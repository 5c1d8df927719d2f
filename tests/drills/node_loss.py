"""Of three Galera nodes the one that takes the writes is killed, while agents register.

    .venv/bin/python -m tests.drills.node_loss

Needs haproxy, rsync, Debian's mariadb-server and galera-4, and has to be root: the nodes run as
`mysql`. Exit code 0 when every registration that was answered with 200 is on the nodes left over.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pymysql

from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.schema import create_schema
from tests.drills.stage import haproxy, register, two_servers, under_load
from tests.services import redis_url

PORTS: Final = (5364, 5365, 5366)
DATABASE_PORT: Final = 5378
NODES: Final = (1, 2, 3)
VICTIM: Final = 2
_PATIENCE_S: Final = 120
_LIBRARY: Final = "/usr/lib/galera/libgalera_smm.so"
_ALL: Final = ",".join(f"127.0.0.1:{4600 + 10 * node}" for node in NODES)
_PROXY: Final = """\
defaults
    mode tcp
    timeout connect 2s
    timeout client 1h
    timeout server 1h
listen galera
    bind 127.0.0.1:5378
    balance first
    option tcp-check
    default-server check inter 500ms fall 2 rise 2 on-marked-down shutdown-sessions
    server two 127.0.0.1:5372
    server one 127.0.0.1:5371 backup
    server three 127.0.0.1:5373 backup
"""


class Node:
    def __init__(self, number: int, folder: Path) -> None:
        self.number = number
        self._folder = folder
        self._socket = folder / f"socket-{number}"
        directory = folder / f"data-{number}"
        common = ["--no-defaults", "--user=mysql", f"--datadir={directory}"]
        made = ["mariadb-install-db", *common, "--auth-root-authentication-method=normal"]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["chown", "-R", "mysql:", str(directory)], check=True)
        base = 4600 + 10 * number
        first = ["--wsrep-new-cluster", "--wsrep-cluster-address=gcomm://"]
        provider = f"gmcast.listen_addr=tcp://127.0.0.1:{base};ist.recv_addr=127.0.0.1:{base + 1}"
        with (folder / f"log-{number}").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "mariadbd",
                    *common,
                    f"--socket={self._socket}",
                    f"--pid-file={folder}/pid-{number}",
                    f"--port={5370 + number}",
                    *("--bind-address=127.0.0.1", "--binlog-format=ROW"),
                    *("--innodb-autoinc-lock-mode=2", "--innodb-buffer-pool-size=64M"),
                    *("--log-bin-trust-function-creators=1", "--wsrep-on=ON"),
                    *(f"--wsrep-provider={_LIBRARY}", "--wsrep-cluster-name=drill"),
                    *("--wsrep-sst-method=rsync", "--wsrep-node-address=127.0.0.1"),
                    f"--wsrep-sst-receive-address=127.0.0.1:{5040 + number}",
                    f"--wsrep-provider-options=gcache.size=32M;base_port={base};{provider}",
                    *(first if number == 1 else [f"--wsrep-cluster-address=gcomm://{_ALL}"]),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait()

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        connection = pymysql.connect(unix_socket=str(self._socket), user="root", autocommit=True)
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()

    def _wait(self) -> None:
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            try:
                if self.ask("SHOW STATUS LIKE 'wsrep_local_state_comment'")[0][1] == "Synced":
                    return
            except pymysql.OperationalError:
                pass
            time.sleep(0.5)
        raise TimeoutError(f"node {self.number} does not come up: see {self._folder}")


@contextmanager
def a_cluster(folder: Path) -> Iterator[dict[int, Node]]:
    nodes = {number: Node(number, folder) for number in NODES}
    try:
        yield nodes
    finally:
        for node in nodes.values():
            node.end()


def main() -> int:
    with TemporaryDirectory() as name, a_cluster(_for_everybody(Path(name))) as nodes:
        nodes[1].ask("CREATE USER drill@'127.0.0.1' IDENTIFIED BY 'drill'")
        nodes[1].ask("GRANT ALL ON *.* TO drill@'127.0.0.1'")
        nodes[1].ask("CREATE DATABASE fleet CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        proxy = Path(name) / "galera.cfg"
        proxy.write_text(_PROXY)
        url = f"mysql+pymysql://drill:drill@127.0.0.1:{DATABASE_PORT}/fleet"
        settings = {"DATABASE_URL": url, "REDIS_URL": redis_url(9)}
        with haproxy(proxy):
            time.sleep(2)
            engine = make_engine(url, 1)
            create_schema(engine)
            engine.dispose()
            with two_servers(Path(name), PORTS, 1, **settings):

                def kill_one() -> None:
                    time.sleep(8)
                    nodes[VICTIM].kill()
                    time.sleep(20)

                load = asyncio.run(under_load(PORTS[2], register, 6, kill_one))
        acknowledged = {answer.json()["agent_id"] for answer in load.answered}
        lost = 0
        for number in set(NODES) - {VICTIM}:
            kept = {row[0] for row in nodes[number].ask("SELECT id FROM fleet.agents")}
            lost += len(acknowledged - kept)
            print(f"node {number}: {len(acknowledged - kept)} of {len(acknowledged)} lost")
    print(f"{len(load.failed)} failed, longest gap {load.longest_gap_s:.1f} s")
    return 1 if lost or not acknowledged else 0


def _for_everybody(folder: Path) -> Path:
    folder.chmod(0o777)  # the nodes are another user
    return folder


if __name__ == "__main__":
    sys.exit(main())
