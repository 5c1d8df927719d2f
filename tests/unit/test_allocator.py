"""Threads share their heaps."""

import ctypes
import subprocess
import sys

import pytest

# Eight threads hold memory at the same time; glibc then tells of each heap.
_PROGRAM = """
import ctypes, sys, threading
from spot_optimizer.cli.allocator import share_arenas

if sys.argv[1] == "shared":
    share_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.fdopen.restype = ctypes.c_void_p
holding = threading.Barrier(9)

def hold():
    libc.malloc(ctypes.c_size_t(100_000))
    holding.wait()

threads = [threading.Thread(target=hold) for _ in range(8)]
for thread in threads:
    thread.start()
holding.wait()
stream = libc.fdopen(1, b"w")
libc.malloc_info(0, ctypes.c_void_p(stream))
libc.fflush(ctypes.c_void_p(stream))
"""


def heaps(how: str) -> int:
    told = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-c", _PROGRAM, how], capture_output=True, check=True, text=True
    ).stdout
    return told.count("<heap nr=")


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_info"),
    reason="only glibc gives each thread a heap, and tells of them",
)
def test_threads_have_two_heaps_instead_of_one_each() -> None:
    assert heaps("shared") == 2
    assert heaps("as it is") > 2
