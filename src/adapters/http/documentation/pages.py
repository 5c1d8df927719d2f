"""The documentation as a page: Swagger UI out of the package, nothing from elsewhere."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Final

from litestar import Response
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler

from spot_optimizer.adapters.http.routing import AnyRequest, get, in_thread

_FOLDER: Final = files("spot_optimizer.adapters.http.documentation")
_ASSETS: Final = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
_SCRIPT: Final = (
    'SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, '
    "validatorUrl: null, tryItOutEnabled: false})"
)
_SCRIPT_SHA256: Final = b64encode(sha256(_SCRIPT.encode()).digest()).decode()
_PAGE: Final = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spot Optimizer: API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script>{_SCRIPT}</script>
</body>
</html>
"""
_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src 'self' 'sha256-{_SCRIPT_SHA256}'; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}
_LASTING: Final = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}


def documentation_handlers() -> list[HTTPRouteHandler]:
    """For everybody: the API is no secret, what it holds is."""

    @get("/docs")
    async def docs() -> Response[str]:
        """This API for people."""
        return Response(_PAGE, media_type=MediaType.HTML, headers=_HEADERS)

    @get([f"/docs/{name}" for name in _ASSETS])
    async def docs_asset(request: AnyRequest) -> Response[bytes]:
        """What the page is made of."""
        name = request.url.path.rpartition("/")[2]
        packed = await in_thread(_FOLDER.joinpath("swagger-ui", f"{name}.gz").read_bytes)
        headers = {**_LASTING, "Content-Encoding": "gzip"}
        return Response(packed, media_type=_ASSETS[name], headers=headers)

    @get("/openapi.json")
    async def openapi() -> Response[bytes]:
        """This API for programs, in OpenAPI 3.1."""
        document = await in_thread(_FOLDER.joinpath("openapi.json").read_bytes)
        return Response(document, media_type="application/json")

    return [docs, docs_asset, openapi]
