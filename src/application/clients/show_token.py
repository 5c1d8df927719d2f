from dataclasses import dataclass

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import client_occurrences
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.identifiers import ClientId


@dataclass(frozen=True, slots=True)
class ShowToken:
    """The operator looks a client's token up; that somebody looked is put on record."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    @repeated_when_lost
    def __call__(self, client_id: ClientId, caller: Caller) -> Client:
        with self.unit_of_work() as work:
            client = work.clients.get(client_id)
            record(work, client_occurrences.token_shown(client.id, self.clock.now()), caller)
            work.commit()
        return client
