"""The page on which operators log in: HTML without scripts and without anything from elsewhere."""

from base64 import b64encode
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Final

from litestar import Response
from litestar.datastructures import Cookie
from litestar.enums import MediaType

_PACKAGE: Final = files("spot_optimizer.adapters.http")
_PAGE: Final = Template(_PACKAGE.joinpath("login.html").read_text(encoding="utf-8"))
_STYLE: Final = _PACKAGE.joinpath("login.css").read_text(encoding="utf-8")
_STYLE_SHA256: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()

_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_SHA256}'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # Stricter, and browsers would no longer say which page a form was on.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

# Without an action it goes to the address of the page itself, with the `next` in its query and
# with the fragment, which in some dashboards is the path and which no server gets to see.
_FORM: Final = """<form method="post">
<label for="token">Admin token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Log in</button>
</form>
<p class="hint">The server printed it at its first start;
<code>spot-optimizer admin token show</code> does so again.</p>"""

_LOGGED_IN: Final = Template("""<p>You are logged in.</p>
$link<form method="post" action="/logout"><button>Log out</button></form>""")


def asking(status: int = 200, alert: str | None = None, **headers: str) -> Response[str]:
    """For the token; `alert` says what was wrong with the last one."""
    told = "" if alert is None else f'<p role="alert">{escape(alert)}</p>\n'
    return _page("Log in", told + _FORM, status, headers)


def logged_in(onward: str | None) -> Response[str]:
    """With a way out, and one to the dashboard if there is one."""
    link = "" if onward is None else f'<p><a href="{escape(onward)}">Go on to the dashboard</a></p>'
    return _page("Logged in", _LOGGED_IN.substitute(link=link), 200, {})


def going_to(place: str, *cookies: Cookie) -> Response[str]:
    return Response(
        "",
        status_code=303,
        media_type=MediaType.HTML,
        headers={"Location": place, "Cache-Control": "no-store"},
        cookies=list(cookies),
    )


def _page(title: str, content: str, status: int, headers: dict[str, str]) -> Response[str]:
    page = _PAGE.substitute(title=title, style=_STYLE, content=content)
    return Response(
        page, status_code=status, media_type=MediaType.HTML, headers={**_HEADERS, **headers}
    )
