"""Frozen features: examples a second beside a plain torch loop over the same model and texts.

Both compute in the precision that is the better on this processor.
"""

import csv
import os
import statistics
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from app.demo import fetch_reviews
from app.probes.backbones import TextBackbone, load_backbone
from app.probes.features import extract_features
from app.probes.messages import BRAIN
from app.probes.weights import ensure_weights, packaged_entries
from tests.speed.machine import DATA_DIR, this_device

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
AIM = 0.95
N_TEXTS = 1_000
MAX_LENGTH = 128
PLAIN_BATCH = 32
"""Best of 16, 32 and 64 for the plain loop on two cores."""
ROUNDS = 5


def read_reviews(path: Path, n: int = N_TEXTS) -> list[str]:
    """The first n texts of a CSV file with a column `text`."""
    with path.open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in islice(csv.DictReader(file), n)]


def plain_loop(
    model: Any, tokenizer: Any, texts: list[str], precision: str
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What one writes by hand: tokenise, sort by length, pad each batch to its longest, pool."""
    encoded = tokenizer(texts, truncation=True, max_length=MAX_LENGTH)["input_ids"]
    order = sorted(range(len(texts)), key=lambda i: len(encoded[i]), reverse=True)
    features = np.empty((len(texts), model.config.hidden_size), dtype=np.float32)
    is_mixed = precision == BRAIN
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=is_mixed):
        for start in range(0, len(order), PLAIN_BATCH):
            rows = order[start : start + PLAIN_BATCH]
            batch = tokenizer.pad({"input_ids": [encoded[i] for i in rows]}, return_tensors="pt")
            states = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            features[rows] = ((states * mask).sum(1) / mask.sum(1)).numpy()
    return features


def served(backbone: TextBackbone, texts: list[str], precision: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What a feature pass does, of which the head reads the last layer."""
    tokenized = backbone.tokenize(texts, MAX_LENGTH)
    return extract_features(backbone, tokenized, precision=precision)[:, -1]


def measure(model_folder: Path, corpus: Path, precision: str, *, rounds: int = ROUNDS) -> dict[str, float]:
    """Examples a second of both, and the median of their ratios over interleaved rounds."""
    from transformers import AutoModel, AutoTokenizer

    texts = read_reviews(corpus)
    backbone = load_backbone(model_folder, seed=0)
    model = AutoModel.from_pretrained(model_folder, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(model_folder, local_files_only=True)
    ours: list[float] = []
    plain: list[float] = []
    difference = 0.0
    for _ in range(rounds):
        seconds, a = _timed(lambda: served(backbone, texts, precision))
        ours.append(len(texts) / seconds)
        seconds, b = _timed(lambda: plain_loop(model, tokenizer, texts, precision))
        plain.append(len(texts) / seconds)
        difference = max(difference, float(np.abs(a - b).max()))
    return {
        "n_texts": float(len(texts)),
        "examples_per_second": statistics.median(ours),
        "plain_examples_per_second": statistics.median(plain),
        "ratio": statistics.median(a / b for a, b in zip(ours, plain, strict=True)),
        "largest_difference": difference,
    }


def _timed(
    work: Callable[[], np.ndarray[Any, np.dtype[np.float32]]],
) -> tuple[float, np.ndarray[Any, np.dtype[np.float32]]]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def main() -> None:
    """Fetch what is missing, measure, print."""
    models_dir = Path(os.environ.get("ADVISOR_TEST_MODELS_DIR", ".cache/models"))
    folder = ensure_weights(packaged_entries()[MODEL], models_dir)
    precision = this_device().precision
    found = measure(folder, fetch_reviews(DATA_DIR, Console(stderr=True)), precision)
    out = sys.stdout
    out.write(f"Frozen features of {found['n_texts']:.0f} film reviews, {MODEL}, one process, {precision}\n")
    out.write(f"  feature extraction {found['examples_per_second']:8.0f} examples/s\n")
    out.write(f"  plain torch loop   {found['plain_examples_per_second']:8.0f} examples/s\n")
    out.write(
        f"  ratio: {found['ratio']:.2f} (aim {AIM}), largest difference {found['largest_difference']:.1e}\n"
    )


if __name__ == "__main__":
    main()
