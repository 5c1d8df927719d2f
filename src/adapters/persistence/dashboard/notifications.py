from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine, bindparam, select

from spot_optimizer.adapters.persistence.dashboard.pages import asked_of, comes_after
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import notifications
from spot_optimizer.application.dashboard.notifications import NotificationLine
from spot_optimizer.application.dashboard.paging import Page
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.identifiers import ClientId

_NEWEST: Final = (
    select(
        notifications.c.id,
        notifications.c.message,
        notifications.c.severity,
        notifications.c.is_read,
        notifications.c.created_at,
    )
    .where(comes_after(notifications.c.created_at, notifications.c.id))
    .order_by(notifications.c.created_at.desc(), notifications.c.id)
    .limit(bindparam("limit"))
)
_NEWEST_OF_CLIENT: Final = _NEWEST.where(notifications.c.client_id == bindparam("client_id"))


class SqlNotificationViews:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @repeated_when_lost
    def newest(self, client_id: ClientId | None, page: Page) -> Sequence[NotificationLine]:
        asked = asked_of(page)
        statement = _NEWEST
        if client_id is not None:
            statement, asked["client_id"] = _NEWEST_OF_CLIENT, client_id
        with reading(self._engine) as connection:
            return [NotificationLine(*row) for row in connection.execute(statement, asked)]
