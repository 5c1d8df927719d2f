"""Model files as data scientists hand them over, and as nobody should."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from math import log
from pathlib import Path
from typing import Any

import numpy
import onnx
import skops.io
from onnx import TensorProto, helper
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from spot_optimizer.domain.decisions.features import FEATURES

_SIZE = len(FEATURES)


def a_risk_model(risk: float) -> LogisticRegression:
    """Says the same of everything."""
    model = LogisticRegression()
    model.classes_ = numpy.array([0, 1])
    model.coef_ = numpy.zeros((1, _SIZE))
    model.intercept_ = numpy.array([log(risk / (1 - risk))])
    model.n_features_in_ = _SIZE
    return model


def skops_of(model: Any) -> bytes:
    return bytes(skops.io.dumps(model))


def skops_risk(risk: float = 0.25) -> bytes:
    return skops_of(a_risk_model(risk))


def skops_price(price: float = 0.02) -> bytes:
    model = DummyRegressor(strategy="constant", constant=price)
    return skops_of(model.fit(numpy.zeros((2, _SIZE)), [price, price]))


def a_forest() -> RandomForestClassifier:
    rows = numpy.random.default_rng(1).random((40, _SIZE))
    forest = RandomForestClassifier(n_estimators=3, random_state=1)
    return forest.fit(rows, (rows[:, 0] > 0.5).astype(int))


def onnx_of(
    figure: float = 0.25,
    *,
    width: int = _SIZE,
    domain: str = "",
    external: str | None = None,
    nested: bool = False,
) -> bytes:
    """Adds the figure to nothing; `external` keeps the figure in another file, `nested` keeps it
    within the branches of a condition."""
    zeros = helper.make_tensor("zeros", TensorProto.FLOAT, [width, 1], [0.0] * width)
    constant = helper.make_tensor("constant", TensorProto.FLOAT, [1], [figure])
    if external is not None:
        constant.ClearField("float_data")
        constant.data_location = TensorProto.EXTERNAL
        entry = constant.external_data.add()
        entry.key, entry.value = "location", external
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, width])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    product = helper.make_node("MatMul", ["rows", "zeros"], ["product"])
    if nested:
        inner_out = helper.make_tensor_value_info("inner", TensorProto.FLOAT, None)
        inner = helper.make_node("Constant", [], ["inner"], value=constant)
        branch = helper.make_graph([inner], "branch", [], [inner_out])
        truth = helper.make_node(
            "Constant", [], ["truth"], value=helper.make_tensor("t", TensorProto.BOOL, [], [True])
        )
        chosen = helper.make_node("If", ["truth"], ["c"], then_branch=branch, else_branch=branch)
        total = helper.make_node("Add", ["product", "c"], ["out"])
        nodes, kept = [truth, product, chosen, total], [zeros]
    else:
        total = helper.make_node("Add", ["product", "constant"], ["out"], domain=domain)
        nodes, kept = [product, total], [zeros, constant]
    graph = helper.make_graph(nodes, "graph", [rows], [out], kept)
    imports = [helper.make_opsetid("", 17)]
    imports += [helper.make_opsetid(domain, 1)] if domain else []
    model = helper.make_model(graph, opset_imports=imports, ir_version=9)
    return bytes(model.SerializeToString())


class _RunsWhenOpened:
    """What an attacker puts into a pickle."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.target,)


def a_malicious_pickle(target: Path) -> bytes:
    """Makes the target when somebody opens it."""
    return pickle.dumps(_RunsWhenOpened(target))


def skops_with(type_name: str, module: str, *arguments: str) -> bytes:
    """The figures of a model, and in its description a call of something else."""
    sound = io.BytesIO(skops_risk())
    hostile = io.BytesIO()
    with zipfile.ZipFile(sound) as before, zipfile.ZipFile(hostile, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "schema.json":
                schema = json.loads(content)
                schema["__class__"], schema["__module__"] = type_name, module
                schema["__loader__"] = "ObjectNode"
                content = json.dumps(schema).encode()
            after.writestr(name, content)
    return hostile.getvalue()


def a_zip_bomb(gigabytes: int = 1) -> bytes:
    """A model of a megabyte that unpacks to much more."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("zeros.npy", "w", force_zip64=True) as member:
            for _ in range(gigabytes * 64):
                member.write(bytes(16 * 1024 * 1024))
        archive.writestr("schema.json", "{}")
    return packed.getvalue()


def onnx_without_end() -> bytes:
    """A loop that nothing ends."""
    truth = helper.make_tensor("truth", TensorProto.BOOL, [], [True])
    float_in, float_out = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", "y")
    )
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["x", "x"], ["y"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            float_in,
        ],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, []), float_out],
    )
    return _onnx(helper.make_node("Loop", ["", "truth", "rows"], ["out"], body=body), truth)


def onnx_bomb(gigabytes: int = 16) -> bytes:
    """Some hundred bytes that ask for gigabytes."""
    shape = helper.make_tensor("shape", TensorProto.INT64, [1], [gigabytes * 1024**3 // 4])
    return _onnx(helper.make_node("ConstantOfShape", ["shape"], ["out"]), shape)


def _onnx(node: onnx.NodeProto, constant: onnx.TensorProto) -> bytes:
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, _SIZE])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "graph", [rows], [out], [constant])
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=9)
    return bytes(model.SerializeToString())


def skops_of_references(levels: int = 40) -> bytes:
    """A list that holds a list twice, which holds a list twice, and so on."""
    sound, hostile = io.BytesIO(skops_risk()), io.BytesIO()
    with zipfile.ZipFile(sound) as before, zipfile.ZipFile(hostile, "w") as after:
        schema = json.loads(before.read("schema.json"))
        schema["content"]["content"]["extra"] = _twice(levels)
        for name in before.namelist():
            content = before.read(name)
            after.writestr(name, json.dumps(schema) if name == "schema.json" else content)
    return hostile.getvalue()


def _twice(levels: int) -> dict[str, Any]:
    node = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode"}
    inner = [] if levels == 0 else [_twice(levels - 1)]
    again = [{**node, "__loader__": "CachedNode", "__id__": one["__id__"]} for one in inner]
    return {**node, "content": inner + again, "__id__": levels + 1}


def loaded(content: bytes) -> onnx.ModelProto:
    return onnx.load_model_from_string(content)
