"""Sequential recommendation: the item that a user meets next, told from all items.

Notation:
    U, K   users, or positions of their histories; items of the data
    D      width of what is known of a history before training

Training users are learnt from at every position (Kang and McAuley 2018, "Self-Attentive Sequential
Recommendation", section III-E), by the cross-entropy over all items (Klenitskiy and Vasilev 2023, "Turning
Dross Into Gold Loss: is BERT4Rec really better than SASRec?": better than one sampled negative). Users who
are asked about are others: their history up to the last item is read, and the last is ranked among all items,
never among a sample (Krichene and Rendle 2020, "On Sampled Metrics for Item Recommendation"). Items of the
history are left out of that ranking, as Kang and McAuley leave them out, unless the training users meet items
again.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from app.probes.backbones import Backbone, BackboneError, TextBackbone
from app.probes.baselines.items import (
    ITEM_KNN,
    MARKOV,
    POPULARITY,
    predict_item_knn,
    predict_markov,
    predict_popularity,
)
from app.probes.data import Part, TrialData
from app.probes.file_backbones import FileBackbone
from app.probes.inputs import TokenizedTexts, Words
from app.probes.item_model import ItemModel
from app.probes.item_networks import SASREC, ItemBackbone, ItemConfig, ItemsOnlyError
from app.probes.loading import LoadedBackbone, load_model
from app.probes.logistic import LinearClassifier
from app.probes.messages import Heartbeat, TrialSpec
from app.probes.passes import MOST_ESTIMATED, Passed
from app.probes.ridge import cross_validate, fit
from app.probes.tasks.base import Features, Groups, HeadFit, Predict, ProbeTask, TaskModel, Values
from app.probes.title_vectors import NoTitlesError, title_vectors
from app.probes.writers import Writer
from app.tasks.targets import Target

REPEATED_SHARE = 0.01
"""Of training users whose last item is one they met before; above it items are taken to be met again."""
OVER_TITLES = ItemConfig(model_type=SASREC, width=64, n_layers=2, n_heads=2, max_length=200)
"""The network over vectors of titles: that of SASRec, as in UniSRec."""
ROWS = 256
"""Users whose scores of all items are in memory at once, where there may be thousands."""


class Recommendation(ProbeTask):
    """The next item. Predictions are scores of all items, or the ranks of the true ones."""

    target: ClassVar[Target] = Target.NEXT
    has_head: ClassVar[bool] = False
    baselines: Mapping[str, Predict] = {
        POPULARITY: predict_popularity,
        ITEM_KNN: predict_item_knn,
        MARKOV: predict_markov,
    }

    def __init__(self, data: TrialData) -> None:
        """Bound to the histories of a trial."""
        self._seen = data.train.targets[data.seen]
        self.n_outputs = len(data.train.names)
        self.guess_loss = math.log(max(self.n_outputs, 2))
        again = [sequence[-1] in sequence[:-1] for sequence in data.train.targets]
        self._met_again = float(np.mean(again)) > REPEATED_SHARE if again else False
        self._kept = OVER_TITLES.max_length
        self._vectors: NDArray[np.float32] | None = None

    def units(self, values: Values) -> Values:
        """The last item of each user, shape (n,)."""
        return np.array([sequence[-1] for sequence in values], dtype=np.int64)

    def training_units(self, values: Values) -> Values:
        """The next item at every position that is read, shape (U,)."""
        following = [sequence[1:][-self._kept :] for sequence in values]
        return np.concatenate([np.empty(0, dtype=np.int64), *following])

    def references(self, values: Values) -> Values:
        """Whole histories: the last items, and those that are left out beside them."""
        return values

    def read(
        self, spec: TrialSpec, backbone: LoadedBackbone, data: TrialData, max_length: int
    ) -> tuple[TokenizedTexts, TokenizedTexts, TokenizedTexts]:
        """Histories as items; what a model of texts makes of their titles is kept for `model`."""
        self._kept = min(max_length, OVER_TITLES.max_length)
        if not isinstance(backbone, ItemBackbone):
            self._vectors, _ = title_vectors(spec, lambda: _of_texts(backbone), data.train, lambda _: None)
        train = _histories(data.train, self._kept, at_every_item=True)
        return train, _histories(data.validation, self._kept), _histories(data.test, self._kept)

    def model(self, backbone: Backbone) -> TaskModel:
        """The network with a table of the items; of a model of texts one over the titles' vectors."""
        network = backbone if isinstance(backbone, ItemBackbone) else ItemBackbone(OVER_TITLES)
        return ItemModel(network, self.n_outputs, self._vectors)

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Mean cross-entropy of the next item among all."""
        del weights
        return nn.functional.cross_entropy(outputs, targets)

    def decide(self, outputs: Values) -> Values:
        """The scores, shape (n, K)."""
        return outputs

    def pass_over(
        self, spec: TrialSpec, folder: Path, data: TrialData, heartbeat: Callable[[Heartbeat], None]
    ) -> Passed:
        """Of each user the mean of the titles' vectors of the history, and that of its last item."""

        def load() -> TextBackbone:
            return _of_texts(load_model(folder, seed=spec.seed, input_prefix=spec.input_prefix))

        vectors, seconds = title_vectors(spec, load, data.train, heartbeat)
        self._vectors = vectors
        seen, validation = (_known(values, vectors) for values in (self._seen, data.validation.targets))
        estimated = np.arange(min(len(seen), MOST_ESTIMATED))
        return Passed(
            seen=seen,
            validation=validation,
            counts=np.ones(len(seen), dtype=np.int64),
            validation_counts=np.ones(len(validation), dtype=np.int64),
            estimated=estimated,
            layers=seen[estimated, None],
            seconds=seconds,
            vocabulary=None,
        )

    def fit_head(
        self,
        features: Features,
        targets: Values,
        groups: Groups,
        *,
        seed: int,
        weights: Sequence[float] | None,
    ) -> HeadFit:
        """Ridge regression of the next item's vector; an item's score is its product with that."""
        del weights
        if self._vectors is None:
            raise NoTitlesError
        vectors = self._vectors.astype(np.float64)
        wanted = vectors[targets]
        found = cross_validate(features, wanted, groups, seed=seed)
        to_vector = fit(features, wanted, found.strength)
        ranks = [
            self._ranks(found.predictions[rows] @ vectors.T, self._seen[rows])
            for rows in np.array_split(np.arange(len(targets)), -(-len(targets) // ROWS))
        ]
        return HeadFit(
            classifier=LinearClassifier(weight=vectors @ to_vector.weight, bias=vectors @ to_vector.bias),
            inverse_regularisation=1.0 / found.strength,
            out_of_fold=np.concatenate(ranks),
        )

    def transferability(
        self, layers: Features, targets: Values, groups: Groups, head: HeadFit, seen: Values, *, seed: int
    ) -> dict[str, float | None]:
        """How often the head's first item is the next one, cross-validated."""
        del layers, targets, groups, seen, seed
        return {"linear_probe": float((head.out_of_fold == 1).mean())}

    def score(self, metric: str, predictions: Any, references: Any) -> float:  # noqa: ANN401
        """The metric's value by its plain function."""
        return super().score(metric, *self._ranked(predictions, references))

    def compute(self, metric: str, predictions: Any, references: Any) -> float:  # noqa: ANN401
        """The metric's value as it is reported."""
        return super().compute(metric, *self._ranked(predictions, references))

    def standard_error(self, metric: str, predictions: Any, references: Any, *, seed: int) -> float:  # noqa: ANN401
        """Of the metric, over the choice of users."""
        return super().standard_error(metric, *self._ranked(predictions, references), seed=seed)

    def _ranked(self, predictions: Values, references: Values) -> tuple[Values, Values]:
        """Ranks of the true items, and the rank that each should have."""
        ranks = predictions if predictions.ndim == 1 else self._ranks(predictions, references)
        return ranks, np.ones(len(ranks), dtype=np.int64)

    def _ranks(self, scores: NDArray[np.floating], histories: Values) -> NDArray[np.int64]:
        """The rank of each user's last item, shape (n,); ties cost half of their number.

        A last item that is itself left out, since it was met before, comes behind all others.
        """
        ranks = np.empty(len(histories), dtype=np.int64)
        for i, (own, history) in enumerate(zip(scores, histories, strict=True)):
            *before, last = history
            others = np.ones(len(own), dtype=bool)
            others[[last] if self._met_again else history] = False
            if last in before and not self._met_again:
                ranks[i] = len(own)
                continue
            level = int((own[others] == own[last]).sum())
            ranks[i] = 1 + int((own[others] > own[last]).sum()) + level // 2
        return ranks


def _histories(part: Part, kept: int, *, at_every_item: bool = False) -> TokenizedTexts:
    """Of each user the last items but the one to predict, asked about at the last of them or at every one."""
    rows = [sequence[:-1][-kept:] for sequence in part.targets]
    places = [range(len(row)) if at_every_item else (len(row) - 1,) for row in rows]
    return TokenizedTexts.of(rows, pad_id=0, words=Words.of(places))


def _known(histories: Values, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean vector of each history and the vector of its last item, shape (n, 2 d)."""
    rows = [np.concatenate([vectors[s[:-1]].mean(axis=0), vectors[s[-2]]]) for s in histories]
    return np.array(rows, dtype=np.float32).reshape(-1, 2 * vectors.shape[1])


def _of_texts(backbone: LoadedBackbone) -> TextBackbone:
    """The same, where it reads texts.

    Raises:
        BackboneError: It reads files or items alone, or writes.
    """
    if isinstance(backbone, ItemBackbone):
        raise ItemsOnlyError
    if isinstance(backbone, FileBackbone):
        raise BackboneError("a model of files reads no titles")
    if isinstance(backbone, Writer):
        raise BackboneError("a model that is to write is not read from")
    return backbone
