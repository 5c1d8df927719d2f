"""`spot-optimizer simulate`: a simulated fleet against a server that runs already."""

import httpx
import uvloop
from rich.console import Console

from spot_optimizer.adapters.admin_token import AdminTokenFile
from spot_optimizer.cli.configuration import settings_from
from spot_optimizer.cli.failures import FAILED, WRONG_SETTING, Failure
from spot_optimizer.cli.fleets import Fleet, drive, enrolled, stopped_by_signals
from spot_optimizer.simulation.report import print_report
from spot_optimizer.simulation.tally import Tally

_CLIENT = "Simulated Fleet"


def simulate(fleet: Fleet, base_url: str, token: str | None, admin_token: str | None) -> None:
    """Runs until its time is over or a signal ends it; then prints what happened.

    Raises:
        Failure: there is no server, no token, or no readable trace.
    """
    if token is None and admin_token is None:
        admin_token = _kept_admin_token()
    console = Console()
    print_report(console, uvloop.run(_simulate(fleet, base_url, token, admin_token, console)))


async def _simulate(
    fleet: Fleet, base_url: str, token: str | None, admin_token: str | None, console: Console
) -> Tally:
    stop = stopped_by_signals()
    with console.status(f"Looking for {base_url}"):
        await _check_answers(base_url)
        if token is None:
            token = await enrolled(base_url, admin_token or "", _CLIENT)
    return await drive(fleet.against(base_url, token), stop, console)


def _kept_admin_token() -> str:
    settings = settings_from()
    token = AdminTokenFile(settings.data_dir).read()
    if token is None:
        raise Failure(
            f"--token or --admin-token is needed: {settings.data_dir} holds no admin token",
            WRONG_SETTING,
        )
    return token


async def _check_answers(base_url: str) -> None:
    try:
        async with httpx.AsyncClient(base_url=base_url) as client:
            await client.get("/livez")
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Failure(f"--url {base_url}: {error}", WRONG_SETTING) from error
    except httpx.HTTPError as error:
        raise Failure(f"{base_url} does not answer: {error}", FAILED) from error
