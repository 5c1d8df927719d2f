"""The walk through docs/decisions.md, command by command, as a newcomer would take it."""

import re
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.schema import create_schema
from tests.builders import AGENT, a_placement, an_agent
from tests.market_record import TYPES, ZONES, put_market_record
from tests.processes import LOCAL, a_command, a_free_port
from tests.stores import SqlStore

pytestmark = pytest.mark.xdist_group("processes")

PAGE: Final = (Path(__file__).parents[2] / "docs" / "decisions.md").read_text()
BLOCKS: Final = re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)
BASH: Final = shutil.which("bash") or "bash"
PATIENCE_S: Final = 300
OPERATOR: Final = "operator-of-the-page"


def a_record(file: Path) -> None:
    """Two weeks, and an agent in one of the pools."""
    now = datetime.now(UTC)
    engine = make_engine(url=f"sqlite:///{file}", connections=1)
    create_schema(engine)
    put_market_record(engine, now, 15)
    (zone, *_), (instance_type, *_) = ZONES, TYPES
    placement = a_placement(
        instance_type=instance_type, zone=zone, pool_id=f"{instance_type}.{zone}"
    )
    with SqlStore(engine).work() as work:
        work.agents.save(an_agent(placement=placement), now)
        work.commit()
    engine.dispose()


def test_every_command_of_the_page_does_what_it_says(tmp_path: Path) -> None:
    start, *walk = BLOCKS
    module, *serve = start.split()
    assert serve == ["spot-optimizer", "serve"]
    a_record(tmp_path / "spot-optimizer.sqlite3")
    port = str(a_free_port())
    settings = dict([module.split("=")])
    known = {"PORT": port, "ADMIN_API_TOKEN": OPERATOR, "ENABLE_REPLICA_COORDINATOR": "False"}
    with a_command(tmp_path, "serve", patience_s=PATIENCE_S, **settings, **known) as server:
        server.line_with("Listening on ")
        told = subprocess.run(  # noqa: S603  the page is ours
            [BASH, "-e", "-o", "pipefail", "-c", "\necho; echo ----\n".join(walk)],
            env={
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
                "HOME": str(tmp_path),
                "DATA_DIR": str(tmp_path),
                "COLUMNS": "200",
                "URL": f"http://{LOCAL}:{port}",
                "TOKEN": OPERATOR,
                "AGENT": AGENT,
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        server.send(signal.SIGTERM)
        server.end()

    assert told.returncode == 0, told.stderr
    why, replayed, warned, learnt, judged, forced, drift = told.stdout.split("\n----\n")
    assert '"recommended_action":"switch_spot"' in why
    assert re.search(r"Next: .*USD over .* would have to cost .* USD per hour less", why)
    assert "comes out as it did, byte for byte" in replayed + told.stderr
    assert '"action":"switch"' in warned
    assert "placement_model.skops" in learnt
    assert (tmp_path / "judged" / "report.html").is_file()
    assert re.search(r"Judged on .*\n(Passed|Failed)\n", judged)
    assert '"success":true' in forced
    assert "forecasts their Brier score exceeds that of counting" in drift
