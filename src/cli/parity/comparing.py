"""Two servers' answers to one question, side by side: status, shape and values.

What the new server does otherwise on purpose is a rule in `FIXES`, told with its reason and no
difference; everything else is one.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

Json: TypeAlias = Any

# Of things that are measured or said anew with every answer.
_MOMENTARY: Final = frozenset({"timestamp", "serverTime", "connectionPool", "uptime"})
_CLOCKS_APART_S: Final = 10.0
_TOLERANCE: Final = 1e-6
_DIFFERENCES_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    content_type: str
    document: Json
    """None where the body is no JSON."""
    text: str = ""

    @property
    def is_json(self) -> bool:
        return "json" in self.content_type


@dataclass(frozen=True, slots=True)
class Difference:
    where: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Verdict:
    differences: tuple[Difference, ...] = ()
    fixes: frozenset[str] = field(default_factory=frozenset)
    """Why something is otherwise on purpose."""

    @property
    def is_same(self) -> bool:
        return not self.differences


FLAGS_ARE_BOOLEANS: Final = "0 and 1 are false and true now"
KEYS_WERE_ADDED: Final = "keys were added, which existing readers overlook"
ERRORS_ARE_JSON: Final = "refusals of the framework are JSON now, without what goes on inside"
FAILURES_ARE_ANSWERED: Final = "the old server failed where the new one answers"
NO_CREDENTIALS: Final = "without credentials nothing is told any longer"

_Rule: TypeAlias = Callable[[Answer, Answer], bool]

# Pairs of answers that are as they should be although nothing in them needs to be alike.
FIXES: Final[Mapping[str, _Rule]] = {
    FAILURES_ARE_ANSWERED: lambda old, new: old.status >= 500 and new.status < 500,
    NO_CREDENTIALS: lambda old, new: old.status < 400 and new.status == 401,
    ERRORS_ARE_JSON: lambda old, new: (
        old.status == new.status and new.status in {404, 405, 413, 415} and not old.is_json
    ),
}


def compare(old: Answer, new: Answer) -> Verdict:
    for reason, holds in FIXES.items():
        if holds(old, new):
            return Verdict(fixes=frozenset({reason}))
    if old.status != new.status:
        told = Difference("status", str(old.status), str(new.status))
        return Verdict((told,))
    if old.is_json != new.is_json:
        return Verdict((Difference("content type", old.content_type, new.content_type),))
    if not old.is_json:
        same = _lines(old.text) == _lines(new.text)
        return Verdict(() if same else (Difference("body", _short(old.text), _short(new.text)),))
    fixes: set[str] = set()
    found = tuple(_differences("$", old.document, new.document, fixes))
    return Verdict(found[:_DIFFERENCES_TOLD], frozenset(fixes))


def _differences(where: str, old: Json, new: Json, fixes: set[str]) -> Iterator[Difference]:
    if _is_flag(old, new):
        if old is not new:
            fixes.add(FLAGS_ARE_BOOLEANS)
        if bool(old) != bool(new):
            yield Difference(where, _short(old), _short(new))
        return
    if _kind(old) != _kind(new):
        yield Difference(where, f"{_kind(old)} {_short(old)}", f"{_kind(new)} {_short(new)}")
        return
    match old:
        case dict():
            yield from _of_objects(where, old, new, fixes)
        case list():
            if len(old) != len(new):
                yield Difference(where, f"{len(old)} items", f"{len(new)} items")
            for index, (item, other) in enumerate(zip(old, new, strict=False)):
                yield from _differences(f"{where}[{index}]", item, other, fixes)
        case int() | float():
            if not math.isclose(old, new, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE):
                yield Difference(where, _short(old), _short(new))
        case _:
            if old != new:
                yield Difference(where, _short(old), _short(new))


def _of_objects(
    where: str, old: dict[str, Json], new: dict[str, Json], fixes: set[str]
) -> Iterator[Difference]:
    for name, value in old.items():
        if name not in new:
            yield Difference(f"{where}.{name}", _short(value), "missing")
        elif not (name in _MOMENTARY and _is_of_now(value, new[name])):
            yield from _differences(f"{where}.{name}", value, new[name], fixes)
    if new.keys() - old.keys():
        fixes.add(KEYS_WERE_ADDED)


def _is_flag(old: Json, new: Json) -> bool:
    def is_one(value: Json) -> bool:
        return isinstance(value, bool) or value in (0, 1)

    return (isinstance(old, bool) or isinstance(new, bool)) and is_one(old) and is_one(new)


def _is_of_now(old: Json, new: Json) -> bool:
    """Nearly the same moment, or what only one of them can know."""
    try:
        apart = datetime.fromisoformat(str(new)) - datetime.fromisoformat(str(old))
    except (ValueError, TypeError):
        return _kind(old) == _kind(new)
    return abs(apart.total_seconds()) <= _CLOCKS_APART_S


def _kind(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _lines(text: str) -> list[str]:
    return re.split(r"\r?\n", text.strip())


def _short(value: Json) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
