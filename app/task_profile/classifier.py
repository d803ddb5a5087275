"""The linear model that turns the features of a description into its task type and its domain.

Notation:
    x    features of a text (`app.task_profile.features`)
    W    weights of the types, `none` last; V of the domains
    U    what a type says of the domain, (types, domains)
    b    bias

    p    softmax((x W + b) / temperature) over the types and `none`
    q    softmax(x V + U[type] + b) over the domains that the type can have

Fitted by `app.fitting.task_words`, which writes `weights.npz`.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.task_profile.features import CONCEPT, CONTEXT, Features
from app.task_profile.lexicon import lexicon
from models_registry.vocabulary import Domain, TaskType

WEIGHTS_FILE = Path(__file__).parent / "weights.npz"
TYPES = tuple(TaskType)
DOMAINS = tuple(Domain)
NONE = len(TYPES)
"""Column of `none` in W."""
N_COLUMNS = len(TYPES) + 1 + len(DOMAINS)
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """The fitted parameters; W and V stand side by side, (rows, N_COLUMNS).

    Attributes:
        concepts: Weights by the concept's key.
        words: Weights by the word's bucket.
        ngrams: Weights by the n-gram's bucket.
        bias: (N_COLUMNS,).
        type_domains: U of the notation, (types, domains).
        temperature: Divides the scores of the types before the softmax: calibration.
    """

    concepts: dict[str, Array]
    words: Array
    ngrams: Array
    bias: Array
    type_domains: Array
    temperature: float

    def scores(self, features: Features) -> NDArray[np.float64]:
        """X (W, V) + b, (N_COLUMNS,)."""
        total = self.bias.astype(np.float64)
        known = [self.concepts[key] for key in features.concepts if key in self.concepts]
        if known:
            total += CONCEPT * np.sum(known, axis=0)
        for buckets, weights in ((features.words, self.words), (features.ngrams, self.ngrams)):
            if len(buckets):
                total += weights[buckets].sum(axis=0) / np.sqrt(len(buckets))
        return np.asarray(total)


def concept_keys() -> tuple[str, ...]:
    """All keys that `Features.concepts` can hold, in a fixed order."""
    keys = [concept.key for concept in lexicon().concepts]
    return (*keys, *(f"!{key}" for key in keys), *CONTEXT)


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities from scores, any of which may be minus infinity but not all, (n,)."""
    exp = np.exp(scores - scores.max())
    return np.asarray(exp / exp.sum())


@lru_cache(maxsize=1)
def classifier() -> Classifier:
    """The shipped model, read once."""
    with np.load(WEIGHTS_FILE, allow_pickle=False) as stored:
        return unpack({name: stored[name] for name in stored.files})


def unpack(stored: dict[str, NDArray[np.generic]]) -> Classifier:
    """The model from its stored arrays: weights as int8 with one scale a column."""
    scale = stored["scale"].astype(np.float32)
    words, ngrams = (stored[name].astype(np.float32) * scale for name in ("words", "ngrams"))
    return Classifier(
        concepts=dict(
            zip((str(k) for k in stored["keys"]), stored["concepts"].astype(np.float32), strict=True)
        ),
        words=words,
        ngrams=ngrams,
        bias=stored["bias"].astype(np.float32),
        type_domains=stored["type_domains"].astype(np.float32),
        temperature=float(stored["temperature"]),
    )
