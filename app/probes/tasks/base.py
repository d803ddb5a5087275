"""What a task is to probes: what is put on a backbone, its loss, its decisions, and what frozen features say.

Notation:
    U, K   units (what a target is of: an example, or a token), outputs a unit
    d      width of the features

A task here is bound to the names and numbers of one trial's data. Whether units are examples or tokens is the
data's: everything but `per_example` sees units.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.probes import metrics
from app.probes.backbones import Backbone
from app.probes.data import Part, TrialData
from app.probes.inputs import AnyBatch, Encoded, compared
from app.probes.loading import LoadedBackbone
from app.probes.logistic import LinearClassifier
from app.probes.messages import Heartbeat, TrialSpec
from app.probes.passes import Passed, pass_over
from app.probes.work_costs import COMPARED
from app.probes.writings import Pages
from app.tasks.targets import Target

DROPOUT = 0.1
"""As in Devlin et al. 2019."""
DIVERGED_FACTOR = 50.0
"""A mean loss this many times that of guessing has no way back: logits are off by tens."""

Features = NDArray[np.floating]
Values = NDArray[Any]
Groups = NDArray[np.int64]
Predict = Callable[[Part, Part, int], Any]
"""A classical baseline: from the training part, the part asked about and a seed to what the metrics read."""


class TaskModel(nn.Module, ABC):
    """A backbone with what a task needs above it.

    Attributes:
        n_outputs: K.
    """

    n_outputs: int

    @abstractmethod
    def forward(self, batch: AnyBatch) -> Tensor:
        """Outputs, shape (U, K), in single precision."""

    @abstractmethod
    def begin_from(self, classifier: LinearClassifier) -> None:
        """The head starts as this one."""

    @abstractmethod
    def classifier(self) -> LinearClassifier:
        """The head as it stands."""


class LinearHead(TaskModel):
    """A backbone with a dropout and one matrix on each unit's vector.

    The head's random start is small (deviation 0.02), so that the first loss is that of guessing.
    """

    def __init__(self, backbone: Backbone, n_outputs: int, *, reads_apart: bool = False) -> None:
        super().__init__()
        self.backbone = backbone.module
        self._encode = backbone.encode
        self._reads_apart = reads_apart
        self.n_outputs = n_outputs
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(backbone.width * (COMPARED if reads_apart else 1), n_outputs)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)

    def forward(self, batch: AnyBatch) -> Tensor:
        """Outputs, shape (U, K), in single precision: in fewer bits classes would often tie."""
        vectors = self._encode(batch)
        pooled = self.dropout(compared(vectors) if self._reads_apart else vectors)
        with torch.autocast(pooled.device.type, enabled=False):
            outputs: Tensor = self.head(pooled)
        return outputs

    def begin_from(self, classifier: LinearClassifier) -> None:
        """The head starts as this solution on frozen features, as confident as it is.

        Scaling it down to a small start is no better at the end and worse on the way: with WordLlama on ten
        data sets an eighth of the training then scores 0.09 less on average, below the frozen features.
        """
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(classifier.weight))
            self.head.bias.copy_(torch.from_numpy(classifier.bias))

    def classifier(self) -> LinearClassifier:
        """The head as it stands."""
        weight, bias = (p.detach().double().cpu().numpy() for p in (self.head.weight, self.head.bias))
        return LinearClassifier(weight=weight, bias=bias)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class HeadFit:
    """A fitted head.

    Attributes:
        classifier: Outputs of raw features.
        inverse_regularisation: Strength that cross-validation chose, as 1 over the penalty.
        out_of_fold: Predictions on the training part by folds that did not see the unit, shape (U, ...).
    """

    classifier: LinearClassifier
    inverse_regularisation: float
    out_of_fold: Values


class ProbeTask(ABC):
    """A task, bound to what one trial's data hold.

    Attributes:
        target: What is predicted.
        n_outputs: K.
        guess_loss: Loss of guessing, by which divergence is told.
        baselines: The classical ones, by name.
        reads_apart: Whether the texts of a pair are read one by one and compared, also where all is trained.
        has_head: Whether there is anything above the backbone that is learnt.
        writes: Whether texts are written, by models with the head that they were pretrained with.
    """

    target: ClassVar[Target]
    reads_apart: ClassVar[bool] = False
    has_head: ClassVar[bool] = True
    writes: ClassVar[bool] = False
    n_outputs: int
    guess_loss: float
    baselines: Mapping[str, Predict]

    def model(self, backbone: Backbone) -> "TaskModel":
        """What is trained: the backbone with what the task needs above it."""
        return LinearHead(backbone, self.n_outputs, reads_apart=self.reads_apart)

    @abstractmethod
    def loss(self, outputs: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
        """Mean over the units.

        Args:
            outputs: Shape (U, K).
            targets: As `units` has them.
            weights: Of each class, where classes are weighed.
        """

    @abstractmethod
    def decide(self, outputs: Values) -> Values:
        """Predictions from outputs of shape (U, K): one row a unit."""

    @abstractmethod
    def fit_head(
        self,
        features: Features,
        targets: Values,
        groups: Groups,
        *,
        seed: int,
        weights: Sequence[float] | None,
    ) -> HeadFit:
        """The head that suits frozen features.

        Args:
            features: Shape (U, d).
            targets: As `units` has them.
            groups: Units of one group share a fold, shape (U,).
            seed: Of the folds.
            weights: Of each class in the loss.
        """

    @abstractmethod
    def transferability(
        self, layers: Features, targets: Values, groups: Groups, head: HeadFit, seen: Values, *, seed: int
    ) -> dict[str, float | None]:
        """Every estimator's score; None where it has none.

        Args:
            layers: Every layer of some of the seen units, shape (m, layers + 1, d).
            targets: Of these.
            groups: Of these.
            head: As fitted to all seen units.
            seen: Targets of all of them.
            seed: Of what is random.
        """

    def pages(self, part: Part) -> Pages:
        """What a model that writes is given of these examples.

        Raises:
            TypeError: Nothing is written in this task.
        """
        raise TypeError(f"no text is written of {len(part.texts)} examples")

    def measures_texts(self, metric: str) -> bool:
        """Whether a metric reads texts that the model has to write, instead of its outputs."""
        del metric
        return False

    def baselines_for(self, metric: str) -> Mapping[str, Predict]:
        """The classical ones that give what this metric reads."""
        del metric
        return self.baselines

    def units(self, values: Values) -> Values:
        """Targets of some examples, one row a unit."""
        return values

    def training_units(self, values: Values) -> Values:
        """The same of the training part, where more may be learnt from an example than is asked of it."""
        return self.units(values)

    def read(
        self, spec: TrialSpec, backbone: LoadedBackbone, data: TrialData, max_length: int
    ) -> tuple[Encoded, Encoded, Encoded] | None:
        """All three parts as what is trained reads them; None where the backbone reads them itself.

        Args:
            spec: The trial.
            backbone: As loaded.
            data: All parts.
            max_length: Tokens or items kept of an example.
        """
        del spec, backbone, data, max_length
        return None

    def pass_over(
        self, spec: TrialSpec, folder: Path, data: TrialData, heartbeat: Callable[[Heartbeat], None]
    ) -> Passed:
        """Frozen features of the trial's examples; see `app.probes.passes.pass_over`."""
        return pass_over(spec, folder, data, heartbeat, self.pages if self.writes else None)

    def importance(self, targets: Values, weights: Sequence[float] | None) -> float:
        """What these units count together in the mean loss of a batch."""
        del weights
        return float(len(targets))

    def frozen_outputs(self, head: LinearClassifier, features: Features) -> Values:
        """Outputs of a head on frozen features of shape (U, d), shape (U, K)."""
        return head.logits(features)

    def per_example(self, predictions: Values, counts: NDArray[np.int64], part: Part) -> Any:  # noqa: ANN401
        """Predictions as the metrics read them: one an example.

        Args:
            predictions: One row a unit.
            counts: Units of each example, shape (n,).
            part: The examples.
        """
        del counts, part
        return predictions

    def references(self, values: Values) -> Any:  # noqa: ANN401
        """Targets as the metrics read them: one an example."""
        return values

    def averaged(self, outputs: Values) -> Values | None:
        """The outputs on a scale on which those of several models have a mean that `decide` reads.

        None where they have none.
        """
        del outputs
        return None

    def exported(self, head: LinearClassifier) -> LinearClassifier:
        """The head as a program uses it that knows nothing of this task's numbers."""
        return head

    def settings(self) -> Mapping[str, str | int]:
        """What a program must know besides the head to decide as this task does."""
        return {}

    def has_diverged(self, loss: float) -> bool:
        """Whether a training loss shows that there is no way back."""
        return not math.isfinite(loss) or loss > DIVERGED_FACTOR * self.guess_loss

    def score(self, metric: str, predictions: Any, references: Any) -> float:  # noqa: ANN401
        """The metric's value by its plain function."""
        return metrics.score(metric, predictions, references, self.target)

    def compute(self, metric: str, predictions: Any, references: Any) -> float:  # noqa: ANN401
        """The metric's value as it is reported."""
        return metrics.compute(metric, predictions, references, self.target)

    def standard_error(self, metric: str, predictions: Any, references: Any, *, seed: int) -> float:  # noqa: ANN401
        """Of the metric, over the choice of examples."""
        return metrics.standard_error(metric, predictions, references, seed=seed, target=self.target)
