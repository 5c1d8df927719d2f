"""`spot-optimizer openapi`: the document of the API, made from the handlers."""

from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from spot_optimizer.adapters.http.documentation.document import make_document
from spot_optimizer.bootstrap import Container
from spot_optimizer.settings import Settings


def document() -> str:
    """JSON with a line break at its end."""
    with TemporaryDirectory() as folder:
        unused = f"sqlite:///{folder}/unused.sqlite3"
        settings = Settings(database_url=unused, data_dir=Path(folder), admin_api_token="unused")  # noqa: S106  of nobody
        container = Container(settings=settings)
        handlers = [handler for feature in container.http() for handler in feature]
        made = make_document(handlers, version("spot-optimizer"))
    return msgspec.json.format(msgspec.json.encode(made), indent=1).decode() + "\n"
