from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)

from spot_optimizer.adapters.persistence.collation import SameText
from spot_optimizer.adapters.persistence.tables import (
    agents,
    clients,
    instance_switches,
    replica_instances,
    spot_interruption_events,
)
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.errors import ClientNotFound
from spot_optimizer.domain.identifiers import ClientId

# Rows of agents that the cascade of a deletion does not reach.
_WITHOUT_FOREIGN_KEY = (replica_instances, spot_interruption_events, instance_switches)

_HEARD_OF = (
    update(clients)
    .where(clients.c.id.in_(bindparam("heard_ids", expanding=True)))
    .where(or_(clients.c.last_sync_at.is_(None), clients.c.last_sync_at < bindparam("heard_at")))
    .values(last_sync_at=bindparam("heard_at"), updated_at=bindparam("heard_at"))
)


class SqlClientRepository:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, client_id: ClientId) -> Client:
        return self._one(select(clients).where(clients.c.id == client_id), client_id)

    def get_for_update(self, client_id: ClientId) -> Client:
        asked = select(clients).where(clients.c.id == client_id).with_for_update()
        return self._one(asked, client_id)

    def _one(self, asked: Select[Any], client_id: ClientId) -> Client:
        row = self._connection.execute(asked).one_or_none()
        if row is None or row.id != client_id:
            raise ClientNotFound
        return to_client(row)

    def name_is_taken(self, name: str) -> bool:
        return self._is_taken(clients.c.name, name)

    def email_is_taken(self, email: str) -> bool:
        return self._is_taken(clients.c.email, email)

    def _is_taken(self, column: Column[Any], text: str) -> bool:
        same = exists().where(SameText(column, text))
        return bool(self._connection.execute(select(same)).scalar_one())

    def add(self, client: Client, at: datetime) -> None:
        self._connection.execute(
            insert(clients).values(
                id=client.id,
                name=client.name,
                email=client.email,
                client_token=client.token,
                is_active=client.is_active,
                status=client.status,
                total_savings=client.total_savings,
                created_at=at,
                updated_at=at,
            )
        )

    def save_token(self, client: Client, at: datetime) -> None:
        self._connection.execute(
            update(clients)
            .where(clients.c.id == client.id)
            .values(client_token=client.token, updated_at=at)
        )

    def remove(self, client_id: ClientId, *, leaving_orphans: bool) -> None:
        """Agents are locked before what hangs off them, as everywhere."""
        theirs = select(agents.c.id).where(agents.c.client_id == client_id)
        self._connection.execute(theirs.order_by(agents.c.id).with_for_update()).all()
        if not leaving_orphans:
            for table in _WITHOUT_FOREIGN_KEY:
                self._connection.execute(delete(table).where(table.c.agent_id.in_(theirs)))
        self._connection.execute(delete(clients).where(clients.c.id == client_id))

    def heard_of(self, client_ids: Collection[ClientId], at: datetime) -> None:
        if client_ids:
            self._connection.execute(_HEARD_OF, {"heard_ids": sorted(client_ids), "heard_at": at})

    def credit(self, client_id: ClientId, amount: Decimal, at: datetime) -> None:
        self._connection.execute(
            update(clients)
            .where(clients.c.id == client_id)
            .values(total_savings=clients.c.total_savings + amount, updated_at=at)
        )


def to_client(row: Row[Any]) -> Client:
    return Client(
        id=ClientId(row.id),
        name=row.name,
        email=row.email,
        token=row.client_token,
        is_active=bool(row.is_active),
        status=row.status or "active",
        total_savings=row.total_savings or Decimal(0),
        last_sync_at=row.last_sync_at,
    )
