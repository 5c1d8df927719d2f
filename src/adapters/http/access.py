"""Who is asking. Answered once per request, before the handler (ruling R1)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.routing import AnyRequest, in_thread
from spot_optimizer.adapters.http.wire import decoded
from spot_optimizer.application.authenticate import RecordRefusedCredentials
from spot_optimizer.application.ports.credentials import TokenOwner
from spot_optimizer.domain.callers import Caller, CallerKind
from spot_optimizer.domain.errors import DomainError, Forbidden, ValidationFailed

_SCHEME: Final = "bearer"


class Unauthorised(DomainError):
    """Who asks is not known."""


class AdminAuth(StrEnum):
    TOKEN = "token"  # noqa: S105  a word, not a secret
    """The operator presents the admin token."""
    OPEN = "open"
    """Operator routes ask for nothing, as the former server did."""


@dataclass(frozen=True, slots=True)
class OperatorAccess:
    """How operators are told from others; the token itself is not kept."""

    token_sha256: Callable[[], str]
    """In hex; asked each time, because tokens are rotated while the server runs."""
    mode: AdminAuth

    def opens(self, token: str) -> bool:
        return compare_digest(sha256(token.encode()).hexdigest(), self.token_sha256())


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """Finds out who asks.

    Raises:
        Unauthorised: no token, or one that nobody has.
        Forbidden: the token of a client that is not active.
    """

    authenticate: Joined[str, TokenOwner | None]
    refused: RecordRefusedCredentials
    operator: OperatorAccess

    async def client_or_operator(self, request: AnyRequest) -> Caller:
        """For the routes that agents call, always with a token."""
        token = _header_token(request) or _token_within(await request.body())
        if token is None:
            raise Unauthorised("Missing client token")
        return await self._owner_of(token, request)

    async def operator_only(self, request: AnyRequest) -> Caller:
        token = _header_token(request)
        if token is None:
            if self.operator.mode is AdminAuth.OPEN:
                return _caller(request, CallerKind.ANONYMOUS)
            raise Unauthorised("Missing admin token")
        if not self.operator.opens(token):
            raise Unauthorised("Invalid admin token")
        return _caller(request, CallerKind.OPERATOR)

    async def known_as(self, authorization: str, body: bytes) -> str | None:
        """A name that stands for one caller only, whatever token it presents; None for one who is
        let in nowhere."""
        token = _token_in(authorization) or _token_within(body)
        if token is None:
            return CallerKind.ANONYMOUS
        if self.operator.opens(token):
            return CallerKind.OPERATOR
        owner = await self.authenticate(token)
        return None if owner is None or not owner.is_active else owner.client_id

    async def _owner_of(self, token: str, request: AnyRequest) -> Caller:
        if self.operator.opens(token):
            return _caller(request, CallerKind.OPERATOR)
        owner = await self.authenticate(token)
        if owner is None:
            await in_thread(
                self.refused.unknown_token, request.url.path, _caller(request, CallerKind.ANONYMOUS)
            )
            raise Unauthorised("Invalid client token")
        caller = _caller(request, CallerKind.CLIENT, owner)
        if not owner.is_active:
            await in_thread(self.refused.inactive_client, owner.client_id, caller)
            raise Forbidden("Client account is not active")
        return caller


def _header_token(request: AnyRequest) -> str | None:
    return _token_in(request.headers.get("Authorization", ""))


def _token_in(authorization: str) -> str | None:
    """The word Bearer is optional and may be written in any case; alone it is no token."""
    value = authorization.strip()
    scheme, _, rest = value.partition(" ")
    token = rest.strip() if scheme.lower() == _SCHEME else value
    return token or None


def _token_within(body: bytes) -> str | None:
    try:
        document = decoded(body)
    except ValidationFailed:
        return None
    told = document.get("client_token") if isinstance(document, dict) else None
    return told.strip() or None if isinstance(told, str) else None


def _caller(request: AnyRequest, kind: CallerKind, owner: TokenOwner | None = None) -> Caller:
    return Caller(
        kind=kind,
        client_id=None if owner is None else owner.client_id,
        address=request.client.host if request.client else None,
        user_agent=request.headers.get("User-Agent"),
    )
