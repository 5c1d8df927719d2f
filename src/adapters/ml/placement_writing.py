"""Placement models as files: the same model gives the same bytes."""

import json
from io import BytesIO
from typing import Final
from zipfile import ZipFile, ZipInfo

import skops.io

from spot_optimizer.adapters.ml.placement_model import PlacementModel

_SCHEMA: Final = "schema.json"
_ID: Final = "__id__"


def as_json(model: PlacementModel) -> bytes:
    """The figures and the card, to read."""
    return json.dumps(model.kept(), indent=1).encode() + b"\n"


def as_skops(model: PlacementModel) -> bytes:
    """For uploading: a mapping of plain figures and texts, which needs no trusted types.

    skops numbers what it keeps by memory address and stamps the archive with the time of day;
    both are replaced.
    """
    return _repeatable(bytes(skops.io.dumps(model.kept())))


def _repeatable(content: bytes) -> bytes:
    with ZipFile(BytesIO(content)) as archive:
        schema = json.loads(archive.read(_SCHEMA))
    _renumber(schema, {})
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        archive.writestr(ZipInfo(_SCHEMA), json.dumps(schema, indent=1))
    return out.getvalue()


def _renumber(part: object, numbers: dict[int, int]) -> None:
    """In the order in which ids appear; equal ones stay equal."""
    if isinstance(part, dict):
        if isinstance(part.get(_ID), int):
            part[_ID] = numbers.setdefault(part[_ID], len(numbers) + 1)
        for inner in part.values():
            _renumber(inner, numbers)
    elif isinstance(part, list):
        for inner in part:
            _renumber(inner, numbers)
