"""What is answered together fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from threading import Event

import pytest

from spot_optimizer.adapters.http.batching import LARGEST_BATCH, Joined, same_for_all
from spot_optimizer.application.ports.unit_of_work import AlwaysLost, StoreUnavailable
from spot_optimizer.domain.errors import AgentNotFound, DomainError


class Doubling:
    """Doubles numbers; some cannot be doubled, and some take everybody down with them."""

    def __init__(self, poison: dict[int, Exception] | None = None) -> None:
        self.batches: list[list[int]] = []
        self.poison = poison or {}

    def __call__(self, numbers: Sequence[int]) -> Sequence[int | DomainError]:
        self.batches.append(list(numbers))
        for number in numbers:
            if number in self.poison:
                raise self.poison[number]
        return [AgentNotFound() if number < 0 else 2 * number for number in numbers]


def ask(doubling: Doubling, numbers: Sequence[int]) -> list[int | BaseException]:
    async def together() -> list[int | BaseException]:
        joined: Joined[int, int] = Joined(doubling)
        return await asyncio.gather(*map(joined, numbers), return_exceptions=True)

    return asyncio.run(together())


def test_what_arrives_together_is_answered_together() -> None:
    doubling = Doubling()

    assert ask(doubling, range(10)) == [2 * number for number in range(10)]
    assert doubling.batches == [list(range(10))]


def test_a_batch_has_a_largest_size() -> None:
    doubling = Doubling()

    answers = ask(doubling, range(LARGEST_BATCH + 5))

    assert answers == [2 * number for number in range(LARGEST_BATCH + 5)]
    assert [len(batch) for batch in doubling.batches] == [LARGEST_BATCH, 5]


def test_who_has_just_been_answered_joins_those_who_wait() -> None:
    begun, may_end = Event(), Event()

    class Slow(Doubling):
        def __call__(self, numbers: Sequence[int]) -> Sequence[int | DomainError]:
            begun.set()
            may_end.wait()
            return super().__call__(numbers)

    slow = Slow()

    async def together() -> None:
        joined: Joined[int, int] = Joined(slow)

        async def one_after_the_other() -> None:
            await joined(1)
            await joined(2)

        async def meanwhile() -> None:
            while not begun.is_set():
                await asyncio.sleep(0)
            waiting = asyncio.ensure_future(joined(3))
            await asyncio.sleep(0)
            may_end.set()
            await waiting

        await asyncio.gather(one_after_the_other(), meanwhile())

    asyncio.run(together())

    assert slow.batches == [[1], [3, 2]]


def test_a_refusal_goes_to_the_one_who_asked() -> None:
    first, refused, last = ask(Doubling(), [1, -1, 3])

    assert (first, last) == (2, 6)
    assert isinstance(refused, AgentNotFound)


@pytest.mark.parametrize("failure", [ValueError("defect"), AlwaysLost("given way")])
def test_one_poisonous_question_fails_alone(failure: Exception) -> None:
    first, failed, last = ask(Doubling({2: failure}), [1, 2, 3])

    assert (first, last) == (2, 6)
    assert failed is failure


def test_without_the_store_nobody_is_asked_again_one_by_one() -> None:
    doubling = Doubling({2: StoreUnavailable("gone")})

    answers = ask(doubling, [1, 2, 3])

    assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
    assert len(doubling.batches) == 1


def test_after_a_failure_the_next_are_answered() -> None:
    async def one_after_another() -> list[int]:
        joined: Joined[int, int] = Joined(Doubling({2: ValueError("defect")}))
        with pytest.raises(ValueError, match="defect"):
            await joined(2)
        return [await joined(1), await joined(3)]

    assert asyncio.run(one_after_another()) == [2, 6]


def test_somebody_who_goes_away_keeps_nobody_waiting() -> None:
    async def with_one_leaving() -> list[int]:
        joined: Joined[int, int] = Joined(Doubling())
        leaving = asyncio.ensure_future(joined(1))
        staying = [asyncio.ensure_future(joined(number)) for number in (2, 3)]
        await asyncio.sleep(0)
        leaving.cancel()
        return list(await asyncio.gather(*staying))

    assert asyncio.run(with_one_leaving()) == [4, 6]


def test_a_question_without_parameters_is_asked_once_for_all() -> None:
    asked = count(1)

    async def together() -> list[int]:
        joined = same_for_all(lambda: next(asked))
        return list(await asyncio.gather(*[joined(None)] * 5))

    assert asyncio.run(together()) == [1] * 5
    assert next(asked) == 2
