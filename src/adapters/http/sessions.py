import re
from typing import Final
from urllib.parse import parse_qs, quote

from litestar import Response
from litestar.handlers import HTTPRouteHandler

from spot_optimizer.adapters.http import login_page, session_cookie
from spot_optimizer.adapters.http.access import Gatekeeper, operator_at
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread, post
from spot_optimizer.adapters.http.session_cookie import SessionCookie, SessionsUnavailable
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable, TransactionLost
from spot_optimizer.application.sessions.attempts import WINDOW, TooManyAttempts
from spot_optimizer.application.sessions.log_in import LogIn, WrongToken
from spot_optimizer.application.sessions.log_out import LogOut
from spot_optimizer.domain.errors import Forbidden

LOGIN: Final = "/login"

# A path of this server and nothing that a browser takes for another host (`//x`, `/\x`).
_LOCAL: Final = re.compile(r"/(?!/)[!-\[\]-~]*")

_MINUTES: Final = int(WINDOW.total_seconds()) // 60


def login_for(request: AnyRequest) -> str:
    """The address of the login page that leads back to where the request wanted to go."""
    wanted = request.scope["raw_path"]
    if request.scope["query_string"]:
        wanted += b"?" + request.scope["query_string"]
    return f"{LOGIN}?next={quote(wanted, safe='')}"


def wants_a_page(request: AnyRequest) -> bool:
    """Whether a person looks at the answer, and not a program or a part of a page."""
    return "text/html" in request.headers.get("Accept", "")


def session_handlers(
    *,
    gatekeeper: Gatekeeper,
    cookie: SessionCookie,
    log_in: LogIn,
    log_out: LogOut,
    has_dashboard: bool,
) -> list[HTTPRouteHandler]:
    """Logging in and out, in a browser."""
    home = "/" if has_dashboard else None

    def destination(request: AnyRequest) -> str | None:
        asked: str = request.query_params.get("next", "")
        return asked if _LOCAL.fullmatch(asked) else home

    @get(LOGIN)
    async def page(request: AnyRequest) -> Response[str]:
        try:
            if await cookie.opens(request):
                return login_page.logged_in(destination(request))
        except SessionsUnavailable:
            return login_page.asking(503, _UNAVAILABLE)
        return login_page.asking()

    @post(LOGIN)
    async def submit(request: AnyRequest) -> Response[str]:
        token = _token(await request.body())
        try:
            session_cookie.check_same_origin(request)
            secret = await in_thread(log_in, token, operator_at(request))
        except Forbidden:
            return login_page.asking(403, _FOREIGN)
        except WrongToken:
            return login_page.asking(401, "This is not the admin token.")
        except TooManyAttempts:
            seconds = str(int(WINDOW.total_seconds()))
            return login_page.asking(429, _TOO_MANY, **{"Retry-After": seconds})
        except (StoreUnavailable, TransactionLost):
            return login_page.asking(503, _UNAVAILABLE)
        return login_page.going_to(
            destination(request) or LOGIN, session_cookie.issued(request, secret)
        )

    @post("/logout")
    async def leave(request: AnyRequest) -> Response[str]:
        secret = session_cookie.presented(request)
        if secret is not None and await cookie.opens(request):
            await in_thread(log_out, secret, operator_at(request))
        elif not wants_a_page(request):
            await gatekeeper.operator_only(request)
        return login_page.going_to(LOGIN, session_cookie.withdrawn(request))

    return [page, submit, leave]


_FOREIGN: Final = (
    "This form was not sent by the page of this server. A proxy in between has to pass on the "
    "Host header."
)
_TOO_MANY: Final = f"Too many wrong tokens from your address. Try again in {_MINUTES} minutes."
_UNAVAILABLE: Final = "Sessions cannot be opened at the moment. Try again later."


def _token(form: bytes) -> str:
    """Without the blanks that copying adds; empty if there is none."""
    try:
        fields = parse_qs(form.decode(), max_num_fields=10)
    except ValueError:
        return ""
    return fields.get("token", [""])[0].strip()
