from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from spot_optimizer.application.journal import record
from spot_optimizer.application.ports.clock import Clock
from spot_optimizer.application.ports.credentials import Credentials, TokenOwner
from spot_optimizer.application.ports.unit_of_work import UnitOfWorkFactory
from spot_optimizer.application.transactions import repeated_when_lost
from spot_optimizer.domain import access_occurrences
from spot_optimizer.domain.callers import Caller, CallerKind
from spot_optimizer.domain.errors import DomainError
from spot_optimizer.domain.identifiers import ClientId
from spot_optimizer.domain.journal import Occurrence

Q = TypeVar("Q")
A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Stranger:
    """Somebody with a token that nobody has looked up yet."""

    token: str = field(repr=False)
    address: str | None
    user_agent: str | None

    def as_client(self, owner: TokenOwner) -> Caller:
        return Caller(
            kind=CallerKind.CLIENT,
            client_id=owner.client_id,
            address=self.address,
            user_agent=self.user_agent,
        )


class NotAdmitted(DomainError):
    """A token opens nothing: it is nobody's, or that of a client that is not active."""

    def __init__(self, owner: TokenOwner | None) -> None:
        super().__init__("Not admitted")
        self.owner = owner


# Who asks, and the question once that is known.
Asked: TypeAlias = tuple[Caller | Stranger, Callable[[Caller], Q]]


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Whose tokens are these? Takes what arrives together."""

    credentials: Credentials

    @repeated_when_lost
    def __call__(self, tokens: Sequence[str]) -> Sequence[TokenOwner | None]:
        return self.credentials.owners_of(tokens)


@dataclass(frozen=True, slots=True)
class ForCallers(Generic[Q, A]):
    """A use case, asked by callers whose tokens are looked up on the way to it: at once for all of
    them, and without a way of its own."""

    authenticate: Authenticate
    use_case: Callable[[Sequence[Q]], Sequence[A | DomainError]]

    def __call__(self, asked: Sequence[Asked[Q]]) -> Sequence[A | DomainError]:
        """In the order of the questions; NotAdmitted in place of an answer to a stranger."""
        callers = self._callers([who for who, _ in asked])
        questions = [
            question(caller)
            for caller, (_, question) in zip(callers, asked, strict=True)
            if isinstance(caller, Caller)
        ]
        answers = iter(self.use_case(questions) if questions else ())
        return [caller if isinstance(caller, NotAdmitted) else next(answers) for caller in callers]

    def _callers(self, approaching: Sequence[Caller | Stranger]) -> list[Caller | NotAdmitted]:
        tokens = list({who.token for who in approaching if isinstance(who, Stranger)})
        owners = dict(zip(tokens, self.authenticate(tokens) if tokens else (), strict=True))
        callers: list[Caller | NotAdmitted] = []
        for who in approaching:
            if isinstance(who, Caller):
                callers.append(who)
                continue
            owner = owners[who.token]
            admitted = owner is not None and owner.is_active
            callers.append(who.as_client(owner) if owner and admitted else NotAdmitted(owner))
        return callers


@dataclass(frozen=True, slots=True)
class RecordRefusedCredentials:
    """A token that opened nothing is put on record."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def unknown_token(self, path: str, caller: Caller) -> None:
        self._record(access_occurrences.unknown_token(path, self.clock.now()), caller)

    def inactive_client(self, client_id: ClientId, caller: Caller) -> None:
        self._record(access_occurrences.inactive_client(client_id, self.clock.now()), caller)

    @repeated_when_lost
    def _record(self, occurrence: Occurrence, caller: Caller) -> None:
        with self.unit_of_work() as work:
            record(work, occurrence, caller)
            work.commit()
