from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from spot_optimizer.domain.identifiers import ClientId


@dataclass(frozen=True, slots=True)
class TokenOwner:
    """The client a token belongs to, whether or not it may use it."""

    client_id: ClientId
    is_active: bool


class Credentials(Protocol):
    """Whose token is it. Compared exactly: case and blanks count."""

    def owners_of(self, tokens: Sequence[str]) -> Sequence[TokenOwner | None]:
        """The owner of each token, in the same order; None where nobody has it."""
        ...


class CredentialMemory(Protocol):
    """Where it is kept for a moment whose tokens are whose."""

    def forget(self) -> None:
        """They are to be looked up again."""
        ...
