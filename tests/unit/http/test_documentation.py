"""The documentation of the API is that of the application, whole, and needs nobody's network."""

from __future__ import annotations

import re
from typing import Any, Final

import jsonschema_rs
import pytest
from litestar.routes import HTTPRoute

from spot_optimizer.cli.openapi import document
from tests.application_under_test import Api
from tests.described_api import DOCUMENT, Undescribed, check

OPERATIONS: Final = [
    (method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
NAMES: Final = [f"{method} {path}" for method, path, _ in OPERATIONS]

# Pages, files and forms are not JSON.
WITHOUT_EXAMPLE: Final = {
    "/login",
    "/logout",
    "/docs",
    "/docs/swagger-ui-bundle.js",
    "/docs/swagger-ui.css",
    "/openapi.json",
    "/metrics",
}


def test_is_made_of_the_handlers_as_they_are(api: Api) -> None:
    packaged = api.get("/openapi.json", token=None)

    assert packaged.text == document(), "make openapi"


def test_knows_every_route_and_no_other(api: Api) -> None:
    served = {
        (method.lower(), route.path_format)
        for route in api.app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods - {"OPTIONS", "HEAD"}
    }

    assert {(method, path) for method, path, _ in OPERATIONS} == served


@pytest.mark.parametrize("operation", [it[2] for it in OPERATIONS], ids=NAMES)
def test_each_operation_says_what_it_answers(operation: dict[str, Any]) -> None:
    assert operation["summary"]
    assert operation["tags"]
    assert "security" in operation
    assert operation["responses"].keys() & {"200", "201"}
    assert "default" in operation["responses"]
    for answer in operation["responses"].values():
        for content in answer.get("content", {}).values():
            assert content["schema"]


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS, ids=NAMES)
def test_each_has_examples_that_are_as_it_says(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    shown = 0
    parts = [*operation["responses"].values(), operation.get("requestBody", {})]
    for part in parts:
        for content in part.get("content", {}).values():
            if "example" in content:
                shown += 1
                whole = {**content["schema"], "components": DOCUMENT["components"]}
                jsonschema_rs.Draft202012Validator(whole).validate(content["example"])
    assert shown or path in WITHOUT_EXAMPLE
    for status in ("200", "201"):
        json = operation["responses"].get(status, {}).get("content", {}).get("application/json")
        if json and path not in WITHOUT_EXAMPLE and "/export/" not in path:
            assert "example" in json or status == "200"


@pytest.mark.parametrize(
    ("method", "path", "status", "content_type", "body"),
    [
        ("GET", "/livez", 200, "application/json", b'{"status": 1}'),
        ("GET", "/livez", 200, "application/json", b"{}"),
        ("GET", "/livez", 200, "text/html", b"<p>"),
        ("GET", "/livez", 500, "application/json", b'{"message": "no"}'),
        ("GET", "/api/agents/x/config", 200, "application/json", b"[]"),
        ("GET", "/api/nothing", 200, "application/json", b"{}"),
        ("POST", "/api/agents/register", 201, "application/json", b'{"agent_id": "a"}'),
    ],
)
def test_an_answer_that_it_does_not_know_is_found_out(
    method: str, path: str, status: int, content_type: str, body: bytes
) -> None:
    with pytest.raises(Undescribed):
        check(method, path, status, content_type, body)


class TestThePage:
    def test_is_open_and_calls_nobody_else(self, api: Api) -> None:
        page = api.get("/docs", token=None)

        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert re.findall(r'(?:src|href)="(?!/docs/|data:)[^"]*"', page.text) == []
        assert "://" not in page.text

    @pytest.mark.parametrize("name", ["swagger-ui-bundle.js", "swagger-ui.css"])
    def test_is_made_of_files_in_the_package(self, api: Api, name: str) -> None:
        asset = api.get(f"/docs/{name}", token=None)

        assert asset.status_code == 200
        assert asset.headers["content-encoding"] == "gzip"
        assert len(asset.content) > 100_000
        assert "swagger" in asset.text

    @pytest.mark.parametrize("name", ["nothing", "..", "LICENSE", "swagger-ui.css.gz", "%2e%2e"])
    def test_has_no_other_files(self, api: Api, name: str) -> None:
        assert api.get(f"/docs/{name}", token=None).status_code == 404
