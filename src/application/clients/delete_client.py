from dataclasses import dataclass

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.credentials import CredentialMemory
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import client_occurrences
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.clients import Client
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.identifiers import ClientId


@dataclass(frozen=True, slots=True)
class DeleteClient:
    """The operator lets a client go, for good and with all that is the client's own."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    compatibility: Compatibility
    remembered: CredentialMemory

    @repeated_when_lost
    def __call__(self, client_id: ClientId, caller: Caller) -> Client:
        with self.unit_of_work() as work:
            client = work.clients.get_for_update(client_id)
            work.clients.remove(
                client.id, leaving_orphans=self.compatibility.deletion_leaves_orphans
            )
            record(work, client_occurrences.client_deleted(client, self.clock.now()), caller)
            work.commit()
        self.remembered.forget()
        return client
