import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final

from spot_optimizer.application.ports.cache import Cache

LIFETIME: Final = timedelta(hours=12)
"""After this an operator logs in again: a working day (NIST SP 800-63B, 4.2.3)."""


@dataclass(frozen=True, slots=True)
class OpenSessions:
    """Operators who have logged in, known to all processes of the installation.

    The name of an entry is made of the session's secret, which only the browser keeps, and of the
    operator's token: whoever sees the entries can open nothing and guess no token by them, and a
    new token ends every session.
    """

    cache: Cache
    token_sha256: Callable[[], str]
    """Of the operator's token of this moment, in hex."""

    def add(self, session_id: str, secret: str, token: str) -> None:
        """Opened with that token, whatever the token has become meanwhile."""
        name = _name(secret, sha256(token.encode()).hexdigest())
        self.cache.put(name, session_id.encode(), LIFETIME)

    def find(self, secret: str) -> str | None:
        """The id of the session; None when it is over."""
        found = self.cache.get(_name(secret, self.token_sha256()))
        return None if found is None else found.decode()

    def drop(self, secret: str) -> None:
        self.cache.drop(_name(secret, self.token_sha256()))


def _name(secret: str, token_sha256: str) -> str:
    return "session:" + hmac.new(secret.encode(), token_sha256.encode(), sha256).hexdigest()
