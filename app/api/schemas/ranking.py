"""Responses that hold a ranking: recommendations and probe runs."""

import datetime as dt
from typing import Literal

from pydantic import Field

from app.api.schemas.base import ResponseModel
from app.exclusions import Rule
from app.probes.states import RunStatus, TrialStatus
from app.ranking.steps import StepKind
from models_registry.vocabulary import Domain, Modality, Strategy, TaskType

RankedStrategy = Strategy | Literal["ensemble"]
"""How a row's model is tuned; a run may have a blend of several as a row of its own."""


class DatabaseDocument(ResponseModel):
    """What the answer was made from."""

    version: str
    n_models: int
    n_figures: int
    as_of: dt.date | None


class Interpretation(ResponseModel):
    """How the request was understood."""

    type: TaskType
    modality: Modality
    languages: list[str]
    domain: Domain
    metric: str
    facts: dict[str, float | int | str | bool] = Field(
        description="Numbers and limits in force that the words, the data facts or the data set gave."
    )
    confidence: float = Field(ge=0, le=1)
    because: list[str]
    alternatives: list[TaskType]


class ModelSummary(ResponseModel):
    """A model as a ranking shows it."""

    name: str
    id: str
    hub: str
    revision: str
    family: str
    n_parameters: int
    licence: str
    languages: list[str]


class Score(ResponseModel):
    """A predicted score on the metric's own scale."""

    metric: str
    mean: float
    low: float
    high: float
    level: float


class RecipeDocument(ResponseModel):
    """How to fine-tune."""

    strategy: Strategy
    learning_rate: float
    batch_size: int
    gradient_accumulation: int
    epochs: int
    early_stopping_patience: int
    max_length: int | None
    precision: str
    class_weights: dict[str, float] | None
    notes: list[str]


class CostDocument(ResponseModel):
    """What the fine-tune is expected to cost."""

    train_seconds: float
    peak_memory_bytes: int
    latency_ms: float
    energy_wh: float
    price: float | None


class EvidenceDocument(ResponseModel):
    """One figure that moved the prediction."""

    figure_id: int
    model: str
    benchmark: str
    metric: str
    value: float
    protocol: str
    similarity: float
    weight: float
    effect: float
    source: str


class MemberDocument(ResponseModel):
    """One model of a blend."""

    model: str
    strategy: Strategy
    weight: float


class RankingRow(ResponseModel):
    """One model with its best strategy, or a run's blend of several."""

    rank: int
    model: ModelSummary
    strategy: RankedStrategy
    score: Score
    p_best: float
    tied_with: list[str]
    pareto: bool
    recipe: RecipeDocument
    cost: CostDocument
    evidence: list[EvidenceDocument]
    reasons: list[str]
    cautions: list[str]
    members: list[MemberDocument] | None = Field(default=None, description="Of a blend, in a row of its own.")


class ExclusionDocument(ResponseModel):
    """One model that was left out."""

    model: str
    rule: Rule
    needed: str
    available: str


class StepDocument(ResponseModel):
    """Something to try beside the choice of a model."""

    kind: StepKind
    text: str = Field(description="What to do.")
    why: str = Field(description="What calls for it here.")
    source: str = Field(description="Address of the paper that it rests on.")


class ProbeAdvice(ResponseModel):
    """Whether a probe is worth its time, and what else to try."""

    probe: list[str]
    expected_regret: float
    probe_seconds: float
    text: str
    steps: list[StepDocument] = Field(
        default_factory=list, description="What to try beside the choice of a model."
    )


class Recommendation(ResponseModel):
    """The answer."""

    id: str
    created_at: dt.datetime
    database: DatabaseDocument
    interpretation: Interpretation
    ranking: list[RankingRow]
    excluded: list[ExclusionDocument]
    excluded_counts: dict[str, int]
    advice: ProbeAdvice


class ExclusionPage(ResponseModel):
    """Some of the models left out, those that came nearest first."""

    items: list[ExclusionDocument]
    next_cursor: str | None


class Progress(ResponseModel):
    """How far a run is."""

    charged_seconds: float
    budget_seconds: float
    fraction: float
    now: str


class PointDocument(ResponseModel):
    """One point of a learning curve."""

    step: int
    examples_seen: int
    seconds: float
    loss: float | None
    metric: float


