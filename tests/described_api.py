"""Holds answers against the documentation of the API."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any, Final

import httpx
import jsonschema_rs

DOCUMENT: Final[dict[str, Any]] = json.loads(
    files("spot_optimizer.adapters.http.documentation").joinpath("openapi.json").read_bytes()
)

_TEMPLATES: Final = sorted(
    ((re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + r"\Z"), path) for path in DOCUMENT["paths"]),
    # What is spelled out goes before what is filled in.
    key=lambda pair: pair[1].count("{"),
)


class Undescribed(AssertionError):
    """An answer that the documentation does not know."""


def template_of(path: str) -> str | None:
    """None for a path that the application does not have."""
    return next((path_of for pattern, path_of in _TEMPLATES if pattern.match(path)), None)


def check(method: str, path: str, status: int, content_type: str, body: bytes) -> None:
    """Raises:
    Undescribed: the documentation says otherwise.
    """
    template = template_of(path)
    operations = DOCUMENT["paths"].get(template, {})
    operation = operations.get("get" if method == "HEAD" else method.lower())
    if template is None or operation is None:
        # Elsewhere an operator may have put the files of a dashboard.
        if path.startswith("/api/") and status not in (404, 405) and method != "OPTIONS":
            raise Undescribed(f"{method} {path} is no documented route, but answers {status}")
        return
    where = f"{method} {template} {status}"
    responses = operation["responses"]
    response = responses.get(str(status), responses.get("default"))
    if response is None:
        raise Undescribed(f"{where}: this status is not documented")
    if method == "HEAD" or not body:
        return
    media_type = content_type.partition(";")[0].strip()
    content = response.get("content", {})
    if media_type not in content:
        raise Undescribed(f"{where}: {media_type} is none of {sorted(content)}")
    if "json" not in media_type or not content[media_type].get("schema"):
        return
    described = json.dumps(content[media_type]["schema"], sort_keys=True)
    error = next(_validator(described).iter_errors(json.loads(body)), None)
    if error is not None:
        at = "/".join(map(str, error.instance_path))
        raise Undescribed(f"{where}: at /{at}: {error.message}")


def check_response(response: httpx.Response) -> None:
    """For the event hooks of a client."""
    request, headers = response.request, response.headers
    # What is streamed may be without end, and is for the test to read.
    is_whole = "content-length" in headers
    check(
        request.method,
        request.url.path,
        response.status_code,
        headers.get("content-type", ""),
        response.read() if is_whole else b"",
    )


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    whole = {**json.loads(schema), "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(whole)
