"""Writers of one process take turns at a database file, the urgent first."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine

from spot_optimizer.adapters.persistence.engine import make_engine
from spot_optimizer.adapters.persistence.turns import Turns, make_turns
from spot_optimizer.adapters.persistence.unit_of_work import SqlUnitOfWork
from spot_optimizer.application.ports.unit_of_work import StoreUnavailable
from tests.builders import ACME


class Watched(Turns):
    """Tells when somebody has begun to wait."""

    def waiting(self) -> int:
        return len(self._urgent) + len(self._others)


def until(condition: object) -> None:
    while not condition():  # type: ignore[operator]
        Event().wait(0.001)


def test_who_waits_is_served_in_order_and_the_urgent_first() -> None:
    turns, served = Watched(), list[str]()

    def take(name: str, urgent: bool) -> None:
        turns.take(urgent=urgent)
        served.append(name)
        turns.pass_on()

    turns.take(urgent=False)
    with ThreadPoolExecutor(4) as threads:
        for number, (name, urgent) in enumerate(
            [("first", False), ("second", False), ("urgent", True), ("also urgent", True)]
        ):
            threads.submit(take, name, urgent)
            until(lambda so_many=number + 1: turns.waiting() == so_many)
        turns.pass_on()

    assert served == ["urgent", "also urgent", "first", "second"]


def test_one_holds_the_turn_at_a_time() -> None:
    turns, inside, most = Turns(), 0, 0

    def write() -> None:
        nonlocal inside, most
        for _ in range(50):
            turns.take(urgent=False)
            inside += 1
            most = max(most, inside)
            Event().wait(0)
            inside -= 1
            turns.pass_on()

    with ThreadPoolExecutor(4) as threads:
        writing: list[Future[None]] = [threads.submit(write) for _ in range(4)]
        for one in writing:
            one.result()

    assert most == 1


def test_nobody_waits_for_ever_and_who_gave_up_is_passed_over() -> None:
    turns = Watched(patience_s=0.01)
    turns.take(urgent=False)

    with pytest.raises(StoreUnavailable):
        turns.take(urgent=True)

    assert turns.waiting() == 0
    turns.pass_on()
    turns.take(urgent=False)  # free again


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return make_engine(f"sqlite:///{tmp_path / 'x.sqlite3'}", 2)


def test_a_unit_of_work_passes_its_turn_on_however_it_ends(engine: Engine) -> None:
    turns = Turns(patience_s=0.01)

    with pytest.raises(ZeroDivisionError), SqlUnitOfWork(engine, turns):
        raise ZeroDivisionError
    with SqlUnitOfWork(engine, turns) as work:
        work.commit()
    with pytest.raises(StoreUnavailable), SqlUnitOfWork(engine, turns) as work:
        work.clients.get(ACME)  # there are no tables
    engine.pool.dispose()

    with SqlUnitOfWork(engine, turns):
        pass


def test_a_unit_of_work_that_cannot_begin_passes_its_turn_on(tmp_path: Path) -> None:
    unreachable = make_engine(f"sqlite:///{tmp_path / 'gone' / 'x.sqlite3'}", 2)
    (tmp_path / "gone").rmdir()
    turns = Turns(patience_s=0.01)

    for _ in range(2):
        with (
            pytest.raises(StoreUnavailable, match="does not answer"),
            SqlUnitOfWork(unreachable, turns),
        ):
            pass


def test_only_writers_of_a_file_take_turns(engine: Engine) -> None:
    assert make_turns(engine) is not None
    assert make_turns(make_engine("mysql+pymysql://root@127.0.0.1/x", 1)) is None
