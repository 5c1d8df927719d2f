"""What each worker serves."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from uvicorn.config import STARTUP_FAILURE

from spot_optimizer.cli.allocator import share_arenas
from spot_optimizer.cli.collector import no_collections
from spot_optimizer.cli.configuration import FIGURES_DIR
from spot_optimizer.cli.draining import drain_when_told, is_draining

if TYPE_CHECKING:
    from litestar.types import ASGIApp

# A thread that comes back from the database must not wait for the event loop to idle: with the
# five milliseconds that are usual it would wait longer than its query took.
sys.setswitchinterval(0.0002)

share_arenas()

logger = logging.getLogger(__name__)


def create_app() -> ASGIApp:
    """As in bootstrap; but a defect ends the server, which would try again for ever."""
    try:
        with no_collections():
            from spot_optimizer.bootstrap import create_app
            from spot_optimizer.settings import Settings

            figures_dir = os.environ.get(FIGURES_DIR)
            if figures_dir:
                drain_when_told()
            app = create_app(Path(figures_dir) if figures_dir else None, is_draining)
            if not Settings.from_environment().server_timing:
                return app
            from spot_optimizer.cli.server_timing import Timed

            return Timed(app)
    except Exception:
        logger.critical("The application cannot be built", exc_info=True)
        sys.exit(STARTUP_FAILURE)