class VocabularyDocument(ResponseModel):
    """How well a model's tokenizer knows the texts."""

    fertility: float = Field(description="Tokens a word; of Chinese and Japanese a character.")
    unknown_share: float
    truncated_share: float
    whole_share: float | None = Field(
        default=None,
        description="Share of the commonest words that are one token; not of Chinese and Japanese.",
    )


class TrialDocument(ResponseModel):
    """One model under one strategy."""

    model: str
    strategy: Strategy
    status: TrialStatus
    why: str
    seconds: float
    peak_memory_bytes: int
    points: list[PointDocument]
    transferability: dict[str, float]
    vocabulary: VocabularyDocument | None


class BaselineDocument(ResponseModel):
    """A classical baseline on the same split."""

    name: str
    score: Score


class Spent(ResponseModel):
    """What a run has used."""

    charged_seconds: float
    download_seconds: float
    warmup_seconds: float
    wall_seconds: float
    energy_wh: float


class ArtifactDocument(ResponseModel):
    """One file of a trained model."""

    path: str
    bytes: int
    sha256: str


class RefitDocument(ResponseModel):
    """The winner, trained on all the data that the budget allowed."""

    model: str | None
    strategy: Strategy | None
    status: TrialStatus
    why: str
    n_examples: int
    epochs: int
    seconds: float
    peak_memory_bytes: int
    artifacts: list[ArtifactDocument]


class ArtifactList(ResponseModel):
    """The files of a trained model; none before it has been trained."""

    items: list[ArtifactDocument]


class GroupScoreDocument(ResponseModel):
    """The score on one group's validation examples."""

    group: str
    n_examples: int
    score: Score


class GroupsDocument(ResponseModel):
    """One candidate's scores group by group, the best group first; the ranking's first candidate first."""

    model: str
    strategy: Strategy
    scores: list[GroupScoreDocument]
    gap: float = Field(description="Between the best and the worst group, in the metric's units.")
    p_value: float | None = Field(
        description="How often a random division into such groups has as large a gap; of the first candidate."
    )


class ExplainedPartDocument(ResponseModel):
    """A run of words and what it was worth."""

    field: Literal["text", "text_pair"]
    start: int
    end: int
    text: str
    weight: float = Field(description="Positive where it spoke for the prediction.")


class ExplanationDocument(ResponseModel):
    """One explained prediction; its weights sum to `output` less `without`."""

    row: int = Field(description="Of the data set, from 0.")
    text: str = Field(description="The text, or the name of the file.")
    text_pair: str | None
    predicted: str
    true: str
    output: float = Field(description="Log-odds of the predicted class or label, or the predicted number.")
    without: float = Field(description="The same where nothing of the example is left.")
    parts: list[ExplainedPartDocument]
    grid: list[list[float]] | None = Field(description="Of an image: weights of its cells, row by row.")


class Explanations(ResponseModel):
    """A few of the winner's predictions: half it errs most on, half it is surest of."""

    model: str
    strategy: Strategy
    method: str
    items: list[ExplanationDocument]


class ProbeRun(ResponseModel):
    """A probe run; its ranking is there from the start and improves."""

    id: str
    status: RunStatus
    dataset_id: str
    created_at: dt.datetime
    started_at: dt.datetime | None
    finished_at: dt.datetime | None
    progress: Progress
    ranking: list[RankingRow]
    trials: list[TrialDocument]
    baselines: list[BaselineDocument]
    spent: Spent
    decision: str
    warnings: list[str]
    refit: RefitDocument | None
    groups: list[GroupsDocument]
    steps: list[StepDocument] = Field(description="What to try beside the choice of a model.")


class ProbeRunSummary(ResponseModel):
    """A probe run in a list."""

    id: str
    status: RunStatus
    dataset_id: str
    created_at: dt.datetime
    finished_at: dt.datetime | None
    progress: Progress
    decision: str


class ProbeRunPage(ResponseModel):
    """Some probe runs, newest first."""

    items: list[ProbeRunSummary]
    next_cursor: str | None


class Health(ResponseModel):
    """The process answers."""

    status: Literal["ok"]
    version: str


class Readiness(ResponseModel):
    """The service can answer questions."""

    status: Literal["ready"]
    database: DatabaseDocument
