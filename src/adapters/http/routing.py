"""Route decorators, and what a handler may ask for.

Handlers that load and save by themselves are plain functions in a worker thread, because the
database driver blocks. Those of the routes that agents call all the time are coroutines: they
join what arrives together, and only the batch goes to a thread.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final, Literal, TypeVar

import litestar
from litestar.di import NamedDependency
from litestar.params import SkipValidation

T = TypeVar("T")

# A collaborator handed over by bootstrap under the parameter's name; it may be a Protocol.
Given = NamedDependency[SkipValidation[T]]

_GET: Final[Sequence[Literal["GET", "HEAD"]]] = ("GET", "HEAD")

get = partial(litestar.route, http_method=_GET, sync_to_thread=True)
post = partial(litestar.post, sync_to_thread=True, status_code=200)
created = partial(litestar.post, sync_to_thread=True, status_code=201)

get_joined = partial(litestar.route, http_method=_GET)
post_joined = partial(litestar.post, status_code=200)
