"""An answer of the server, reduced to what recordings say about answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import httpx
import msgspec

from tests.contract.recording import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int
    content_type: str = "application/json"
    kind: str = "json"
    body: Json = None
    headers: Mapping[str, str]

    @classmethod
    def of(cls, response: httpx.Response) -> Self:
        content_type = response.headers.get("content-type", "")
        kind, body = _content(response, content_type)
        return cls(
            status=response.status_code,
            content_type=content_type,
            kind=kind,
            body=body,
            headers=response.headers,
        )

    @property
    def mime(self) -> str:
        return mime(self.content_type)


def mime(content_type: str) -> str:
    return content_type.split(";")[0].strip().lower()


def _content(response: httpx.Response, content_type: str) -> tuple[str, Json]:
    if not response.content:
        return "empty", None
    if "json" in content_type:
        try:
            return "json", msgspec.json.decode(response.content)
        except msgspec.DecodeError:
            return "other", response.text
    return ("html" if "html" in content_type else "other"), response.text
