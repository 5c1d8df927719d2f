import logging
from collections.abc import Callable
from dataclasses import dataclass

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.identity import Identifiers, Tokens
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.sessions.attempts import Attempts, TooManyAttempts
from spot_optimizer.application.sessions.open_sessions import OpenSessions
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import access_occurrences
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.errors import DomainError

logger = logging.getLogger(__name__)


class WrongToken(DomainError):
    """It is not the operator's."""

    def __init__(self) -> None:
        super().__init__("Wrong token")


@dataclass(frozen=True, slots=True)
class LogIn:
    """The operator exchanges the token for a session."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identifiers: Identifiers
    tokens: Tokens
    sessions: OpenSessions
    attempts: Attempts
    opens: Callable[[str], bool]
    """Whether a token is the operator's, told in constant time."""

    def __call__(self, token: str, caller: Caller) -> str:
        """The secret of the new session; `caller` is the operator, if the token is right.

        Raises:
            WrongToken: and one attempt fewer is left.
            TooManyAttempts: whatever the token is.
        """
        try:
            attempt = self.attempts.take(caller.address)
        except TooManyAttempts:
            logger.warning("Too many attempts to log in from %s", caller.address)
            raise
        if not self.opens(token):
            logger.warning("An attempt to log in with a wrong token from %s", caller.address)
            raise WrongToken
        self.attempts.give_back(attempt)
        return self._opened(token, caller)

    @repeated_when_lost
    def _opened(self, token: str, caller: Caller) -> str:
        session_id, secret = self.identifiers.new_id(), self.tokens.new_session_secret()
        with self.unit_of_work() as work:
            record(work, access_occurrences.logged_in(session_id, self.clock.now()), caller)
            # Should the commit fail, nobody has learnt the secret.
            self.sessions.add(session_id, secret, token)
            work.commit()
        return secret
