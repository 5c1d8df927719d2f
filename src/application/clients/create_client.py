from dataclasses import dataclass

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.identity import Identifiers, Tokens
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import client_occurrences
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.clients import Client, ClientEmailTaken, ClientNameTaken, new_client
from spot_optimizer.domain.identifiers import ClientId


@dataclass(frozen=True, slots=True)
class CreateClient:
    """The operator takes on a client, who gets a token to give to its agents."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    tokens: Tokens

    @repeated_when_lost
    def __call__(self, name: object, email: object, caller: Caller) -> Client:
        now = self.clock.now()
        client = new_client(
            ClientId(self.identifiers.new_id()), self.tokens.new_client_token(), name, email
        )
        with self.unit_of_work() as work:
            if work.clients.name_is_taken(client.name):
                raise ClientNameTaken(client.name)
            if work.clients.email_is_taken(client.email):
                raise ClientEmailTaken(client.email)
            work.clients.add(client, now)
            record(work, client_occurrences.client_created(client, now), caller)
            work.commit()
        return client
