"""Comparison by form only: keys and types, not values."""

from __future__ import annotations

from tests.contract.comparison import EXTRA_KEYS
from tests.contract.matchers import Matcher, is_flag, json_type, short
from tests.contract.recording import Json


def shape_of(value: Json) -> Json:
    """A recorded body reduced to types."""
    if isinstance(value, str):
        matcher = Matcher.read(value)
        return matcher.json_type if matcher else "string"
    if isinstance(value, dict) and "$each" in value:
        each = shape_of(value["$each"])
        return [each] if value.get("$min") else ["?", each]
    if isinstance(value, dict):
        return {key: shape_of(item) for key, item in value.items()}
    if isinstance(value, list):
        shapes: list[Json] = []
        for item in value:
            shape = shape_of(item)
            if shape not in shapes:
                shapes.append(shape)
        return shapes
    return json_type(value)


def shape_differences(shape: Json, actual: Json, path: str = "$") -> list[str]:
    """A shape is a type ("string|null"), an object ("key?" is optional), or an array of choices."""
    if isinstance(shape, dict):
        return _object_differences(shape, actual, path)
    if isinstance(shape, list):
        return _array_differences(shape, actual, path)
    allowed = shape.split("|")
    if "any" in allowed or json_type(actual) in allowed:
        return []
    if is_flag(actual) and not {"number", "boolean"}.isdisjoint(allowed):
        return []
    return [f"{path}: expected {shape}, got {json_type(actual)} {short(actual)}"]


def _object_differences(shape: dict[str, Json], actual: Json, path: str) -> list[str]:
    if not isinstance(actual, dict):
        return [f"{path}: expected object, got {json_type(actual)} {short(actual)}"]
    known = {key.rstrip("?"): key for key in shape if key != "..."}
    found = []
    for name, key in known.items():
        if name in actual:
            found += shape_differences(shape[key], actual[name], f"{path}.{name}")
        elif name == key:
            found.append(f"{path}.{name}: missing")
    if not shape.get("..."):
        surplus = [key for key in actual if key not in known and key not in EXTRA_KEYS]
        found += [f"{path}.{key}: unexpected ({short(actual[key])})" for key in surplus]
    return found


def _array_differences(shape: list[Json], actual: Json, path: str) -> list[str]:
    if not isinstance(actual, list):
        return [f"{path}: expected array, got {json_type(actual)} {short(actual)}"]
    choices = shape[1:] if shape[:1] == ["?"] else shape
    if not actual:
        may_be_empty = not shape or choices is not shape
        return [] if may_be_empty else [f"{path}: the array is empty, the recorded one is not"]
    found = list[str]()
    for index, item in enumerate(actual if choices else []):
        tries = [shape_differences(choice, item, f"{path}[{index}]") for choice in choices]
        closest = min(tries, key=len)
        found += closest
    return found
