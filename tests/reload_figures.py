"""How long two servers under load give old answers after models have changed.

    .venv/bin/python -m tests.reload_figures [ROUNDS] [PAUSE]

Each round starts two servers, on SQLite and on MariaDB with Redis in turns, and asks each by two
threads without a pause. The first server activates a `.skops` file PAUSE seconds after it has been
uploaded, by default at once, so that both import scikit-learn for the first time; then the second
one an `.onnx` file, and the first falls back. Printed are the seconds that the activation took,
those from its answer to the last answer by the models before, at the other server, and how long
requests took meanwhile.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from os import getloadavg
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.schema import create_schema
from tests.model_files import onnx_of, skops_risk
from tests.services import a_mariadb_database, redis_url
from tests.two_servers import Answer, two_servers, under_load

ROUNDS = 5
FIRST, SECOND, RULES = 0.125, 0.0625, 0.2


def a_round(
    directory: Path, pause_s: float, **settings: str
) -> dict[str, tuple[float, list[Answer]]]:
    """Of each change how long the other server was behind, and all answers meanwhile."""
    found = {}
    with two_servers(directory, **settings) as (one, other):
        agent = one.enrol()
        with under_load([one, other], agent) as loads:
            for load in loads:
                load.until(RULES)
            uploaded = one.upload("risk_predictor.skops", skops_risk(FIRST))
            sleep(pause_s)
            steps: list[tuple[str, Callable[[], object], float, int]] = [
                ("skops", lambda: one.activate_session(uploaded), FIRST, 1),
                ("onnx", lambda: other.activate("risk_predictor.onnx", onnx_of(SECOND)), SECOND, 0),
                ("fallback", lambda: one.operate("ml-models/fallback"), FIRST, 1),
            ]
            for name, act, risk, behind in steps:
                began = monotonic()
                act()
                answered = monotonic()
                for load in loads:
                    load.until(risk)
                since = [
                    answer
                    for load in loads
                    for answers in load.answers
                    for answer in answers
                    if answer.came_at > began
                ]
                old = [
                    answer.came_at - answered
                    for answers in loads[behind].answers
                    for answer in answers
                    if answer.risk != risk
                ]
                found[f"{name}: seconds to answer"] = (answered - began, since)
                found[f"{name}: seconds behind"] = (max(0.0, *old), since)
    return found


def main(rounds: int, pause_s: float) -> None:
    for place in ("SQLite", "MariaDB and Redis"):
        behind: dict[str, list[float]] = {}
        answers: list[Answer] = []
        for _ in range(rounds):
            with ExitStack() as stack:
                directory = Path(stack.enter_context(TemporaryDirectory()))
                settings = {}
                if place != "SQLite":
                    url = stack.enter_context(a_mariadb_database())
                    engine = make_engine(url, 1)
                    create_schema(engine)
                    engine.dispose()
                    settings = {"DATABASE_URL": url, "REDIS_URL": redis_url()}
                for name, (seconds, since) in a_round(directory, pause_s, **settings).items():
                    behind.setdefault(name, []).append(seconds)
                    answers += since
        failed = sum(answer.status != 200 or answer.risk is None for answer in answers)
        took = [answer.took_s for answer in answers]
        lines = [f"{place}, load average {getloadavg()[0]:.1f}: {rounds} rounds, {failed} failed"]
        for name, figures in behind.items():
            spread = f"{min(figures):.2f} - {max(figures):.2f}"
            lines.append(f"  {name:28} median {median(figures):.2f} ({spread})")
        ms = [median(took) * 1e3, quantiles(took, n=100)[-1] * 1e3, max(took) * 1e3]
        lines.append(
            "  requests meanwhile: p50 {:.0f} ms, p99 {:.0f} ms, longest {:.0f}".format(*ms)
        )
        sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    rounds, pause_s = [*sys.argv[1:], *(str(ROUNDS), "0")[len(sys.argv) - 1 :]]
    main(int(rounds), float(pause_s))
