from dataclasses import dataclass

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.credentials import CredentialMemory
from spot_optimizer.application.ports.identity import Tokens
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import client_occurrences
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.identifiers import ClientId


@dataclass(frozen=True, slots=True)
class RegenerateToken:
    """The operator replaces a client's token; the former one is refused at once, and within a
    second where other processes let agents in."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    tokens: Tokens
    remembered: CredentialMemory

    @repeated_when_lost
    def __call__(self, client_id: ClientId, caller: Caller) -> Client:
        now = self.clock.now()
        with self.unit_of_work() as work:
            client = work.clients.get_for_update(client_id)
            client = client.with_token(self.tokens.new_client_token())
            work.clients.save_token(client, now)
            record(work, client_occurrences.token_regenerated(client, now), caller)
            work.commit()
        self.remembered.forget()
        return client
