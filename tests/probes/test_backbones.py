"""Backbones of each kind, small and with random weights."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from app.probes.backbones import StaticVectors, TextBackbone, UnloadableModelError, load_backbone
from app.probes.features import every_layer, extract_features, length_sorted_batches
from app.probes.inputs import TokenizedTexts, mean_pool
from app.probes.vocabulary import kept_ids
from tests.probes.last_layer import last_layer

WORDS = tuple("abcdefghijklmnopqrstuvwxyz")
TEXTS = ("a b c d e f g h", "z", "a b c", "", "q w e r t y u i o p", "m n")
KINDS = ("bert", "xlm-roberta", "gpt2", "llama", "static-vectors")


def write_tokenizer(folder: Path, *, first: tuple[str, ...], has_special: bool) -> None:
    vocabulary = {w: i for i, w in enumerate((*first, *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=first[-1]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if has_special:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A", special_tokens=[("[CLS]", 0)]
        )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))


def model_of(kind: str) -> Any:
    from transformers import (
        BertConfig,
        BertModel,
        GPT2Config,
        GPT2Model,
        LlamaConfig,
        LlamaModel,
        XLMRobertaConfig,
        XLMRobertaModel,
    )

    n_tokens = len(WORDS) + 3
    small = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    match kind:
        case "bert":
            return BertModel(BertConfig(vocab_size=n_tokens, pad_token_id=1, **small))
        case "xlm-roberta":
            return XLMRobertaModel(
                XLMRobertaConfig(vocab_size=n_tokens, max_position_embeddings=34, pad_token_id=1, **small)
            )
        case "gpt2":
            return GPT2Model(GPT2Config(vocab_size=n_tokens, n_embd=16, n_layer=2, n_head=2, n_positions=32))
        case _:
            return LlamaModel(LlamaConfig(vocab_size=n_tokens, num_key_value_heads=1, **small))


def write_model(folder: Path, kind: str) -> Path:
    torch.manual_seed(0)
    if kind == "static-vectors":
        write_tokenizer(folder, first=("<unk>",), has_special=False)
        save_file({"embedding.weight": torch.randn(27, 16).half()}, folder / "model.safetensors")
        (folder / "config.json").write_text(json.dumps({"model_type": kind, "hidden_size": 16}))
        return folder
    write_tokenizer(folder, first=("[CLS]", "[PAD]", "[UNK]"), has_special=kind in {"bert", "xlm-roberta"})
    pad = {"pad_token": "[PAD]"} if kind in {"bert", "xlm-roberta"} else {"eos_token": "[UNK]"}
    side = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512, **pad}
    (folder / "tokenizer_config.json").write_text(json.dumps(side))
    model_of(kind).save_pretrained(folder)
    return folder


@pytest.fixture(params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    torch.set_num_threads(1)
    return write_model(tmp_path / "model", request.param)


def encode_one(backbone: TextBackbone, text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    tokenized = backbone.tokenize([text], 32)
    with torch.inference_mode():
        return np.asarray(backbone.encode(tokenized.batch(np.array([0])))[0].numpy())


def test_padding_and_order_change_no_vector(folder: Path) -> None:
    backbone = load_backbone(folder)
    together = last_layer(backbone, TEXTS, max_length=32, token_budget=1_000)
    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose(vector, encode_one(backbone, text), atol=1e-5)


def test_token_budget_changes_no_vector(folder: Path) -> None:
    backbone = load_backbone(folder)
    small = last_layer(backbone, TEXTS, max_length=32, token_budget=8)
    large = last_layer(backbone, TEXTS, max_length=32, token_budget=4_096)
    np.testing.assert_allclose(small, large, atol=1e-5)


def test_features_have_the_promised_shape(folder: Path) -> None:
    features = last_layer(load_backbone(folder), TEXTS, max_length=32)
    assert features.shape == (len(TEXTS), 16)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_no_texts_give_no_rows(folder: Path) -> None:
    backbone = load_backbone(folder)
    assert extract_features(backbone, backbone.tokenize([], 32)).shape == (0, 0, 16)


def test_the_last_of_every_layer_is_what_is_kept_by_default(folder: Path) -> None:
    backbone = load_backbone(folder)
    tokenized = backbone.tokenize(TEXTS, 32)
    layers = extract_features(backbone, tokenized, reduce=every_layer)
    assert layers.shape[1] == (1 if isinstance(backbone, StaticVectors) else 3)
    np.testing.assert_allclose(extract_features(backbone, tokenized)[:, 0], layers[:, -1], atol=1e-6)


def test_vectors_of_some_texts_come_in_their_order(folder: Path) -> None:
    backbone = load_backbone(folder)
    tokenized = backbone.tokenize(TEXTS, 32)
    rows = np.arange(len(TEXTS))[::-1][:2]
    some = extract_features(backbone, tokenized, rows=rows)
    np.testing.assert_allclose(some, extract_features(backbone, tokenized)[rows], atol=1e-6)


def test_inputs_are_cut_to_the_length_asked_for(folder: Path) -> None:
    tokenized = load_backbone(folder).tokenize(["a b c d e f g h i j"], 4)
    assert tokenized.lengths.tolist() == [4]


def test_prefix_is_put_before_every_text(folder: Path) -> None:
    with_prefix = encode_one(load_backbone(folder, input_prefix="q "), "a b")
    np.testing.assert_array_equal(with_prefix, encode_one(load_backbone(folder), "q a b"))


def test_restricted_vocabulary_gives_the_same_vectors(folder: Path) -> None:
    backbone = load_backbone(folder)
    before = last_layer(backbone, TEXTS, max_length=32)
    n_before = sum(p.numel() for p in backbone.module.parameters())
    tokenized = backbone.tokenize(TEXTS[:3], 32)
    renumbered = tokenized.renumbered(backbone.restrict_vocabulary(np.unique(tokenized.ids)))
    with torch.inference_mode():
        after = backbone.encode(renumbered.batch(np.arange(3))).numpy()
    np.testing.assert_allclose(after, before[:3], atol=1e-6)
    assert sum(p.numel() for p in backbone.module.parameters()) < n_before


def test_static_vectors_are_averaged(tmp_path: Path) -> None:
    backbone = load_backbone(write_model(tmp_path / "m", "static-vectors"))
    table = backbone.module.get_parameter("weight").detach().numpy()
    np.testing.assert_allclose(encode_one(backbone, "a c"), (table[1] + table[3]) / 2, atol=1e-6)
    np.testing.assert_array_equal(encode_one(backbone, ""), np.zeros(16))


def test_longest_input_leaves_room_for_roberta_offsets(tmp_path: Path) -> None:
    backbone = load_backbone(write_model(tmp_path / "m", "xlm-roberta"))
    assert backbone.max_length == 32
    features = last_layer(backbone, ["a " * 100], max_length=512)
    assert np.isfinite(features).all()


def test_missing_weights_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    folder = write_model(tmp_path / "m", "bert")
    tensors = load_file(folder / "model.safetensors")
    removed = next(name for name in tensors if "layer.1" in name)
    del tensors[removed]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UnloadableModelError) as caught:
        load_backbone(folder)
    assert "missing" in caught.value.reason


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "m", "bert")
    (folder / "model.safetensors").unlink()
    torch.save(model_of("bert").state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(UnloadableModelError):
        load_backbone(folder)


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnloadableModelError):
        load_backbone(tmp_path)


def test_mean_pool_ignores_padding() -> None:
    states = torch.tensor([[[1.0], [3.0], [100.0]]])
    assert mean_pool(states, torch.tensor([[1, 1, 0]])).item() == 2.0


def test_kept_ids_leave_low_padding_in_place() -> None:
    kept, new_ids = kept_ids(np.array([7, 9], dtype=np.int32), 1, 12)
    assert kept.tolist() == [0, 1, 7, 9]
    assert new_ids[[0, 1, 7, 9]].tolist() == [0, 1, 2, 3]


def test_kept_ids_hold_a_high_padding_id() -> None:
    kept, new_ids = kept_ids(np.array([7], dtype=np.int32), 1_500, 2_000)
    assert kept.tolist() == [7, 1_500]
    assert new_ids[1_500] == 1


def test_batches_hold_every_text_once_within_the_budget() -> None:
    lengths = np.random.default_rng(0).integers(0, 100, 500)
    batches = list(length_sorted_batches(lengths, 400))
    assert sorted(np.concatenate(batches).tolist()) == list(range(500))
    assert all(len(rows) * lengths[rows].max() <= 400 or len(rows) == 1 for rows in batches)


def test_padding_fills_a_batch() -> None:
    batch = TokenizedTexts.of([[5, 6], [], [7]], pad_id=9).batch(np.array([0, 1, 2]))
    assert batch.ids.tolist() == [[5, 6], [9, 9], [7, 9]]
    assert batch.mask.tolist() == [[1, 1], [0, 0], [1, 0]]
