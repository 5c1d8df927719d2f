from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Engine, Select, bindparam, select
from sqlalchemy.exc import SQLAlchemyError

from spot_optimizer.adapters.persistence.dashboard.agents import PAST
from spot_optimizer.adapters.persistence.dashboard.instances import OF_CLIENT as INSTANCES
from spot_optimizer.adapters.persistence.dashboard.savings import MONTHS, to_month
from spot_optimizer.adapters.persistence.dashboard.switches import LINE
from spot_optimizer.adapters.persistence.failures import meaning_of
from spot_optimizer.adapters.persistence.tables import (
    agents,
    instances,
    pricing_snapshots_clean,
    switches,
)
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.application.dashboard.agents import PastAgentLine
from spot_optimizer.application.dashboard.exports import Batches, PriceLine
from spot_optimizer.application.dashboard.instances import InstanceLine
from spot_optimizer.application.dashboard.savings import MonthLine
from spot_optimizer.application.dashboard.switches import SwitchLine
from spot_optimizer.domain.identifiers import ClientId

T = TypeVar("T")

_ROWS_AT_A_TIME: Final = 2000

_SWITCHES: Final = (
    select(*LINE)
    .where(switches.c.client_id == bindparam("client_id"))
    .order_by(switches.c.initiated_at.desc(), switches.c.id)
)
_AGENTS: Final = (
    select(*PAST)
    .join(instances, instances.c.id == agents.c.instance_id, isouter=True)
    .where(agents.c.client_id == bindparam("client_id"))
    .order_by(agents.c.logical_agent_id, agents.c.id)
)
_PLACES: Final = (
    select(agents.c.instance_type, agents.c.region)
    .where(agents.c.client_id == bindparam("client_id"))
    .distinct()
    .subquery()
)
# In the order of the fields of PriceLine.
_PRICES: Final = (
    select(
        pricing_snapshots_clean.c.time_bucket,
        pricing_snapshots_clean.c.pool_id,
        pricing_snapshots_clean.c.instance_type,
        pricing_snapshots_clean.c.region,
        pricing_snapshots_clean.c.az,
        pricing_snapshots_clean.c.spot_price,
        pricing_snapshots_clean.c.ondemand_price,
        pricing_snapshots_clean.c.data_source,
    )
    .join(
        _PLACES,
        (_PLACES.c.instance_type == pricing_snapshots_clean.c.instance_type)
        & (_PLACES.c.region == pricing_snapshots_clean.c.region),
    )
    .where(pricing_snapshots_clean.c.time_bucket >= bindparam("since", type_=UtcInstant))
    .order_by(pricing_snapshots_clean.c.time_bucket, pricing_snapshots_clean.c.pool_id)
)


class SqlExportSource:
    """Reads with connections of its own: a reader who is slow keeps nobody else waiting."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def months(self, client_id: ClientId) -> Batches[MonthLine]:
        return self._batches(MONTHS, {"client_id": client_id}, to_month)

    def switches(self, client_id: ClientId) -> Batches[SwitchLine]:
        return self._batches(_SWITCHES, {"client_id": client_id}, SwitchLine)

    def instances(self, client_id: ClientId) -> Batches[InstanceLine]:
        return self._batches(INSTANCES, {"client_id": client_id}, InstanceLine)

    def agents(self, client_id: ClientId) -> Batches[PastAgentLine]:
        return self._batches(_AGENTS, {"client_id": client_id}, PastAgentLine)

    def prices(self, client_id: ClientId, since: datetime) -> Batches[PriceLine]:
        return self._batches(_PRICES, {"client_id": client_id, "since": since}, PriceLine)

    def _batches(
        self, statement: Select[Any], asked: Mapping[str, object], line: Callable[..., T]
    ) -> Batches[T]:
        try:
            with self._engine.connect() as connection:
                rows = connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(
                    statement, asked
                )
                try:
                    for batch in rows.partitions():
                        yield [line(*row) for row in batch]
                except GeneratorExit:
                    # The driver would read all that is still to come before it gave this back.
                    connection.invalidate()
                    raise
        except SQLAlchemyError as error:
            raise meaning_of(error) from error
