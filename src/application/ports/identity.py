from typing import Protocol


class Identifiers(Protocol):
    """New keys for what the application creates."""

    def new_id(self) -> str:
        """A version 4 UUID as lower-case text."""
        ...


class Tokens(Protocol):
    """New secrets."""

    def new_client_token(self) -> str:
        """`token-` and 32 random characters out of A-Z a-z 0-9 (contract/domain.md 1.1)."""
        ...

    def new_session_secret(self) -> str:
        """256 random bits as text for a cookie."""
        ...
