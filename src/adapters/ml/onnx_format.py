"""ONNX models, through ONNX Runtime on the CPU."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy
import onnx
import onnxruntime
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto

from spot_optimizer.adapters.ml.predictors import NotAModel, Predictor
from spot_optimizer.domain.decisions.features import FEATURES

_TYPES: Final[Mapping[str, Any]] = {"tensor(float)": numpy.float32, "tensor(double)": numpy.float64}

# May go on for ever.
_CIRCLES: Final = {"Loop", "Scan", "SequenceMap"}

# The operators of the standard; others would come from libraries of somebody's own.
_DOMAINS: Final = {"", "ai.onnx", "ai.onnx.ml"}


def opened(content: bytes) -> Predictor:
    """Raises:
    NotAModel: it refers to files or operators outside itself, or takes other features.
    """
    model = onnx.load_model_from_string(content)
    _check(model)
    session = onnxruntime.InferenceSession(content, _options(), providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    if (
        len(inputs) != 1
        or len(inputs[0].shape) != 2
        or inputs[0].shape[1]
        not in (
            len(FEATURES),
            None,
        )
    ):
        raise NotAModel(f"takes something else than one row of {len(FEATURES)} features")
    if inputs[0].type not in _TYPES:
        raise NotAModel("takes something else than figures")
    return _Onnx(session, inputs[0].name, _TYPES[inputs[0].type])


class _Onnx:
    def __init__(self, session: Any, given: str, kind: Any) -> None:
        self._session = session
        self._given = given
        self._kind = kind

    def __call__(self, features: tuple[float, ...]) -> float:
        outputs = self._session.run(None, {self._given: numpy.array([features], self._kind)})
        return _figure(outputs[-1])


def _figure(output: Any) -> float:
    """Probabilities come as a row, or as a mapping from class to probability."""
    if isinstance(output, list):
        probabilities = output[0]
        return float(probabilities[max(probabilities)])
    return float(numpy.asarray(output).reshape(-1)[-1])


def _options() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return options


def _check(model: ModelProto) -> None:
    roots = [model.graph.node, *(function.node for function in model.functions)]
    graphs = [model.graph, *(graph for nodes in roots for graph in _graphs_within(nodes))]
    nodes = [node for graph in graphs for node in graph.node]
    nodes += [node for function in model.functions for node in function.node]
    if any(node.domain not in _DOMAINS for node in nodes):
        raise NotAModel("uses operators that are not of the standard")
    if any(node.op_type in _CIRCLES for node in nodes):
        raise NotAModel("goes round in circles")
    tensors = [tensor for graph in graphs for tensor in graph.initializer]
    tensors += [
        part
        for graph in graphs
        for sparse in graph.sparse_initializer
        for part in (sparse.values, sparse.indices)
    ]
    tensors += [tensor for node in nodes for it in node.attribute for tensor in _tensors(it)]
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in tensors):
        raise NotAModel("keeps its figures in another file")


def _graphs_within(nodes: Iterable[NodeProto]) -> Iterator[GraphProto]:
    """Those of conditions and loops."""
    for node in nodes:
        for attribute in node.attribute:
            inner = [attribute.g] if attribute.HasField("g") else []
            for graph in (*inner, *attribute.graphs):
                yield graph
                yield from _graphs_within(graph.node)


def _tensors(attribute: AttributeProto) -> Iterator[TensorProto]:
    if attribute.HasField("t"):
        yield attribute.t
    yield from attribute.tensors
    if attribute.HasField("sparse_tensor"):
        yield from (attribute.sparse_tensor.values, attribute.sparse_tensor.indices)
    for sparse in attribute.sparse_tensors:
        yield from (sparse.values, sparse.indices)
