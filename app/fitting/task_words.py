r"""Fits what `app.task_profile` learns from labelled descriptions, and writes it as `weights.npz`.

    python -m app.fitting.task_words \
        tests/data/task_descriptions.yaml tests/data/task_descriptions_colloquial.yaml

The n-gram weights come from a multinomial logistic regression on the descriptions and on the lexicon's
own phrases. The three scalars minimise log loss on cross-fitted n-gram scores. The lexicon was written
with these descriptions at hand and so covers them too well to calibrate on; each cue is therefore
dropped at random (`CUE_DROPOUT`), as happens with descriptions written by others.

Notation:
    c, g, none_score, temperature, ngram_weight   as in `app.task_profile.task_types`
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from app.task_profile.lexicon import FOLDER, TYPES, task_cues
from app.task_profile.ngrams import N_BUCKETS, WEIGHTS_FILE, WordModel, ngram_buckets, ngram_scores
from app.task_profile.normalise import fold, tokenise
from app.task_profile.task_types import cue_scores, find_cues, type_probabilities

CUE_DROPOUT = 0.3
"""Share of cues dropped while calibrating; the share of cues in descriptions of other authors that the
lexicon lacks is not known, and a third is on the cautious side."""
DROPOUT_COPIES = 10
INVERSE_REGULARISATION = 30.0
PHRASE_WEIGHT = 0.3
"""Weight of a lexicon phrase beside a whole description."""
MIN_PHRASE_LOG_ODDS = 4.0
"""Only cues that nearly name a type teach the n-grams."""
FOLDS = 5
_EVERYDAY = Path(__file__).parent / "everyday_sentences.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """Descriptions with the position of their type in `TYPES`.

    Attributes:
        texts: Folded descriptions.
        labels: Positions, (descriptions,).
        weights: Weight of each in the fit, (descriptions,).
    """

    texts: tuple[str, ...]
    labels: NDArray[np.int64]
    weights: NDArray[np.float64]


def load_descriptions(paths: Sequence[Path]) -> Labelled:
    """The descriptions of files of labelled descriptions that name a task."""
    rows = [row for path in paths for row in yaml.safe_load(path.read_text("utf-8")) if row["type"]]
    labels = np.array([TYPES.index(row["type"][0]) for row in rows], dtype=np.int64)
    return Labelled(texts=tuple(fold(row["text"]) for row in rows), labels=labels, weights=np.ones(len(rows)))


def lexicon_phrases() -> Labelled:
    """The phrases of the cues that nearly name one type."""
    texts, labels = [], []
    for row, weights in zip(
        yaml.safe_load((FOLDER / "tasks.yaml").read_text("utf-8")), task_cues().weights, strict=True
    ):
        if weights.max() >= MIN_PHRASE_LOG_ODDS:
            texts += [fold(phrase) for phrase in row["words"]]
            labels += [int(np.argmax(weights))] * len(row["words"])
    return Labelled(
        texts=tuple(texts),
        labels=np.array(labels, dtype=np.int64),
        weights=np.full(len(texts), PHRASE_WEIGHT),
    )


def _features(texts: Sequence[str]) -> csr_array:
    buckets = [ngram_buckets(text) for text in texts]
    values = np.concatenate([np.full(len(b), 1 / np.sqrt(max(1, len(b)))) for b in buckets])
    ends = np.cumsum([0, *(len(b) for b in buckets)])
    return csr_array((values, np.concatenate(buckets), ends), shape=(len(texts), N_BUCKETS))


def fit_ngrams(*parts: Labelled) -> NDArray[np.float32]:
    """W of `app.task_profile.ngrams`, (N_BUCKETS + 1, types); a type without examples gets zeros."""
    texts = [text for part in parts for text in part.texts]
    labels = np.concatenate([part.labels for part in parts])
    model = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=500)
    model.fit(_features(texts), labels, sample_weight=np.concatenate([part.weights for part in parts]))
    weights = np.zeros((N_BUCKETS + 1, len(TYPES)))
    weights[:-1, model.classes_] = model.coef_.T
    weights[-1, model.classes_] = model.intercept_
    # float16 is what is shipped: 0.4 MB; scores change by less than 0.01
    return weights.astype(np.float16).astype(np.float32)


def cross_fitted_scores(described: Labelled, phrases: Labelled, seed: int) -> NDArray[np.float64]:
    """n-gram scores of each description by a model that has not seen it, (descriptions, types)."""
    scores = np.zeros((len(described.texts), len(TYPES)))
    for kept, held in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(scores, described.labels):
        part = Labelled(
            texts=tuple(described.texts[i] for i in kept),
            labels=described.labels[kept],
            weights=described.weights[kept],
        )
        weights = fit_ngrams(part, phrases)
        scores[held] = [ngram_scores(described.texts[i], weights) for i in held]
    return scores


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    cues: NDArray[np.float64]
    ngrams: NDArray[np.float64]
    label: int | None


def _cases(
    described: Labelled, ngrams: NDArray[np.float64], weights: NDArray[np.float32], seed: int
) -> list[_Case]:
    rng = np.random.default_rng(seed)
    cases = []
    for text, label, scores in zip(described.texts, described.labels, ngrams, strict=True):
        hits = find_cues(text, tokenise(text))
        for _ in range(DROPOUT_COPIES):
            kept = tuple(hit for hit in hits if rng.random() >= CUE_DROPOUT)
            if kept:
                cases.append(_Case(cues=cue_scores(kept), ngrams=scores, label=int(label)))
    for sentence in yaml.safe_load(_EVERYDAY.read_text("utf-8")):
        text = fold(str(sentence))
        hits = find_cues(text, tokenise(text))
        cases += [
            _Case(cues=cue_scores(hits), ngrams=ngram_scores(text, weights), label=None)
        ] * DROPOUT_COPIES
    return cases


def calibrate(cases: Sequence[_Case], weights: NDArray[np.float32]) -> WordModel:
    """The model whose three scalars minimise the log loss of the cases."""
    allowed = np.ones(len(TYPES), dtype=bool)

    def model_at(x: NDArray[np.float64]) -> WordModel:
        return WordModel(
            weights=weights,
            ngram_weight=float(np.exp(x[0])),
            temperature=float(np.exp(x[1])),
            none_score=float(x[2]),
        )

    def log_loss(x: NDArray[np.float64]) -> float:
        model, total = model_at(x), 0.0
        for case in cases:
            p = type_probabilities(case.cues, case.ngrams, model, allowed)
            total -= np.log(max(1e-9, 1.0 - p.sum() if case.label is None else p[case.label]))
        return total / len(cases)

    best = minimize(log_loss, np.array([-1.0, 0.0, 2.5]), method="Nelder-Mead", options={"maxiter": 150})
    return model_at(best.x)


def fit(descriptions: Sequence[Path], seed: int = 0) -> WordModel:
    """The whole model, fitted on files of labelled descriptions."""
    described, phrases = load_descriptions(descriptions), lexicon_phrases()
    weights = fit_ngrams(described, phrases)
    cases = _cases(described, cross_fitted_scores(described, phrases, seed), weights, seed)
    return calibrate(cases, weights)


def save(model: WordModel, path: Path) -> None:
    """Writes the model where the reader finds it."""
    np.savez_compressed(
        path,
        weights=model.weights.astype(np.float16),
        ngram_weight=np.float64(model.ngram_weight),
        temperature=np.float64(model.temperature),
        none_score=np.float64(model.none_score),
    )


def main() -> None:
    """Fits on the descriptions named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("descriptions", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, default=WEIGHTS_FILE)
    arguments = parser.parse_args()
    save(fit(arguments.descriptions), arguments.output)


if __name__ == "__main__":
    main()
