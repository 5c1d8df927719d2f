from collections.abc import Sequence

from sqlalchemy import Engine, bindparam, select

from spot_optimizer.adapters.persistence.failures import reading
from spot_optimizer.adapters.persistence.tables import clients
from spot_optimizer.application.ports.credentials import TokenOwner
from spot_optimizer.domain.identifiers import ClientId

_BY_TOKEN = select(clients.c.client_token, clients.c.id, clients.c.is_active).where(
    clients.c.client_token.in_(bindparam("tokens", expanding=True))
)


class SqlCredentials:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def owners_of(self, tokens: Sequence[str]) -> Sequence[TokenOwner | None]:
        with reading(self._engine) as connection:
            rows = connection.execute(_BY_TOKEN, {"tokens": list(dict.fromkeys(tokens))}).all()
        # MySQL compares without case and trailing blanks; here a token is itself or nothing.
        owners = {
            row.client_token: TokenOwner(ClientId(row.id), bool(row.is_active)) for row in rows
        }
        return [owners.get(token) for token in tokens]
