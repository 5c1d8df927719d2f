"""Answering together what arrives together.

While one batch is with the database, the requests that arrive form the next; each is answered
after its own batch has committed. At one request at a time this is a thread hop as any other; at
many, the round trips and commits are shared, which is what a telemetry server spends its time on.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

from spot_optimizer.application.ports.unit_of_work import AlwaysLost, StoreUnavailable
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain.errors import DomainError

Q = TypeVar("Q")
A = TypeVar("A")

LARGEST_BATCH = 64

# Turns of the event loop, together some tenths of a millisecond.
_GLANCES = 30


class Joined(Generic[Q, A]):
    """A use case that takes many questions, asked one at a time."""

    def __init__(
        self,
        answer: Callable[[Sequence[Q]], Sequence[A | DomainError]],
        lane: Executor | None = None,
        largest: int = LARGEST_BATCH,
    ) -> None:
        """`lane`: threads of its own, so that nobody else is waited for."""
        self._answer = repeated_when_lost(answer)
        self._lane = lane
        self._largest = largest
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def __call__(self, question: Q) -> A:
        """Raises what stands in place of the answer."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[A] = loop.create_future()
        self._waiting.append((question, future))
        if self._worker is None or self._worker.done():
            self._worker = loop.create_task(self._work())
        return await future

    async def _work(self) -> None:
        busy_with = 0
        while self._waiting:
            await self._let_them_come(busy_with)
            size = min(len(self._waiting), self._largest)
            await self._answer_batch([self._waiting.popleft() for _ in range(size)])
            busy_with = size + len(self._waiting)

    async def _let_them_come(self, expected: int) -> None:
        """Whoever has just been answered often asks again at once, and would miss this batch."""
        for _ in range(_GLANCES):
            if len(self._waiting) >= expected:
                return
            await asyncio.sleep(0)

    async def _answer_batch(self, batch: list[tuple[Q, asyncio.Future[A]]]) -> None:
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(self._lane, self._answer, [q for q, _ in batch])
        except Exception as error:  # one question must not take the others down with it
            alone_may_help = isinstance(error, AlwaysLost) or not isinstance(
                error, StoreUnavailable
            )
            if len(batch) > 1 and alone_may_help:
                for one in batch:
                    await self._answer_batch([one])
                return
            answers_or_error: Sequence[A | Exception] = [error] * len(batch)
        else:
            answers_or_error = answers
        for (_, future), answer in zip(batch, answers_or_error, strict=True):
            if future.done():  # its client has gone away
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)


def same_for_all(query: Callable[[], A]) -> Joined[None, A]:
    """A question without parameters: one answer for all who are waiting for it."""
    return Joined(lambda questions: [query()] * len(questions))
