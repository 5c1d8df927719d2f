"""A list that is only added to is written again only when something was added."""

from collections.abc import Collection, Hashable, Mapping, Sequence

from spot_optimizer.adapters.http.dashboard.lists import WrittenUntilNews, all_written, written
from spot_optimizer.domain.identifiers import ClientId

ACME, OTHER = ClientId("acme"), ClientId("other")


class Ledger:
    """Entries by client, and how often they were read."""

    def __init__(self) -> None:
        self.entries: dict[ClientId, list[str]] = {ACME: ["first"], OTHER: ["theirs"]}
        self.readings = 0

    def of_client(self, client_id: ClientId, _wanted: Hashable = None) -> Sequence[str]:
        self.readings += 1
        return list(self.entries[client_id])

    def edition_of(self, client_id: ClientId) -> Hashable:
        return len(self.entries[client_id])


def lists(ledger: Ledger) -> WrittenUntilNews[str]:
    return WrittenUntilNews(written(ledger.of_client, list), ledger.edition_of)


def test_it_is_read_once_while_nothing_is_added() -> None:
    ledger = Ledger()
    ask = lists(ledger)

    assert [ask(ACME).document for _ in range(3)] == [b'["first"]'] * 3
    assert ledger.readings == 1


def test_what_is_added_is_told() -> None:
    ledger = Ledger()
    ask = lists(ledger)
    ask(ACME)

    ledger.entries[ACME].append("second")

    assert ask(ACME).document == b'["first","second"]'
    assert ask(ACME).lines == ["first", "second"]


def test_what_is_added_while_it_is_read_is_told_the_next_time() -> None:
    class Busy(Ledger):
        def of_client(self, client_id: ClientId, _wanted: Hashable = None) -> Sequence[str]:
            lines = super().of_client(client_id)
            if self.readings == 1:
                self.entries[client_id].append("meanwhile")
            return lines

    ask = lists(Busy())

    assert ask(ACME).document == b'["first"]'
    assert ask(ACME).document == b'["first","meanwhile"]'


def test_clients_and_pages_are_told_apart() -> None:
    ledger = Ledger()
    ask = lists(ledger)

    assert ask(OTHER).document == b'["theirs"]'
    assert ask(ACME).document == b'["first"]'
    ask(ACME, "another page")
    assert ledger.readings == 3


def test_it_forgets_rather_than_grow() -> None:
    ledger = Ledger()
    ask = lists(ledger)

    for number in range(600):
        ask(ACME, number)

    ask(ACME, 599)
    assert ledger.readings == 600
    assert ask(ACME, 0).document == b'["first"]'
    assert ledger.readings == 601


def test_several_lists_are_written_again_where_their_lines_have_changed() -> None:
    ledger = Ledger()
    written_down: list[Sequence[str]] = []

    def read(asked: Collection[tuple[ClientId, ...]]) -> Mapping[tuple[ClientId, ...], list[str]]:
        return {one: list(ledger.entries[one[0]]) for one in asked}

    def answered_as(lines: Sequence[str]) -> Sequence[str]:
        written_down.append(lines)
        return lines

    ask = all_written(read, answered_as)
    ask([(ACME,), (OTHER,)])
    ledger.entries[ACME][0] = "changed"
    ask([(ACME,), (OTHER,)])
    told = ask([(ACME,), (OTHER,)])

    assert written_down == [["first"], ["theirs"], ["changed"]]
    assert told[(ACME,)].document == b'["changed"]'
    assert told[(OTHER,)].document == b'["theirs"]'


def test_several_lists_are_forgotten_rather_than_kept_without_end() -> None:
    ask = all_written(lambda asked: {one: [str(one)] for one in asked}, list)

    documents = [ask([(number,)])[(number,)].document for number in range(600)]

    assert documents == [f'["({number},)"]'.encode() for number in range(600)]
