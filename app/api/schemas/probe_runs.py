"""`POST /probe-run`: what the user says."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.api.schemas.base import DeviceName, MetricName, Name, RequestModel, SafeText
from models_registry.vocabulary import Strategy, TaskType

MAX_CANDIDATES = 50
DEFAULT_STRATEGIES = (Strategy.HEAD, Strategy.FULL)
MIN_BUDGET_SECONDS = 1.0
MAX_DEVICES = 16
"""Examples of a batch, one a card at least."""


class ProbeTask(RequestModel):
    """What is measured; a data set says its task itself."""

    type: TaskType | None = None
    metric: MetricName | None = None


class ProbeBudget(RequestModel):
    """Limits of the run."""

    seconds: Annotated[float, Field(ge=MIN_BUDGET_SECONDS)] = Field(
        default=300.0, description="Device-seconds charged; 1 to ADVISOR_MAX_PROBE_SECONDS."
    )
    device: DeviceName = "cpu"
    n_devices: Annotated[int, Field(ge=1, le=MAX_DEVICES)] = Field(
        default=1, description="Cards that a fine-tune is spread over; their seconds are charged together."
    )
    memory_gb: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        default=None, description="Memory that trials may take, GB."
    )


class StopRule(RequestModel):
    """When the answer is good enough."""

    p_best: Annotated[float, Field(gt=0, le=1)] = 0.95
    expected_regret: Annotated[float, Field(ge=0, le=1)] = 0.002


class Span(RequestModel):
    """A labelled part of a text."""

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]
    label: Annotated[SafeText, Field(max_length=1_000)]


class FoundAnswer(RequestModel):
    """A part of the second text that answers the first."""

    text: Annotated[SafeText, Field(max_length=100_000)]
    answer_start: Annotated[int, Field(ge=-1)] | None = None


class Example(RequestModel):
    """One labelled example; its text may be the list of its tokens, or of a conversation's turns."""

    text: Annotated[SafeText, Field(max_length=100_000)] | Annotated[list[SafeText], Field(max_length=10_000)]
    label: Annotated[
        Annotated[SafeText, Field(max_length=20_000)]
        | bool
        | int
        | float
        | Annotated[list[SafeText], Field(max_length=10_000)]
        | Annotated[list[Span], Field(max_length=10_000)]
        | Annotated[list[FoundAnswer], Field(max_length=1_000)]
        | None,
        Field(
            description="A class, a number, labels, a tag for every token, spans of the text, answers that "
            "the second text holds, or the text that is to be written (a list where several are right)."
        ),
    ] = None
    text_pair: Annotated[SafeText, Field(max_length=100_000)] | None = Field(
        default=None, description="The second text, where the task is about two."
    )
    group: Annotated[SafeText, Field(max_length=200)] | None = Field(
        default=None, description="A group it belongs to: up to 20 are compared, more are kept together."
    )


class ProbeRunRequest(RequestModel):
    """Which of these models is best on this data, found out by fine-tuning for a limited time?"""

    dataset_id: Annotated[SafeText, Field(max_length=100)] | None = None
    examples: Annotated[tuple[Example, ...], Field(max_length=2_000)] | None = Field(
        default=None, description="Instead of dataset_id: up to 2,000 labelled examples."
    )
    task: ProbeTask = ProbeTask()
    recommendation_id: Annotated[SafeText, Field(max_length=100)] | None = None
    candidates: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MAX_CANDIDATES)] | None = Field(
        default=None, description="Models; the recommendation's or the likeliest ones if null."
    )
    strategies: Annotated[tuple[Strategy, ...], Field(min_length=1, max_length=len(Strategy))] = (
        DEFAULT_STRATEGIES
    )
    budget: ProbeBudget = ProbeBudget()
    stop: StopRule = StopRule()
    refit: bool = Field(
        default=False,
        description="Whether up to half of the budget is kept to train the winner on all the data.",
    )
    ensemble: bool = Field(
        default=False, description="Whether a weighted blend of the probed is a row of its own."
    )
    explain: bool = Field(
        default=False,
        description="Whether a few of the winner's predictions are explained by the words or regions that "
        "moved them; up to a fifth of the budget is kept for it.",
    )
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    webhook_url: Annotated[SafeText, Field(max_length=2_000)] | None = None

    @model_validator(mode="after")
    def _has_data(self) -> Self:
        if (self.dataset_id is None) == (self.examples is None):
            raise PydanticCustomError("data_missing", "give either dataset_id or examples")
        return self


_GOOD = ("a warm and funny film", "one of the best films of the year", "wonderful acting", "a joy to watch")
_BAD = ("dull from start to end", "a waste of two hours", "wooden acting", "I walked out of it")
EXAMPLE = {
    "examples": [
        {"text": f"{text}, part {i}", "label": label}
        for i in range(1, 6)
        for label, texts in (("good", _GOOD), ("bad", _BAD))
        for text in texts
    ],
    "task": {"type": "text-classification", "metric": "accuracy"},
    "strategies": ["head"],
    "budget": {"seconds": 60, "device": "cpu"},
}
