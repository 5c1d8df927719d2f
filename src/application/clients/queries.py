"""What is asked about clients outside their own transactions."""

from typing import Protocol

from spot_optimizer.domain.clients import Client


class ClientQueries(Protocol):
    def holder_of(self, token: str) -> Client | None:
        """Whose token it is, compared exactly; active or not."""
        ...
