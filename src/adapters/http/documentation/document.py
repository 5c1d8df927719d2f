"""The API in OpenAPI 3.1, from the handlers themselves.

The framework tells paths and answers from the handlers' types. What they take apart by themselves
and what is common to all, as refusals are, is added here. It is made when the code changes, not
while the server runs: `make openapi`.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from importlib.resources import files
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig

from spot_optimizer.adapters.http.dashboard.agents import AgentItem, PastAgentItem
from spot_optimizer.adapters.http.dashboard.instances import InstanceItem
from spot_optimizer.adapters.http.dashboard.switches import SwitchItem
from spot_optimizer.adapters.http.documentation.bodies import JSON_BODIES, OTHER_BODIES, QUERIES

Json = dict[str, Any]

PACKAGE: Final = "spot_optimizer.adapters.http.documentation"

_JSON: Final = "application/json"
_PROBLEM: Final = "application/problem+json"

_ABOUT: Final = """\
Agents on spot instances report to this API, dashboards read it, operators administer it.

* **Credentials.** `Authorization: Bearer …` with a client's token, or with the operator's, which
  opens every route. Agents may send their token as `client_token` in the body instead. Browsers
  that have logged in at `/login` send a cookie.
* **Errors** are `{"error": "…"}` with further keys where they help; with
  `Accept: application/problem+json` they are RFC 9457 problem details that keep these keys.
