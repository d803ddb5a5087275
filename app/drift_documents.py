"""The comparison of two data sets as a JSON document, in words too."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from app.datasets.drift.aspect import Aspect, Size
from app.datasets.drift.comparison import Action, Drift
from app.datasets.drift.shares import ShareShift
from app.datasets.storage import StoredDataset
from app.documents import Document
from app.probes.tables import ProbeRunRow
from app.ranking.phrases import Language, say

SHOWN_NAMES = 20
"""Classes or languages shown, those whose shares changed most first."""
DIGITS = 4
_MEANING = {
    Action.PROBE_AGAIN: "drift_run_outdated",
    Action.COLLECT_MORE: "drift_run_unknown",
    Action.KEEP: "drift_run_measured",
}


def drift_document(
    earlier: StoredDataset, later: StoredDataset, drift: Drift, run: ProbeRunRow | None, language: Language
) -> Document:
    """The whole answer.

    Args:
        earlier: The data set that was there first.
        later: The later sample.
        drift: What has changed.
        run: The last run on the earlier data that succeeded.
        language: Of the sentences.
    """
    said = {name: _said(name, aspect, drift, language) for name, aspect in drift.aspects.items()}
    shown = {name: _aspect(drift.aspects.get(name), said.get(name)) for name in ("inputs", "labels")}
    return {
        "earlier": {
            "id": earlier.id,
            "n_examples": earlier.profile.n_examples,
            "n_compared": drift.n_earlier,
        },
        "later": {"id": later.id, "n_examples": later.profile.n_examples, "n_compared": drift.n_later},
        "drifted": drift.has_drifted,
        "recommendation": {
            "action": drift.action.value,
            "text": _recommendation(drift, said, language),
            "reasons": _reasons(drift, said, language),
        },
        **shown,
        "lengths": _aspect(drift.lengths, said.get("lengths")),
        "languages": _aspect(drift.languages, said.get("languages")),
        "telling_words": [
            {
                "word": word.word,
                "earlier_share": round(word.earlier_share, DIGITS),
                "later_share": round(word.later_share, DIGITS),
            }
            for word in drift.words
        ],
        "label_shares": _shares(drift.label_shares),
        "language_shares": _shares(drift.language_shares),
        "new_classes": _most(drift.classes.new),
        "gone_classes": _most(drift.classes.gone),
        "copies": {
            "n": drift.copies.n,
            "share": round(drift.copies.share, DIGITS),
            "n_relabelled": drift.copies.n_relabelled,
        },
        "last_run": _run(run, drift, language),
        "notes": _notes(drift, language),
    }


def _aspect(aspect: Aspect | None, text: str | None) -> Document | None:
    if aspect is None:
        return None
    return {
        "size": aspect.size.value,
        "statistic": aspect.statistic.value,
        "value": round(aspect.value, DIGITS),
        "low": None if aspect.low is None else round(aspect.low, DIGITS),
        "high": None if aspect.high is None else round(aspect.high, DIGITS),
        "by_chance": round(aspect.by_chance, DIGITS),
        "noticed_from": round(aspect.noticed_from, DIGITS),
        "p_value": float(f"{aspect.p_value:.2g}"),
        "effect": round(aspect.effect, DIGITS),
        "text": text,
    }


def _shares(shift: ShareShift | None) -> list[Document]:
    if shift is None:
        return []
    order = np.argsort(-np.abs(shift.later - shift.earlier), kind="stable")[:SHOWN_NAMES]
    return [
        {
            "name": shift.names[i],
            "earlier_share": round(float(shift.earlier[i]), DIGITS),
            "later_share": round(float(shift.later[i]), DIGITS),
        }
        for i in order
    ]


def _most(counts: Mapping[str, int]) -> dict[str, int]:
    """The most frequent of them."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_NAMES])


def _said(name: str, aspect: Aspect, drift: Drift, language: Language) -> str:
    key = "drift_numbers" if name == "labels" and drift.label_shares is None else f"drift_{name}"
    before, after = drift.mean_lengths or (0.0, 0.0)
    return say(key, language, value=aspect.value, by_chance=aspect.by_chance, before=before, after=after)


def _reasons(drift: Drift, said: Mapping[str, str], language: Language) -> list[str]:
    """What has changed, what matters most first."""
    found = []
    if drift.classes.new:
        share = drift.classes.new_share
        found.append(say("drift_new_classes", language, n=len(drift.classes.new), share=share))
    if drift.copies.is_relabelled:
        copies = drift.copies
        found.append(say("drift_relabelled", language, n=copies.n_relabelled, n_copies=copies.n))
    changed = [name for name, a in drift.aspects.items() if a.size in {Size.SLIGHT, Size.MARKED}]
    return found + [said[name] for name in sorted(changed, key=lambda name: -drift.aspects[name].effect)]


def _recommendation(drift: Drift, said: Mapping[str, str], language: Language) -> str:
    what = say("drift_between", language).join(_reasons(drift, said, language))
    match drift.action:
        case Action.PROBE_AGAIN:
            return say("drift_probe_again", language, what=what)
        case Action.COLLECT_MORE:
            return say("drift_collect_more", language, n_earlier=drift.n_earlier, n_later=drift.n_later)
        case Action.KEEP:
            return say("drift_keep_slight" if what else "drift_keep", language, what=what)


def _run(run: ProbeRunRow | None, drift: Drift, language: Language) -> Document | None:
    """What the comparison means for the last run's answer; None where there is no answer."""
    if run is None or not run.ranking:
        return None
    winner: dict[str, Any] = run.ranking[0]
    score = winner["score"]
    stands = drift.action is Action.KEEP and not drift.has_drifted
    return {
        "id": run.id,
        "finished_at": run.finished_at,
        "model": winner["model"]["name"],
        "strategy": winner["strategy"],
        "score": score,
        "text": say(
            "drift_run_stands" if stands else _MEANING[drift.action],
            language,
            model=winner["model"]["id"],
            how=say(winner["strategy"], language),
            metric=score["metric"],
            mean=score["mean"],
            low=score["low"],
            high=score["high"],
        ),
    }


def _notes(drift: Drift, language: Language) -> list[str]:
    """What was not compared."""
    if drift.lengths is None:
        return [say("drift_files_unread", language)]
    return [] if drift.inputs else [say("drift_few_texts", language)]
