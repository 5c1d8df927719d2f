"""What the server has on record, for the commands that learn from it and judge on it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from spot_optimizer.adapters.persistence.market_history import SqlMarketHistory
from spot_optimizer.backtest.server_history import SHORTEST, server_traces
from spot_optimizer.backtest.traces import Trace
from spot_optimizer.cli.configuration import settings_from
from spot_optimizer.cli.databases import opened
from spot_optimizer.cli.failures import FAILED, Failure

_LOOK_BACK: Final = timedelta(days=60)


def traces_of_server() -> Sequence[Trace]:
    """Of the last 60 days.

    Raises:
        Failure: too little is on record.
    """
    with opened(settings_from().database_url) as engine:
        record = SqlMarketHistory(engine).since(datetime.now(UTC) - _LOOK_BACK)
    traces = server_traces(record)
    if not traces:
        raise too_little(
            f"no instance type has two pools with prices of {SHORTEST.days} days and an "
            "on-demand price"
        )
    return traces


def too_little(what: str) -> Failure:
    return Failure(f"Too little is on record: {what}", FAILED)
