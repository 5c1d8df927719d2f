"""What each worker is when it starts to serve."""

import subprocess
import sys
from pathlib import Path

LOOK = """
import gc, logging
logging.disable()
from spot_optimizer.cli.asgi import create_app
try:
    create_app()
except SystemExit as ended:
    print("ended", ended.code)
print(gc.isenabled(), gc.get_freeze_count() > 10_000)
"""


def worker(tmp_path: Path, **environment: str) -> list[str]:
    done = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", LOOK],
        env={"DATA_DIR": str(tmp_path), "ADMIN_API_TOKEN": "x" * 32, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def test_what_is_built_is_never_searched_for_garbage(tmp_path: Path) -> None:
    assert worker(tmp_path) == ["True True"]


def test_a_defect_ends_it(tmp_path: Path) -> None:
    ended, collecting = worker(tmp_path, ADMIN_AUTH="whatever")

    assert ended == "ended 3"
    assert collecting.startswith("True")
