"""A BERT encoder out of an ONNX graph that sentence-transformers exported.

The exporter keeps the names of all parameters except the matrices of linear layers, which it transposes and
renames `onnx::MatMul_<n>`. Each of them is found again by its use: MatMul, then Add of a bias whose name was
kept.
"""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from app.probes.conversion.base import DamagedSourceError, copy_tokenizer, only_file, write_model
from models_registry.entry import ModelEntry
from models_registry.hubs.policy import CONFIG

_PREFIX = "model.0.auto_model."
_ANONYMOUS = "onnx::MatMul"

Array = npt.NDArray[np.generic]


def convert(parts: Path, target: Path, entry: ModelEntry) -> None:
    """The target folder holds the encoder, with the tokenizer and the shape constants of its family.

    All MiniLM-H384-uncased models share the width, heads, vocabulary and tokenizer; only the number of layers
    differs, and it is counted in the graph.

    Source:
        Wang et al., 2020, MiniLM, https://arxiv.org/abs/2002.10957.
    """
    graph = onnx.load(str(only_file(parts / "weights", ".onnx"))).graph
    tensors = _state_dict(graph)
    config = json.loads((parts / "tokenizer" / CONFIG).read_text(encoding="utf-8"))
    config |= {"num_hidden_layers": _count_layers(tensors), "_name_or_path": entry.id, "dtype": "float32"}
    if tensors["embeddings.word_embeddings.weight"].shape != (config["vocab_size"], config["hidden_size"]):
        raise DamagedSourceError("the vocabulary is not that of the tokenizer")
    copy_tokenizer(parts / "tokenizer", target)
    write_model(target, config, tensors)


def _state_dict(graph: onnx.GraphProto) -> dict[str, Array]:
    """Parameters by their names in `BertModel`."""
    initializers = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    names = _matrix_names(graph)
    tensors: dict[str, Array] = {}
    for name, value in initializers.items():
        if name.startswith(_PREFIX):
            tensors[name.removeprefix(_PREFIX)] = value
        elif name in names:
            tensors[names[name].removeprefix(_PREFIX)] = value.T
        elif name.startswith(_ANONYMOUS):
            raise DamagedSourceError(f"{name} is followed by no bias that names it")
    return tensors


def _matrix_names(graph: onnx.GraphProto) -> dict[str, str]:
    """Parameter names of the anonymous matrices, taken from the bias that is added to each product."""
    matrix_of = {
        node.output[0]: node.input[1]
        for node in graph.node
        if node.op_type == "MatMul" and node.input[1].startswith(_ANONYMOUS)
    }
    names: dict[str, str] = {}
    for node in graph.node:
        biases = [name for name in node.input if name.startswith(_PREFIX) and name.endswith(".bias")]
        products = [name for name in node.input if name in matrix_of]
        if node.op_type == "Add" and biases and products:
            names[matrix_of[products[0]]] = biases[0].removesuffix("bias") + "weight"
    return names


def _count_layers(tensors: dict[str, Array]) -> int:
    layers = {name.split(".")[2] for name in tensors if name.startswith("encoder.layer.")}
    return len(layers)
