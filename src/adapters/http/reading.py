"""Taking values out of JSON that anybody may have written.

Two tempers: what an operator or a registering agent gets wrong is told to them field by field;
from a report, what can be read is taken and the rest left out, because agents do not correct
themselves but repeat (contract/real-agents.md section 3).
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from spot_optimizer.adapters.http.wire import invalid
from spot_optimizer.domain.values import Mode, hourly_price

MISSING: Final = "Missing data for required field."
NULL: Final = "Field may not be null."
NO_STRING: Final = "Not a valid string."
NO_BOOLEAN: Final = "Not a valid boolean."
NO_NUMBER: Final = "Not a valid number."
NO_OBJECT: Final = "Not a valid mapping type."
NO_LIST: Final = "Not a valid list."
NO_TIME: Final = "Not a valid datetime."
UNKNOWN: Final = "Unknown field."
EMPTY: Final = "Shorter than minimum length 1."

# What a DECIMAL(10,6) column holds, USD per hour.
_PRICE_LIMIT: Final = Decimal(10_000)

# What a TIMESTAMP column holds.
_FIRST_MOMENT: Final = datetime(1970, 1, 2, tzinfo=UTC)
_LAST_MOMENT: Final = datetime(2038, 1, 18, tzinfo=UTC)


_MODES: Final = {mode.value: mode for mode in Mode}


class Reader:
    """One JSON object. A strict reader collects what is wrong; a lenient one reads on."""

    def __init__(
        self,
        fields: Mapping[str, object],
        *,
        strict: bool,
        errors: dict[str, object] | None = None,
    ) -> None:
        self.fields = fields
        self.strict = strict
        self.errors: dict[str, object] = {} if errors is None else errors

    def check(self) -> None:
        """Raises:
        ValidationFailed: something was wrong, all of it told at once.
        """
        found = _without_empty_parts(self.errors)
        if found:
            raise invalid(found)

    def wrong(self, name: str, message: str) -> None:
        if self.strict:
            self.errors.setdefault(name, [message])

    def text(self, name: str, longest: int) -> str | None:
        """None when it is absent, null or cannot be used."""
        value = self.fields.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.wrong(name, NO_STRING)
            return None
        if len(value) > longest:
            self.wrong(name, f"Longer than maximum length {longest}.")
            return None
        return value

    def required_text(self, name: str, longest: int) -> str:
        """Empty after a complaint, which `check` raises."""
        if name not in self.fields:
            self.errors[name] = [MISSING]
        elif self.fields[name] is None:
            self.errors[name] = [NULL]
        elif not isinstance(self.fields[name], str):
            self.errors[name] = [NO_STRING]
        elif not self.fields[name]:
            self.errors[name] = [EMPTY]
        elif len(str(self.fields[name])) > longest:
            self.errors[name] = [f"Longer than maximum length {longest}."]
        else:
            return str(self.fields[name])
        return ""

    def choice(self, name: str, options: Collection[str]) -> str | None:
        value = self.fields.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or value not in options:
            self.wrong(name, f"Must be one of: {', '.join(options)}.")
            return None
        return value

    def flag(self, name: str) -> bool | None:
        value = self.fields.get(name)
        if value is None or isinstance(value, bool):
            return value
        self.wrong(name, NO_BOOLEAN)
        return None

    def price(self, name: str) -> Decimal | None:
        """USD per hour, exact to 6 decimals."""
        value = self.fields.get(name)
        if value is None:
            return None
        price = as_price(value)
        if price is None:
            self.wrong(name, NO_NUMBER)
        return price

    def instant(self, name: str) -> datetime | None:
        value = self.fields.get(name)
        if value is None:
            return None
        instant = as_instant(value)
        if instant is None:
            self.wrong(name, NO_TIME)
        return instant

    def part(self, name: str) -> "Reader":
        """The object under that name; an empty one where there is none."""
        value = self.fields.get(name)
        inner: dict[str, object] = {}
        if value is None:
            value = {}
        elif not isinstance(value, dict):
            self.wrong(name, NO_OBJECT)
            value = {}
        elif self.strict:
            self.errors.setdefault(name, inner)
        return Reader(value, strict=self.strict, errors=inner)

    def listing(self, name: str) -> list[object]:
        value = self.fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(name, NO_LIST)
            return []
        return value


def _without_empty_parts(errors: Mapping[str, object]) -> dict[str, object]:
    told = {
        name: _without_empty_parts(error) if isinstance(error, dict) else error
        for name, error in errors.items()
    }
    return {name: error for name, error in told.items() if error}


def as_text(value: object, longest: int) -> str | None:
    """A text that is not too long, else None."""
    return value if isinstance(value, str) and len(value) <= longest else None


def as_mode(text: str | None) -> Mode | None:
    """One of ours, else None."""
    return _MODES.get(text) if text else None


def as_price(value: object) -> Decimal | None:
    """A number that can be a price, else None; booleans and texts are none."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    try:
        amount = Decimal(value)
        return hourly_price(amount) if abs(amount) < _PRICE_LIMIT else None
    except InvalidOperation:
        return None


def as_instant(value: object) -> datetime | None:
    """ISO 8601 in any of the forms that agents send, naive ones being UTC; else None."""
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=UTC)
        instant = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return instant if _FIRST_MOMENT <= instant <= _LAST_MOMENT else None
