"""Text classification: cross-entropy of one class a unit; relations and pairs are learnt the same way."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

import numpy as np
from scipy.special import softmax
from torch import Tensor, nn

from app.probes import metrics
from app.probes.baselines.classes import MAJORITY, TFIDF, predict_majority, predict_tfidf
from app.probes.logistic import cross_validate, fit
from app.probes.tasks.base import Features, Groups, HeadFit, Predict, ProbeTask, Values
from app.probes.transferability import ESTIMATORS, Estimator, UndefinedScoreError
from app.probes.transferability.best_layer import ON_EVERY_LAYER, best_of_layers
from app.probes.transferability.knn import knn
from app.ranking.probe_model import load_probe_model
from app.tasks.targets import Target


class Classification(ProbeTask):
    """One of K classes a unit."""

    target: ClassVar[Target] = Target.CLASS
    baselines: Mapping[str, Predict] = {MAJORITY: predict_majority, TFIDF: predict_tfidf}

    def __init__(self, n_classes: int) -> None:
        self.n_outputs = n_classes
        self.guess_loss = math.log(max(n_classes, 2))

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Mean cross-entropy, weighted by class where weights are given."""
        return nn.functional.cross_entropy(outputs, targets, weight=weights)

    def importance(self, targets: Values, weights: Sequence[float] | None) -> float:
        """The sum of the weights of their classes."""
        return float(len(targets)) if weights is None else float(np.take(weights, targets).sum())

    def decide(self, outputs: Values) -> Values:
        """The likeliest class, shape (U,)."""
        return np.asarray(outputs.argmax(axis=1), dtype=np.int64)

    def averaged(self, outputs: Values) -> Values | None:
        """Probabilities, shape (U, K)."""
        return np.asarray(softmax(outputs.astype(np.float64), axis=1))

    def fit_head(
        self,
        features: Features,
        targets: Values,
        groups: Groups,
        *,
        seed: int,
        weights: Sequence[float] | None,
    ) -> HeadFit:
        """Logistic regression. It is solved rather than stepped: this takes seconds, and no learning rate."""
        given = None if weights is None else np.asarray(weights, dtype=np.float64)
        n_classes = self.n_outputs
        found = cross_validate(features, targets, groups, n_classes=n_classes, seed=seed, class_weights=given)
        strength = found.inverse_regularisation
        return HeadFit(
            classifier=fit(
                features,
                targets,
                n_classes=n_classes,
                inverse_regularisation=strength,
                class_weights=given,
            ),
            inverse_regularisation=strength,
            out_of_fold=self.decide(found.probabilities),
        )

    def transferability(
        self, layers: Features, targets: Values, groups: Groups, head: HeadFit, seen: Values, *, seed: int
    ) -> dict[str, float | None]:
        """Of those listened to on the best layer, of others on the mean over all.

        Every layer costs as much as the mean, and what changes no answer is not worth the budget's time. The
        linear probe is the head's own cross-validation, not done twice.
        """
        # Copies of a text may differ in their last bits, so neighbours are told by the texts.
        estimators: Mapping[str, Estimator] = {**ESTIMATORS, "knn": partial(knn, groups=groups)}
        on_every_layer = {n: estimators[n] for n in ON_EVERY_LAYER if n in load_probe_model().estimators}
        n_classes, single = self.n_outputs, np.asarray(layers, dtype=np.float32)
        found = best_of_layers(single, targets, n_classes=n_classes, seed=seed, estimators=on_every_layer)
        scores: dict[str, float | None] = {name: found.get(name) for name in on_every_layer}
        scores["linear_probe"] = metrics.score("accuracy", head.out_of_fold, seen)
        mean = single.mean(axis=1)
        for name in estimators.keys() - scores.keys():
            try:
                scores[name] = estimators[name](mean, targets, n_classes=n_classes, seed=seed)
            except UndefinedScoreError:
                scores[name] = None
        return dict(sorted(scores.items()))
