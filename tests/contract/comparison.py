"""Exact comparison of documents: every key and value, through matchers and placeholders."""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import msgspec

from tests.contract.matchers import Matcher, is_flag, json_type, short
from tests.contract.recording import Json
from tests.contract.templates import Scope, Unbound

# Keys that the contract lets a server add, because real agents read them.
EXTRA_KEYS: Final = frozenset({"pool_id", "az", "command_type", "replica_instance_id"})

_INDEX: Final = re.compile(r"\[\d+\]")


def differences(
    expected: Json,
    actual: Json,
    scope: Scope,
    path: str = "$",
    unordered: Collection[str] = (),
) -> list[str]:
    """Everything in which the document is not as expected; new placeholders are bound."""
    return _Comparison(scope, unordered).at(path, expected, actual)


def bag_differences(expected: list[Json], actual: list[Json], scope: Scope, path: str) -> list[str]:
    """The same for two lists whose order does not count."""
    return _Comparison(scope, ()).of_bags(path, expected, actual)


@dataclass(frozen=True, slots=True)
class _Comparison:
    scope: Scope
    unordered: Collection[str]

    def at(self, path: str, expected: Json, actual: Json) -> list[str]:
        if isinstance(expected, str):
            complaint = self._of_text(expected, actual)
            return [f"{path}: {complaint}"] if complaint else []
        if isinstance(expected, dict) and "$each" in expected:
            return self._of_each(path, expected, actual)
        if isinstance(expected, dict) and "$contains" in expected:
            return self._of_contained(path, expected["$contains"], actual)
        if is_flag(expected) and is_flag(actual):
            return [] if expected == actual else [f"{path}: expected {expected}, got {actual}"]
        if json_type(expected) != json_type(actual):
            wanted = f"{json_type(expected)} {short(expected)}"
            return [f"{path}: expected {wanted}, got {json_type(actual)} {short(actual)}"]
        if isinstance(expected, dict):
            return self._of_objects(path, expected, actual)
        if isinstance(expected, list):
            return self._of_arrays(path, expected, actual)
        if expected is None or math.isclose(expected, actual, rel_tol=1e-9, abs_tol=1e-9):
            return []
        return [f"{path}: expected {expected}, got {actual}"]

    def of_bags(self, path: str, expected: list[Json], actual: list[Json]) -> list[str]:
        """Pairs every expected item with the item that differs least."""
        found, left = [], list(actual)
        # Items with few matchers choose first, so that they find their own partner.
        for index in sorted(range(len(expected)), key=lambda i: _freedom(expected[i])):
            item_path = f"{path}[{index}]"
            if not left:
                found.append(f"{item_path}: nothing left to match {short(expected[index])}")
                continue
            best, least, names = 0, None, self.scope
            for position, candidate in enumerate(left):
                trial = self.scope.fork()
                against = _Comparison(trial, self.unordered)
                differing = against.at(item_path, expected[index], candidate)
                if least is None or len(differing) < len(least):
                    best, least, names = position, differing, trial
                if not differing:
                    break
            left.pop(best)
            found += least or []
            if not least:
                self.scope.adopt(names)
        return found

    def _of_text(self, expected: str, actual: Json) -> str | None:
        matcher = Matcher.read(expected)
        if matcher:
            return matcher.complaint(actual, self.scope.now)
        name = self.scope.unbound_name(expected)
        if name:
            if actual is None:
                return f"expected a value to remember as {name!r}, got null"
            self.scope.names[name] = actual
            return None
        if not isinstance(actual, str):
            return f"expected {short(expected)!r}, got {json_type(actual)} {short(actual)}"
        try:
            wanted = str(self.scope.expand(expected))
        except Unbound:
            if re.fullmatch(self.scope.pattern(expected), actual, re.S):
                return None
            wanted = expected
        return None if wanted == actual else f"expected {short(wanted)!r}, got {short(actual)!r}"

    def _of_each(self, path: str, expected: dict[str, Json], actual: Json) -> list[str]:
        if not isinstance(actual, list):
            return [f"{path}: expected array, got {json_type(actual)}"]
        if len(actual) < expected.get("$min", 0):
            return [f"{path}: expected at least {expected['$min']} items, got {len(actual)}"]
        return [
            difference
            for index, item in enumerate(actual)
            for difference in self.at(f"{path}[{index}]", expected["$each"], item)
        ]

    def _of_contained(self, path: str, expected: Json, actual: Json) -> list[str]:
        if not isinstance(actual, list):
            return [f"{path}: expected array, got {json_type(actual)}"]
        for item in actual:
            if not _Comparison(self.scope.fork(), self.unordered).at(path, expected, item):
                return []
        return [f"{path}: no item matches {short(expected)}"]

    def _of_objects(
        self, path: str, expected: dict[str, Json], actual: dict[str, Json]
    ) -> list[str]:
        found = []
        for key, value in expected.items():
            if key in actual:
                found += self.at(f"{path}.{key}", value, actual[key])
            else:
                found.append(f"{path}.{key}: missing (expected {short(value)})")
        for key, value in actual.items():
            if key not in expected and key not in EXTRA_KEYS:
                found.append(f"{path}.{key}: unexpected ({short(value)})")
        return found

    def _of_arrays(self, path: str, expected: list[Json], actual: list[Json]) -> list[str]:
        if len(expected) != len(actual):
            counts = f"expected {len(expected)} items, got {len(actual)}"
            return [f"{path}: {counts}: {short(actual)}"]
        if _INDEX.sub("[*]", path) in self.unordered:
            return self.of_bags(path, expected, actual)
        return [
            difference
            for index, (item, other) in enumerate(zip(expected, actual, strict=True))
            for difference in self.at(f"{path}[{index}]", item, other)
        ]


def _freedom(expected: Json) -> int:
    """How much of an item may be anything."""
    return msgspec.json.encode(expected).count(b"<")
