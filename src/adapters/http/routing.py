"""Route decorators, and how handlers get their work done.

Handlers are coroutines made by a function that is handed their collaborators. Litestar's own
injection resolves the dependencies of a request in tasks of a task group, which costs more than
all the rest of a small request. What blocks, as the database driver does, goes to a thread.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import partial
from typing import Any, Final, Literal, ParamSpec, TypeVar

import litestar
from litestar import Request

P = ParamSpec("P")
T = TypeVar("T")

AnyRequest = Request[Any, Any, Any]

_GET: Final[Sequence[Literal["GET", "HEAD"]]] = ("GET", "HEAD")

get = partial(litestar.route, http_method=_GET)
post = partial(litestar.post, status_code=200)
created = partial(litestar.post, status_code=201)
delete = partial(litestar.delete, status_code=200)


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls what would stop everybody else while it waits; it knows whose request it serves."""
    call = partial(copy_context().run, function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(None, call)
