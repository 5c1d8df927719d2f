"""Systems of the operator that are told by HTTP. Their addresses come from settings alone, and
redirections are not followed, so nobody else chooses where the server sends something."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

import httpx

from spot_optimizer.application.ports.messages import NotDelivered, Refused
from spot_optimizer.domain.webhooks import Message, secret_of, signed_headers

_PATIENCE: Final = httpx.Timeout(5.0, connect=3.0)
# These say something about the receiver, the others of their kind about the message.
_NOT_NOW: Final = frozenset({401, 403, 404, 408, 410, 421, 425, 429})


class StandardWebhook:
    def __init__(self, url: str, secret: str) -> None:
        self.name = f"the webhook at {_host_of(url)}"
        self._url = url
        self._secret = secret_of(secret)

    def deliver(self, message: Message, now: datetime) -> None:
        body = _json(
            {"type": message.type, "timestamp": message.at.isoformat(), "data": message.data}
        )
        _post(self._url, body, signed_headers(message.id, now, body, self._secret))


class SlackWebhook:
    def __init__(self, url: str) -> None:
        self.name = f"Slack at {_host_of(url)}"
        self._url = url

    def deliver(self, message: Message, now: datetime) -> None:
        text = message.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        _post(self._url, _json({"text": text}), {})


def _post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """The answer is not read: whatever it is, it goes nowhere."""
    sent = {"content-type": "application/json", **headers}
    try:
        with httpx.stream(
            "POST", url, content=body, headers=sent, timeout=_PATIENCE, follow_redirects=False
        ) as answer:
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # Its own words may name the address, which for Slack is the secret.
        raise NotDelivered(type(error).__name__) from None
    if 200 <= status < 300:
        return
    if 400 <= status < 500 and status not in _NOT_NOW:
        raise Refused(f"it answers {status}")
    raise NotDelivered(f"it answers {status}")


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _host_of(url: str) -> str:
    return urlsplit(url).hostname or "nowhere"
