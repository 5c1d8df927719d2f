"""Telling the three readers of an occurrence about it."""

from spot_optimizer.application.ports.unit_of_work import UnitOfWork
from spot_optimizer.domain.callers import Caller
from spot_optimizer.domain.journal import Occurrence


def record(work: UnitOfWork, occurrence: Occurrence | None, by: Caller) -> None:
    """In the current transaction; None is nothing to tell."""
    if occurrence is None:
        return
    if occurrence.audit is not None:
        work.audit.add(occurrence.audit, by, occurrence.at)
    if occurrence.event is not None:
        work.events.add(occurrence.event, occurrence.at)
    if occurrence.notification is not None:
        work.notifications.add(occurrence.notification, occurrence.at)
