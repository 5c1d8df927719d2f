"""scikit-learn models in the skops format: an archive of figures and of names of known types."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final
from zipfile import ZipFile

import numpy
import skops.io
from sklearn.tree._tree import Tree

from spot_optimizer.adapters.ml.predictors import NotAModel, Predictor

TRUSTED: Final = ("sklearn.tree._tree.Tree",)
"""Beyond the types of NumPy, SciPy and scikit-learn that skops itself knows to be harmless. The
links of a tree are checked before it is asked: it would follow them anywhere."""

# Unpacked; what a hundred megabytes of figures come to, and no more than a worker can bear.
_LARGEST_BYTES: Final = 256 * 1024 * 1024
_MOST_MEMBERS: Final = 10_000
_DEEPEST: Final = 30
_MOST_STEPS: Final = 2_000_000


def opened(content: bytes) -> Predictor:
    """Raises:
    NotAModel: it unpacks to too much, or names a type that is not trusted.
    """
    check_archive(content)
    unknown = set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED)
    if unknown:
        raise NotAModel("contains types that are not trusted")
    model = skops.io.loads(content, trusted=list(TRUSTED))
    for part in _parts(model, _DEEPEST, set()):
        if isinstance(part, Tree):
            _check_tree(part)
        elif getattr(part, "n_jobs", None) is not None:
            part.n_jobs = 1  # for one row; the file may ask for thousands of threads
    return _predictor(model)


def check_archive(content: bytes) -> None:
    """Raises:
    NotAModel: it unpacks to too much.
    """
    with ZipFile(BytesIO(content)) as archive:
        members = archive.infolist()
        if len(members) > _MOST_MEMBERS:
            raise NotAModel("has too many parts")
        if sum(member.file_size for member in members) > _LARGEST_BYTES:
            raise NotAModel("unpacks to too much")
        if _steps(json.loads(archive.read("schema.json")), {}) > _MOST_STEPS:
            raise NotAModel("refers to itself too often")


def _steps(node: Any, known: dict[object, int]) -> int:
    """How many skops takes through a description: it goes the way of each reference anew."""
    if isinstance(node, list):
        return sum(_steps(one, known) for one in node)
    if not isinstance(node, dict):
        return 0
    if node.get("__loader__") == "CachedNode":
        return known.get(node.get("__id__"), 1)
    steps = 1 + sum(_steps(one, known) for one in node.values())
    if "__id__" in node:
        known[node["__id__"]] = steps
    return steps


def _predictor(model: Any) -> Predictor:
    if hasattr(model, "predict_proba"):
        return lambda features: float(model.predict_proba(numpy.array([features]))[0, 1])
    if hasattr(model, "predict"):
        return lambda features: float(model.predict(numpy.array([features]))[0])
    raise NotAModel("predicts nothing")


def _parts(part: Any, levels: int, seen: set[int]) -> Iterator[Any]:
    """Each once, wherever it is in a model: one part may be referred to again and again."""
    if id(part) in seen:
        return
    seen.add(id(part))
    yield part
    if isinstance(part, Tree):
        return
    if levels == 0:
        raise NotAModel("is nested too deeply")
    if isinstance(part, dict):
        inner = list(part.values())
    elif isinstance(part, list | tuple | set):
        inner = list(part)
    elif isinstance(part, numpy.ndarray):
        inner = list(part.flat) if part.dtype == object else []
    else:
        inner = list(getattr(part, "__dict__", {}).values())
    for one in inner:
        yield from _parts(one, levels - 1, seen)


def _check_tree(tree: Tree) -> None:
    """Children stand behind their parent, and features are among those it knows."""
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    parents = numpy.flatnonzero((left != -1) | (right != -1))
    for children in (left[parents], right[parents]):
        if (children <= parents).any() or (children >= tree.node_count).any():
            raise NotAModel("has a tree with broken links")
    tested = feature[parents]
    if (tested < 0).any() or (tested >= tree.n_features).any():
        raise NotAModel("has a tree that asks for unknown features")
