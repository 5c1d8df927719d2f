"""Doing something for many, of whom one that fails does not keep the others waiting."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from spot_optimizer.application.ports.unit_of_work import AlwaysLost, StoreUnavailable
from spot_optimizer.domain.errors import DomainError

logger = logging.getLogger(__name__)

T = TypeVar("T")


def one_by_one(items: Iterable[T], do: Callable[[T], None], kind: str) -> tuple[int, int]:
    """Returns how many went well and how many were left out.

    Raises:
        StoreUnavailable: nobody else fares better.
    """
    done = left_out = 0
    for item in items:
        try:
            do(item)
        except (AlwaysLost, DomainError) as lost:  # somebody else is busy with it, or it is gone
            logger.warning("%s %s was left out: %s", kind, item, lost)
            left_out += 1
        except StoreUnavailable:
            raise
        except Exception:  # the others must not wait for a defect of ours
            logger.exception("%s %s was left out", kind, item)
            left_out += 1
        else:
            done += 1
    return done, left_out
