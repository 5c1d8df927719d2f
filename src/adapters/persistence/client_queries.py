from sqlalchemy import Engine, select

from spot_optimizer.adapters.persistence.clients import to_client
from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import clients
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.clients import Client


class SqlClientQueries:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @repeated_when_lost
    def holder_of(self, token: str) -> Client | None:
        asked = select(clients).where(clients.c.client_token == token)
        with reading(self._engine) as connection:
            rows = connection.execute(asked).all()
        # MySQL compares without case and trailing blanks; here a token is itself or nothing.
        return next((to_client(row) for row in rows if row.client_token == token), None)
