"""Answers as JSON documents: the shapes of the API, made without HTTP, so that the worker uses them too."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import orjson

from app.advice import Advice
from app.exclusions import Exclusion
from app.explaining import Recommended
from app.ranking.influences import Influence
from app.ranking.posterior import ScoreInterval
from app.ranking.recipe import Recipe
from app.ranking.steps import Step
from app.remembered import Grounds
from app.task_profile.profile import TaskProfile
from models_registry.entry import ModelEntry

Document = dict[str, object]

SHOWN_EXCLUSIONS = 20
KEPT_ROWS = 4_096
"""Rows of which the larger part is kept as JSON: requests with the same task show the same models."""
SCORE_DIGITS = 4
P_BEST_DIGITS = 4
"""P(best) is a share of 1,024 draws; four digits keep a long ranking's sum at 1 within half a percent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseInfo:
    """What an answer was made from.

    Attributes:
        version: Equal versions give equal answers.
        n_models: Models considered.
        n_figures: Figures considered.
        as_of: Date of the newest of them; None without figures.
    """

    version: str
    n_models: int
    n_figures: int
    as_of: dt.date | None

    def seeing(self, n_probes: int, probe_version: str) -> "DatabaseInfo":
        """The same with the probe figures that one answer may see."""
        if not n_probes:
            return self
        digest = hashlib.sha256(f"{self.version} {probe_version}".encode()).hexdigest()
        return replace(self, version=digest[: len(self.version)], n_figures=self.n_figures + n_probes)


def answer_json(advice: Advice, database: DatabaseInfo) -> bytes:
    """The body of a recommendation as JSON, but for its id and time."""
    return orjson.dumps(
        {
            "database": database_document(database),
            "interpretation": interpretation_document(advice.profile),
            "ranking": _ranking(advice),
            "excluded": exclusion_rows(advice.excluded(0, SHOWN_EXCLUSIONS)),
            "excluded_counts": advice.exclusions.counts,
            "advice": {
                "probe": advice.probe,
                "expected_regret": round(advice.expected_regret, SCORE_DIGITS),
                "probe_seconds": advice.probe_seconds,
                "text": advice.text,
                "steps": step_documents(advice.steps),
            },
        }
    )


def ranking_documents(advice: Advice) -> list[Document]:
    """The rows of a ranking as plain documents."""
    rows: list[Document] = orjson.loads(orjson.dumps(_ranking(advice)))
    return rows


def step_documents(steps: Iterable[Step]) -> list[Document]:
    """What to try beside the choice of a model."""
    return [
        {"kind": step.kind.value, "text": step.text, "why": step.why, "source": step.source} for step in steps
    ]


def database_document(database: DatabaseInfo) -> Document:
    """What the answer was made from."""
    return {
        "version": database.version,
        "n_models": database.n_models,
        "n_figures": database.n_figures,
        "as_of": database.as_of.isoformat() if database.as_of else None,
    }


def interpretation_document(profile: TaskProfile) -> Document:
    """How the request was understood."""
    return {
        "type": profile.task_type.value,
        "modality": profile.modality.value,
        "languages": list(profile.languages),
        "domain": profile.domain.value,
        "metric": profile.metric,
        "facts": dict(profile.facts),
        "confidence": round(profile.confidence, 3),
        "because": list(profile.because),
        "alternatives": [alternative.value for alternative in profile.alternatives],
    }


def _ranking(advice: Advice) -> list[Document]:
    return [_row(rank, row) for rank, row in enumerate(advice.ranking, start=1)]


def _row(rank: int, recommended: Recommended) -> Document:
    fixed = _fixed(recommended.grounds)
    return {
        "rank": rank,
        "model": fixed.model,
        "strategy": recommended.grounds.strategy,
        "score": _score(recommended.score),
        "p_best": round(recommended.p_best, P_BEST_DIGITS),
        "tied_with": _names(recommended.tied_with),
        "pareto": recommended.pareto,
        "recipe": _recipe(recommended.recipe),
        "cost": recommended.cost._asdict(),
        "evidence": fixed.evidence,
        "reasons": recommended.reasons,
        "cautions": fixed.cautions,
    }


@dataclass(frozen=True, slots=True)
class _Fixed:
    """The parts of a row that do not depend on the budget, as JSON."""

    model: orjson.Fragment
    evidence: orjson.Fragment
    cautions: orjson.Fragment


@lru_cache(maxsize=KEPT_ROWS)
def _score(score: ScoreInterval) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(score_document(score)))


@lru_cache(maxsize=KEPT_ROWS)
def _names(names: tuple[str, ...]) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(names))


@lru_cache(maxsize=KEPT_ROWS)
def _recipe(recipe: Recipe) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(recipe_document(recipe)))


@lru_cache(maxsize=KEPT_ROWS)
def _fixed(grounds: Grounds) -> _Fixed:
    return _Fixed(
        model=orjson.Fragment(orjson.dumps(model_summary(grounds.entry))),
        evidence=orjson.Fragment(orjson.dumps([_evidence(i) for i in grounds.evidence])),
        cautions=orjson.Fragment(orjson.dumps(grounds.cautions)),
    )


def model_summary(entry: ModelEntry) -> Document:
    """The model as a ranking shows it."""
    return {
        "name": entry.name,
        "id": entry.id,
        "hub": entry.hub,
        "revision": entry.revision,
        "family": entry.family,
        "n_parameters": entry.n_parameters,
        "licence": entry.licence,
        "languages": list(entry.languages),
    }


def score_document(score: ScoreInterval) -> Document:
    """A predicted score with its interval, on the metric's own scale."""
    return {
        "metric": score.metric,
        "mean": round(score.mean, SCORE_DIGITS),
        "low": round(score.low, SCORE_DIGITS),
        "high": round(score.high, SCORE_DIGITS),
        "level": score.level,
    }


def recipe_document(recipe: Recipe) -> Document:
    """How to fine-tune."""
    weights: Mapping[str, float] | None = recipe.class_weights
    return {
        "strategy": recipe.strategy.value,
        "learning_rate": recipe.learning_rate,
        "batch_size": recipe.batch_size,
        "gradient_accumulation": recipe.gradient_accumulation,
        "epochs": recipe.epochs,
        "early_stopping_patience": recipe.early_stopping_patience,
        "max_length": recipe.max_length,
        "precision": recipe.precision,
        "class_weights": None if weights is None else dict(weights),
        "notes": list(recipe.notes),
    }


def exclusion_rows(exclusions: Iterable[Exclusion]) -> list[Document]:
    """Models that were left out, each with the rule that it broke."""
    return [
        {"model": model, "rule": rule, "needed": needed, "available": available}
        for model, rule, needed, available in exclusions
    ]


def _evidence(influence: Influence) -> Document:
    figure = influence.figure.figure
    return {
        "figure_id": influence.figure.id,
        "model": figure.model,
        "benchmark": figure.benchmark,
        "metric": figure.metric,
        "value": figure.value,
        "protocol": figure.protocol.value,
        "similarity": round(influence.similarity, 3),
        "weight": round(influence.weight, SCORE_DIGITS),
        "effect": round(influence.effect, SCORE_DIGITS),
        "source": figure.source,
    }
