"""What each worker serves."""

import gc
import logging
import sys
from typing import TYPE_CHECKING

from uvicorn.config import STARTUP_FAILURE

if TYPE_CHECKING:
    from litestar import Litestar

# A thread that comes back from the database must not wait for the event loop to idle: with the
# five milliseconds that are usual it would wait longer than its query took.
sys.setswitchinterval(0.0002)

logger = logging.getLogger(__name__)


def create_app() -> "Litestar":
    """As in bootstrap; but a defect ends the server, which would try again for ever."""
    # Of what is imported and built nothing is garbage before the process ends: looking for some
    # takes a sixth of the start, and 50 ms whenever it happens under load.
    gc.disable()
    try:
        from spot_optimizer.bootstrap import create_app

        return create_app()
    except Exception:
        logger.critical("The application cannot be built", exc_info=True)
        sys.exit(STARTUP_FAILURE)
    finally:
        gc.freeze()
        gc.enable()
