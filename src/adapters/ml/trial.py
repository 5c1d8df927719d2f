"""A file is opened for the first time in a process of its own.

Nothing in it is executed, and still it may take all memory or never come to an end; then that
process ends, and not the one that answers agents. It knows none of the server's secrets: neither
memory nor environment are shared with it.
"""

import resource
import select
import subprocess
import sys
from collections.abc import Callable, Collection
from threading import Lock
from time import monotonic
from typing import Final

from spot_optimizer.adapters.ml.predictors import FORMATS, NotAModel

# A hundred megabytes of figures fit, with the libraries that open them.
_MEMORY_BYTES: Final = 3 * 1024**3
_PROCESSOR_S: Final = 20
# Many times what it takes where there are others to wait for.
_PATIENCE_S: Final = 60
# For a process that waits for a file; it is given none in the last minute.
_WAITS_S: Final = 600
_IS_TAKEN_FOR_S: Final = _WAITS_S - 60
_REFUSED: Final = 3


def start(extension: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  our own program; the file is its input
        [sys.executable, "-I", "-m", __name__, extension],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )


class TrialProcesses:
    """A process for each file. The first one may be there already, with the libraries imported,
    which is most of what a trial takes."""

    def __init__(
        self,
        start: Callable[[str], subprocess.Popen[bytes]] = start,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._start = start
        self._patience_s = patience_s
        self._lock = Lock()
        self._waiting: dict[str, tuple[subprocess.Popen[bytes], float]] = {}

    def expect(self, extensions: Collection[str]) -> None:
        """Files of these kinds will come within minutes."""
        with self._lock:
            for extension in extensions:
                self._waiting[extension] = self._process(extension)

    def __call__(self, extension: str, content: bytes) -> None:
        with self._lock:
            process, _ = self._process(extension)
        with process:
            try:
                said, _ = process.communicate(content, self._patience_s)
            except subprocess.TimeoutExpired as slow:
                process.kill()
                raise NotAModel("takes too long to be opened") from slow
        if process.returncode == _REFUSED:
            raise NotAModel(said.decode(errors="replace").strip())
        if process.returncode != 0:
            raise NotAModel("takes more memory or time than a model may")

    def _process(self, extension: str) -> tuple[subprocess.Popen[bytes], float]:
        """The one that waits, unless it has ended or soon will, or a new one; and since when."""
        if extension in self._waiting:
            process, since = self._waiting.pop(extension)
            if process.poll() is None and monotonic() - since < _IS_TAKEN_FOR_S:
                return process, since
            process.kill()
            process.communicate()
        return self._start(extension), monotonic()


def main(extension: str) -> int:
    """What the process of its own does: it reads the file from standard input, and writes none."""
    for limit, most in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_CPU, _PROCESSOR_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    FORMATS[extension].prepare()
    if not select.select([sys.stdin], [], [], _WAITS_S)[0]:
        return 0
    try:
        FORMATS[extension].open(sys.stdin.buffer.read())
    except NotAModel as refused:
        sys.stdout.write(str(refused))
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