* **Repeated requests do no harm**: any POST may carry an `Idempotency-Key`.
* **Times** are UTC without an offset, prices USD per hour.
* Every answer has an `X-Request-ID`, the one that was sent or a new one.
* HEAD works wherever GET does.
"""

_TAGS: Final[Sequence[tuple[str, str, str]]] = (
    ("/api/agents/", "Agents", "What the programs on the instances call."),
    ("/api/admin/", "Operators", "Administration over all clients."),
    ("/api/client/", "Clients", "What dashboards of one client call."),
    ("/api/notifications", "Notifications", "What clients are told."),
    ("/log", "Sessions", "Logging in and out, in a browser."),
    ("/", "Service", "Probes, figures and this documentation."),
)

_ERROR: Final[Json] = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
    "additionalProperties": True,
    "description": "What was wrong, in words; some errors have further keys, such as `details`.",
}
_PROBLEM_DETAILS: Final[Json] = {
    "type": "object",
    "required": ["type", "title", "status", "error"],
    "properties": {
        "type": {"const": "about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "error": {"type": "string"},
    },
    "additionalProperties": True,
    "description": "RFC 9457",
}
_EXAMPLES_OF_ERRORS: Final[Mapping[int, Json]] = {
    400: {
        "error": "Validation failed",
        "details": {"instance_id": ["Missing data for required field."]},
    },
    401: {"error": "Missing client token"},
    403: {"error": "Client account is not active"},
    404: {"error": "Agent not found"},
    409: {"error": "A request with this Idempotency-Key is under way"},
    413: {"error": "Request body too large"},
    415: {"error": "Content-Type must be application/json"},
    422: {"error": "Idempotency-Key was used with another request"},
    429: {"error": "Too many attempts"},
    500: {"error": "Database unavailable"},
    503: {"error": "Sessions are not available"},
}

# Answers that are neither what the handler's type says nor an error as above.
_FURTHER: Final[Mapping[tuple[str, str], Mapping[int, str]]] = {
    ("get", "/health"): {200: "Healthy", 500: "Unhealthy"},
    ("get", "/readyz"): {503: "Probe"},
    ("post", "/api/admin/ml-models/activate"): {500: "NothingLoaded"},
    ("post", "/api/admin/ml-models/fallback"): {500: "NothingLoaded"},
    ("post", "/api/admin/decision-engine/upload"): {500: "NothingLoaded"},
    ("post", "/api/agents/{agent_id}/issue-switch-command"): {200: "AlreadyThere"},
}

# Made of columns, one for each pool, which a type cannot say.
_CHART: Final[Json] = {
    "type": "object",
    "required": ["data", "pools", "onDemandPrice"],
    "properties": {
        "data": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["time", "onDemand"],
                "properties": {"time": {"type": "string"}, "onDemand": {"type": "number"}},
                "additionalProperties": {"type": ["number", "null"]},
                "description": "A price for each `key` of `pools` that has one",
            },
        },
        "pools": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["id", "name", "az", "key"],
                "properties": {
                    "id": {"type": "string"},
                    "name": {"type": "string"},
                    "az": {"type": ["string", "null"]},
                    "key": {"type": "string"},
                },
            },
        },
        "onDemandPrice": {"type": "number"},
    },
}
_ANYTHING: Final[Json] = {"type": "string", "format": "binary"}
_EXPORTED: Final[Mapping[str, Json]] = {
    "text/csv": {"type": "string"},
    _JSON: {"type": "array", "items": {"type": "object"}},
    "application/vnd.apache.parquet": _ANYTHING,
}
_MEDIA_TYPES: Final[Mapping[str, Mapping[str, Json]]] = {
    "/metrics": {"text/plain": {"type": "string"}},
    "/docs/swagger-ui-bundle.js": {"text/javascript": {"type": "string"}},
    "/docs/swagger-ui.css": {"text/css": {"type": "string"}},
    "/openapi.json": {_JSON: {"type": "object"}},
    "/api/client/instances/{instance_id}/price-history": {
        _JSON: {
            "anyOf": [
                {"$ref": "#/components/schemas/Chart"},
                {"type": "array", "maxItems": 0, "description": "No pool is known."},
            ]
        }
    },
}

# Lists that a handler encodes by itself, by what they are made of.
_ENCODED: Final[Mapping[str, type[msgspec.Struct]]] = {
    "/api/client/{client_id}/agents": AgentItem,
    "/api/client/{client_id}/agents/history": PastAgentItem,
    "/api/client/{client_id}/instances": InstanceItem,
    "/api/client/{client_id}/switch-history": SwitchItem,
}
_LISTED: Final = "Listed{name}"

_PUBLIC: Final = frozenset({"/health", "/livez", "/readyz", "/login", "/openapi.json"})
_HTML: Final = frozenset({"/login", "/logout", "/docs"})


def make_document(handlers: Sequence[HTTPRouteHandler], version: str) -> Json:
    """The whole document, without answers to HEAD."""
    config = OpenAPIConfig(
        title="Spot Optimizer", version=version, description=_ABOUT, use_handler_docstrings=True
    )
    schema: Json = Litestar(handlers, openapi_config=config).openapi_schema.to_schema()
    components = schema["components"]["schemas"]
    components |= {"Error": _ERROR, "Problem": _PROBLEM_DETAILS, "Chart": _CHART}
    _, listed = msgspec.json.schema_components(
        _ENCODED.values(), ref_template=f"#/components/schemas/{_LISTED}"
    )
    components |= {_LISTED.format(name=name): item for name, item in listed.items()}
    schema["components"]["securitySchemes"] = {
        "clientToken": {"type": "http", "scheme": "bearer", "description": "Of one client."},
        "adminToken": {"type": "http", "scheme": "bearer", "description": "Of the operator."},
    }
    schema["tags"] = [{"name": name, "description": text} for _, name, text in _TAGS]
    schema.pop("servers", None)
    _admit_likenesses(schema)
    examples: Mapping[str, Json] = msgspec.json.decode(
        files(PACKAGE).joinpath("examples.json").read_bytes()
    )
    schema["paths"] = dict(sorted(schema["paths"].items()))
    for path, operations in schema["paths"].items():
        operations.pop("head", None)
        operations.pop("options", None)
        for method, operation in operations.items():
            _complete(operation, method, path)
            _illustrate(operation, examples.get(f"{method} {path}", {}))
    return schema


def _admit_likenesses(part: object) -> None:
    """An answer of one kind may look like another, too."""
    if isinstance(part, dict):
        if "oneOf" in part:
            part["anyOf"] = part.pop("oneOf")
        for inner in part.values():
            _admit_likenesses(inner)
    elif isinstance(part, list):
        for inner in part:
            _admit_likenesses(inner)


def _complete(operation: Json, method: str, path: str) -> None:
    operation["tags"] = [next(name for start, name, _ in _TAGS if path.startswith(start))]
    if _is_public(path):
        operation["security"] = []
    elif path.startswith("/api/admin/") or path in {"/metrics", "/logout"}:
        operation["security"] = [{"adminToken": []}]
    else:
        operation["security"] = [{"clientToken": []}, {"adminToken": []}]
    for name, schema in QUERIES.get(path, ()) if method == "get" or path == "/login" else ():
        parameter = {"name": name, "in": "query", "required": False, "schema": schema}
        operation.setdefault("parameters", []).append(parameter)
    if body := JSON_BODIES.get((method, path)):
        operation["requestBody"] = {"content": {_JSON: {"schema": body}}}
    if other := OTHER_BODIES.get((method, path)):
        media_type, form = other
        operation["requestBody"] = {"content": {media_type: {"schema": form}}}
    operation["responses"] = _responses(operation["responses"], method, path)


def _responses(told: Json, method: str, path: str) -> Json:
    """What the handler's type says for its own status; then what is special; else an error."""
    status = "201" if "201" in told else "200"
    success = told[status]
    if item := _ENCODED.get(path):
        items = {"$ref": f"#/components/schemas/{_LISTED.format(name=item.__name__)}"}
        success["content"][_JSON]["schema"] = {"type": "array", "items": items}
    if types := _MEDIA_TYPES.get(path) or ("/export/" in path and _EXPORTED):
        success = {
            "description": success["description"],
            "content": {name: {"schema": schema} for name, schema in types.items()},
        }
    if path in _HTML:
        html: Json = {"text/html": {"schema": {"type": "string"}}}
        redirect: Json = {"description": "Elsewhere", "content": html}
        pages = {"200": {"description": "A page", "content": html}, "303": redirect}
        either: Json = {**html, **_refusal(401)["content"]}
        refused = {code: {"description": "A page", "content": either} for code in ("401", "403")}
        others = {"description": "Any other refusal", "content": either}
        return {**pages, **refused, "default": others}
    responses: Json = {status: success}
    for code, component in _FURTHER.get((method, path), {}).items():
        special: Json = {"schema": {"$ref": f"#/components/schemas/{component}"}}
        if code == HTTPStatus.INTERNAL_SERVER_ERROR:  # which anything else may be, too
            usual = _refusal(code)["content"]
            special = {"schema": {"anyOf": [special["schema"], usual[_JSON]["schema"]]}}
        responses[str(code)] = {
            "description": HTTPStatus(code).phrase,
            "content": {_JSON: special},
        }
    expected = {400, 413, 500} | (set() if _is_public(path) else {401, 403})
    expected |= {404} if "{" in path else set()
    expected |= {409, 415, 422} if method in {"post", "put"} else set()
    for code in sorted(expected):
        responses.setdefault(str(code), _refusal(code))
    return {**responses, "default": _either()}


def _is_public(path: str) -> bool:
    return path in _PUBLIC or path.startswith("/docs")


def _refusal(code: int) -> Json:
    return {
        "description": HTTPStatus(code).phrase,
        "content": {
            _JSON: {
                "schema": {"$ref": "#/components/schemas/Error"},
                "example": _EXAMPLES_OF_ERRORS[code],
            },
            _PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}},
        },
    }


def _either() -> Json:
    refusal = _refusal(500)
    return {**refusal, "description": "Any other refusal"}


def _illustrate(operation: Json, example: Json) -> None:
    body = operation.get("requestBody", {}).get("content", {}).get(_JSON)
    if body is not None and "request" in example:
        body["example"] = example["request"]
    for status, answer in example.get("responses", {}).items():
        content = operation["responses"].get(status, {}).get("content", {}).get(_JSON)
        if content is not None:
            content["example"] = answer
