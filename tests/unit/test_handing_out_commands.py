"""Agents ask what to do (ruling R9, contract/domain.md 4.3.5)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import pytest

from spot_optimizer.application.commands.hand_out_commands import HandOutCommands, Poll
from spot_optimizer.application.commands.queries import AgentQueue
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.commands.command import Command, CommandStatus
from spot_optimizer.domain.errors import AgentNotFound, DomainError
from spot_optimizer.domain.identifiers import AgentId, CommandId
from tests.builders import (
    AGENT,
    FROM_ACME,
    FROM_GLOBEX,
    HOUR,
    MINUTE,
    NOON,
    OPERATOR,
    POOL_C,
    TODAY,
    a_legacy_command,
    a_pending_command,
    an_agent,
    many_agents,
)
from tests.fakes import FixedClock, InMemoryCommandQueries, InMemoryUnitOfWork

LEASE = 10 * MINUTE
URGENT = a_pending_command(id=CommandId("command-2"), priority=100, target_pool_id=POOL_C)
DELIVERED = a_pending_command(status=CommandStatus.EXECUTING, executed_at=NOON)


class Queue:
    """The commands of Acme's agent, and time."""

    def __init__(self, *commands: Command, lease: timedelta = LEASE) -> None:
        self.clock = FixedClock()
        self.work = InMemoryUnitOfWork(agents=[an_agent()], commands=commands)
        self._hand_out = HandOutCommands(
            InMemoryCommandQueries(self.work), self.work, self.clock, lease, TODAY
        )

    def ask(self, *polls: Poll) -> Sequence[Sequence[Command] | DomainError]:
        return self._hand_out(polls)

    def poll(self, caller: Caller = FROM_ACME) -> list[str]:
        """The ids of what is handed out."""
        (answer,) = self.ask(Poll(AGENT, caller))
        assert not isinstance(answer, DomainError)
        return [command.id for command in answer]


class TestLease:
    def test_a_command_is_handed_out_and_leased(self) -> None:
        queue = Queue(a_pending_command())

        (answer,) = queue.ask(Poll(AGENT, FROM_ACME))

        assert answer == [DELIVERED]
        assert queue.work.commands.kept == {DELIVERED.id: DELIVERED}

    def test_it_is_handed_out_once(self) -> None:
        queue = Queue(a_pending_command())

        assert queue.poll() == ["command-1"]
        assert queue.poll() == []

    def test_it_is_handed_out_again_when_the_lease_ends_without_a_word(self) -> None:
        queue = Queue(a_pending_command())
        queue.poll()

        queue.clock.advance(LEASE - timedelta(seconds=1))
        assert queue.poll() == []

        queue.clock.advance(timedelta(seconds=1))
        assert queue.poll() == ["command-1"]
        assert queue.work.commands.kept[DELIVERED.id].executed_at == NOON + LEASE

    def test_one_at_a_time_is_handed_out(self) -> None:
        queue = Queue(a_pending_command(), URGENT)

        assert queue.poll() == ["command-2"]
        assert queue.poll() == []
        assert queue.work.commands.kept[CommandId("command-1")] == a_pending_command()

    def test_the_next_is_handed_out_when_it_is_told_what_came_of_the_first(self) -> None:
        queue = Queue(a_pending_command(), URGENT)
        queue.poll()

        with queue.work as work:
            work.commands.save_all([URGENT.deliver(NOON).report(True, "", NOON, TODAY)])
            work.commit()

        assert queue.poll() == ["command-1"]

    def test_two_polls_that_come_together_get_it_once(self) -> None:
        queue = Queue(a_pending_command())
        poll = Poll(AGENT, FROM_ACME)

        assert queue.ask(poll, poll) == [[DELIVERED], []]

    def test_the_older_queue_is_leased_as_well(self) -> None:
        queue = Queue(a_legacy_command())

        assert queue.poll() == ["7"]
        assert queue.poll() == []
        queue.clock.advance(LEASE)
        assert queue.poll() == ["7"]

    def test_somebody_who_came_first_gets_it(self) -> None:
        """Between the look and the lock."""
        queue = Queue(a_pending_command())
        outrun = OutrunQueries(queue.work)
        late = HandOutCommands(outrun, queue.work, queue.clock, LEASE, TODAY)

        assert late([Poll(AGENT, FROM_ACME)]) == [[]]

    def test_what_was_lost_is_tried_again(self) -> None:
        queue = Queue(a_pending_command())
        queue.work.losses = 2

        assert queue.poll() == ["command-1"]
        assert queue.work.commits == 1


