"""Requests that Schemathesis makes up from the documentation are answered as it says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case

from tests.application_under_test import (
    OPERATOR_TOKEN,
    OWNER_TOKEN,
    Api,
    a_store_in,
    an_api,
    assert_decent,
    is_admin,
)
from tests.described_api import DOCUMENT

DOCUMENTED = schemathesis.openapi.from_dict(DOCUMENT)

# Pages and files, which have tests of their own.
# Schemathesis's own examples, one for each way to break a rule, take half a minute.
PHASES = [Phase.generate, *([Phase.explicit] if os.environ.get("REQUIRE_SERVICES") else [])]
_SENT = ("method", "url", "params", "headers", "json", "data", "files")
NO_JSON = [
    *(
        "/login",
        "/logout",
        "/docs",
        "/docs/swagger-ui-bundle.js",
        "/docs/swagger-ui.css",
        "/metrics",
        "/openapi.json",
    ),
    *("/api/admin/ml-models/upload", "/api/admin/decision-engine/upload"),
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with (
        a_store_in(tmp_path_factory.mktemp("store")) as store,
        an_api(store.url, tmp_path_factory.mktemp("data")) as api,
    ):
        store.empty()
        api.register()
        yield api


@DOCUMENTED.exclude(path=NO_JSON).parametrize()
@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    phases=PHASES,
    suppress_health_check=list(HealthCheck),
)
def test_is_answered_as_documented(case: Case[Any], api: Api) -> None:
    told = case.as_transport_kwargs(base_url="http://testserver.local")
    told = {
        name: told[name]
        for name in ("method", "url", "params", "headers", "json", "data", "files")
        if told.get(name) is not None
    }
    token = OPERATOR_TOKEN if is_admin(case.path) else OWNER_TOKEN
    headers = {**told.pop("headers", {}), "Authorization": f"Bearer {token}"}
    if isinstance(told.get("data"), bytes | str):
        told["content"] = told.pop("data")

    answer = api.http.request(**told, headers=headers)

    if "/export/" not in case.path and case.method != "OPTIONS":
        assert_decent(answer)
