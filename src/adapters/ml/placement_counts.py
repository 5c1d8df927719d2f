"""Count tables as JSON."""

import json
from collections.abc import Sequence
from math import isfinite
from typing import cast

from spot_optimizer.adapters.ml.placement_model import BrokenModel
from spot_optimizer.domain.placement.count_table import CELLS, Cell, CountTable


def as_json(counts: CountTable) -> bytes:
    return json.dumps({"cells": counts.cells}, indent=1).encode() + b"\n"


def count_table(kept: object) -> CountTable:
    """Raises:
    BrokenModel: it is not what `as_json` gives.
    """
    cells = kept.get("cells") if isinstance(kept, dict) else None
    if not isinstance(cells, Sequence) or len(cells) != CELLS:
        raise BrokenModel(f"not a count table of {CELLS} cells")
    return CountTable(tuple(_cell(one) for one in cells))


def _cell(kept: object) -> Cell:
    try:
        near, lost_near, far, lost_far = (float(one) for one in cast(Sequence[float], kept))
    except (TypeError, ValueError) as error:
        raise BrokenModel("a cell is none") from error
    for n, lost in ((near, lost_near), (far, lost_far)):
        if not (isfinite(n) and 0 <= lost <= n):
            raise BrokenModel("a cell counts more losses than observations")
    return near, lost_near, far, lost_far
