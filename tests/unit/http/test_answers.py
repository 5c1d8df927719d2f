"""Answers are what Litestar's own would be."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import pytest
from litestar import MediaType, Response, get, post
from litestar.datastructures import Cookie
from litestar.testing import create_test_client
from msgspec import Struct

from spot_optimizer.adapters.http.answers import JsonAnswer

Answered = tuple[int, list[tuple[str, str]], bytes]


class Colour(StrEnum):
    RED = "red"


class Item(Struct, rename="camel"):
    name_of_it: str = "é"
    price: float = 0.0416
    exact: Decimal = Decimal("0.10")
    at: datetime = datetime(2026, 11, 20, 12, tzinfo=UTC)
    colour: Colour | None = Colour.RED
    more: Sequence[int] = ()


def answered(
    response_class: type[Response[Any]], content: object, method: str, **options: Any
) -> Answered:
    """By a handler that returns the content, or a response of it where there are options."""

    def handler() -> Any:
        return response_class(content, **options) if options else content

    route = (post if method == "POST" else get)("/", sync_to_thread=False)(handler)
    with create_test_client([route], response_class=response_class) as client:
        told = client.request(method, "/")
        return told.status_code, sorted(told.headers.multi_items()), told.content


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "content",
    [Item(), [Item(), Item(name_of_it="\u2028")], [], {}, {"a": None}, None, True, 0, 1.5, b"[1]"],
    ids=repr,
)
def test_what_a_handler_returns(content: object, method: str) -> None:
    assert answered(JsonAnswer, content, method) == answered(Response, content, method)


@pytest.mark.parametrize(
    "options",
    [
        {"media_type": MediaType.JSON},
        {"media_type": MediaType.JSON, "status_code": 503},
        {"media_type": MediaType.JSON, "headers": {"Link": "<x>; rel=next"}},
        {"media_type": MediaType.JSON, "cookies": [Cookie("session", "x")]},
        {"media_type": MediaType.TEXT},
        {"media_type": "application/problem+json", "status_code": 400},
    ],
    ids=str,
)
def test_what_a_handler_says_of_it(options: dict[str, Any]) -> None:
    content = b'{"a": 1}'

    told = answered(JsonAnswer, content, "GET", **options)

    assert told == answered(Response, content, "GET", **options)
    assert told[2] == content
