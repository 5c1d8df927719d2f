"""What the in-memory repositories have in common."""

from collections.abc import Mapping
from copy import copy
from typing import Any

from spot_optimizer.application.ports.unit_of_work import TransactionLost


class Keeping:
    """Remembers what it keeps, and goes back to that; the entries themselves never change."""

    def remember(self) -> Mapping[str, Any]:
        return {
            name: copy(value)
            for name, value in vars(self).items()
            if isinstance(value, dict | list)
        }

    def go_back_to(self, memory: Mapping[str, Any]) -> None:
        vars(self).update({name: copy(it) for name, it in memory.items()})


def refuse_twice(is_there_already: bool) -> None:
    """A key that is taken loses the transaction, as in a database."""
    if is_there_already:
        raise TransactionLost("a row came meanwhile")
