"""A Llama-style decoder out of a GGUF file.

`from_pretrained(gguf_file=...)` takes most of a minute for 135 million parameters, so that the tensors are
read here with `gguf` itself, and transformers only translates the configuration and the tokenizer.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from gguf import GGUFReader, ReaderTensor
from gguf.quants import dequantize

from app.probes.conversion.base import DamagedSourceError, only_file, write_model
from models_registry.entry import ModelEntry

_OUTER = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight",
}
_PARTS_OF_BLOCK = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}

Floats = npt.NDArray[np.float32]


def convert(parts: Path, target: Path, entry: ModelEntry) -> None:
    """The target folder holds the decoder in fp32, its configuration and its tokenizer."""
    from transformers import AutoConfig, AutoTokenizer

    source = only_file(parts / "weights", ".gguf")
    config = AutoConfig.from_pretrained(source.parent, gguf_file=source.name)
    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    tokenizer.save_pretrained(target)
    tensors = dict(
        _tensor(tensor, config.num_attention_heads, config.num_key_value_heads)
        for tensor in GGUFReader(source).tensors
    )
    content = {
        **config.to_dict(),
        "_name_or_path": entry.id,
        "architectures": ["LlamaForCausalLM"],
        "tie_word_embeddings": "lm_head.weight" not in tensors,
        "dtype": "float32",
    }
    write_model(target, content, tensors)


def _tensor(tensor: ReaderTensor, n_heads: int, n_key_heads: int) -> tuple[str, Floats]:
    values = np.asarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
    name = _llama_name(str(tensor.name))
    if name.endswith("q_proj.weight"):
        values = _rotary_halves(values, n_heads)
    elif name.endswith("k_proj.weight"):
        values = _rotary_halves(values, n_key_heads)
    return name, values


def _llama_name(name: str) -> str:
    """`blk.3.attn_q.weight` is `model.layers.3.self_attn.q_proj.weight`."""
    if name in _OUTER:
        return _OUTER[name]
    block, number, part, kind = name.split(".")
    if block != "blk" or part not in _PARTS_OF_BLOCK:
        raise DamagedSourceError(f"unknown tensor {name}")
    return f"model.layers.{number}.{_PARTS_OF_BLOCK[part]}.{kind}"


def _rotary_halves(weights: Floats, n_heads: int) -> Floats:
    """Rows of each head reordered from interleaved pairs (GGUF) to two halves (transformers).

    Args:
        weights: (heads x head width, model width).
        n_heads: Number of heads.

    Source:
        The converter of llama.cpp applies the inverse permutation (`LlamaModel.permute`).
    """
    width = weights.shape[0] // n_heads
    pairs = weights.reshape(n_heads, width // 2, 2, weights.shape[1])
    return np.asarray(pairs.swapaxes(1, 2).reshape(weights.shape))
