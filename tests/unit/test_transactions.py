"""What was lost to somebody else is tried again; and a block that does not commit did nothing."""

import pytest

from spot_optimizer.application.ports.unit_of_work import (
    AlwaysLost,
    StoreUnavailable,
    TransactionLost,
)
from spot_optimizer.application.transactions import ATTEMPTS, repeated_when_lost
from tests.builders import AGENT, NOON, an_agent
from tests.fakes import InMemoryUnitOfWork


class Flaky:
    """Fails as often as it is told, and counts."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.calls = 0
        self._failures = failures
        self._error = error or TransactionLost("lost")

    @repeated_when_lost
    def __call__(self, answer: str) -> str:
        self.calls += 1
        if self.calls <= self._failures:
            raise self._error
        return answer


@pytest.mark.parametrize("losses", range(ATTEMPTS))
def test_what_was_lost_is_tried_again(losses: int) -> None:
    flaky = Flaky(losses)

    assert flaky("done") == "done"
    assert flaky.calls == losses + 1


def test_what_is_lost_four_times_is_given_up() -> None:
    flaky = Flaky(ATTEMPTS)

    with pytest.raises(AlwaysLost) as failure:
        flaky("done")

    assert flaky.calls == ATTEMPTS == 4
    assert isinstance(failure.value, StoreUnavailable)
    assert isinstance(failure.value.__cause__, TransactionLost)


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), ValueError("no")])
def test_nothing_else_is_tried_again(error: Exception) -> None:
    flaky = Flaky(1, error)

    with pytest.raises(type(error)):
        flaky("done")

    assert flaky.calls == 1


class TestInMemory:
    """The fake does as a database does, or the tests that use it say nothing."""

    def test_a_block_without_commit_did_nothing(self) -> None:
        work = InMemoryUnitOfWork(agents=[an_agent()])

        with work:
            work.agents.heard([AGENT], NOON)
            assert work.agents.kept[AGENT].last_heartbeat_at == NOON

        assert work.agents.kept == {AGENT: an_agent()}

    def test_what_comes_after_the_commit_is_undone(self) -> None:
        work = InMemoryUnitOfWork(agents=[an_agent()])

        with work:
            work.agents.heard([AGENT], NOON)
            work.commit()
            work.agents.kept.clear()

        assert work.agents.kept == {AGENT: an_agent(last_heartbeat_at=NOON)}

    def test_a_lost_commit_did_nothing(self) -> None:
        work = InMemoryUnitOfWork(agents=[an_agent()], losses=1)

        def hear() -> None:
            with work:
                work.agents.heard([AGENT], NOON)
                work.commit()

        with pytest.raises(TransactionLost):
            hear()

        assert work.agents.kept == {AGENT: an_agent()}
        assert work.commits == 0
