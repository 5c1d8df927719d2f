"""A Litestar application, called in process with recorded requests."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import msgspec
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import TestClient
from msgspec import UNSET

from tests.contract.recording import Part, Request, Step
from tests.contract.reply import Reply
from tests.contract.templates import Scope

_PARAMETER: Final = re.compile(r"<[^>]*>|\{[^}]*\}")

FormPart: TypeAlias = tuple[str, tuple[str | None, bytes] | tuple[str, bytes, str]]


@dataclass(frozen=True, slots=True)
class Routes:
    """The routes that an application has, whatever their parameters are called."""

    known: frozenset[str]

    @classmethod
    def named(cls, routes: Iterable[str]) -> Routes:
        return cls(frozenset(map(_without_names, routes)))

    @classmethod
    def of(cls, app: Litestar) -> Routes:
        http_routes = (route for route in app.routes if isinstance(route, HTTPRoute))
        return cls.named(f"{method} {it.path}" for it in http_routes for method in it.methods)

    def serve(self, step: Step) -> bool:
        """Whether the step can be sent; where no route matches on purpose, it always can."""
        return step.route is None or _without_names(step.route) in self.known


@dataclass(frozen=True, slots=True)
class Server:
    client: TestClient[Litestar]
    routes: Routes
    coordinate: Callable[[], object]

    def send(self, request: Request, scope: Scope) -> Reply:
        arguments = request_arguments(request, scope)
        response = self.client.request(request.method, follow_redirects=False, **arguments)
        return Reply.of(response)


def request_arguments(request: Request, scope: Scope) -> dict[str, Any]:
    """The recorded request in the words of httpx."""
    headers = scope.expand(request.headers)
    arguments: dict[str, Any] = {"url": scope.expand(request.path), "headers": headers}
    if request.query:
        arguments["params"] = scope.expand(request.query)
    if request.json is not UNSET:
        arguments["content"] = msgspec.json.encode(scope.expand(request.json))
        headers.setdefault("Content-Type", "application/json")
    elif request.raw is not UNSET:
        arguments["content"] = scope.expand(request.raw).encode()
    elif request.multipart is not UNSET:
        arguments["files"] = [_form_part(part, scope) for part in request.multipart]
    return arguments


def _form_part(part: Part, scope: Scope) -> FormPart:
    encoded = part.base64
    content = base64.b64decode(encoded) if encoded else scope.expand(part.content).encode()
    if part.filename is None:
        return part.field_name, (None, content)
    return part.field_name, (scope.expand(part.filename), content, "application/octet-stream")


def _without_names(route: str) -> str:
    return _PARAMETER.sub("<>", route)