class OutrunQueries(InMemoryCommandQueries):
    """After each look somebody else is handed out what was seen."""

    def __init__(self, work: InMemoryUnitOfWork) -> None:
        super().__init__(work)
        self._kept = work.commands.kept

    def queues_of(self, agent_ids: Collection[AgentId]) -> Mapping[AgentId, AgentQueue]:
        queues = super().queues_of(agent_ids)
        self._kept[DELIVERED.id] = DELIVERED
        return queues


class TestWithoutLease:
    def test_every_poll_gets_everything_in_order(self) -> None:
        queue = Queue(
            a_pending_command(), URGENT, a_legacy_command(priority=75), lease=timedelta(0)
        )

        for _ in range(2):
            assert queue.poll() == ["command-2", "7", "command-1"]

    def test_nothing_is_written(self) -> None:
        queue = Queue(a_pending_command(), lease=timedelta(0))

        queue.poll()

        assert queue.work.commands.kept == {DELIVERED.id: a_pending_command()}
        assert queue.work.commits == 0


class TestWhatIsWaiting:
    def test_most_polls_find_nothing_and_write_nothing(self) -> None:
        queue = Queue()

        assert queue.poll() == []
        assert queue.work.commits == 0

    def test_a_stale_command_is_not_handed_out(self) -> None:
        queue = Queue(a_pending_command(created_at=NOON - HOUR))

        assert queue.poll() == ["command-1"]
        queue.clock.advance(LEASE)
        assert queue.poll() == []

    @pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
    def test_nor_is_one_that_is_over(self, status: str) -> None:
        assert Queue(a_pending_command(status=CommandStatus(status))).poll() == []


class TestStrangers:
    def test_an_agent_of_another_client_does_not_exist_and_keeps_its_commands(self) -> None:
        queue = Queue(a_pending_command())

        answers = queue.ask(Poll(AGENT, FROM_GLOBEX), Poll(AgentId("agent-9"), FROM_ACME))

        assert [type(answer) for answer in answers] == [AgentNotFound, AgentNotFound]
        assert queue.work.commands.kept == {DELIVERED.id: a_pending_command()}
        assert queue.poll() == ["command-1"]

    def test_a_stranger_who_comes_with_the_agent_takes_nothing_from_it(self) -> None:
        queue = Queue(a_pending_command())

        answers = queue.ask(Poll(AGENT, FROM_GLOBEX), Poll(AGENT, FROM_ACME))

        assert isinstance(answers[0], AgentNotFound)
        assert answers[1] == [DELIVERED]

    def test_the_operator_may_ask_for_every_agent(self) -> None:
        assert Queue(a_pending_command()).poll(OPERATOR) == ["command-1"]


def test_each_of_many_gets_its_own() -> None:
    agents = many_agents(3)
    commands = [
        a_pending_command(id=CommandId(f"command-{n}"), agent_id=agent.id)
        for n, agent in enumerate(agents[:2], start=1)
    ]
    work = InMemoryUnitOfWork(agents=agents, commands=commands)
    hand_out = HandOutCommands(InMemoryCommandQueries(work), work, FixedClock(), LEASE, TODAY)

    answers = hand_out([Poll(agent.id, FROM_ACME) for agent in reversed(agents)])

    assert answers == [[], [commands[1].deliver(NOON)], [commands[0].deliver(NOON)]]
    assert work.commits == 1
