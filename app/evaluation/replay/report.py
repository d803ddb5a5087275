"""Replays everything that was recorded and writes docs/probes.md: `python -m app.evaluation.replay.report`.

The numbers are kept in docs/results/replay.json; the page is made from them and from what was learnt.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import weightedtau

from app.evaluation.page import write_page
from app.evaluation.reliability_plot import reliability_svg
from app.evaluation.replay.extrapolation import Miss, misses
from app.evaluation.replay.table import (
    ADVISOR,
    BUDGETS,
    DRAWS,
    Outcome,
    learner,
    mean_regrets,
    regret_of_training_all,
    replay,
    share_held,
)
from app.fitting.fine_tunes import FineTunePoint, load_fine_tunes
from app.fitting.recorded_tasks import RecordedTask, layer_of, recorded_tasks, smaller_fine_tunes
from app.fitting.transferability_scores import HEAD, load_transferability
from app.probes.transferability import ESTIMATORS
from app.ranking.posterior import INTERVAL_LEVEL
from app.ranking.probe_model import Group, ProbeModel, load_probe_model
from models_registry.vocabulary import Strategy

DOCS = Path(__file__).parents[3] / "docs"
PLOT = DOCS / "img" / "probes-reliability.svg"
RESULTS = DOCS / "results" / "replay.json"
EXTRAPOLATION = DOCS / "results" / "extrapolation.json"
PAGE = DOCS / "probes.md"
TEMPLATE = "probes.md.jinja"
HALVING = "successive halving"
SHOWN = 0.1
"""Budget at which labelled sets are shown one by one."""
SEEN = (0.125, 0.25, 0.5)
"""Shares of a curve from which its end is foretold."""
LAYERS = ("last", "mean", "best")
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Nominal levels of the reliability plot."""

Row = dict[str, Any]


def write_probes_page(
    outcomes: Sequence[Outcome],
    errors: Sequence[Miss],
    tasks: Sequence[RecordedTask],
    adapted: Sequence[FineTunePoint],
) -> None:
    """The page is as these outcomes say.

    Args:
        outcomes: Of the replay.
        errors: Of what curves foretell.
        tasks: That were replayed.
        adapted: Recorded under strategies that train a part.
    """
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    PLOT.write_text(reliability_svg(LEVELS, reliability(outcomes)), encoding="utf-8")
    write_page(
        PAGE,
        "app.evaluation.replay",
        TEMPLATE,
        **_of_replay(outcomes, tasks),
        **_of_recordings(tasks, adapted),
        **_of_model(load_probe_model()),
        seen=SEEN,
        extrapolated={
            way: {e.until: e for e in errors if e.way == way} for way in dict.fromkeys(e.way for e in errors)
        },
        estimators=estimator_rows(tasks),
    )


def _of_replay(outcomes: Sequence[Outcome], tasks: Sequence[RecordedTask]) -> Row:
    """What the page says of regrets and intervals."""
    return {
        "budgets": BUDGETS,
        "draws": DRAWS,
        "regrets": mean_regrets(outcomes),
        "held": {b: share_held(outcomes, b) for b in BUDGETS},
        "level": INTERVAL_LEVEL,
        "compared": list(compared(outcomes)),
        "unbeaten": list(unbeaten(outcomes)),
        "training_all": regret_of_training_all(tasks),
        "shown": SHOWN,
        "by_set": list(by_set(outcomes, tasks)),
    }


def _of_recordings(tasks: Sequence[RecordedTask], adapted: Sequence[FineTunePoint]) -> Row:
    """What the page says of what was recorded."""
    return {
        "n_candidates": len({m for t in tasks for m in t.models}),
        "n_sets": len({t.dataset for t in tasks}),
        "n_samples": len(tasks),
        "n_curves": sum(len(t.models) for t in tasks),
        "n_adapted": len({p.arm for p in adapted}),
        "adapted_models": sorted({p.model.rsplit("/", 1)[-1] for p in adapted}),
    }


def _of_model(model: ProbeModel) -> Row:
    """What the page says of what was learnt."""
    return {
        "figures": model.figures,
        "growth": model.growth,
        "n_train": model.n_train,
        "adapted": model.adapted,
        "own_error": model.own_error,
        "spread": model.spread,
        "heads": model.heads,
        "listened": model.estimators,
        "relations": [
            {
                "kind": kind,
                "group": group.name.lower(),
                "share": round(share, 2),
                **asdict(relations[group].at(share)),
            }
            for kind, relations in model.probes.items()
            for group in (Group if kind not in model.adapted else (Group.LAYERED,))
            for share in relations[group].shares.tolist()
        ],
    }


def reliability(outcomes: Sequence[Outcome]) -> dict[str, dict[str, list[float]]]:
    """Observed share within intervals of each level, by budget."""
    return {
        f"{b:.0%} of the cost": {"advisor": [share_held(outcomes, b, v) for v in LEVELS]} for b in BUDGETS
    }


