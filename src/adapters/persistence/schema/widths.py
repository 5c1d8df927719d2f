"""Whether every value of one column type fits into another."""

import re
from typing import Final

_TYPE: Final = re.compile(r"(\w+)(?:\((.*)\))?")
_INTEGERS: Final = {
    "bool": 1,
    "tinyint": 1,
    "smallint": 2,
    "mediumint": 3,
    "int": 4,
    "integer": 4,
    "bigint": 8,
}
_TEXTS: Final = {
    "tinytext": 2**8 - 1,
    "text": 2**16 - 1,
    "mediumtext": 2**24 - 1,
    "longtext": 2**32 - 1,
    "json": 2**32 - 1,  # MariaDB shows it as longtext
}
_DECIMALS: Final = {"decimal", "numeric"}
_INSTANTS: Final = {"timestamp", "datetime"}


def is_narrower(found: str, needed: str) -> bool:
    """Types of different kinds count as narrower: nothing is promised about their values."""
    found_word, found_arguments = _parse(found)
    word, arguments = _parse(needed)
    if word == "enum":
        return found_word != "enum" or not _words(arguments) <= _words(found_arguments)
    if word in _DECIMALS:
        return found_word not in _DECIMALS or _loses_digits(found_arguments, arguments)
    if word in _INTEGERS:
        return _INTEGERS.get(found_word, 0) < _INTEGERS[word]
    if word in _INSTANTS:
        return found_word not in _INSTANTS
    if word in _TEXTS or word in {"char", "varchar"}:
        return _characters(found_word, found_arguments) < _characters(word, arguments)
    return found_word != word


def _parse(type_name: str) -> tuple[str, str]:
    matched = _TYPE.match(type_name.lower())
    return (matched[1], matched[2] or "") if matched else (type_name, "")


def _words(arguments: str) -> set[str]:
    return set(re.findall(r"'([^']*)'", arguments))


def _loses_digits(found: str, needed: str) -> bool:
    found_whole, found_fraction = _digits(found)
    whole, fraction = _digits(needed)
    return found_whole < whole or found_fraction < fraction


def _digits(arguments: str) -> tuple[int, int]:
    precision, _, scale = arguments.partition(",")
    return int(precision) - int(scale or 0), int(scale or 0)


def _characters(word: str, arguments: str) -> int:
    if word in {"char", "varchar"}:
        return int(arguments or 1)
    return _TEXTS.get(word, 0)
