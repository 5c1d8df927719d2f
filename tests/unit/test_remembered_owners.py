"""What was known of tokens a moment ago is known, and no longer than that."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.application.ports.credentials import TokenOwner
from spot_optimizer.application.remembered_owners import RememberedOwners
from spot_optimizer.domain.identifiers import ClientId
from tests.fakes.system import HeldStopwatch

ACME = TokenOwner(ClientId("acme"), is_active=True)
CLOSED = TokenOwner(ClientId("closed"), is_active=False)


class Register:
    """Who has which token, and what it was asked."""

    def __init__(self, **owners: TokenOwner) -> None:
        self.owners = owners
        self.asked: list[list[str]] = []

    def owners_of(self, tokens: Sequence[str]) -> Sequence[TokenOwner | None]:
        self.asked.append(list(tokens))
        return [self.owners.get(token) for token in tokens]


def test_a_token_is_looked_up_once_in_a_second() -> None:
    register, watch = Register(a=ACME), HeldStopwatch()
    remembered = RememberedOwners(register, watch)

    for _ in range(3):
        assert remembered.owners_of(["a"]) == [ACME]
        watch.advance(0.25)
    assert register.asked == [["a"]]

    watch.advance(0.25)
    assert remembered.owners_of(["a"]) == [ACME]
    assert register.asked == [["a"], ["a"]]


def test_only_those_are_looked_up_that_are_not_known() -> None:
    register = Register(a=ACME, b=ACME)
    remembered = RememberedOwners(register, HeldStopwatch())
    remembered.owners_of(["a"])

    assert remembered.owners_of(["b", "a", "nobody's", "b"]) == [ACME, ACME, None, ACME]
    assert register.asked[1:] == [["b", "nobody's", "b"]]


def test_a_token_that_opened_nothing_is_looked_up_each_time() -> None:
    register = Register(closed=CLOSED)
    remembered = RememberedOwners(register, HeldStopwatch())
    assert remembered.owners_of(["new", "closed"]) == [None, CLOSED]

    register.owners = {"new": ACME, "closed": ACME}

    assert remembered.owners_of(["new", "closed"]) == [ACME, ACME]


def test_what_is_forgotten_is_looked_up_again() -> None:
    register = Register(a=ACME)
    remembered = RememberedOwners(register, HeldStopwatch())
    remembered.owners_of(["a"])
    del register.owners["a"]

    remembered.forget()

    assert remembered.owners_of(["a"]) == [None]


def test_what_was_read_before_it_was_forgotten_does_not_come_back() -> None:
    class Slow(Register):
        """While it answers for the first time, the token is replaced."""

        def owners_of(self, tokens: Sequence[str]) -> Sequence[TokenOwner | None]:
            found = super().owners_of(tokens)
            self.owners = {}
            remembered.forget()
            return found

    remembered = RememberedOwners(Slow(a=ACME), HeldStopwatch())

    assert remembered.owners_of(["a"]) == [ACME]  # as it was when it was asked
    assert remembered.owners_of(["a"]) == [None]


def test_it_forgets_rather_than_grow_without_end() -> None:
    names = [f"t{number}" for number in range(10_001)]
    register = Register(**dict.fromkeys(names, ACME))
    remembered = RememberedOwners(register, HeldStopwatch())

    for name in names:
        assert remembered.owners_of([name]) == [ACME]
    remembered.owners_of([names[0]])

    assert register.asked[-1] == [names[0]]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("ask"), st.lists(st.sampled_from("abc"), max_size=4)),
            st.tuples(st.just("change"), st.sampled_from("abc")),
            st.tuples(st.just("wait"), st.sampled_from([0.0, 0.4, 0.6, 1.0])),
            st.tuples(st.just("forget"), st.none()),
        ),
        max_size=30,
    )
)
def test_an_answer_is_never_older_than_a_second_nor_than_what_was_forgotten(deeds: list) -> None:  # type: ignore[type-arg]  # of several shapes
    register, watch = Register(a=ACME, b=CLOSED), HeldStopwatch()
    remembered = RememberedOwners(register, watch)
    may_answer: dict[str, list[tuple[float, TokenOwner | None]]] = {}
    elapsed, counted_from = 0.0, 0.0
    for name in "abc":
        may_answer[name] = [(0.0, register.owners.get(name))]
    for deed, what in deeds:
        if deed == "wait":
            watch.advance(what)
            elapsed += what
        elif deed == "forget":
            remembered.forget()
            counted_from = elapsed
        elif deed == "change":
            now = None if register.owners.get(what) else ACME
            register.owners = {**register.owners, what: now} if now else _without(register, what)
            may_answer[what].append((elapsed, now))
        else:
            for token, owner in zip(what, remembered.owners_of(what), strict=True):
                history = may_answer[token]
                oldest = max(elapsed - 1, counted_from)
                standing = [
                    told
                    for place, (since, told) in enumerate(history)
                    if place == len(history) - 1 or history[place + 1][0] >= oldest
                ]
                assert owner in standing


def _without(register: Register, token: str) -> dict[str, TokenOwner]:
    return {name: owner for name, owner in register.owners.items() if name != token}
