r"""Fits what `app.task_profile` learns from descriptions, and writes it as `weights.npz`.

    python -m app.fitting.task_words tests/data/task_descriptions.yaml \
        tests/data/task_descriptions_colloquial.yaml tests/data/task_descriptions_independent.yaml

Two multinomial logistic regressions on the features of `app.task_profile.features`: one for task types and
`none`, one for domains. The temperature minimises the log loss on each labelled file by a model that has not
seen that file: descriptions of other authors are what the reader meets. `--check` prints the share of types
and domains that this cross-validation gets right, file by file, and writes nothing.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from app.fitting.task_examples import Example, all_examples, load_labelled
from app.task_profile.classifier import (
    DOMAINS,
    NONE,
    TYPES,
    WEIGHTS_FILE,
    Classifier,
    concept_keys,
    softmax,
    unpack,
)
from app.task_profile.domains import read_domain
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


def _fit(
    matrix: csr_array,
    labels: Sequence[int],
    weights: Sequence[float],
    inverse_regularisation: float,
    columns: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients (features, columns) and bias (columns,); a column without examples is hardly chosen."""
    model = LogisticRegression(C=inverse_regularisation, max_iter=300, tol=_TOLERANCE)
    model.fit(matrix, labels, sample_weight=weights)
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
        space.matrix([features[i] for i in rows]), labels, weights, TYPE_INVERSE_REGULARISATION, NONE + 1
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


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Labelled descriptions with their scores by a model that has not seen their file.

    Attributes:
        file: Name of the file.
        examples: Its descriptions.
        scores: (examples, N_COLUMNS).
        model: The model.
    """

    file: str
    examples: list[Example]
    scores: NDArray[np.float64]
    model: Classifier

    def right_types(self) -> float:
        """Share of the descriptions whose type is acceptable."""
        best = self.scores[:, : NONE + 1].argmax(axis=1)
        return float(np.mean([b in e.types for b, e in zip(best, self.examples, strict=True)]))

    def right_domains(self) -> float:
        """Share of the descriptions with a domain whose domain is acceptable, under the right type."""
        right = [
            read_domain(scores, TYPES[e.types[0]], self.model) in e.domains
            for scores, e in zip(self.scores, self.examples, strict=True)
            if e.domains and e.types != (NONE,)
        ]
        return float(np.mean(right)) if right else float("nan")


def leave_files_out(labelled: Sequence[Path], seed: int) -> list[LeftOut]:
    """Every labelled file, read by a model fitted without it."""
    results = []
    for path in labelled:
        examples = all_examples([other for other in labelled if other != path], seed)
        model = unpack(fit_examples(examples, [features_of(e.text) for e in examples]))
        held = load_labelled(path)
        scores = np.stack([model.scores(features_of(e.text)) for e in held])
        results.append(LeftOut(file=path.name, examples=held, scores=scores, model=model))
    return results


def best_temperature(results: Sequence[LeftOut]) -> float:
    """The temperature that minimises the log loss of the left-out descriptions."""

    def log_loss(log_temperature: float) -> float:
        losses = [
            -np.log(max(1e-9, softmax(scores[: NONE + 1] / np.exp(log_temperature))[list(e.types)].sum()))
            for result in results
            for scores, e in zip(result.scores, result.examples, strict=True)
        ]
        return float(np.mean(losses))

    return float(np.exp(minimize_scalar(log_loss, bounds=(-2.0, 2.0), method="bounded").x))


def fit(labelled: Sequence[Path], seed: int = 0) -> Stored:
    """The whole model, fitted on files of labelled descriptions and on our own."""
    examples = all_examples(labelled, seed)
    stored = fit_examples(examples, [features_of(e.text) for e in examples])
    return stored | {"temperature": np.array(best_temperature(leave_files_out(labelled, seed)))}


def save(stored: Stored, path: Path) -> None:
    """Writes the model where the reader finds it."""
    np.savez_compressed(path, **stored)  # type: ignore[arg-type]


def main() -> None:
    """Fits on the descriptions named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("descriptions", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, default=WEIGHTS_FILE)
    parser.add_argument(
        "--check", action="store_true", help="print what is right on files left out, write nothing"
    )
    arguments = parser.parse_args()
    if not arguments.check:
        save(fit(arguments.descriptions), arguments.output)
        return
    results = leave_files_out(arguments.descriptions, seed=0)
    for result in results:
        print(f"{result.file}: types {result.right_types():.3f}, domains {result.right_domains():.3f}")  # noqa: T201
    print(f"temperature {best_temperature(results):.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
