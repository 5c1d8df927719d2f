"""Placeholders such as {{agent_id}}, {{agent_id[:8]}} and {{now-60|isoz}}."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, Self

from tests.contract.recording import Json

PLACEHOLDER: Final = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_MOMENT: Final = re.compile(r"now(?P<offset>[+-]\d+)?(?:\|(?P<form>\w+))?")
_NAME: Final = re.compile(r"(?P<name>[A-Za-z_]\w*)(?:\[(?P<start>-?\d*):(?P<stop>-?\d*)\])?")

_FORMS: Final[Mapping[str, str]] = {
    "iso": "%Y-%m-%dT%H:%M:%S",
    "isoz": "%Y-%m-%dT%H:%M:%SZ",
    "isotz": "%Y-%m-%dT%H:%M:%S+00:00",
    "sql": "%Y-%m-%d %H:%M:%S",
    "date": "%Y-%m-%d",
}


class Unbound(LookupError):
    """A placeholder stands for nothing yet."""

    def __init__(self, name: str) -> None:
        super().__init__(f"nothing is known yet as {name!r}")
        self.name = name


class Clock(Protocol):
    def now(self) -> datetime: ...


class Scope:
    """What the placeholders of one conversation stand for."""

    def __init__(self, clock: Clock, names: Mapping[str, Json] | None = None) -> None:
        self._clock = clock
        self.names: dict[str, Json] = dict(names or {})

    @property
    def now(self) -> datetime:
        """Naive UTC, like the moments in answers and rows."""
        return self._clock.now().astimezone(UTC).replace(tzinfo=None)

    def fork(self) -> Self:
        """A copy to try something with."""
        return type(self)(self._clock, self.names)

    def adopt(self, trial: Scope) -> None:
        self.names = dict(trial.names)

    def moment(self, offset_seconds: int, form: str) -> str:
        return (self.now + timedelta(seconds=offset_seconds)).strftime(_FORMS[form])

    def expand(self, value: Json, time_form: str = "iso") -> Json:
        """The value with every placeholder replaced; a lonely one keeps the type of its value."""
        if isinstance(value, dict):
            return {key: self.expand(item, time_form) for key, item in value.items()}
        if isinstance(value, list):
            return [self.expand(item, time_form) for item in value]
        if not isinstance(value, str):
            return value
        lonely = PLACEHOLDER.fullmatch(value)
        if lonely:
            return self.value_of(lonely[1], time_form)
        return PLACEHOLDER.sub(lambda found: str(self.value_of(found[1], time_form)), value)

    def value_of(self, expression: str, time_form: str = "iso") -> Json:
        moment = _MOMENT.fullmatch(expression)
        if moment:
            return self.moment(int(moment["offset"] or 0), moment["form"] or time_form)
        part = _NAME.fullmatch(expression)
        if part is None:
            raise ValueError(f"bad placeholder {{{{{expression}}}}}")
        if part["name"] not in self.names:
            raise Unbound(part["name"])
        value = self.names[part["name"]]
        if part["start"] is None:
            return value
        return str(value)[_bound(part["start"]) : _bound(part["stop"])]

    def unbound_name(self, text: str) -> str | None:
        """The name which this text as a whole would bind, if it is a new one."""
        lonely = PLACEHOLDER.fullmatch(text)
        if lonely is None or _MOMENT.fullmatch(lonely[1]):
            return None
        part = _NAME.fullmatch(lonely[1])
        if part is None or part["start"] is not None or part["name"] in self.names:
            return None
        return part["name"]

    def pattern(self, text: str) -> str:
        """A regular expression in which what is not bound yet may be any text."""
        pieces, position = [], 0
        for found in PLACEHOLDER.finditer(text):
            pieces.append(re.escape(text[position : found.start()]))
            try:
                pieces.append(re.escape(str(self.value_of(found[1]))))
            except Unbound:
                pieces.append(".+?")
            position = found.end()
        return "".join([*pieces, re.escape(text[position:])])


def _bound(text: str) -> int | None:
    return int(text) if text else None
