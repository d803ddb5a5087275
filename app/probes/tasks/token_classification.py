"""Token classification: one tag a word, cross-entropy, words read in their sentence.

Notation:
    n, U, K   sentences, words, tags

Source: Devlin et al. 2019, "BERT", section 5.3: a word's vector is that of its first piece, and no other
piece is classified.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from app.probes.baselines.tags import (
    FORMS,
    OUTSIDE_ONLY,
    SEEN,
    predict_forms,
    predict_outside,
    predict_seen,
)
from app.probes.data import Part
from app.probes.logistic import cross_validate, fit
from app.probes.tasks.base import Features, Groups, HeadFit, Predict, Values
from app.probes.tasks.text_classification import Classification
from app.probes.work_costs import MOST_WORDS_FITTED
from app.tasks.targets import OUTSIDE, Target

MOST_VALIDATED = 1_500
"""Words that the strength is chosen on."""


class Tagging(Classification):
    """One of K tags a word."""

    target: ClassVar[Target] = Target.TAGS
    baselines: Mapping[str, Predict] = {
        OUTSIDE_ONLY: predict_outside,
        SEEN: predict_seen,
        FORMS: predict_forms,
    }

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(len(names))
        self.names = tuple(names)

    def units(self, values: Values) -> Values:
        """The tags of all words, one after another."""
        return np.concatenate([np.empty(0, dtype=np.int64), *values]).astype(np.int64)

    def per_example(self, predictions: Values, counts: NDArray[np.int64], part: Part) -> list[list[str]]:
        """The tags of each sentence, by name."""
        del part
        parts = np.split(predictions, np.cumsum(counts)[:-1]) if len(counts) else []
        return [[self.names[i] for i in part] for part in parts]

    def references(self, values: Values) -> list[list[str]]:
        """The true tags of each sentence, by name."""
        return [[self.names[i] for i in tags] for tags in values]

    def fit_head(
        self,
        features: Features,
        targets: Values,
        groups: Groups,
        *,
        seed: int,
        weights: Sequence[float] | None,
    ) -> HeadFit:
        """Logistic regression on a sample of the words; out of fold are two halves, each by the other's."""
        del weights
        rng, n_classes = np.random.default_rng(seed), self.n_outputs

        def among(places: NDArray[np.int64], most: int) -> NDArray[np.int64]:
            return np.sort(rng.permutation(places)[:most])

        some = among(np.arange(len(targets)), MOST_VALIDATED)
        found = cross_validate(features[some], targets[some], groups[some], n_classes=n_classes, seed=seed)
        solve = partial(fit, n_classes=n_classes, inverse_regularisation=found.inverse_regularisation)
        tags = np.full(len(targets), self.names.index(OUTSIDE), dtype=np.int64)
        halves = np.flatnonzero(groups % 2 == 0), np.flatnonzero(groups % 2 == 1)
        for inside, asked in (halves, halves[::-1]):
            if len(inside) and len(asked):
                fitted = among(inside, MOST_VALIDATED)
                tags[asked] = self.decide(solve(features[fitted], targets[fitted]).logits(features[asked]))
        more = among(np.arange(len(targets)), MOST_WORDS_FITTED)
        return HeadFit(
            classifier=solve(features[more], targets[more]),
            inverse_regularisation=found.inverse_regularisation,
            out_of_fold=tags,
        )
