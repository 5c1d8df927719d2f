"""Telling other systems what happened, signed as Standard Webhooks
(https://www.standardwebhooks.com, specification 1.0.0)."""

import binascii
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final

# News that is older than this is none; until then a receiver may be down.
NEWS_FOR: Final = timedelta(days=7)

_FIRST_PAUSE: Final = timedelta(seconds=5)
_LONGEST_PAUSE: Final = timedelta(minutes=15)

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # what every secret begins with
_SECRET_BYTES: Final = range(24, 65)


class MessageType(StrEnum):
    NOTIFICATION = "notification.created"
    INTERRUPTION_RECEIVED = "interruption.received"
    INTERRUPTION_COMPLETED = "interruption.completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    id: str
    """The same at every attempt, so that a receiver knows it again."""
    type: MessageType
    at: datetime
    text: str
    """For people."""
    data: Mapping[str, object]
    row: str | int
    """What is on record of it."""


def secret_of(text: str) -> bytes:
    """Raises:
    ValueError: it is not `whsec_` and the base64 of 24 to 64 bytes.
    """
    try:
        secret = b64decode(text.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error:
        secret = b""
    if not text.startswith(_SECRET_PREFIX) or len(secret) not in _SECRET_BYTES:
        raise ValueError("must be whsec_ and the base64 of 24 to 64 bytes")
    return secret


def signed_headers(
    message_id: str, attempted_at: datetime, body: bytes, secret: bytes
) -> dict[str, str]:
    """Over id, time of the attempt in seconds and body, by HMAC-SHA256."""
    timestamp = str(int(attempted_at.timestamp()))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    digest = hmac.new(secret, content, sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{b64encode(digest).decode()}",
    }


def pause_after(failures: int) -> timedelta:
    """Before the next attempt: twice as long each time, up to a quarter of an hour."""
    doublings = min(max(0, failures - 1), 10)
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * (1 << doublings))
