"""The cookie by which a browser presents the session of an operator (ruling R1)."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from litestar.datastructures import Cookie

from spot_optimizer.adapters.http.routing import AnyRequest, in_thread
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from spot_optimizer.application.sessions.open_sessions import LIFETIME, OpenSessions
from spot_optimizer.domain.errors import DomainError, Forbidden

NAME: Final = "spot_optimizer_session"

_READING: Final = ("GET", "HEAD", "OPTIONS")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class SessionsUnavailable(DomainError):
    """Nobody can say whether the session is open."""

    def __init__(self) -> None:
        super().__init__("Session store unavailable")


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """Says whether a request comes from a browser in which an operator has logged in."""

    sessions: OpenSessions

    async def opens(self, request: AnyRequest) -> bool:
        """One that is over counts as none: browsers send it unasked.

        Raises:
            Forbidden: a page of another origin makes the browser change something.
            SessionsUnavailable: as it says.
        """
        secret = presented(request)
        if secret is None:
            return False
        try:
            found = await in_thread(self.sessions.find, secret)
        except StoreUnavailable as unavailable:
            raise SessionsUnavailable from unavailable
        if found is None:
            return False
        if request.method not in _READING:
            check_same_origin(request)
        return True


def presented(request: AnyRequest) -> str | None:
    """The secret of the session, if there is one."""
    return request.cookies.get(NAME) or None


def issued(request: AnyRequest, secret: str) -> Cookie:
    return _cookie(request, secret, int(LIFETIME.total_seconds()))


def withdrawn(request: AnyRequest) -> Cookie:
    return _cookie(request, "", 0)


def check_same_origin(request: AnyRequest) -> None:
    """Browsers say which page makes them ask; who says nothing is no browser of today.

    `Sec-Fetch-Site` counts more: it is right also where a proxy changes the name of the host, but
    browsers send it only over TLS and to the machine they run on (Fetch Metadata, W3C).

    Raises:
        Forbidden: not a page of this server.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        is_ours = site == "same-origin"
    else:
        here = _normal(f"{request.scope['scheme']}://{request.headers.get('Host', '')}")
        is_ours = here is not None and _normal(request.headers.get("Origin", "")) == here
    if not is_ours:
        raise Forbidden("Request from another origin")


def _cookie(request: AnyRequest, value: str, seconds: int) -> Cookie:
    return Cookie(
        key=NAME,
        value=value,
        path="/",
        max_age=seconds,
        httponly=True,
        samesite="strict",
        secure=request.scope["scheme"] == "https",
    )


def _normal(origin: str) -> tuple[str, str, int | None] | None:
    """The same for all spellings of one origin; None for what is none."""
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return None
    if not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _DEFAULT_PORTS.get(parts.scheme)
