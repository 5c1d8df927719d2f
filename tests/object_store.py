"""An object store that speaks S3, in this process: moto, behind a port of its own."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch
from uuid import uuid4

import fsspec

from tests.processes import LOCAL, a_free_port


@contextmanager
def an_object_store() -> Iterator[None]:
    """What `s3://` leads to meanwhile, for this process and those that it starts."""
    from moto.server import ThreadedMotoServer  # takes a second, and few tests need it

    port = a_free_port()
    server = ThreadedMotoServer(LOCAL, port, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    access = {
        "AWS_ENDPOINT_URL_S3": f"http://{LOCAL}:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
    with patch.dict(os.environ, access):
        server.start()
        try:
            yield
        finally:
            server.stop()


def a_bucket() -> str:
    """The URL of a new one."""
    name = f"models-{uuid4().hex}"
    fsspec.filesystem("s3", use_listings_cache=False).mkdir(name)
    return f"s3://{name}"
