"""`spot-optimizer demo`: a server on this machine and a simulated fleet that uses it."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import uvloop
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from spot_optimizer.adapters.admin_token import AdminTokenFile
from spot_optimizer.cli.configuration import settings_from, wrong_setting
from spot_optimizer.cli.failures import FAILED, Failure
from spot_optimizer.cli.fleets import Fleet, drive, enrolled, stopped_by_signals
from spot_optimizer.cli.listening import check_port_is_free, url_of
from spot_optimizer.cli.server_process import a_server, until_ready
from spot_optimizer.settings import Settings
from spot_optimizer.simulation.report import print_report

HOST: Final = "127.0.0.1"
_CLIENT: Final = "Demo Fleet"
_LOG: Final = "demo-server.log"

# Nobody wants a simulated fleet in the database of a real one.
_LEFT_ASIDE: Final = (
    "DATABASE_URL",
    *("DB_HOST", "DB_PORT", "DB_USER", "DB_PASSWORD", "DB_NAME", "DB_POOL_SIZE"),
    "REDIS_URL",
    "ENABLE_BACKGROUND_JOBS",
    "ENABLE_REPLICA_COORDINATOR",
)


def demo(port: int | None, fleet: Fleet) -> None:
    """Runs until its time is over or a signal ends it; nothing stays behind but the data.

    Raises:
        Failure: the port is in use, or the server does not start or last.
    """
    environment = {name: it for name, it in os.environ.items() if name not in _LEFT_ASIDE}
    environment["DRAIN_SECONDS"] = "0"  # there is no proxy
    if port is not None:
        environment["PORT"] = str(port)
    settings = settings_from(environment)
    os.environ["no_proxy"] = HOST  # the fleet talks to nobody else
    check_port_is_free(HOST, settings.port)
    stage = _Stage(
        settings=settings,
        environment=environment,
        admin_token=_admin_token(settings),
        console=Console(),
    )
    stage.mention_what_is_left_aside()
    uvloop.run(stage.play(fleet))


def _admin_token(settings: Settings) -> str:
    if settings.admin_api_token is not None:
        return settings.admin_api_token
    try:
        return AdminTokenFile(settings.data_dir).ensure()[0]
    except OSError as error:
        reason = f"{settings.data_dir} cannot be written: {error.strerror}"
        raise wrong_setting("DATA_DIR", reason) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stage:
    settings: Settings
    environment: Mapping[str, str]
    """Of the server."""
    admin_token: str
    console: Console

    @property
    def url(self) -> str:
        return url_of(HOST, self.settings.port)

    @property
    def log(self) -> Path:
        return self.settings.data_dir / _LOG

    def mention_what_is_left_aside(self) -> None:
        set_anyway = ", ".join(name for name in _LEFT_ASIDE if os.environ.get(name))
        if set_anyway:
            self.console.print(f"The demo has a database of its own; left aside: {set_anyway}")

    async def play(self, fleet: Fleet) -> None:
        stop = stopped_by_signals()
        async with a_server(HOST, self.settings.port, self.environment, self.log) as server:
            with self.console.status("Starting the server"):
                if not await until_ready(server, self.url, stop):
                    return
                token = await enrolled(self.url, self.admin_token, _CLIENT)
            self._show()
            death = asyncio.ensure_future(server.wait())
            death.add_done_callback(lambda _: stop.set())
            tally = await drive(fleet.against(self.url, token), stop, self.console)
            has_died = death.done()
        print_report(self.console, tally)
        if has_died:
            reason = f"The server ended with exit code {server.returncode}: see {self.log}"
            raise Failure(reason, FAILED)

    def _show(self) -> None:
        table = Table.grid(padding=(0, 2))
        for what, where in {
            "Health": f"{self.url}/health",
            "Totals": f"{self.url}/api/admin/stats",
            "Clients": f"{self.url}/api/admin/clients",
            "Admin token": self.admin_token,
            "Data": str(self.settings.data_dir),
            "Server log": str(self.log),
        }.items():
            table.add_row(what, Text(where, overflow="fold"))
        self.console.print(
            Panel(table, title="Spot Optimizer", subtitle="Ctrl-C ends it", expand=False)
        )
        for path in ("/api/admin/stats", "/api/admin/clients"):
            self.console.out(
                f'curl -H "Authorization: Bearer {self.admin_token}" {self.url}{path}',
                highlight=False,
            )
