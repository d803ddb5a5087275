"""Question answering: where in its passage a question's answer begins and ends, read together.

Notation:
    n      questions
    U, L   units of all of them, and of one: the first token of the input, which stands for no answer, then
           the words of the passage, each by its first piece
    S, E   outputs of a unit: how much speaks for the answer to begin and to end there

The probabilities of begin and of end are softmaxes over the units of one question; the answer given is the
run of words with the greatest S + E, begin not behind end, and no longer than the longest learnt from.

Sources: Devlin et al. 2019, "BERT", sections 4.2 and 4.3; an answer of which a word was cut off counts as
none while training, as in its code (run_squad.py).
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from app.probes.backbones import Backbone
from app.probes.baselines.spans import FIRST_WORDS, SLIDING_WINDOW, predict_first, predict_window
from app.probes.data import Part
from app.probes.inputs import AnyBatch, Batch
from app.probes.logistic import LinearClassifier, cross_validate, fit
from app.probes.tasks.base import Features, Groups, HeadFit, LinearHead, Predict, ProbeTask, TaskModel, Values
from app.tasks.targets import Answers, Target
from app.tasks.words import WORD, places

NEVER = -1e4
"""Output of a word that was cut off: its probability is 0 to the last bit, and gradients stay finite."""
OTHERS = 8
"""Words that begin (or end) no answer, for each that does, among those a frozen head is fitted to."""
MOST_FITTED = 500
"""Answers that it is fitted to."""


class SpanHead(LinearHead):
    """Outputs S and E of each unit; words that were cut off are out of the question."""

    def forward(self, batch: AnyBatch) -> Tensor:
        """Shape (U, 2)."""
        outputs = super().forward(batch)
        if not isinstance(batch, Batch) or batch.words is None:
            raise TypeError("questions are asked of words")
        return outputs.masked_fill(batch.words[:, 1:] < 0, NEVER)


class QuestionAnswering(ProbeTask):
    """A part of the passage, or none where the training part has questions without answer."""

    target: ClassVar[Target] = Target.SPAN
    baselines: Mapping[str, Predict] = {FIRST_WORDS: predict_first, SLIDING_WINDOW: predict_window}
    n_outputs = 2

    def __init__(self, answers: Values) -> None:
        """Bound to the answers of the training part, shape (n,)."""
        spans = [found.first for found in answers if found.first is not None]
        self.longest = max((last - first + 1 for first, last in spans), default=1)
        self.may_be_none = len(spans) < len(answers)
        self.guess_loss = float(np.log(np.mean([len(found) for found in answers]))) if len(answers) else 1.0

    def model(self, backbone: Backbone) -> TaskModel:
        """The backbone with one matrix on each unit's vector."""
        return SpanHead(backbone, self.n_outputs)

    def units(self, values: Values) -> Values:
        """Of each unit its question's number, and whether the answer begins and ends there, shape (U, 3)."""
        return np.concatenate([np.empty((0, 3), dtype=np.int64), *map(_marked, values, range(len(values)))])

    def importance(self, targets: Values, weights: Sequence[float] | None) -> float:
        """The number of questions."""
        del weights
        return float(len(np.unique(targets[:, 0])))

    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Mean cross-entropy of begin and end over the questions."""
        del weights
        counts = torch.unique_consecutive(targets[:, 0], return_counts=True)[1].tolist()
        scores = pad_sequence([*torch.split(outputs, counts)], batch_first=True, padding_value=NEVER)
        wanted = pad_sequence([*torch.split(targets[:, 1:], counts)], batch_first=True).argmax(dim=1)
        is_gone = scores.gather(1, wanted.unsqueeze(1)).squeeze(1) <= NEVER
        return nn.functional.cross_entropy(scores, wanted.masked_fill(is_gone.any(1, keepdim=True), 0))

    def decide(self, outputs: Values) -> Values:
        """The outputs: what is decided concerns all units of a question."""
        return outputs

    def per_example(self, predictions: Values, counts: NDArray[np.int64], part: Part) -> list[str]:
        """The answer to each question, as it stands in its passage; empty for none."""
        parts = np.split(predictions, np.cumsum(counts)[:-1]) if len(counts) else []
        return [self._answer(*found) for found in zip(parts, part.pairs or (), strict=True)]

    def references(self, values: Values) -> list[list[str]]:
        """All right answers to each question."""
        return [list(answers.texts) for answers in values]

    def settings(self) -> Mapping[str, str | int]:
        """How a passage is cut into words, the longest answer in words, and whether there may be none."""
        return {"word": WORD.pattern, "longest_answer": self.longest, "may_be_none": self.may_be_none}

    def _answer(self, outputs: Values, passage: str) -> str:
        begins, ends = outputs[1:, 0], outputs[1:, 1]
        behind = np.append(ends, np.full(self.longest - 1, -np.inf))
        windows = sliding_window_view(behind, self.longest)
        totals = begins + windows.max(axis=1)
        first = int(totals.argmax())
        if self.may_be_none and outputs[0].sum() > totals[first]:
            return ""
        spans = places(passage)
        return passage[spans[first][0] : spans[first + int(windows[first].argmax())][1]]

    def frozen_outputs(self, head: LinearClassifier, features: Features) -> Values:
        """S and E of each unit; the features of a word that was cut off are 0."""
        is_there = np.asarray(features.any(axis=1))
        return np.where(is_there[:, None], head.logits(features), NEVER)

    def fit_head(
        self,
        features: Features,
        targets: Values,
        groups: Groups,
        *,
        seed: int,
        weights: Sequence[float] | None,
    ) -> HeadFit:
        """Logistic regressions of begin and of end among some of the other words; the strength is shared.

        Out of fold are two halves, each by the other's.
        """
        del weights
        rng, there = np.random.default_rng(seed), features.any(axis=1)

        def fitted(among: NDArray[np.bool_]) -> tuple[LinearClassifier, float]:
            some = [_some_of(targets[:, column] > 0, among & there, rng) for column in (1, 2)]
            found = cross_validate(
                features[some[0]], targets[some[0], 1], groups[some[0]], n_classes=2, seed=seed
            )
            strength = found.inverse_regularisation
            return _joined(
                [
                    fit(features[rows], targets[rows, column], n_classes=2, inverse_regularisation=strength)
                    for column, rows in enumerate(some, start=1)
                ]
            ), strength

        out_of_fold = np.full((len(targets), 2), 0.0)
        for half in (groups % 2 == 0, groups % 2 == 1):
            if half.any() and not half.all():
                out_of_fold[half] = self.frozen_outputs(fitted(~half)[0], features[half])
        classifier, strength = fitted(np.ones(len(targets), dtype=bool))
        return HeadFit(classifier=classifier, inverse_regularisation=strength, out_of_fold=out_of_fold)

    def transferability(
        self, layers: Features, targets: Values, groups: Groups, head: HeadFit, seen: Values, *, seed: int
    ) -> dict[str, float | None]:
        """For how many questions the likeliest begin and end are right, each by itself, on average."""
        del layers, targets, groups, seed
        begins = np.flatnonzero(np.diff(seen[:, 0], prepend=-1))
        pairs = zip(np.split(head.out_of_fold, begins[1:]), np.split(seen[:, 1:], begins[1:]), strict=True)
        hits = [right[said.argmax(axis=0), [0, 1]] for said, right in pairs]
        return {"linear_probe": float(np.mean(hits))}


def _marked(answers: Answers, number: int) -> Values:
    """The units of one question, shape (L, 3); no answer is the first of them."""
    found = np.zeros((len(answers), 3), dtype=np.int64)
    found[:, 0] = number
    first, last = (0, 0) if answers.first is None else (answers.first[0] + 1, answers.first[1] + 1)
    found[first, 1], found[last, 2] = 1, 1
    return found


def _some_of(
    is_right: NDArray[np.bool_], among: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Rows of what is right and of some of what is not, ascending."""
    right = rng.permutation(np.flatnonzero(is_right & among))[:MOST_FITTED]
    wrong = rng.permutation(np.flatnonzero(~is_right & among))[: OTHERS * len(right)]
    return np.sort(np.concatenate([right, wrong]))


def _joined(each: Sequence[LinearClassifier]) -> LinearClassifier:
    """One output a classifier: how much more speaks for than against."""
    return LinearClassifier(
        weight=np.stack([found.weight[1] - found.weight[0] for found in each]),
        bias=np.array([found.bias[1] - found.bias[0] for found in each]),
    )
