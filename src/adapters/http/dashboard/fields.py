"""What dashboards send (contract/clients-and-notifications.md 1.4, 1.5, 5)."""

import re
from decimal import Decimal
from typing import Final, TypeVar

from spot_optimizer.adapters.http.reading import NO_BOOLEAN, NO_NUMBER, NO_STRING, NULL, Reader
from spot_optimizer.adapters.http.routing import AnyRequest
from spot_optimizer.adapters.http.wire import UnsupportedMediaType, decoded, not_an_object
from spot_optimizer.domain.errors import ValidationFailed

N = TypeVar("N", int, Decimal)

NO_INTEGER: Final = "Not a valid integer."

_DIGITS: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_EMPTY: Final[tuple[object, ...]] = (None, [], "", 0, False)


async def form(request: AnyRequest, *, may_be_absent: bool = False) -> dict[str, object]:
    """The JSON object of a body; JSON that is empty or nothing is {}.

    Raises:
        UnsupportedMediaType: it is not declared as JSON.
        ValidationFailed: it is not there, no JSON, or no object.
    """
    body = await request.body()
    if may_be_absent and not body:
        return {}
    if "json" not in request.headers.get("Content-Type", "").lower():
        raise UnsupportedMediaType
    if not body.strip():
        raise ValidationFailed("Invalid JSON body")
    document = decoded(body)
    if isinstance(document, dict):
        # A token that opened the door is not kept.
        return {name: value for name, value in document.items() if name != "client_token"}
    if document in _EMPTY:
        return {}
    raise not_an_object()


def limited(request: AnyRequest, name: str, default: int, least: int, most: int) -> int:
    """A whole number out of the query, brought within its bounds; the default where it cannot be
    read."""
    text = request.query_params.get(name, "").strip()
    try:
        wanted = int(text) if len(text) < len("1" * 20) else default
    except ValueError:
        wanted = default
    return max(least, min(most, wanted))


class Fields(Reader):
    """The fields of one form. None is not there, or wrong; `check` tells all that is wrong."""

    def __init__(self, fields: dict[str, object]) -> None:
        super().__init__(fields, strict=True)

    def first_of(self, *names: str) -> str:
        """The first name under which something was sent, else the last."""
        return next((name for name in names if name in self.fields), names[-1])

    def flag(self, name: str) -> bool | None:
        """True and false, or 1 and 0."""
        value = self._told(name)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | Decimal) and value in (0, 1):
            return bool(value)
        self.wrong(name, NO_BOOLEAN)
        return None

    def whole(self, name: str, least: int, most: int) -> int | None:
        """A number, of which a fraction is cut off, or digits."""
        value = self._told(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
            self.wrong(name, NO_INTEGER)
            return None
        if isinstance(value, str) and not _DIGITS.fullmatch(value):
            self.wrong(name, NO_INTEGER)
            return None
        return self._within(name, int(value), least, most)

    def number(self, name: str, least: int, most: int) -> Decimal | None:
        """Kept to two decimals."""
        value = self._told(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.wrong(name, NO_NUMBER)
            return None
        amount = self._within(name, Decimal(value), least, most)
        return None if amount is None else amount.quantize(Decimal("0.01"))

    def words(self, name: str, *longest: int) -> str | None:
        """A text, at most so long; of several limits the one that it breaks by most is told."""
        value = self._told(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.wrong(name, NO_STRING)
            return None
        for limit in longest:
            if len(value) > limit:
                self.wrong(name, f"Longer than maximum length {limit}.")
                return None
        return value

    def _told(self, name: str) -> object:
        if name in self.fields and self.fields[name] is None:
            self.wrong(name, NULL)
        return self.fields.get(name)

    def _within(self, name: str, value: N, least: int, most: int) -> N | None:
        if least <= value <= most:
            return value
        self.wrong(
            name, f"Must be greater than or equal to {least} and less than or equal to {most}."
        )
        return None