def by_set(outcomes: Sequence[Outcome], tasks: Sequence[RecordedTask]) -> Iterable[Row]:
    """What the advisor, and who trains all, lose on each labelled set, mean over its samples; most first."""
    regrets: dict[str, list[float]] = {}
    for o in outcomes:
        if (o.policy, o.budget) == (ADVISOR, SHOWN):
            regrets.setdefault(o.dataset, []).append(o.regret)
    for dataset, found in sorted(regrets.items(), key=lambda item: (-np.mean(item[1]), item[0])):
        all_of_it = regret_of_training_all([t for t in tasks if t.dataset == dataset])
        yield {
            "dataset": dataset,
            "n": len(found),
            "advisor": float(np.mean(found)),
            "training_all": all_of_it,
        }


def compared(outcomes: Sequence[Outcome]) -> Iterable[str]:
    """How much less the advisor spends than successive halving for the same regret."""
    regrets = mean_regrets(outcomes)
    mine, theirs = regrets[ADVISOR], regrets[HALVING]
    for budget in BUDGETS:
        reached = theirs[budget][0]
        enough = [b for b in BUDGETS if mine[b][0] <= reached]
        if enough and enough[0] < budget:
            yield (
                f"what successive halving reaches with {budget:.0%} of the cost ({reached:.2f} points), the "
                f"advisor reaches with {enough[0]:.0%}: {budget / enough[0]:.1f} times cheaper"
            )


def unbeaten(outcomes: Sequence[Outcome]) -> Iterable[str]:
    """Rivals that lose less than the advisor somewhere, and by how much; ties are gaps below their error."""
    for policy in dict.fromkeys(o.policy for o in outcomes if o.policy != ADVISOR):
        gaps = {b: gap_to(policy, outcomes, b) for b in BUDGETS}
        better = [
            f"{-mean:.2f} ± {error:.2f} at {b:.0%}{'' if -mean > error else ' (a tie)'}"
            for b, (mean, error) in gaps.items()
            if mean < 0.0
        ]
        if better:
            yield f"{policy} by {', '.join(better)}"


def gap_to(policy: str, outcomes: Sequence[Outcome], budget: float) -> tuple[float, float]:
    """By how many points a policy loses more than the advisor, mean over labelled sets, and its error."""
    found: dict[str, dict[str, list[float]]] = {}
    for o in outcomes:
        if o.policy in {policy, ADVISOR} and o.budget == budget:
            found.setdefault(o.dataset, {}).setdefault(o.policy, []).append(o.regret)
    gaps = np.array([np.mean(row[policy]) - np.mean(row[ADVISOR]) for row in found.values()])
    return float(gaps.mean()), float(gaps.std(ddof=1) / np.sqrt(len(gaps)))


def estimator_rows(tasks: Sequence[RecordedTask]) -> list[Row]:
    """How well each estimator alone orders the fine-tunes, on the last layer, the mean and the best."""
    points, scores = load_fine_tunes(), load_transferability()
    wanted = {(t.dataset, t.seed) for t in tasks}
    by_layer = {
        layer: [t for t in recorded_tasks(points, scores, layer=layer) if (t.dataset, t.seed) in wanted]
        for layer in LAYERS
    }
    rows = []
    for name in (HEAD, "linear_probe", *sorted(ESTIMATORS.keys() - {"linear_probe"})):
        row: Row = {"name": name, "reads": layer_of(name)}
        for layer, found in by_layer.items():
            alone = [a for t in found if (a := _alone(t, name)) is not None]
            is_told = layer == "last" or name not in {HEAD, "linear_probe"}
            row[layer] = np.mean(alone, axis=0).tolist() if alone and is_told else None
        rows.append(row)
    return sorted(rows, key=lambda row: -row[row["reads"]][0])


def _alone(task: RecordedTask, name: str) -> tuple[float, float] | None:
    """Weighted tau and regret of an estimator on all training examples."""
    n = max(task.heads)
    values = task.heads[n].values if name == HEAD else task.estimators.get((name, n))
    if values is None or not np.isfinite(values).all():
        return None
    final = task.final.values
    tau = float(weightedtau(final, values).statistic)
    return tau, 100.0 * float(final.max() - final[int(np.argmax(values))])


def _keep(path: Path, found: Sequence[Outcome | Miss]) -> None:
    """Numbers that the page can be written from again, a line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(asdict(row)) for row in found)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def say(line: str) -> None:
    """One line to whoever watches."""
    sys.stderr.write(f"{line}\n")


def main() -> int:
    """Replay, keep the numbers, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page-only", action="store_true", help="write the page from the numbers kept")
    arguments = parser.parse_args()
    points = load_fine_tunes()
    tasks = recorded_tasks(points, load_transferability())
    if not arguments.page_only:
        model_without = learner(tasks, smaller_fine_tunes(points))
        _keep(EXTRAPOLATION, misses(tasks, model_without, SEEN))
        _keep(RESULTS, replay(tasks, model_without, on_task=lambda t: say(f"{t.dataset}, seed {t.seed}")))
    outcomes = [Outcome(**row) for row in json.loads(RESULTS.read_text(encoding="utf-8"))]
    errors = [Miss(**row) for row in json.loads(EXTRAPOLATION.read_text(encoding="utf-8"))]
    adapted = [p for p in points if p.strategy != Strategy.FULL.value]
    write_probes_page(outcomes, errors, tasks, adapted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
