"""The tenants: who owns agents, by which token."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from spot_optimizer.domain.errors import Conflict, ValidationFailed
from spot_optimizer.domain.identifiers import ClientId

NAME_LENGTH: Final = 255
EMAIL_LENGTH: Final = 255


class ClientNameTaken(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f'Client "{name}" already exists')


class ClientEmailTaken(Conflict):
    def __init__(self, email: str) -> None:
        super().__init__(f'Client email "{email}" already exists')


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    id: ClientId
    name: str
    email: str
    token: str = field(repr=False)
    is_active: bool = True
    status: str = "active"
    total_savings: Decimal = Decimal(0)
    last_sync_at: datetime | None = None

    @property
    def may_sign_in(self) -> bool:
        """At a dashboard; agents only need the client to be active (contract/domain.md 1.1)."""
        return self.is_active and self.status == "active"

    def with_token(self, token: str) -> "Client":
        """The former token opens nothing from then on."""
        return replace(self, token=token)


def new_client(client_id: ClientId, token: str, name: object, email: object) -> Client:
    """A client as an operator asks for it.

    Raises:
        ValidationFailed: name or email is not usable text (contract/admin-ml-and-jobs.md 1.1).
    """
    named = _name(name)
    return Client(id=client_id, name=named, email=_email(email, named), token=token)


def _name(name: object) -> str:
    if name is None:
        raise ValidationFailed("Client name is required")
    if not isinstance(name, str):
        raise ValidationFailed("Client name must be a string")
    trimmed = name.strip()
    if not trimmed:
        raise ValidationFailed("Client name is required")
    if len(trimmed) > NAME_LENGTH:
        raise ValidationFailed("Client name is too long")
    return trimmed


def _email(email: object, name: str) -> str:
    if email is None:
        email = name.lower().replace(" ", "_") + "@example.com"
    if not isinstance(email, str):
        raise ValidationFailed("Client email must be a string")
    if len(email) > EMAIL_LENGTH:
        raise ValidationFailed("Client email is too long")
    return email
