"""The command line `spot-optimizer`.

Importing this package must cost nothing: every process of the server does it when it starts.
"""

import sys
from collections.abc import Sequence

from spot_optimizer.cli.failures import FAILED, Failure


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command and return its exit code."""
    from spot_optimizer.cli.commands import app

    try:
        app(args=None if arguments is None else list(arguments), prog_name="spot-optimizer")
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
        return failure.exit_code
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else FAILED
    return 0
