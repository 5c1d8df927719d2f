"""The kinds of refusal. An adapter maps the kind; message and details are for the caller."""

from collections.abc import Mapping


class DomainError(Exception):
    """A request that the rules refuse; `details` are further facts for the caller."""

    def __init__(self, message: str, /, **details: object) -> None:
        super().__init__(message)
        self.details: Mapping[str, object] = details


class ValidationFailed(DomainError):
    """Input that means nothing here."""


class NotFound(DomainError):
    """Absent, or somebody else's: the two cannot be told apart."""


class Conflict(DomainError):
    """Contradicts what is there already."""


class Forbidden(DomainError):
    """Understood, and not allowed."""


class Refused(DomainError):
    """The present state does not permit it."""


class InvalidTransition(DomainError):
    """An arrow that the state machine does not have."""


class AgentNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Agent not found")


class ClientNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__("Client not found")
