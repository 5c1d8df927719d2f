"""Python's garbage collector, kept out of the way of a start."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collections() -> Iterator[None]:
    """What is imported and built meanwhile is there to stay. Looking through all of it for garbage
    again and again takes a sixth of the start, and then a part of every collection."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
