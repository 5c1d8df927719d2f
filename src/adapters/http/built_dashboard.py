"""A built dashboard, served from the origin of the API so that it needs no login of its own.

Whatever path the API does not have is a file of the dashboard, or one of the paths that its own
router knows: those are all its index.
"""

import re
from dataclasses import dataclass
from hashlib import sha256
from mimetypes import MimeTypes
from pathlib import Path
from typing import Final

from litestar import Response
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler

from spot_optimizer.adapters.http import login_page
from spot_optimizer.adapters.http.access import Gatekeeper, Unauthorised
from spot_optimizer.adapters.http.paths import TAKES_ANY_PATH
from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread
from spot_optimizer.adapters.http.sessions import login_for, wants_a_page

INDEX: Final = "index.html"

# What build tools name by its content, and so never change: `assets/index-BxY12abc.js`.
_NAMED_BY_CONTENT: Final = re.compile(
    r"(?:assets|static)/.*[.-](?=[\w-]*[0-9])(?=[\w-]*[A-Za-z])[\w-]{8,}(?:\.[a-z0-9]+)+"
)
_KEPT_FOR_A_YEAR: Final = "private, max-age=31536000, immutable"
_ASKED_FOR_EACH_TIME: Final = "private, no-cache"

_TYPES: Final = MimeTypes()
for _type, _extension in (  # those that Python 3.11 does not know
    ("application/json", ".map"),
    ("application/manifest+json", ".webmanifest"),
    ("font/woff", ".woff"),
    ("font/woff2", ".woff2"),
    ("image/avif", ".avif"),
    ("image/webp", ".webp"),
):
    _TYPES.add_type(_type, _extension)


@dataclass(frozen=True, slots=True)
class BuiltDashboard:
    """The files under a directory, as they are at the moment: it may be replaced at any time."""

    directory: Path

    def read(self, path: str) -> bytes | None:
        """None for what is no file, is hidden, or is reached by a link that leads out."""
        if any(part.startswith(".") for part in path.split("/")):
            return None
        try:
            root = self.directory.resolve(strict=True)
            file = (root / path).resolve(strict=True)
            return file.read_bytes() if file.is_relative_to(root) and file.is_file() else None
        # A path that no file system takes is no file's either; RuntimeError: links in a circle.
        except (OSError, ValueError, RuntimeError):
            return None


def dashboard_handlers(*, gatekeeper: Gatekeeper, directory: Path | None) -> list[HTTPRouteHandler]:
    """None without a dashboard."""
    if directory is None:
        return []
    dashboard = BuiltDashboard(directory)

    @get(["/", "/{path:path}"], opt={TAKES_ANY_PATH: True})
    async def serve(request: AnyRequest) -> Response[bytes] | Response[str]:
        try:
            await gatekeeper.operator_only(request)
        except Unauthorised:
            if not wants_a_page(request):
                raise
            return login_page.going_to(login_for(request))
        path = str(request.path_params.get("path", "")).strip("/") or INDEX
        content = await in_thread(dashboard.read, path)
        if content is None and wants_a_page(request):
            path, content = INDEX, await in_thread(dashboard.read, INDEX)
        if content is None:
            raise NotFoundException
        return _answer(request, path, content)

    return [serve]


def _answer(request: AnyRequest, path: str, content: bytes) -> Response[bytes]:
    etag = f'"{sha256(content).hexdigest()[:32]}"'
    named_by_content = _NAMED_BY_CONTENT.fullmatch(path)
    headers = {
        "Cache-Control": _KEPT_FOR_A_YEAR if named_by_content else _ASKED_FOR_EACH_TIME,
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }
    known = request.headers.get("If-None-Match", "").split(",")
    if etag in {tag.strip().removeprefix("W/") for tag in known}:
        return Response(b"", status_code=304, headers=headers)
    kind, _ = _TYPES.guess_type(path)
    return Response(content, media_type=kind or "application/octet-stream", headers=headers)
