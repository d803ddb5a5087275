"""Texts that are written: what their tasks have in common.

Notation:
    U    units, which are examples
    H    nats of a text (its negative log-likelihood), W its words

The loss is sum H / sum W: nats per word, not per token, so that it means the same whatever the tokenizer, and
micro-batches weigh as their words do. Nothing is learnt above a model that writes: `head` is that model.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from app.probes.backbones import Backbone
from app.probes.baselines.ngrams import N_BYTES, NGRAM, UNIGRAM, predict_ngram, predict_unigram
from app.probes.data import Part
from app.probes.inputs import AnyBatch
from app.probes.logistic import LinearClassifier
from app.probes.tasks.base import Features, Groups, HeadFit, Predict, ProbeTask, TaskModel, Values
from app.probes.writers import N_OUTPUTS
from app.probes.writings import Pages, Unit, answers_of, unit_of
from app.tasks.targets import Target, texts_of
from app.tasks.texts import WRITTEN_METRICS
from models_registry.vocabulary import TaskType

DIVERGED_FACTOR = 10.0
"""A mean loss this many times that of bytes drawn evenly has no way back; its exponential is finite yet."""
_AS_IT_IS = LinearClassifier(weight=np.eye(N_OUTPUTS), bias=np.zeros(N_OUTPUTS))


class Scribe(TaskModel):
    """A model that writes, alone."""

    n_outputs = N_OUTPUTS

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone.module
        self._encode = backbone.encode

    def forward(self, batch: AnyBatch) -> Tensor:
        """Nats, words and bytes of each answer, shape (U, 3)."""
        return self._encode(batch)

    def begin_from(self, classifier: LinearClassifier) -> None:
        """There is no head."""

    def classifier(self) -> LinearClassifier:
        """What the model says, as it is."""
        return _AS_IT_IS


class Writing(ProbeTask):
    """One text an example; predictions are nats, words and bytes, or texts for the metrics that read these.

    Attributes:
        task_type: Which task.
        cue: What tells a decoder that the answer begins.
        keeps_end: Whether a source that is too long loses its beginning instead of its end.
        reads_sources: Whether texts are written of others.
        writing_baselines: Those of metrics that read texts.
    """

    target: ClassVar[Target] = Target.TEXT
    has_head: ClassVar[bool] = False
    writes: ClassVar[bool] = True
    n_outputs = N_OUTPUTS
    task_type: ClassVar[TaskType]
    cue: ClassVar[str] = ""
    keeps_end: ClassVar[bool] = False
    reads_sources: ClassVar[bool] = True
    baselines: Mapping[str, Predict] = {UNIGRAM: predict_unigram, NGRAM: predict_ngram}
    writing_baselines: ClassVar[Mapping[str, Predict]] = {}

    def __init__(self, train: Part) -> None:
        """Bound to the training part, whose answers say what a word is."""
        answers = answers_of(train)
        self._unit: Unit = unit_of(answers)
        sizes = np.array([self._unit.sizes(answer) for answer in answers or [""]], dtype=np.float64)
        self.guess_loss = math.log(N_BYTES) * float(sizes[:, 1].sum() / sizes[:, 0].sum())

    def model(self, backbone: Backbone) -> TaskModel:
        """The model with its own head."""
        return Scribe(backbone)

    def pages(self, part: Part) -> Pages:
        """Sources, empty ones where running text is modelled, and answers."""
        return Pages(
            sources=part.texts if self.reads_sources else [""] * len(part.texts),
            answers=answers_of(part),
            unit=self._unit,
            task_type=self.task_type,
            cue=self.cue,
            keeps_end=self.keeps_end,
        )

    def measures_texts(self, metric: str) -> bool:
        """Whether the model has to write for it."""
        return metric in WRITTEN_METRICS

    def baselines_for(self, metric: str) -> Mapping[str, Predict]:
        """Those that write, or those that say how likely the right texts are."""
        return self.writing_baselines if self.measures_texts(metric) else self.baselines

    def units(self, values: Values) -> Values:
        """Words of each answer, shape (U,)."""
        return np.array([self._unit.words(texts_of(kept)[0]) for kept in values], dtype=np.float32)

    def importance(self, targets: Values, weights: Sequence[float] | None) -> float:
        """Their words."""
        del weights
        return float(targets.sum())

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Nats per word of the answers."""
        del weights
        return outputs[:, 0].sum() / targets.sum()

    def decide(self, outputs: Values) -> Values:
        """Nats, words and bytes, shape (U, 3)."""
        return outputs.astype(np.float64)

    def references(self, values: Values) -> Any:  # noqa: ANN401
        """Of each example the texts that are right."""
        return [list(texts_of(kept)) for kept in values]

    def fit_head(
        self,
        features: Features,
        targets: Values,
        groups: Groups,
        *,
        seed: int,
        weights: Sequence[float] | None,
    ) -> HeadFit:
        """Nothing is fitted: what the model says is taken as it is."""
        del targets, groups, seed, weights
        outputs = _AS_IT_IS.logits(features)
        return HeadFit(classifier=_AS_IT_IS, inverse_regularisation=1.0, out_of_fold=outputs)

    def transferability(
        self, layers: Features, targets: Values, groups: Groups, head: HeadFit, seen: Values, *, seed: int
    ) -> dict[str, float | None]:
        """The mean probability (geometric) that the model gives a byte, untrained."""
        del layers, targets, groups, seen, seed
        bits = self.score("bits_per_byte", head.out_of_fold, [])
        return {"linear_probe": float(2.0**-bits)}

    def has_diverged(self, loss: float) -> bool:
        """Whether a training loss shows that there is no way back."""
        return not math.isfinite(loss) or loss > DIVERGED_FACTOR * self.guess_loss
