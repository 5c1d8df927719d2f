from sqlalchemy import Connection, select, update

from spot_optimizer.adapters.persistence.tables import notifications
from spot_optimizer.domain.identifiers import ClientId, NotificationId


class SqlInbox:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, notification_id: NotificationId, owner: ClientId | None) -> bool | None:
        row = self._connection.execute(
            select(notifications.c.id, notifications.c.client_id, notifications.c.is_read)
            .where(notifications.c.id == notification_id)
            .with_for_update()
        ).one_or_none()
        if row is None or row.id != notification_id or owner not in (None, row.client_id):
            return None
        return bool(row.is_read)

    def mark_read(self, notification_id: NotificationId) -> None:
        self._connection.execute(
            update(notifications).where(notifications.c.id == notification_id).values(is_read=True)
        )

    def mark_all_read(self, client_id: ClientId | None) -> int:
        unread = update(notifications).where(notifications.c.is_read.is_not(True))
        if client_id is not None:
            unread = unread.where(notifications.c.client_id == client_id)
        return self._connection.execute(unread.values(is_read=True)).rowcount
