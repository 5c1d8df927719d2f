"""Values that matchers accept, made up where an answer of the server is missing."""

from __future__ import annotations

import re
from typing import Final
from uuid import uuid4

from tests.contract.matchers import Matcher
from tests.contract.recording import Json
from tests.contract.templates import Scope

_TIME_FORMS: Final = {"iso-naive": "iso", "mysql-datetime": "sql", "date": "date"}
_HEXADECIMAL: Final = re.compile(r"\[0-9a-f\]\{(\d+)\}")
_SAMPLES: Final = (
    "*",
    "1/1",
    "2025-06-17",
    "2025-06-17 12:00",
    "2025-06-17 12:00:00",
    "File type not allowed: .exe. Allowed types: .pkl, .joblib",
)


def example_of(matcher: Matcher, scope: Scope) -> Json:
    if matcher.kind in _TIME_FORMS:
        offset = int(matcher.offset.total_seconds())
        return scope.moment(offset, _TIME_FORMS[matcher.kind])
    match matcher.kind:
        case "uuid":
            return new_id()
        case "token":
            return new_token()
        case "re":
            return _example_of_pattern(matcher.argument or "")
        case "int" | "float":
            return 1
        case "bool":
            return True
        case "string":
            return "made up"
        case "any" | "null":
            return None
    raise NotImplementedError(f"no example of {matcher}")


def new_id() -> str:
    return str(uuid4())


def new_token() -> str:
    return f"token-{uuid4().hex}"


def _example_of_pattern(pattern: str) -> str:
    """For the few forms that recordings use: fixed text with hexadecimal digits, or a sample."""
    text = _HEXADECIMAL.sub(lambda found: uuid4().hex[: int(found[1])], pattern)
    text = text.removeprefix("^").removesuffix("$").replace(".*", "")
    text = re.sub(r"\\(\W)", r"\1", text)
    for candidate in (text, *_SAMPLES):
        if re.search(pattern, candidate, re.S):
            return candidate
    raise NotImplementedError(f"no example of /{pattern}/")
