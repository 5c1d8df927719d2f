import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from ipaddress import IPv6Network, ip_address
from typing import Final

from spot_optimizer.application.ports.cache import Cache
from spot_optimizer.domain.errors import DomainError

ALLOWED: Final = 10
"""Wrong tokens from one address within the window."""

WINDOW: Final = timedelta(minutes=15)

# Counting takes this many times ALLOWED entries at most, wherever the guesses come from.
_GROUPS: Final = 4096

# One customer of a provider is handed a network of this size (RFC 6177).
_IPV6_PREFIX: Final = 64


class TooManyAttempts(DomainError):
    """Nobody from there may try before `WINDOW` has passed."""

    def __init__(self) -> None:
        super().__init__("Too many attempts")


@dataclass(frozen=True, slots=True)
class Attempts:
    """Attempts to guess the operator's token, counted by all processes together.

    Addresses are counted in a fixed number of groups, so that nobody can fill the cache. Which
    addresses share a group depends on the token: nobody can choose one to keep others out.
    """

    cache: Cache
    token_sha256: Callable[[], str]

    def take(self, address: str | None) -> str:
        """One more attempt, to be given back if it was none.

        Taken before the token is looked at: of guesses made at once no more pass than of guesses
        made in turn.

        Raises:
            TooManyAttempts: it is not looked at.
        """
        group = self._group(_network(address or ""))
        for number in range(ALLOWED):
            attempt = f"log-in:{group}:{number}"
            if self.cache.add(attempt, b"", WINDOW):
                return attempt
        raise TooManyAttempts

    def give_back(self, attempt: str) -> None:
        self.cache.drop(attempt)

    def _group(self, network: str) -> int:
        digest = hmac.digest(self.token_sha256().encode(), network.encode(), sha256)
        return int.from_bytes(digest[:4], "big") % _GROUPS


def _network(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if known.version == 4:
        return address
    return str(IPv6Network((int(known), _IPV6_PREFIX), strict=False))
