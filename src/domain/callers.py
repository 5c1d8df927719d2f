"""Who is asking, and on whose rows."""

from dataclasses import dataclass
from enum import StrEnum

from spot_optimizer.domain.errors import ClientNotFound
from spot_optimizer.domain.identifiers import ClientId


class CallerKind(StrEnum):
    CLIENT = "client"
    OPERATOR = "operator"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    kind: CallerKind
    client_id: ClientId | None = None
    address: str | None = None
    user_agent: str | None = None

    @property
    def owner(self) -> ClientId | None:
        """The client whose rows may be seen; None sees all."""
        return self.client_id

    def asking_about(self, client_id: ClientId) -> ClientId:
        """The client in question.

        Raises:
            ClientNotFound: somebody else's; it is the same as absent.
        """
        if self.owner not in (None, client_id):
            raise ClientNotFound
        return client_id


SYSTEM = Caller(kind=CallerKind.SYSTEM)
