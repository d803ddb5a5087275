"""Why a model stands where it stands: the reasons of one ranked model."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.ranking.influences import Influence
from app.ranking.observations import ProbeObservation
from app.ranking.phrases import Language, duration, language_name, say
from app.task_profile.profile import TaskProfile
from benchmarks.figures import Figure, FigureKind
from benchmarks.metrics import metric_named
from models_registry.entry import ModelEntry
from models_registry.vocabulary import MULTILINGUAL, Domain, Strategy

KEPT_SENTENCES = 4_096
"""Sentences on costs that are kept: durations and sizes are said in few digits, so most were said before."""
CLOSE = 0.5
"""Similarity from which a figure is called close to the task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footing:
    """What is explained: one ranked model with what it rests on, whatever the budget.

    Attributes:
        entry: The model.
        strategy: How it is adapted.
        influences: Strongest first.
        n_own: Published figures of its own.
        n_family: Published figures of its relatives.
        tokens: Of an average input.
        probe: What a probe measured of the model on the user's own data, this arm's own where it has one.
    """

    entry: ModelEntry
    strategy: Strategy
    influences: Sequence[Influence]
    n_own: int
    n_family: int
    tokens: float
    probe: ProbeObservation | None = None


def reasons(footing: Footing, profile: TaskProfile, language: Language) -> list[str]:
    """Why it may be the right choice whatever the budget, the most telling first."""
    found = [
        _probe_reason(footing, language),
        _evidence_reason(footing, language),
        _language_reason(footing.entry, profile, language),
        _domain_reason(footing.entry, profile, language),
    ]
    return [reason for reason in found if reason]


def budget_reasons(
    strategy: Strategy,
    language: Language,
    *,
    full_fits: bool,
    train_seconds: float,
    peak_bytes: float,
    device: str,
) -> tuple[str, ...]:
    """Why this strategy, and what it costs.

    Args:
        strategy: How the model is adapted.
        language: Of the sentences.
        full_fits: Whether a full fine-tune would fit the budget.
        train_seconds: Predicted.
        peak_bytes: Predicted.
        device: Name of the device.
    """
    return _budget_reasons(
        strategy, language, full_fits, duration(train_seconds, language), f"{peak_bytes / 1e9:.1f}", device
    )


_WHY_NOT_FULL = {Strategy.LORA: "lora_for_memory", Strategy.HEAD: "head_for_budget"}


@lru_cache(maxsize=KEPT_SENTENCES)
def _budget_reasons(
    strategy: Strategy, language: Language, full_fits: bool, time: str, gigabytes: str, device: str
) -> tuple[str, ...]:
    how = say(strategy, language)
    cost = say("cost", language, strategy=how, duration=time, memory=gigabytes, device=device)
    if full_fits or strategy not in _WHY_NOT_FULL:
        return (cost,)
    return say(_WHY_NOT_FULL[strategy], language), cost


def _probe_reason(footing: Footing, language: Language) -> str:
    if footing.probe is None:
        return ""
    figure, how = footing.probe.figure, say(footing.probe.strategy.value, language)
    return say("probe_figure", language, value=show_value(figure), metric=figure.metric, how=how)


def _evidence_reason(footing: Footing, language: Language) -> str:
    own = [i for i in footing.influences if i.is_own and i.figure.figure.kind is FigureKind.PUBLISHED]
    if own:
        best = max(own, key=lambda i: (i.similarity, i.weight))
        figure = best.figure.figure
        return say(
            "similar_figure",
            language,
            value=show_value(figure),
            metric=figure.metric,
            benchmark=figure.benchmark,
            protocol=figure.protocol.value,
            similarity=best.similarity,
            n=footing.n_own,
        )
    if footing.n_family:
        return say("relatives", language, n=footing.n_family, family=footing.entry.family)
    return say("traits_only", language)


def _language_reason(entry: ModelEntry, profile: TaskProfile, language: Language) -> str:
    if len(profile.languages) != 1 or not entry.languages:
        return ""
    code = profile.languages[0]
    name = language_name(code, language)
    if entry.languages == (code,):
        return say("only_language", language, spoken=name) if code != "en" else ""
    return say("multilingual", language, spoken=name) if MULTILINGUAL in entry.languages else ""


def _domain_reason(entry: ModelEntry, profile: TaskProfile, language: Language) -> str:
    if profile.domain is Domain.GENERAL or profile.domain not in entry.domains:
        return ""
    return say("domain", language, domain=profile.domain.value)


def show_value(figure: Figure) -> str:
    """A value as tables print it: percent for fractions, plain elsewhere."""
    metric = metric_named(figure.metric)
    if metric.is_bounded and metric.high == 1.0 and metric.low >= 0.0:
        return f"{100 * figure.value:.1f} %"
    return f"{figure.value:.3f}"
