from collections.abc import Collection
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Connection, Row, bindparam, exists, func, insert, or_, select, update

from spot_optimizer.adapters.persistence.tables import clients
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.errors import ClientNotFound
from spot_optimizer.domain.identifiers import ClientId

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
        row = self._connection.execute(
            select(clients).where(clients.c.id == client_id)
        ).one_or_none()
        if row is None or row.id != client_id:
            raise ClientNotFound
        return to_client(row)

    def name_is_taken(self, name: str) -> bool:
        return self._is_taken(clients.c.name, name)

    def email_is_taken(self, email: str) -> bool:
        return self._is_taken(clients.c.email, email)

    def _is_taken(self, column: Column[Any], text: str) -> bool:
        same = column == text
        if self._connection.dialect.name == "sqlite":
            same = func.folded(column) == func.folded(text)
        return bool(self._connection.execute(select(exists().where(same))).scalar_one())

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
