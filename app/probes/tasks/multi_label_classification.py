"""Multi-label classification: one yes or no a label.

Notation:
    U, K   units, labels
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from scipy.special import expit
from torch import Tensor, nn

from app.probes.baselines.classes import TFIDF
from app.probes.baselines.several import predict_frequent, predict_tfidf
from app.probes.multi_logistic import cross_validate, fit
from app.probes.tasks.base import Features, Groups, HeadFit, Predict, ProbeTask, Values
from app.probes.transferability.numbers import regression_estimates
from app.tasks.targets import Target

LOG_TWO = float(np.log(2.0))


class MultiLabel(ProbeTask):
    """Any of K labels a unit; predictions are their probabilities."""

    target: ClassVar[Target] = Target.CLASSES
    baselines: Mapping[str, Predict] = {"frequent": predict_frequent, TFIDF: predict_tfidf}

    def __init__(self, n_labels: int) -> None:
        self.n_outputs = n_labels
        self.guess_loss = LOG_TWO

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Mean binary cross-entropy over units and labels."""
        del weights
        return nn.functional.binary_cross_entropy_with_logits(outputs, targets.to(outputs.dtype))

    def decide(self, outputs: Values) -> Values:
        """The probability of each label, shape (U, K)."""
        return np.asarray(expit(outputs.astype(np.float64)))

    def averaged(self, outputs: Values) -> Values | None:
        """Logits: their mean is the log-odds of a geometric mean (Hinton 2002, products of experts)."""
        return outputs.astype(np.float64)

    def fit_head(
        self,
        features: Features,
        targets: Values,
        groups: Groups,
        *,
        seed: int,
        weights: Sequence[float] | None,
    ) -> HeadFit:
        """One logistic regression a label, one strength for all."""
        del weights
        found = cross_validate(features, targets, groups, seed=seed)
        strength = found.inverse_regularisation
        return HeadFit(
            classifier=fit(features, targets, strength),
            inverse_regularisation=strength,
            out_of_fold=found.probabilities,
        )

    def transferability(
        self, layers: Features, targets: Values, groups: Groups, head: HeadFit, seen: Values, *, seed: int
    ) -> dict[str, float | None]:
        """LogME of the labels as numbers, and the head's own cross-validated micro F1."""
        del groups
        probe = self.score("f1_micro", head.out_of_fold, seen)
        return regression_estimates(layers, targets.astype(np.float64), probe, seed=seed)
