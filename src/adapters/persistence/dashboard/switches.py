from collections.abc import Hashable, Sequence
from math import inf
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, bindparam, func, or_, select, type_coerce

from spot_optimizer.adapters.persistence.dashboard.pages import asked_of, comes_after
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.listing import Listing
from spot_optimizer.adapters.persistence.tables import switches
from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.application.dashboard.paging import Page
from spot_optimizer.application.dashboard.switches import SwitchLine
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.identifiers import ClientId

# The best known time of a switch (contract/clients-and-notifications.md 4.9), and when it was
# recorded.
TOOK_PLACE: Final[ColumnElement[Any]] = type_coerce(
    func.coalesce(
        switches.c.instance_launched_at, switches.c.ami_created_at, switches.c.initiated_at
    ),
    UtcInstant,
)
RECORDED: Final[ColumnElement[Any]] = type_coerce(
    func.coalesce(switches.c.timestamp, switches.c.created_at), UtcInstant
)

# In the order of the fields of SwitchLine.
LINE: Final[tuple[ColumnElement[Any], ...]] = (
    switches.c.id,
    switches.c.old_instance_id,
    switches.c.new_instance_id,
    TOOK_PLACE,
    RECORDED,
    switches.c.old_mode,
    switches.c.new_mode,
    switches.c.old_pool_id,
    switches.c.new_pool_id,
    switches.c.event_trigger,
    switches.c.new_spot_price,
    switches.c.on_demand_price,
    switches.c.savings_impact,
    switches.c.initiated_at,
)


def _newest_first(line: SwitchLine) -> tuple[float, str]:
    at = line.initiated_at
    return inf if at is None else -at.timestamp(), line.id


_OF_CLIENT: Final = (
    select(*LINE)
    .where(switches.c.client_id == bindparam("client_id"))
    .where(comes_after(switches.c.initiated_at, switches.c.id))
    .order_by(switches.c.initiated_at.desc(), switches.c.id)
    .limit(bindparam("limit"))
)
_OF_INSTANCE: Final = _OF_CLIENT.where(
    or_(
        switches.c.old_instance_id == bindparam("instance_id"),
        switches.c.new_instance_id == bindparam("instance_id"),
    )
)
_EDITION: Final = select(func.count(), func.max(switches.c.timestamp)).where(
    switches.c.client_id == bindparam("client_id")
)
_LISTED: Final = Listing(SwitchLine, _OF_CLIENT, _newest_first)
_LISTED_OF_INSTANCE: Final = Listing(SwitchLine, _OF_INSTANCE, _newest_first)


class SqlSwitchViews:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @repeated_when_lost
    def of_client(
        self, client_id: ClientId, instance_id: str | None, page: Page
    ) -> Sequence[SwitchLine]:
        asked: dict[str, object] = {"client_id": client_id, **asked_of(page)}
        listing = _LISTED
        if instance_id is not None:
            listing, asked["instance_id"] = _LISTED_OF_INSTANCE, instance_id
        with reading(self._engine) as connection:
            return listing.read(connection, asked)

    @repeated_when_lost
    def edition_of(self, client_id: ClientId) -> Hashable:
        with reading(self._engine) as connection:
            return tuple(connection.execute(_EDITION, {"client_id": client_id}).one())
