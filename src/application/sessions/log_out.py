from dataclasses import dataclass

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.sessions.open_sessions import OpenSessions
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import access_occurrences
from spot_optimizer.domain.callers import Caller


@dataclass(frozen=True, slots=True)
class LogOut:
    """The operator ends a session, everywhere and for good."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    sessions: OpenSessions

    def __call__(self, secret: str, caller: Caller) -> None:
        session_id = self.sessions.find(secret)
        if session_id is not None:
            self._end(session_id, secret, caller)

    @repeated_when_lost
    def _end(self, session_id: str, secret: str, caller: Caller) -> None:
        with self.unit_of_work() as work:
            record(work, access_occurrences.logged_out(session_id, self.clock.now()), caller)
            self.sessions.drop(secret)
            work.commit()
