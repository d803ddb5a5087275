"""Text retrieval: queries near their passages, far from those of the other queries in a batch.

Notation:
    B, d   pairs in a batch, width
    u, v   vectors of query and passage;  s  their cosine

Sources: Henderson et al. 2017, "Efficient Natural Language Response Suggestion for Smart Reply", section 4.4
(passages of the batch as negatives); Karpukhin et al. 2020, "Dense Passage Retrieval". The scale of cosines
is that of sentence-transformers' MultipleNegativesRankingLoss.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from app.probes import metrics
from app.probes.backbones import Backbone
from app.probes.baselines.ranks import BM25, CHANCE, predict_bm25, predict_chance, ranks_of
from app.probes.inputs import AnyBatch
from app.probes.logistic import LinearClassifier
from app.probes.tasks.base import Features, Groups, HeadFit, Predict, ProbeTask, TaskModel, Values
from app.probes.work_costs import COMPARED
from app.tasks.targets import Target

SCALE = 20.0
_GUESSED = 16
"""Passages in a batch, among which guessing picks one."""


class Embedder(TaskModel):
    """A backbone alone: the vectors of query and passage side by side, shape (B, 2 d)."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone.module
        self._encode = backbone.encode
        self.n_outputs = 2 * backbone.width

    def forward(self, batch: AnyBatch) -> Tensor:
        """Of a batch of queries, then their passages."""
        vectors = self._encode(batch)
        return torch.cat(vectors.float().chunk(2), dim=1)

    def begin_from(self, classifier: LinearClassifier) -> None:
        """There is no head."""

    def classifier(self) -> LinearClassifier:
        """A text's vector as it is."""
        return _as_it_is(self.n_outputs // 2)


class Retrieval(ProbeTask):
    """The passage that answers a query. Predictions are vectors, or ranks as baselines give them."""

    target: ClassVar[Target] = Target.MATCH
    reads_apart: ClassVar[bool] = True
    has_head: ClassVar[bool] = False
    baselines: Mapping[str, Predict] = {CHANCE: predict_chance, BM25: predict_bm25}
    n_outputs = 0
    guess_loss = math.log(_GUESSED)

    def model(self, backbone: Backbone) -> TaskModel:
        """The backbone alone."""
        return Embedder(backbone)

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Mean cross-entropy of a query's own passage among all of the batch.

        Copies of it, and passages of copies of the query, are none of what it is told from.
        """
        del weights
        u, v = (nn.functional.normalize(part, dim=1) for part in outputs.float().chunk(2, dim=1))
        scores = SCALE * u @ v.T
        same = (targets[:, None] == targets[None]).any(dim=2)
        same.fill_diagonal_(fill_value=False)
        own = torch.arange(len(scores), device=scores.device)
        return nn.functional.cross_entropy(scores.masked_fill(same, -math.inf), own)

    def decide(self, outputs: Values) -> Values:
        """The vectors, shape (B, 2 d)."""
        return outputs

    def fit_head(
        self,
        features: Features,
        targets: Values,
        groups: Groups,
        *,
        seed: int,
        weights: Sequence[float] | None,
    ) -> HeadFit:
        """Nothing is fitted: of the features of a pair both vectors are taken as they are."""
        del targets, groups, seed, weights
        n = 2 * features.shape[1] // COMPARED
        both = LinearClassifier(weight=np.eye(n, features.shape[1]), bias=np.zeros(n))
        return HeadFit(classifier=both, inverse_regularisation=1.0, out_of_fold=both.logits(features))

    def exported(self, head: LinearClassifier) -> LinearClassifier:
        """A text's vector as it is."""
        n = len(head.bias)
        return head if head.weight.shape == (n, n) else _as_it_is(n // 2)

    def transferability(
        self, layers: Features, targets: Values, groups: Groups, head: HeadFit, seen: Values, *, seed: int
    ) -> dict[str, float | None]:
        """How many queries find their passage first, untrained."""
        del layers, targets, groups, seed
        return {"linear_probe": self.score("recall_at_1", head.out_of_fold, seen)}

    def score(self, metric: str, predictions: Any, references: Any) -> float:  # noqa: ANN401
        """The metric's value by its plain function."""
        return super().score(metric, *_ranked(predictions, references))

    def compute(self, metric: str, predictions: Any, references: Any) -> float:  # noqa: ANN401
        """The metric's value as it is reported."""
        return super().compute(metric, *_ranked(predictions, references))

    def standard_error(self, metric: str, predictions: Any, references: Any, *, seed: int) -> float:  # noqa: ANN401
        """Of the metric, over the choice of queries."""
        ranks, first = _ranked(predictions, references)
        return metrics.standard_error(metric, ranks, first, seed=seed, target=self.target)


def _ranked(predictions: Values, references: Values) -> tuple[Values, Values]:
    """Ranks of the passages, and the rank that each should have."""
    first = np.ones(len(references), dtype=np.int64)
    if predictions.ndim == 1:
        return predictions, first
    u, v = (
        part / np.maximum(np.linalg.norm(part, axis=1, keepdims=True), 1e-12) for part in _halves(predictions)
    )
    return ranks_of(u @ v.T, references[:, 1], references[:, 0]), first


def _halves(vectors: Values) -> tuple[Values, Values]:
    n = vectors.shape[1] // 2
    return vectors[:, :n].astype(np.float64), vectors[:, n:].astype(np.float64)


def _as_it_is(width: int) -> LinearClassifier:
    return LinearClassifier(weight=np.eye(width), bias=np.zeros(width))
