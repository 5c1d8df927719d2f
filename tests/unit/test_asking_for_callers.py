"""Questions of callers who are looked up on the way (contract/agents-and-replicas.md 1.2)."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from spot_optimizer.application.authenticate import (
    Asked,
    Authenticate,
    ForCallers,
    NotAdmitted,
    Stranger,
)
from spot_optimizer.application.ports.credentials import TokenOwner
from spot_optimizer.domain.callers import Caller, CallerKind
from spot_optimizer.domain.errors import AgentNotFound, DomainError
from spot_optimizer.domain.identifiers import ClientId

OPERATOR = Caller(kind=CallerKind.OPERATOR)
ACTIVE = TokenOwner(ClientId("acme"), is_active=True)
CLOSED = TokenOwner(ClientId("globex"), is_active=False)


class Register:
    """Knows two tokens, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def owners_of(self, tokens: Sequence[str]) -> Sequence[TokenOwner | None]:
        self.asked.append(list(tokens))
        return [{"acme's": ACTIVE, "globex's": CLOSED}.get(token) for token in tokens]


def names(questions: Sequence[tuple[int, Caller]]) -> Sequence[str | DomainError]:
    """Answers with the number and who asked; 13 is nobody's."""
    return [
        AgentNotFound() if number == 13 else f"{number} {caller.client_id or caller.kind}"
        for number, caller in questions
    ]


def question(number: int, who: Caller | Stranger) -> Asked[tuple[int, Caller]]:
    return who, lambda caller: (number, caller)


def stranger(token: str) -> Stranger:
    return Stranger(token, "10.0.0.1", "agent/3")


def test_each_gets_the_answer_to_its_own_question() -> None:
    register = Register()
    ask = ForCallers(Authenticate(register), names)

    answers = ask(
        [
            question(1, stranger("acme's")),
            question(2, stranger("nobody's")),
            question(3, OPERATOR),
            question(4, stranger("globex's")),
            question(13, stranger("acme's")),
            question(5, stranger("acme's")),
        ]
    )

    assert [one for one in answers if isinstance(one, str)] == ["1 acme", "3 operator", "5 acme"]
    unknown, closed = answers[1], answers[3]
    assert isinstance(unknown, NotAdmitted)
    assert unknown.owner is None
    assert isinstance(closed, NotAdmitted)
    assert closed.owner == CLOSED
    assert isinstance(answers[4], AgentNotFound)
    assert [sorted(tokens) for tokens in register.asked] == [["acme's", "globex's", "nobody's"]]


def test_a_client_is_known_with_where_it_asks_from() -> None:
    def told(callers: Sequence[Caller]) -> Sequence[Caller]:
        return callers

    ask = ForCallers(Authenticate(Register()), told)

    assert ask([(stranger("acme's"), lambda caller: caller)]) == [
        Caller(
            kind=CallerKind.CLIENT,
            client_id=ClientId("acme"),
            address="10.0.0.1",
            user_agent="agent/3",
        )
    ]


def test_nobody_is_looked_up_where_all_are_known() -> None:
    register = Register()

    assert ForCallers(Authenticate(register), names)([question(1, OPERATOR)]) == ["1 operator"]
    assert register.asked == []


@given(st.lists(st.sampled_from(["acme's", "globex's", "nobody's"])))
def test_only_those_who_are_let_in_reach_the_use_case(tokens: list[str]) -> None:
    reached: list[int] = []

    def noting(questions: Sequence[tuple[int, Caller]]) -> Sequence[int]:
        assert questions
        reached.extend(number for number, _ in questions)
        return [number for number, _ in questions]

    ask = ForCallers(Authenticate(Register()), noting)
    answers = ask([question(number, stranger(token)) for number, token in enumerate(tokens)])

    let_in = [number for number, token in enumerate(tokens) if token == "acme's"]
    assert reached == let_in
    assert [number for number, answer in enumerate(answers) if answer == number] == let_in
