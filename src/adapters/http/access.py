"""Who is asking. Answered once per request, before the handler (ruling R1)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from typing import Final, TypeVar

from spot_optimizer.adapters.http.batching import Joined
from spot_optimizer.adapters.http.routing import AnyRequest, in_thread
from spot_optimizer.adapters.http.session_cookie import SessionCookie
from spot_optimizer.adapters.http.wire import decoded
from spot_optimizer.application.authenticate import (
    Asked,
    NotAdmitted,
    RecordRefusedCredentials,
    Stranger,
)
from spot_optimizer.application.ports.credentials import TokenOwner
from spot_optimizer.domain.callers import Caller, CallerKind
from spot_optimizer.domain.errors import DomainError, Forbidden, ValidationFailed

_SCHEME: Final = "bearer"

Q = TypeVar("Q")
A = TypeVar("A")


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
        Forbidden: the token of a client that is not active, or the session of an operator whose
            browser is made to change something by a page of another origin.
    """

    authenticate: Joined[str, TokenOwner | None]
    refused: RecordRefusedCredentials
    operator: OperatorAccess
    session: SessionCookie

    async def client_or_operator(self, request: AnyRequest) -> Caller:
        """For the routes that agents call, always with a token."""
        who = await self._approach(request)
        return who if isinstance(who, Caller) else await self._admit(who, request)

    async def ask(
        self, request: AnyRequest, joined: Joined[Asked[Q], A], question: Callable[[Caller], Q]
    ) -> A:
        """As `client_or_operator` and then the question, on one way to the database."""
        return await self._ask(request, await self._approach(request), joined, question)

    async def ask_with_body(
        self,
        request: AnyRequest,
        joined: Joined[Asked[Q], A],
        question: Callable[[], Awaitable[Callable[[Caller], Q]]],
    ) -> A:
        """As `ask`, where the question has to be read first."""
        who = await self._approach(request)
        try:
            asked = await question()
        except Exception:  # who is not let in is not told what is wrong with the body
            if isinstance(who, Stranger):
                await self._admit(who, request)
            raise
        return await self._ask(request, who, joined, asked)

    async def dashboard(self, request: AnyRequest) -> Caller:
        """For the routes that dashboards call: as `client_or_operator`, and on an open server
        also for those who present nothing (class O of contract/clients-and-notifications.md)."""
        unseen = await self._let_in_unseen(request)
        return unseen or await self.client_or_operator(request)

    async def ask_at_dashboard(
        self, request: AnyRequest, joined: Joined[Asked[Q], A], question: Callable[[Caller], Q]
    ) -> A:
        """As `dashboard` and then the question, on one way to the database."""
        unseen = await self._let_in_unseen(request)
        if unseen is not None:
            return await self._ask(request, unseen, joined, question)
        return await self.ask(request, joined, question)

    async def ask_at_dashboard_with_body(
        self,
        request: AnyRequest,
        joined: Joined[Asked[Q], A],
        question: Callable[[], Awaitable[Callable[[Caller], Q]]],
    ) -> A:
        """As `dashboard`, then as `ask_with_body`."""
        unseen = await self._let_in_unseen(request)
        if unseen is not None:
            return await self._ask(request, unseen, joined, await question())
        return await self.ask_with_body(request, joined, question)

    async def operator_only(self, request: AnyRequest) -> Caller:
        token = _header_token(request)
        if token is None:
            if await self.session.opens(request):
                return operator_at(request)
            if self.operator.mode is AdminAuth.OPEN:
                return _caller(request, CallerKind.ANONYMOUS)
            raise Unauthorised("Missing admin token")
        if not self.operator.opens(token):
            raise Unauthorised("Invalid admin token")
        return operator_at(request)

    async def operator_or(self, request: AnyRequest, further_token: str | None) -> None:
        """For a route that one more token opens, and nothing but that route."""
        token = _header_token(request)
        if (
            token is None
            or further_token is None
            or not compare_digest(token.encode(), further_token.encode())
        ):
            await self.operator_only(request)

    async def known_as(self, request: AnyRequest, body: bytes) -> str | None:
        """A name that stands for one caller only, whatever token it presents; None for one who is
        let in nowhere."""
        token = _header_token(request) or _token_within(body)
        if token is None:
            in_session = await self.session.opens(request)
            return CallerKind.OPERATOR if in_session else CallerKind.ANONYMOUS
        if self.operator.opens(token):
            return CallerKind.OPERATOR
        owner = await self.authenticate(token)
        return None if owner is None or not owner.is_active else owner.client_id

    async def _let_in_unseen(self, request: AnyRequest) -> Caller | None:
        """On an open server, who presents nothing; with a session it is still the operator."""
        if self.operator.mode is not AdminAuth.OPEN or await _presents_something(request):
            return None
        if await self.session.opens(request):
            return operator_at(request)
        return _caller(request, CallerKind.ANONYMOUS)

    async def _approach(self, request: AnyRequest) -> Caller | Stranger:
        token = _header_token(request) or _token_within(await request.body())
        if token is None:
            if await self.session.opens(request):
                return operator_at(request)
            raise Unauthorised("Missing client token")
        if self.operator.opens(token):
            return operator_at(request)
        return Stranger(token, *_origin(request))

    async def _admit(self, stranger: Stranger, request: AnyRequest) -> Caller:
        owner = await self.authenticate(stranger.token)
        if owner is None or not owner.is_active:
            raise await self._refusal(owner, request)
        return stranger.as_client(owner)

    async def _ask(
        self,
        request: AnyRequest,
        who: Caller | Stranger,
        joined: Joined[Asked[Q], A],
        question: Callable[[Caller], Q],
    ) -> A:
        try:
            return await joined((who, question))
        except NotAdmitted as refused:
            raise await self._refusal(refused.owner, request) from refused

    async def _refusal(self, owner: TokenOwner | None, request: AnyRequest) -> DomainError:
        """Put on record, and told."""
        if owner is None:
            nobody = _caller(request, CallerKind.ANONYMOUS)
            await in_thread(self.refused.unknown_token, request.url.path, nobody)
            return Unauthorised("Invalid client token")
        client = _caller(request, CallerKind.CLIENT, owner)
        await in_thread(self.refused.inactive_client, owner.client_id, client)
        return Forbidden("Client account is not active")


def operator_at(request: AnyRequest) -> Caller:
    """The operator, where the request comes from."""
    return _caller(request, CallerKind.OPERATOR)


def _header_token(request: AnyRequest) -> str | None:
    return _token_in(request.headers.get("Authorization", ""))


async def _presents_something(request: AnyRequest) -> bool:
    return (_header_token(request) or _token_within(await request.body())) is not None


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
    address, user_agent = _origin(request)
    return Caller(
        kind=kind,
        client_id=None if owner is None else owner.client_id,
        address=address,
        user_agent=user_agent,
    )


def _origin(request: AnyRequest) -> tuple[str | None, str | None]:
    """The address, and what calls itself so there."""
    return request.client.host if request.client else None, request.headers.get("User-Agent")
