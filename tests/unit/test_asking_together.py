"""A question that several ask at the same moment has one answer."""

import asyncio

from spot_optimizer.adapters.http.batching import asked_together
from spot_optimizer.domain.errors import AgentNotFound


class Library:
    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def look_up(self, word: str, page: int) -> list[str]:
        self.asked.append((word, page))
        if word == "nothing":
            raise AgentNotFound
        return [f"{word} {page}"]


def test_each_gets_its_own_answer_and_the_same_question_is_asked_once() -> None:
    library = Library()
    listed = asked_together(library.look_up)

    async def readers() -> list[list[str]]:
        asked = [("spot", 1), ("pool", 1), ("spot", 2), ("spot", 1), ("pool", 1)]
        return await asyncio.gather(*(listed(one) for one in asked))

    assert asyncio.run(readers()) == [["spot 1"], ["pool 1"], ["spot 2"], ["spot 1"], ["pool 1"]]
    assert sorted(library.asked) == [("pool", 1), ("spot", 1), ("spot", 2)]


def test_the_next_one_asks_anew() -> None:
    library = Library()
    listed = asked_together(library.look_up)

    async def reader() -> None:
        await listed(("spot", 1))
        await listed(("spot", 1))

    asyncio.run(reader())
    assert library.asked == [("spot", 1), ("spot", 1)]


def test_a_question_that_fails_takes_no_other_down() -> None:
    listed = asked_together(Library().look_up)

    async def readers() -> list[object]:
        asked = [("spot", 1), ("nothing", 1)]
        return await asyncio.gather(*(listed(one) for one in asked), return_exceptions=True)

    answer, failure = asyncio.run(readers())
    assert answer == ["spot 1"]
    assert isinstance(failure, AgentNotFound)
