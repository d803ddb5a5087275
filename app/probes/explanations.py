"""What a worker asks about a winner's predictions and what it is told: JSON values, without the user's words.

Words are told by their places, so that what is kept is nothing without the data set.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

N_EXPLAINED = 6
"""Half of them those that the winner errs most on, half those that it is surest of."""
N_SAMPLES = 160
"""Sets of regions that are tried of each: five for each of the 32 of a text."""
METHOD = "Shapley values by Kernel SHAP (Lundberg and Lee 2017)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain:
    """The question.

    Attributes:
        outputs: Path of what the winner said of the validation part.
    """

    outputs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedPart:
    """A run of words and what it was worth.

    Attributes:
        field: `text` or `text_pair`.
        start: First character.
        end: Behind the last.
        weight: Positive where it spoke for the prediction.
    """

    field: str
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One example.

    Attributes:
        row: Of the data set, from 0.
        predicted: As people read it.
        true: The same of the truth.
        output: What was explained: log-odds of the class or label that was predicted, or the number.
        without: The same where nothing of the example is left; weights sum to the difference.
        parts: Of a text, in its order.
        grid: Of an image, rows of weights from above; None of a text.
    """

    row: int
    predicted: str
    true: str
    output: float
    without: float
    parts: tuple[ExplainedPart, ...] = ()
    grid: tuple[tuple[float, ...], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplanationReport:
    """All of them, those that the winner errs most on first."""

    items: tuple[Explanation, ...]


def explanations_from_json(raw: Mapping[str, Any]) -> ExplanationReport:
    """The report that `dataclasses.asdict` wrote."""
    return ExplanationReport(
        items=tuple(
            Explanation(
                **{
                    **item,
                    "parts": tuple(ExplainedPart(**part) for part in item["parts"]),
                    "grid": None if item["grid"] is None else tuple(map(tuple, item["grid"])),
                }
            )
            for item in raw["items"]
        )
    )
