from typing import Any, Final

from sqlalchemy import ColumnElement, String, and_, bindparam, or_

from spot_optimizer.adapters.persistence.tables.types import UtcInstant
from spot_optimizer.application.dashboard.paging import Page

_AT: Final = bindparam("after_at", type_=UtcInstant)
_ID: Final = bindparam("after_id", type_=String)


def comes_after(at: ColumnElement[Any], key: ColumnElement[Any]) -> ColumnElement[bool]:
    """What follows the position in a list that is newest first, timeless rows last, then by key;
    everything where there is no position."""
    return or_(
        _ID.is_(None),
        at < _AT,
        and_(at == _AT, key > _ID),
        and_(at.is_(None), or_(_AT.is_not(None), key > _ID)),
    )


def asked_of(page: Page) -> dict[str, object]:
    """The parameters of `comes_after` and of the limit."""
    after = page.after
    return {
        "limit": page.limit,
        "after_at": None if after is None else after.at,
        "after_id": None if after is None else after.id,
    }
