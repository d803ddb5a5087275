"""The linear model of task descriptions: its fit on labelled ones.

Two multinomial logistic regressions on the features of `app.task_profile.features`: one for task types and
`none`, one for domains.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack
from sklearn.linear_model import LogisticRegression

from app.fitting.task_examples import Example
from app.task_profile.classifier import DOMAINS, NONE, TYPES, concept_keys
from app.task_profile.facts import read_mentions
from app.task_profile.features import (
    CONCEPT,
    NGRAM_BUCKETS,
    WORD_BUCKETS,
    Features,
    read_features,
    read_wording,
)
from app.task_profile.normalise import fold
from models_registry.vocabulary import Domain

TYPE_INVERSE_REGULARISATION = 30.0
DOMAIN_INVERSE_REGULARISATION = 10.0
"""C of scikit-learn: of 10, 30, 100 and of 3, 10, 30 the best on the files left out."""
TYPE_IN_DOMAIN = 1.5
"""Value of the type's own feature for the domain."""
GENERAL_WEIGHT = 0.1
"""Weight of an example of the domain `general`: most of ours name none and are so labelled, while a domain
that is named should win."""
DROPPED, N_THINNED = 0.5, 2
"""Beside each example stand so many copies of it that lack this share of its features, at random: a word
that says all must not keep the others from being learned. Other authors say it with the others."""
_TOLERANCE = 1e-3
Stored = dict[str, NDArray[np.generic]]


def features_of(text: str) -> Features:
    """The features of a description, exactly as the reader sees them."""
    folded = fold(text)
    return read_features(read_wording(text, folded), read_mentions(folded).spans)


@dataclass(frozen=True, slots=True)
class _Space:
    """Where each feature stands in the matrix that is fitted: concepts, words, n-grams, one row a type."""

    keys: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.keys) + WORD_BUCKETS + NGRAM_BUCKETS + len(TYPES)

    def matrix(self, rows: Sequence[Features], types: Sequence[int] | None = None) -> csr_array:
        position = {key: i for i, key in enumerate(self.keys)}
        indices, values, ends = [], [], [0]
        for row, features in enumerate(rows):
            concepts = [position[key] for key in features.concepts]
            words = len(self.keys) + features.words
            ngrams = len(self.keys) + WORD_BUCKETS + features.ngrams
            own = [] if types is None else [self.width - len(TYPES) + types[row]]
            indices.append(np.concatenate([concepts, words, ngrams, own]).astype(np.int64))
            values.append(
                np.concatenate(
                    [
                        np.full(len(concepts), CONCEPT),
                        np.full(len(words), 1 / np.sqrt(max(1, len(words)))),
                        np.full(len(ngrams), 1 / np.sqrt(max(1, len(ngrams)))),
                        np.full(len(own), TYPE_IN_DOMAIN),
                    ]
                )
            )
            ends.append(ends[-1] + len(indices[-1]))
        return csr_array(
            (np.concatenate(values), np.concatenate(indices), ends), shape=(len(rows), self.width)
        )


def _thinned(matrix: csr_array, n_kept: int, rng: np.random.Generator) -> csr_array:
    kept = (rng.random(matrix.nnz) >= DROPPED) | (matrix.indices >= matrix.shape[1] - n_kept)
    thin = matrix.copy()
    thin.data = np.where(kept, thin.data, 0.0)
    thin.eliminate_zeros()
    return thin


def _fit(
    matrix: csr_array,
    labels: Sequence[int],
    weights: Sequence[float],
    inverse_regularisation: float,
    columns: int,
    n_kept: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients (features, columns) and bias (columns,); a column without examples is hardly chosen.

    The last `n_kept` features are in every copy of an example.
    """
    rng = np.random.default_rng(0)
    copies = [matrix, *(_thinned(matrix, n_kept, rng) for _ in range(N_THINNED))]
    model = LogisticRegression(C=inverse_regularisation, max_iter=300, tol=_TOLERANCE)
    model.fit(
        vstack(copies, format="csr"),
        np.tile(labels, len(copies)),
        sample_weight=np.tile(weights, len(copies)) / len(copies),
    )
    coefficients = np.zeros((matrix.shape[1], columns))
    bias = np.full(columns, float(model.intercept_.min()) - 5.0)
    coefficients[:, model.classes_], bias[model.classes_] = model.coef_.T, model.intercept_
    return coefficients, bias


def fit_examples(examples: Sequence[Example], features: Sequence[Features]) -> Stored:
    """The arrays of the model that these examples teach, with a temperature of 1."""
    space = _Space(concept_keys())
    typed = [(i, column, e.weight / len(e.types)) for i, e in enumerate(examples) for column in e.types]
    rows, labels, weights = zip(*typed, strict=True)
    w, w_bias = _fit(
        space.matrix([features[i] for i in rows]), labels, weights, TYPE_INVERSE_REGULARISATION, NONE + 1, 0
    )
    subjects = [
        (i, column, DOMAINS.index(domain), e.weight * (GENERAL_WEIGHT if domain is Domain.GENERAL else 1.0))
        for i, e in enumerate(examples)
        for domain in e.domains
        for column in e.types
        if column != NONE
    ]
    rows, columns, labels, weights = zip(*subjects, strict=True)
    v, v_bias = _fit(
        space.matrix([features[i] for i in rows], columns),
        labels,
        [
            weight / (len(examples[i].domains) * len(examples[i].types))
            for i, weight in zip(rows, weights, strict=True)
        ],
        DOMAIN_INVERSE_REGULARISATION,
        len(DOMAINS),
        len(TYPES),
    )
    return _packed(np.hstack([w, v]), np.concatenate([w_bias, v_bias]), space)


def _packed(coefficients: NDArray[np.float64], bias: NDArray[np.float64], space: _Space) -> Stored:
    n = len(space.keys)
    hashed = coefficients[n : -len(TYPES)]
    scale = np.abs(hashed).max(axis=0) / 127
    whole = np.round(hashed / scale).astype(np.int8)
    return {
        "keys": np.array(space.keys),
        "concepts": coefficients[:n].astype(np.float16),
        "words": whole[:WORD_BUCKETS],
        "ngrams": whole[WORD_BUCKETS:],
        "scale": scale.astype(np.float32),
        "bias": bias.astype(np.float32),
        "type_domains": (TYPE_IN_DOMAIN * coefficients[-len(TYPES) :, NONE + 1 :]).astype(np.float32),
        "temperature": np.array(1.0),
    }
