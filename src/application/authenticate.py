from collections.abc import Sequence
from dataclasses import dataclass

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.credentials import Credentials, TokenOwner
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import occurrences
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.identifiers import ClientId
from spot_optimizer.domain.journal import Occurrence


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Whose tokens are these? Takes what arrives together."""

    credentials: Credentials

    @repeated_when_lost
    def __call__(self, tokens: Sequence[str]) -> Sequence[TokenOwner | None]:
        return self.credentials.owners_of(tokens)


@dataclass(frozen=True, slots=True)
class RecordRefusedCredentials:
    """A token that opened nothing is put on record."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def unknown_token(self, path: str, caller: Caller) -> None:
        self._record(occurrences.unknown_token(path, self.clock.now()), caller)

    def inactive_client(self, client_id: ClientId, caller: Caller) -> None:
        self._record(occurrences.inactive_client(client_id, self.clock.now()), caller)

    @repeated_when_lost
    def _record(self, occurrence: Occurrence, caller: Caller) -> None:
        with self.unit_of_work() as work:
            record(work, occurrence, caller)
            work.commit()
