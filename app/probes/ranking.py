"""The ranking of a run so far, by the code that serves `/recommend`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from app.advice import Standing, advise
from app.documents import ranking_documents
from app.probes.scheduler import Scheduler, best_of_each
from app.question import Question
from app.ranking.evidence import EvidenceBase, TargetBelief, arm_of
from app.ranking.observations import ProbeObservation
from app.ranking.phrases import Language, say
from app.ranking.target import FROZEN, TUNED
from models_registry.vocabulary import Strategy

Fit = Mapping[str, float | None]
"""Fertility and shares, as `app.probes.vocabulary_fit` has them."""
UNKNOWN = 0.01
"""Share of unknown tokens that is worth a word: one in a hundred is a name here and there."""
MANY_TOKENS = 1.5
"""Times as many tokens as the candidate whose vocabulary knows the texts best."""
TELLING, FAR_BELOW = 0.05, 0.15
"""Of the words that a vocabulary holds whole, between candidates. BERT's, Llama's, XLM-R's and SmolLM's hold
.91, .65, .60 and .47 of the commonest words of 2,000 film reviews, of biomedical abstracts .49, .32, .29 and
.29."""
CUT_OFF = 0.1
"""Share of texts cut off from which it is worth a word; runs leave room for nineteen in twenty."""


def with_vocabulary(
    rows: list[dict[str, object]], known: Mapping[str, Fit], language: Language
) -> list[dict[str, object]]:
    """The rows, with what speaks for and against the vocabularies of candidates that were looked at.

    Args:
        rows: As `ranked_rows` gives them.
        known: What is known of each vocabulary, by full model name.
        language: Of the sentences.
    """
    least = min((fit["fertility"] or 0.0 for fit in known.values()), default=0.0)
    shares = [share for fit in known.values() if (share := fit.get("whole_share")) is not None]
    return [
        {
            **row,
            "reasons": [*_list(row["reasons"]), *_for_vocabulary(fit, shares, language)],
            "cautions": [*_list(row["cautions"]), *_against_vocabulary(fit, least, shares, language)],
        }
        for row, fit in ((row, known.get(_name(row))) for row in rows)
    ]


def _for_vocabulary(fit: Fit | None, shares: Sequence[float], language: Language) -> list[str]:
    """That a vocabulary holds more of the words than others do."""
    share = None if fit is None else fit.get("whole_share")
    if share is None or share < max(shares) or min(shares) > max(shares) - TELLING:
        return []
    return [say("whole_words", language, share=share, least=min(shares))]


def _against_vocabulary(
    fit: Fit | None, least: float, shares: Sequence[float], language: Language
) -> list[str]:
    found: list[str] = []
    if fit is None:
        return found
    fertility, share = fit["fertility"] or 0.0, fit.get("whole_share")
    if (fit["unknown_share"] or 0.0) >= UNKNOWN:
        found.append(say("unknown_tokens", language, share=fit["unknown_share"]))
    if least > 0.0 and fertility >= MANY_TOKENS * least:
        found.append(say("many_tokens", language, ratio=fertility / least))
    if share is not None and share <= max(shares) - FAR_BELOW:
        found.append(say("few_whole_words", language, share=share, most=max(shares)))
    if (fit["truncated_share"] or 0.0) >= CUT_OFF:
        found.append(say("cut_off", language, share=fit["truncated_share"]))
    return found


def _list(value: object) -> list[str]:
    return list(value) if isinstance(value, list) else []


def _name(row: Mapping[str, object]) -> str:
    model = row["model"]
    return str(model["name"]) if isinstance(model, dict) else ""


def ranked_rows(
    scheduler: Scheduler, question: Question, base: EvidenceBase, measured: Sequence[ProbeObservation]
) -> list[dict[str, object]]:
    """One row a candidate that did not fail, its best arm, as the API shows them.

    Args:
        scheduler: With all that it was told.
        question: The run's task and limits.
        base: Figures and candidates.
        measured: What the run measured, for the reasons.
    """
    plan = scheduler.plan
    index = {name: i for i, name in enumerate(base.candidates.names)}
    models = np.array([index[name] for name in plan.names], dtype=np.intp)
    belief = scheduler.belief()
    arms = best_of_each(scheduler, scheduler.rankable())
    positions = {
        (plan.arms[arm].model, arm_of(plan.arms[arm].strategy)): scheduler.position(arm) for arm in arms
    }
    block = 2 + len(plan.adapted)
    both = [positions.get((m, a), block * m + a) for m in range(len(models)) for a in (TUNED, FROZEN)]
    figures = base.belief_for(question.profile, among=np.sort(models))
    held = TargetBelief(
        target=figures.target,
        models=models,
        belief=belief.subset(np.array(both, dtype=np.intp)),
        prediction=figures.prediction.of_models([figures.position[int(m)] for m in models]),
        similarity=figures.similarity,
        spread=figures.spread,
        seed=plan.seed,
    )
    strategies = (Strategy.FULL, *plan.adapted, Strategy.HEAD)
    allowed = np.zeros((len(strategies), len(base.candidates)), dtype=bool)
    for arm in arms:
        allowed[strategies.index(plan.arms[arm].strategy), models[plan.arms[arm].model]] = True
    constraints = replace(question.constraints, include=plan.names)
    asked = replace(question, constraints=constraints, probes=tuple(measured), top_k=len(models))
    return ranking_documents(advise(asked, base, Standing(held=held, strategies=strategies, allowed=allowed)))
