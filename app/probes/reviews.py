"""What a worker asks at a run's end about all that its trials said, and what it is told: JSON values.

A review trains nothing: it reads the predictions that trials kept on the validation part.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEAST_OF_GROUP = 20
"""Validation examples of a group that is scored: of fewer an accuracy is off by ten points or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The question.

    Attributes:
        members: Path of what each candidate's trial kept, by a name of the worker's choice.
        leader: Which of them is best as the run knows it.
        blend: Whether a weighted mean of them is looked for.
    """

    members: Mapping[str, str]
    leader: str
    blend: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """A weighted mean of predictions, as it does on examples that its weights were not chosen on.

    Attributes:
        weights: Of those that take part, summing to 1.
        metric: Its score, metric units.
        std_error: Of the score.
        gain: Of the score over the leader's, metric units; negative where lower is better and it is better.
        gain_std_error: Of the gain, over the choice of examples, both being scored on the same.
        p_better: Probability that it is better than the leader.
    """

    weights: Mapping[str, float]
    metric: float
    std_error: float
    gain: float
    gain_std_error: float
    p_better: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScore:
    """The score on one group's examples.

    Attributes:
        group: Its name.
        metric: Metric units.
        std_error: Of it.
        n_examples: Of the group, in the validation part.
    """

    group: str
    metric: float
    std_error: float
    n_examples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupComparison:
    """One candidate's scores group by group.

    Attributes:
        member: Which candidate.
        scores: One a group, the best first.
        gap: Between the first and the last, at least 0, metric units.
        p_value: Share of random divisions into groups of these sizes whose gap is at least as large; None
            where it was not asked for.
    """

    member: str
    scores: tuple[GroupScore, ...]
    gap: float
    p_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewReport:
    """The answer.

    Attributes:
        blend: None where none was asked for, or none is better than one candidate by itself.
        groups: One a candidate, the leader first; empty where the data name no groups that are compared.
        n_unmeasured: Groups of too few validation examples to be scored.
    """

    blend: Blend | None = None
    groups: tuple[GroupComparison, ...] = ()
    n_unmeasured: int = 0


def review_from_json(raw: Mapping[str, Any]) -> ReviewReport:
    """The report that `dataclasses.asdict` wrote."""
    return ReviewReport(
        blend=None if raw["blend"] is None else Blend(**raw["blend"]),
        groups=tuple(
            GroupComparison(**{**found, "scores": tuple(GroupScore(**s) for s in found["scores"])})
            for found in raw["groups"]
        ),
        n_unmeasured=raw["n_unmeasured"],
    )
