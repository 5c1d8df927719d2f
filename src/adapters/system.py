"""Time, chance and names as the operating system gives them."""

import secrets
import string
from datetime import UTC, datetime
from time import perf_counter
from typing import Final
from uuid import uuid4

_ALPHABET: Final = string.ascii_letters + string.digits
_TOKEN_LENGTH: Final = 32


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class SystemStopwatch:
    def seconds(self) -> float:
        return perf_counter()


class RandomIdentifiers:
    def new_id(self) -> str:
        return str(uuid4())


class SecretTokens:
    def new_client_token(self) -> str:
        return "token-" + "".join(secrets.choice(_ALPHABET) for _ in range(_TOKEN_LENGTH))

    def new_session_secret(self) -> str:
        return secrets.token_urlsafe(32)


def new_admin_token() -> str:
    """256 random bits as text for a header."""
    return secrets.token_urlsafe(32)
