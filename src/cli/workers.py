"""Running the application under uvicorn, in this process or in several of its own."""

import socket
from typing import Final

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from spot_optimizer.cli.draining import DrainingServer, DrainingSupervisor
from spot_optimizer.cli.failures import FAILED, Failure
from spot_optimizer.cli.http_protocol import WholeAnswers
from spot_optimizer.cli.listening import BACKLOG
from spot_optimizer.cli.logs import has_access_lines, log_config
from spot_optimizer.cli.server_timing import TimedHttp
from spot_optimizer.settings import Settings

GRACE_SECONDS: Final = 30
"""How long requests under way may take to finish at the end."""

# One that does not answer its supervisor for so long hangs. A busy machine takes more than the
# five seconds that are usual to start one, and would start it again for ever.
_HANGS_AFTER_S: Final = 30

# Load balancers keep a connection for 60 s (AWS and HAProxy as delivered), agents poll every 15 to
# 30: who closes first while the other asks loses a request, so it must not be this side.
_IDLE_CONNECTIONS_KEPT_S: Final = 75


def run(settings: Settings, workers: int, listening: socket.socket) -> None:
    """Returns when a signal has ended the server.

    Raises:
        Failure: the application does not start; the log says why.
        KeyboardInterrupt: in one process, the signal that ended it.
    """
    config = uvicorn.Config(
        "spot_optimizer.cli.asgi:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=workers,
        backlog=BACKLOG,
        loop="uvloop",
        http=TimedHttp if settings.server_timing else WholeAnswers,
        ws="none",
        lifespan="on",
        proxy_headers=True,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        access_log=has_access_lines(settings),
        log_config=log_config(settings),
        timeout_keep_alive=_IDLE_CONNECTIONS_KEPT_S,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=_HANGS_AFTER_S,
        server_header=False,
        date_header=True,
    )
    serving = _one if workers == 1 else _several
    if serving(config, listening, settings.drain_seconds) == STARTUP_FAILURE:
        raise Failure("The server could not be started: see the log lines above", FAILED)


def _one(config: uvicorn.Config, listening: socket.socket, drain_s: int) -> int:
    try:
        DrainingServer(config, drain_s).run([listening])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _several(config: uvicorn.Config, listening: socket.socket, drain_s: int) -> int:
    supervisor = DrainingSupervisor(config, listening, drain_s)
    supervisor.run()
    return max(process.exitcode or 0 for process in supervisor.processes)
