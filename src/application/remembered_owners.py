from collections.abc import Sequence
from typing import Final, NamedTuple

from spot_optimizer.application.ports.clock import Stopwatch
from spot_optimizer.application.ports.credentials import Credentials, TokenOwner

# So long a token that another process has replaced may go on opening what agents poll.
_LASTS_S: Final = 1.0
_TOKENS_REMEMBERED: Final = 10_000


class _Admitted(NamedTuple):
    owner: TokenOwner
    at_s: float


class RememberedOwners:
    """Whose token it is, as it was on record within the last second.

    Nine requests in ten are heartbeats, polls and reports of agents that were let in a moment ago.
    Only who may use a token is remembered, so that a new one opens at once; what this process
    changes of tokens counts at once, too.
    """

    def __init__(self, credentials: Credentials, stopwatch: Stopwatch) -> None:
        self._credentials, self._stopwatch = credentials, stopwatch
        self._admitted: dict[str, _Admitted] = {}

    def owners_of(self, tokens: Sequence[str]) -> Sequence[TokenOwner | None]:
        now_s = self._stopwatch.seconds()
        admitted = self._admitted
        owners: dict[str, TokenOwner | None] = {}
        for token in tokens:
            known = admitted.get(token)
            if known is not None and now_s - known.at_s < _LASTS_S:
                owners[token] = known.owner
        unknown = [token for token in tokens if token not in owners]
        if unknown:
            owners.update(zip(unknown, self._credentials.owners_of(unknown), strict=True))
            if len(admitted) + len(unknown) > _TOKENS_REMEMBERED:
                admitted.clear()
            for token in unknown:
                owner = owners[token]
                if owner is not None and owner.is_active:
                    admitted[token] = _Admitted(owner, now_s)
        return [owners[token] for token in tokens]

    def forget(self) -> None:
        """Who is just reading puts what it finds where nobody looks any more."""
        self._admitted = {}
