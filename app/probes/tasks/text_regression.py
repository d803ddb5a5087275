"""Text regression: squared error of one number a unit.

Notation:
    U     units
    y     their numbers; m, s  mean and deviation over the training part

What is learnt is (y - m) / s, so that losses and learning rates mean the same on any scale.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from torch import Tensor, nn

from app.probes.baselines.numbers import MEAN, RIDGE, predict_mean, predict_tfidf_ridge
from app.probes.logistic import LinearClassifier
from app.probes.ridge import cross_validate, fit
from app.probes.tasks.base import Features, Groups, HeadFit, Predict, ProbeTask, Values
from app.probes.transferability.numbers import regression_estimates
from app.tasks.targets import Target


class Regression(ProbeTask):
    """One number a unit."""

    target: ClassVar[Target] = Target.NUMBER
    baselines: Mapping[str, Predict] = {MEAN: predict_mean, RIDGE: predict_tfidf_ridge}
    n_outputs = 1
    guess_loss = 1.0

    def __init__(self, numbers: Values) -> None:
        """Bound to the numbers of the training part, shape (n,)."""
        self._mean = float(numbers.mean()) if len(numbers) else 0.0
        self._deviation = float(numbers.std()) or 1.0 if len(numbers) else 1.0

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Mean squared error of the standardised numbers."""
        del weights
        wanted = (targets - self._mean) / self._deviation
        return nn.functional.mse_loss(outputs.squeeze(1), wanted.to(outputs.dtype))

    def decide(self, outputs: Values) -> Values:
        """The numbers on their own scale, shape (U,)."""
        return np.asarray(outputs[:, 0].astype(np.float64) * self._deviation + self._mean)

    def averaged(self, outputs: Values) -> Values | None:
        """The standardised numbers."""
        return outputs.astype(np.float64)

    def exported(self, head: LinearClassifier) -> LinearClassifier:
        """Its output on the numbers' own scale."""
        bias = head.bias * self._deviation + self._mean
        return LinearClassifier(weight=head.weight * self._deviation, bias=bias)

    def fit_head(
        self,
        features: Features,
        targets: Values,
        groups: Groups,
        *,
        seed: int,
        weights: Sequence[float] | None,
    ) -> HeadFit:
        """Ridge regression of the standardised numbers."""
        del weights
        wanted = ((targets - self._mean) / self._deviation)[:, None]
        found = cross_validate(features, wanted, groups, seed=seed)
        return HeadFit(
            classifier=fit(features, wanted, found.strength),
            inverse_regularisation=1.0 / found.strength,
            out_of_fold=self.decide(found.predictions),
        )

    def transferability(
        self, layers: Features, targets: Values, groups: Groups, head: HeadFit, seen: Values, *, seed: int
    ) -> dict[str, float | None]:
        """LogME of the numbers, and the head's own cross-validated rank correlation."""
        del groups
        probe = max(self.score("spearmanr", head.out_of_fold, seen), 0.0)
        return regression_estimates(layers, targets, probe, seed=seed)
