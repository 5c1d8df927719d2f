"""The only place where a refusal becomes a status code (ruling R4)."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from litestar import Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from spot_optimizer.adapters.http.access import Unauthorised
from spot_optimizer.adapters.http.idempotency import KeyUsedOtherwise, NothingToRememberIn
from spot_optimizer.adapters.http.paths import is_exact
from spot_optimizer.adapters.http.routing import AnyRequest
from spot_optimizer.adapters.http.session_cookie import SessionsUnavailable
from spot_optimizer.adapters.http.wire import UnsupportedMediaType
from spot_optimizer.application.ports.model_files import ModelFilesUnavailable
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable, TransactionLost
from spot_optimizer.domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    InvalidTransition,
    NotFound,
    Refused,
    ValidationFailed,
)
from spot_optimizer.domain.replicas.emergency import NoCapacity

logger = logging.getLogger(__name__)

ErrorResponse = Response[dict[str, Any]]

PROBLEM_JSON: Final = "application/problem+json"


STATUS_OF: Final[Mapping[type[DomainError], int]] = {
    ValidationFailed: 400,
    Refused: 400,
    InvalidTransition: 400,
    Unauthorised: 401,
    Forbidden: 403,
    NotFound: 404,
    NoCapacity: 500,
    Conflict: 409,
    UnsupportedMediaType: 415,
    KeyUsedOtherwise: 422,
    NothingToRememberIn: 503,
    SessionsUnavailable: 503,
    DomainError: 400,
}

# How the framework says that a body ended before its time; nobody reads the answer.
_GONE: Final = "client disconnected prematurely"

# What callers are told where the framework has its own words.
_FRAMEWORK_TEXTS: Final[Mapping[int, str]] = {
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Request body too large",
}


def answer(request: AnyRequest, status: int, body: dict[str, Any], **options: Any) -> ErrorResponse:
    """The error body that callers know, or the same as RFC 9457 problem details if they ask."""
    if PROBLEM_JSON in request.headers.get("Accept", ""):
        problem = {"type": "about:blank", "title": body["error"], "status": status, **body}
        return Response(problem, status_code=status, media_type=PROBLEM_JSON, **options)
    return Response(body, status_code=status, media_type="application/json", **options)


def _refused(request: AnyRequest, error: DomainError) -> ErrorResponse:
    status = next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)
    return answer(request, status, {"error": str(error), **error.details})


def _unavailable(request: AnyRequest, error: Exception) -> ErrorResponse:
    logger.error("%s %s: %s", request.method, request.url.path, error)
    return answer(request, 500, {"error": "Database unavailable"})


def _no_files(request: AnyRequest, error: Exception) -> ErrorResponse:
    logger.error("%s %s: model files: %s", request.method, request.url.path, error)
    return answer(request, 500, {"error": "Model storage unavailable"})


def _framework(request: AnyRequest, error: HTTPException) -> ErrorResponse:
    if error.detail == _GONE:
        logger.info("%s %s: its client has gone away", request.method, request.url.path)
        return answer(request, 400, {"error": "Bad Request"})
    if error.status_code >= 500:
        return _unexpected(request, error)
    if error.status_code == 405 and not is_exact(request.scope["raw_path"]):
        return answer(request, 404, {"error": _FRAMEWORK_TEXTS[404]})
    text = _FRAMEWORK_TEXTS.get(error.status_code, error.detail)
    return answer(request, error.status_code, {"error": text}, headers=error.headers)


def _unexpected(request: AnyRequest, error: Exception) -> ErrorResponse:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return answer(request, 500, {"error": "Internal server error"})


EXCEPTION_HANDLERS: Final[ExceptionHandlersMap] = {
    DomainError: _refused,
    StoreUnavailable: _unavailable,
    TransactionLost: _unavailable,
    ModelFilesUnavailable: _no_files,
    HTTPException: _framework,
    Exception: _unexpected,
}
