"""A file is opened for the first time in a process of its own.

Nothing in it is executed, and still it may take all memory or never come to an end; then that
process ends, and not the one that answers agents.
"""

import resource
import subprocess
import sys
from typing import Final

from spot_optimizer.adapters.ml.predictors import FORMATS, NotAModel

# A hundred megabytes of figures fit, with the libraries that open them.
_MEMORY_BYTES: Final = 3 * 1024**3
_PROCESSOR_S: Final = 20
# Many times what it takes where there are others to wait for.
_PATIENCE_S: Final = 60
_REFUSED: Final = 3


def try_out(extension: str, content: bytes, patience_s: float = _PATIENCE_S) -> None:
    """Raises:
    NotAModel: it cannot be opened safely, or takes more than a model may.
    """
    try:
        process = subprocess.run(  # noqa: S603  our own program; the file is its input
            [sys.executable, "-I", "-m", __name__, extension],
            input=content,
            capture_output=True,
            timeout=patience_s,
            env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            check=False,
        )
    except subprocess.TimeoutExpired as slow:
        raise NotAModel("takes too long to be opened") from slow
    if process.returncode == _REFUSED:
        raise NotAModel(process.stdout.decode(errors="replace").strip())
    if process.returncode != 0:
        raise NotAModel("takes more memory or time than a model may")


def main(extension: str) -> int:
    """What the process of its own does: it reads the file from standard input, and writes none."""
    for limit, most in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_CPU, _PROCESSOR_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    try:
        FORMATS[extension].open(sys.stdin.buffer.read())
    except NotAModel as refused:
        sys.stdout.write(str(refused))
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
