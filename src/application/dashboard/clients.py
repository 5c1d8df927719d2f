"""What a client sees of itself (contract/clients-and-notifications.md 4.2)."""

from typing import Protocol

from spot_optimizer.application.admin.queries import ClientLine
from spot_optimizer.domain.identifiers import ClientId


class ClientViews(Protocol):
    def overview(self, client_id: ClientId) -> ClientLine:
        """By one statement.

        Raises:
            ClientNotFound: there is none.
        """
        ...
