"""What a worker and its trials say to each other: values that travel as JSON, so that nothing is unpickled.

A worker sends a `TrialSpec` once and then commands; a trial answers each with an outcome, and with heartbeats
before it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from app.probes.explanations import Explain, ExplanationReport, explanations_from_json
from app.probes.reviews import Review, ReviewReport, review_from_json

SINGLE, BRAIN = "fp32", "bf16"
"""Names of single precision and of bfloat16 with single-precision weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRecipe:
    """Settings of one fine-tune.

    Attributes:
        learning_rate: Peak of the schedule.
        batch_size: Examples a step.
        epochs: Passes over the training part.
        max_length: Tokens kept of a text; seconds of a recording.
        weight_decay: Of matrices; biases and norms have none.
        warmup_fraction: Share of all steps in which the rate rises.
        class_weights: Weight of each class in the loss, by class; None weighs all alike.
        early_stopping_patience: Evaluations without a smaller validation loss after which training ends;
            None trains to the end.
        head_from_features: Whether the head begins as the solution on frozen features instead of at random.
        micro_batch: Examples in memory at once, their gradients accumulated; None is the whole batch.
        gradient_checkpointing: Whether activations are computed again for the backward pass instead of kept.
    """

    learning_rate: float = 1e-4
    batch_size: int = 16
    epochs: int = 3
    max_length: int = 128
    weight_decay: float = 0.01
    warmup_fraction: float = 0.1
    class_weights: tuple[float, ...] | None = None
    early_stopping_patience: int | None = None
    head_from_features: bool = True
    micro_batch: int | None = None
    gradient_checkpointing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSpec:
    """One trial: a model, a strategy, the data and where to work.

    Attributes:
        trial_id: Names the trial in messages.
        model_name: `hub:id@revision`.
        model_folder: Its weights; None for the classical baselines, which have none.
        input_prefix: Put before every text.
        strategy: As the API spells it.
        task_type: As the API spells it.
        metric: Canonical name.
        dataset_folder: Holds `examples.parquet`.
        dataset_id: Of the data set.
        split_file: JSON with `train` and `validation`, lists of row indices.
        folder: The trial's own.
        feature_cache_folder: Shared by all trials.
        feature_cache_bytes: Its size limit.
        seed: Of everything random.
        recipe: Settings of the fine-tune.
        n_threads: Threads of the trial.
        precision: `fp32` or `bf16`, on a processor.
        card_bytes: Memory of a card that the trial may take, so that several share it; None for all.
        n_devices: Cards that it trains on, where there are as many.
    """

    trial_id: str
    model_name: str
    model_folder: Path | None
    input_prefix: str = ""
    strategy: str
    task_type: str = "text-classification"
    metric: str = "accuracy"
    dataset_folder: Path
    dataset_id: str
    split_file: Path
    folder: Path
    feature_cache_folder: Path
    feature_cache_bytes: int
    seed: int = 0
    recipe: TrainingRecipe = field(default_factory=TrainingRecipe)
    n_threads: int = 1
    precision: str = SINGLE
    card_bytes: int | None = None
    n_devices: int = 1

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {k: str(v) if isinstance(v, Path) else v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "TrialSpec":
        """The spec that `to_json` wrote."""
        folders = ("dataset_folder", "split_file", "folder", "feature_cache_folder")
        recipe = dict(raw["recipe"])
        if recipe["class_weights"] is not None:
            recipe["class_weights"] = tuple(recipe["class_weights"])
        return cls(
            **{
                **raw,
                **{name: Path(raw[name]) for name in folders},
                "model_folder": None if raw["model_folder"] is None else Path(raw["model_folder"]),
                "recipe": TrainingRecipe(**recipe),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractFeatures:
    """One pass over the training and validation parts: features, transferability, and the head's score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """A slice of fine-tuning.

    Attributes:
        until_step: Where it ends; beyond the last step is the last step.
    """

    until_step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBaselines:
    """The classical baselines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTest:
    """What was trained so far is scored on the test part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refit:
    """A slice of a fine-tune that nothing is held out from, so that nothing is scored.

    Attributes:
        until_step: Where it ends; beyond the last step is the last step.
    """

    until_step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What was trained is written as the user takes it away, below `artifacts` in the trial's folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureSpeed:
    """A second's work on made-up numbers, to learn how fast this machine trains."""


Command = (
    ExtractFeatures | Train | RunBaselines | ScoreTest | Refit | Export | MeasureSpeed | Review | Explain
)
_COMMANDS: dict[str, type[Command]] = {
    "speed": MeasureSpeed,
    "features": ExtractFeatures,
    "train": Train,
    "test": ScoreTest,
    "refit": Refit,
    "export": Export,
    "baselines": RunBaselines,
    "review": Review,
    "explain": Explain,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A sign of life.

    Attributes:
        stage: `loading`, `features`, `transferability`, `training`, `validation` or `baselines`.
        done: Examples or steps done in this stage.
        total: Of how many; 0 where unknown.
        loss: Of the last training step.
    """

    stage: str
    done: int = 0
    total: int = 0
    loss: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicePoint:
    """One point of a learning curve.

    Attributes:
        step: Optimiser steps done.
        total_steps: Of the whole schedule; that of `step` where training ended early.
        examples_seen: Training examples, counted as often as they were seen.
        seconds: Time in slices of this trial so far, as the trial measured it.
        loss: Mean training loss of this slice's steps.
        validation_loss: Cross-entropy on the validation part.
        metric: On the validation part.
        std_error: Of the metric.
        pass_seconds: Of this slice, in passes forwards and backwards and updates.
    """

    step: int
    total_steps: int
    examples_seen: int
    seconds: float
    loss: float
    validation_loss: float
    metric: float
    std_error: float
    pass_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TestScore:
    """A score on the test part.

    Attributes:
        step: Optimiser steps done.
        metric: In the metric's units.
        std_error: Of the metric.
        n_examples: Of the test part.
    """

    step: int
    metric: float
    std_error: float
    n_examples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefitPoint:
    """How far a refit is.

    Attributes:
        step: Optimiser steps done.
        total_steps: Of the whole schedule.
        loss: Mean training loss of this slice's steps.
    """

    step: int
    total_steps: int
    loss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written.

    Attributes:
        files: Paths below `artifacts`, in order.
    """

    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureReport:
    """What one pass over the data gave.

    Attributes:
        transferability: Score by estimator; None where it has no value for this data.
        predicted_metric: Of the linear probe, cross-validated on the training part; None where undefined.
        predicted_std_error: Of it.
        head_metric: Of the frozen-features classifier on the validation part.
        head_std_error: Of it.
        head_seconds: Spent on fitting it.
        inverse_regularisation: C of it.
        extraction_seconds: Of loading, tokenising and the pass; hardly any where the cache had the features.
        pass_seconds: Of the pass alone.
        vocabulary: How well the tokenizer knows the texts: fertility, unknown and truncated share.
    """

    transferability: dict[str, float | None]
    predicted_metric: float | None
    predicted_std_error: float | None
    head_metric: float
    head_std_error: float
    head_seconds: float
    inverse_regularisation: float
    extraction_seconds: float
    pass_seconds: float = 0.0
    vocabulary: dict[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineScore:
    """What a classical baseline scores on the validation part."""

    name: str
    metric: float
    std_error: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineReport:
    """All baselines."""

    scores: tuple[BaselineScore, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedReport:
    """How fast a machine trains.

    Attributes:
        flops: Operations a second of an encoder layer, forwards and backwards, by precision.
    """

    flops: dict[str, float]


Result = (
    SlicePoint
    | FeatureReport
    | BaselineReport
    | TestScore
    | RefitPoint
    | Exported
    | SpeedReport
    | ReviewReport
    | ExplanationReport
)


def encode_command(command: Command) -> bytes:
    """JSON bytes of a command."""
    kind = next(name for name, cls in _COMMANDS.items() if isinstance(command, cls))
    return json.dumps({"kind": kind, **asdict(command)}).encode()


def decode_command(message: bytes) -> Command:
    """The command that `encode_command` wrote."""
    raw = json.loads(message)
    return _COMMANDS[raw.pop("kind")](**raw)


def encode_result(result: Result) -> dict[str, Any]:
    """JSON values of a result."""
    return {"type": type(result).__name__, **asdict(result)}


def decode_result(raw: Mapping[str, Any]) -> Result:  # noqa: PLR0911  (one line a type)
    """The result that `encode_result` wrote.

    Raises:
        ValueError: It is none.
    """
    values = {name: value for name, value in raw.items() if name != "type"}
    match raw["type"]:
        case "SlicePoint":
            return SlicePoint(**values)
        case "TestScore":
            return TestScore(**values)
        case "RefitPoint":
            return RefitPoint(**values)
        case "Exported":
            return Exported(files=tuple(map(str, values["files"])))
        case "SpeedReport":
            return SpeedReport(**values)
        case "FeatureReport":
            return FeatureReport(**values)
        case "BaselineReport":
            return BaselineReport(scores=tuple(BaselineScore(**score) for score in values["scores"]))
        case "ReviewReport":
            return review_from_json(values)
        case "ExplanationReport":
            return explanations_from_json(values)
        case other:
            raise ValueError(f"no result of type {other!r}")
