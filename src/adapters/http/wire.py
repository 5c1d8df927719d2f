"""How values look on the wire, and how bodies are read off it."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from spot_optimizer.adapters.http.routing import AnyRequest, in_thread
from spot_optimizer.domain.compatibility import Compatibility
from spot_optimizer.domain.errors import DomainError, ValidationFailed

# Beyond this no database keeps a number in JSON.
_LARGEST_EXPONENT: Final = 300


def _exact(number: str) -> Decimal | None:
    """Figures as they were written; one that nothing can hold is as good as none."""
    try:
        value = Decimal(number)
    except InvalidOperation:
        return None
    return value if abs(value.adjusted()) <= _LARGEST_EXPONENT else None


# Reading more than this, in bytes, would keep other requests waiting.
_LARGE_BODY: Final = 100_000

_DECODER: Final = msgspec.json.Decoder(float_hook=_exact)


_TO_THE_SECOND: Final = len("2026-11-20T12:00:00")


def timestamp(instant: datetime | None) -> str | None:
    """Naive UTC to the second, which is what every existing client parses."""
    if instant is None:
        return None
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC)
    return instant.isoformat()[:_TO_THE_SECOND]


def decoded(body: bytes) -> object:
    """The JSON of a body; an absent one is {} (ruling R3).

    Raises:
        ValidationFailed: it is not JSON.
    """
    if not body or body.isspace():
        return {}
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise ValidationFailed("Invalid JSON body") from error


def exact_timestamp(instant: datetime) -> str:
    """As `timestamp`, with microseconds, where callers know a clock's reading so."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


class UnsupportedMediaType(DomainError):
    """The body is not declared as what the route reads."""

    def __init__(self) -> None:
        super().__init__("Content-Type must be application/json")


async def json_document(request: AnyRequest, compatibility: Compatibility) -> object:
    """The JSON of a body, whatever it is; an absent one is {} (ruling R3).

    Raises:
        ValidationFailed: it is not JSON.
        UnsupportedMediaType: it is absent, where the former server is reproduced.
    """
    body = await request.body()
    if not body and compatibility.refuse_absent_body:
        raise UnsupportedMediaType
    return decoded(body) if len(body) < _LARGE_BODY else await in_thread(decoded, body)


async def json_object(request: AnyRequest, compatibility: Compatibility) -> dict[str, object]:
    """The JSON object of a body; absent and `null` are {} (ruling R3).

    Raises:
        ValidationFailed: it is something else.
        UnsupportedMediaType: it is absent, where the former server is reproduced.
    """
    document = await json_document(request, compatibility)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise not_an_object()
    # A token that opened the door there (contract/agents-and-replicas.md 1.2) is not kept.
    return {name: value for name, value in document.items() if name != "client_token"}


def declared_json_object(request: AnyRequest, body: bytes) -> dict[str, object]:
    """The JSON object that operators send; an empty list or `null` says as little as {}.

    Raises:
        UnsupportedMediaType: it is not declared as JSON.
        ValidationFailed: it is none.
    """
    if "json" not in request.headers.get("Content-Type", "").lower():
        raise UnsupportedMediaType
    if not body.strip():
        raise ValidationFailed("Invalid JSON body")
    document = decoded(body)
    if document is None or document == []:
        return {}
    if not isinstance(document, dict):
        raise ValidationFailed("Invalid JSON body")
    return document


def not_an_object() -> ValidationFailed:
    return invalid({"_schema": ["Invalid input type."]})


def invalid(details: dict[str, object]) -> ValidationFailed:
    """The validation error that callers know (contract/agents-and-replicas.md 1.4)."""
    return ValidationFailed("Validation failed", details=details)
