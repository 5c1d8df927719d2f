"""What one decision of the placement engine takes of a processor.

    .venv/bin/python -m tests.decision_figures [TIMES]

Printed are median and 90th percentile of the CPU time: of the engine alone between 4 and 24 pools,
lost every seventh and every third hour of the week, with the packaged model and without; and of
the whole use case with its statements, on a SQLite file with two weeks of prices on record.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from time import process_time

from spot_optimizer.adapters.ml.loader import BuiltInEngines
from spot_optimizer.adapters.ml.prior import prior_model
from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.schema import create_schema
from spot_optimizer.application.decisions.decide import Decide
from spot_optimizer.application.decisions.questions import AskEngine
from spot_optimizer.domain.agents.agent import Agent
from spot_optimizer.domain.decisions import placement_based
from spot_optimizer.domain.decisions.contract import DecisionInput
from spot_optimizer.domain.identifiers import AgentId, PoolId
from spot_optimizer.domain.placement.past import MarketPast, PoolPast
from spot_optimizer.domain.values import Mode
from tests.builders import a_placement, a_situation, an_agent
from tests.fakes import FixedClock, FixedEngine, SteadyStopwatch
from tests.fakes.models import InMemoryModelFiles
from tests.market_record import TYPES, ZONES, put_market_record
from tests.stores import SqlStore

TIMES = 200


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else TIMES
    sys.stdout.write("CPU time, ms, of the engine | median | 90 %\n")
    for pools in (4, 24):
        for hours in (7, 3):
            question = a_question(pools, hours)
            for name, model in (("no model", None), ("model", prior_model())):
                told = f"{pools} pools, lost every {hours} h, {name}"
                report(told, times, partial(placement_based.decide, question, model))
    sys.stdout.write("CPU time, ms, of the use case | median | 90 %\n")
    with TemporaryDirectory() as folder:
        decide = a_server(Path(folder))
        (advised,) = decide([a_situation()])
        assert "USD over" in advised.advice.reason, "the rules answered"
        report("3 pools on record, model", times, lambda: decide([a_situation()]))


def a_question(pools: int, hours: int) -> DecisionInput:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    past = [
        PoolPast(
            pool_id=PoolId(f"m5.large.us-east-1{chr(ord('a') + number)}"),
            price=Decimal("0.03") + Decimal(number) / 1000,
            lost_at=tuple(
                now - timedelta(hours=hour, minutes=10 + number) for hour in range(0, 167, hours)
            ),
        )
        for number in range(pools)
    ]
    return DecisionInput(
        agent_id=AgentId("agent-1"),
        current_mode=Mode.SPOT,
        current_pool_id=past[0].pool_id,
        ondemand_price=Decimal("0.096"),
        asked_at=now,
        market=MarketPast(pools=tuple(past)),
    )


def a_server(folder: Path) -> Decide:
    now = datetime.now(UTC).replace(microsecond=0)
    engine = make_engine(url=f"sqlite:///{folder / 'figures.sqlite3'}", connections=2)
    create_schema(engine)
    store = SqlStore(engine)
    put_market_record(engine, now, 14)
    placement = replace(
        a_placement(), instance_type=TYPES[0], pool_id=PoolId(f"{TYPES[0]}.{ZONES[0]}")
    )
    agent: Agent = an_agent(placement=placement)
    with store.work() as work:
        work.agents.save(agent, now)
        work.commit()
    built = BuiltInEngines(
        files=InMemoryModelFiles(),
        module="decision_engines.placement_engine",
        class_name="PlacementDecisionEngine",
        strict=False,
    ).build(None)
    clock = FixedClock()
    clock.advance(now - clock.now())
    ask = AskEngine(FixedEngine(built.engine))
    return Decide(store.work, clock, SteadyStopwatch(), ask, timedelta(hours=1))


def report(name: str, times: int, act: Callable[[], object]) -> None:
    act()
    taken = []
    for _ in range(times):
        began = process_time()
        act()
        taken.append((process_time() - began) * 1000)
    sys.stdout.write(f"{name} | {median(taken):.2f} | {quantiles(taken, n=10)[-1]:.2f}\n")


if __name__ == "__main__":
    main()
