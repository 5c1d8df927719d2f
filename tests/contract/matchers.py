"""Matchers such as <uuid> and <mysql-datetime:now-60>: which values they accept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Final, Self

import msgspec

from tests.contract.recording import Json

CLOCK_TOLERANCE: Final = timedelta(seconds=180)
DATE_TOLERANCE: Final = timedelta(days=1)

_FORM: Final = re.compile(r"<(?P<kind>[a-z][a-z\-]*)(?::(?P<argument>.*))?>", re.S)
_OFFSET: Final = re.compile(r"now([+-]\d+)?d?")

_TEXTS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "uuid": (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I), "a UUID"),
    "token": (re.compile(r"token-[A-Za-z0-9]{32}"), "token-<32 alphanumerics>"),
    "iso-naive": (
        re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?"),
        "a naive ISO-8601 moment",
    ),
    "mysql-datetime": (
        re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?"),
        "a moment of the database",
    ),
    "date": (re.compile(r"\d{4}-\d\d-\d\d"), "a date"),
}
_CLOCKS: Final = frozenset({"iso-naive", "mysql-datetime", "date"})


def json_type(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | Decimal):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def is_flag(value: Json) -> bool:
    """Whether it can stand for a truth value: true and false equal 1 and 0 (ruling R2)."""
    return isinstance(value, int | float) and value in (0, 1)


def short(value: Json, limit: int = 160) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_VALUES: Final[Mapping[str, Callable[[Json], bool]]] = {
    "any": lambda value: True,
    "null": lambda value: value is None,
    "string": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: _is_number(value) and float(value).is_integer(),
    "float": _is_number,
}
_KINDS: Final = frozenset({*_VALUES, *_TEXTS, "re", "http-date"})
_TYPES: Final[Mapping[str, str]] = {
    "any": "any",
    "int": "number",
    "float": "number",
    "bool": "boolean",
    "null": "null",
}


@dataclass(frozen=True, slots=True)
class Matcher:
    kind: str
    argument: str | None

    @classmethod
    def read(cls, expected: Json) -> Self | None:
        """The matcher that this text is, if it is one."""
        form = _FORM.fullmatch(expected) if isinstance(expected, str) else None
        if form is None or form["kind"] not in _KINDS:
            return None
        return cls(form["kind"], form["argument"])

    @property
    def json_type(self) -> str:
        return _TYPES.get(self.kind, "string")

    @property
    def is_clock_of_row(self) -> bool:
        """Whether it asks for the time at which a row was written."""
        argument = self.argument or ""
        return self.kind in ("mysql-datetime", "date") and argument.startswith("now")

    @property
    def offset(self) -> timedelta:
        """How far from now the moment is."""
        form = _OFFSET.fullmatch(self.argument or "now")
        if form is None:
            raise ValueError(f"bad moment in {self}")
        number = int(form[1] or 0)
        return timedelta(days=number) if self.kind == "date" else timedelta(seconds=number)

    def complaint(self, actual: Json, now: datetime) -> str | None:
        """Why it does not accept the value; nothing when it does."""
        if self.kind in _VALUES:
            accepted = _VALUES[self.kind](actual)
            return None if accepted else f"expected {self}, got {json_type(actual)} {short(actual)}"
        if not isinstance(actual, str):
            return f"expected {self}, got {json_type(actual)} {short(actual)}"
        if self.kind == "re":
            found = re.search(self.argument or "", actual, re.S)
            return None if found else f"{short(actual)!r} does not match /{self.argument}/"
        if self.kind == "http-date":
            return None if _is_http_date(actual) else f"{short(actual)!r} is not an HTTP date"
        pattern, meaning = _TEXTS[self.kind]
        if not pattern.fullmatch(actual):
            return f"{short(actual)!r} is not {meaning}"
        return self._complaint_about_time(actual, now)

    def _complaint_about_time(self, actual: str, now: datetime) -> str | None:
        if self.kind not in _CLOCKS or not self.argument:
            return None
        try:
            moment = datetime.fromisoformat(actual)
        except ValueError:
            return f"{actual!r} does not exist"
        wanted, tolerance = now + self.offset, CLOCK_TOLERANCE
        if self.kind == "date":
            wanted, tolerance = datetime(wanted.year, wanted.month, wanted.day), DATE_TOLERANCE  # noqa: DTZ001
        if abs(moment - wanted) <= tolerance:
            return None
        return f"time {moment} is not about {wanted:%Y-%m-%d %H:%M:%S} ({self})"

    def __str__(self) -> str:
        return f"<{self.kind}>" if self.argument is None else f"<{self.kind}:{self.argument}>"


def _is_http_date(text: str) -> bool:
    try:
        parsedate_to_datetime(text)
    except ValueError:
        return False
    return True
