"""Learns what probes say about final scores from recorded fine-tunes: `python -m app.fitting.probes`.

The relations are those of `app.fitting.probe_relations`, the worth of more data that of `app.fitting.growth`.
Estimators are listened to where they foretell labelled sets better that they were not chosen on.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.fitting.adapted import learn_adapted
from app.fitting.figures_worth import figures_worth
from app.fitting.fine_tunes import FineTunePoint, load_fine_tunes
from app.fitting.growth import growth_of_fine_tunes, growth_of_heads
from app.fitting.probe_relations import (
    DIGITS,
    head_relation,
    own_error_of,
    relations_of,
    rest_of,
    samples_of,
    shared_correlation,
)
from app.fitting.recorded_observations import heads_of
from app.fitting.recorded_tasks import RecordedTask, recorded_tasks, smaller_fine_tunes
from app.fitting.spread import spread_of
from app.fitting.transferability_scores import load_transferability
from app.ranking.probe_model import HEAD, SLICE, Group, ProbeModel, Relations, probe_model_to_json
from app.ranking.probed import Observation, Probed

Array = NDArray[np.float64]

LEAST_CHOSEN_ON = 3
"""Labelled sets without which nothing can be said of estimators."""
SHRUNK_BY = 10.0
"""Candidates' worth of belief that estimators err independently, which keeps a correlation invertible."""
TARGET_PATH = Path(__file__).parents[1] / "ranking" / "fitted" / "probes.json"


class TooFewTasksError(Exception):
    """Not enough is recorded to learn from.

    Attributes:
        n_datasets: Labelled sets found.
    """

    def __init__(self, n_datasets: int) -> None:
        self.n_datasets = n_datasets
        super().__init__(f"{n_datasets} labelled sets are too few")


def learn_probes(
    tasks: Sequence[RecordedTask], smaller: Sequence[FineTunePoint], adapted: Sequence[FineTunePoint] = ()
) -> ProbeModel:
    """What these tasks teach, listening to the estimators that add to it.

    Args:
        tasks: Recorded.
        smaller: Ends of fine-tunes of the same candidates on less of the same data.
        adapted: Recorded under strategies that train a part.

    Raises:
        TooFewTasksError: Fewer than two labelled sets.
    """
    names = usable_estimators(tasks)
    without = learnt_without(tasks, smaller, names)
    chosen = choose_estimators(tasks, without, names)
    without = {dataset: model.listening_to(chosen) for dataset, model in without.items()}
    model = fit_probes(tasks, smaller, names, adapted).listening_to(chosen)
    model = replace(model, spread=spread_of(tasks, without))
    document = json.dumps(probe_model_to_json(model), sort_keys=True)
    return replace(model, version=hashlib.sha256(document.encode()).hexdigest()[:12])


def fit_probes(
    tasks: Sequence[RecordedTask],
    smaller: Sequence[FineTunePoint],
    estimators: Sequence[str] = (),
    adapted: Sequence[FineTunePoint] = (),
) -> ProbeModel:
    """What these tasks teach of slices, heads, these estimators and of other strategies.

    Raises:
        TooFewTasksError: Fewer than two labelled sets.
    """
    n_datasets = len({task.dataset for task in tasks})
    if n_datasets < 2:
        raise TooFewTasksError(n_datasets)
    first, own_error = tasks[0], own_error_of(tasks)
    steps = sorted(round(s / first.steps, 3) for s in first.slices)
    sizes = sorted(round(n / first.n_train, 3) for n in first.heads)
    probes = {
        kind: tuple(
            relations_of(tasks, group, kind, steps if kind == SLICE else sizes, own_error) for group in Group
        )
        for kind in (SLICE, HEAD, *estimators)
    }
    of_heads = growth_of_heads(probes[HEAD][Group.LAYERED])
    ends, slices = learn_adapted(tasks, adapted, probes[SLICE][Group.LAYERED], own_error)
    return ProbeModel(
        figures=figures_worth(tasks),
        heads=tuple(head_relation(tasks, group, own_error) for group in Group),
        probes=probes | slices,
        adapted=ends,
        estimators=tuple(estimators),
        correlation=_correlation(tasks, estimators, probes),
        growth={
            SLICE: growth_of_fine_tunes(tasks, smaller, of_heads.fading),
            HEAD: of_heads,
        },
        n_train=max(task.n_train for task in tasks),
        own_error=own_error,
        shared_correlation=shared_correlation(tasks, Group.LAYERED, probes[SLICE][Group.LAYERED]),
        version="",
    )


def _correlation(
    tasks: Sequence[RecordedTask], estimators: Sequence[str], probes: Mapping[str, Sequence[Relations]]
) -> Array:
    """Of what estimators leave unexplained, over all candidates of all tasks, at the largest sample."""
    if len(estimators) < 2:
        return np.eye(len(estimators))
    joint = []
    for name in estimators:
        rests = [
            rest_of(s, probes[name][group].at(1.0))
            for group in Group
            for s in samples_of(tasks, group, name, 1.0)
        ]
        joint.append(np.concatenate([rest - rest.mean() for rest in rests]))
    share = len(joint[0]) / (len(joint[0]) + SHRUNK_BY)
    correlation = share * np.corrcoef(np.array(joint)) + (1.0 - share) * np.eye(len(estimators))
    return np.asarray(correlation.round(DIGITS))


def usable_estimators(tasks: Sequence[RecordedTask]) -> tuple[str, ...]:
    """The estimators that have a value for every candidate of every task at every size."""
    undefined = {
        name for task in tasks for (name, _), values in task.estimators.items() if np.isnan(values).any()
    }
    known = [{(name, n) for name, n in task.estimators} for task in tasks]
    everywhere = set.intersection(*({name for name, _ in names} for names in known)) if known else set()
    return tuple(sorted(everywhere - undefined))


def learnt_without(
    tasks: Sequence[RecordedTask], smaller: Sequence[FineTunePoint], names: Sequence[str]
) -> dict[str, ProbeModel]:
    """What is learnt where one labelled set is left out, by its name; none where too few are left."""
    datasets = sorted({task.dataset for task in tasks})
    if len(datasets) < LEAST_CHOSEN_ON:
        return {}
    return {
        left_out: fit_probes(
            [t for t in tasks if t.dataset != left_out],
            [p for p in smaller if p.dataset != left_out],
            names,
        )
        for left_out in datasets
    }


def choose_estimators(
    tasks: Sequence[RecordedTask], without: Mapping[str, ProbeModel], names: Sequence[str]
) -> tuple[str, ...]:
    """Those that, beside the head, foretell the order of labelled sets better that were left out.

    Greedy: the one that lowers the error most is added as long as it lowers it by more than one standard
    error over labelled sets (Breiman et al. 1984, section 3.4.3: of what cannot be told apart, the simplest).

    Args:
        tasks: Recorded.
        without: What was learnt without each labelled set, listening to all of them.
        names: Estimators to choose from.
    """
    chosen: tuple[str, ...] = ()
    if not without:
        return chosen

    def errors_with(wanted: tuple[str, ...]) -> Array:
        found = [
            np.mean([_error(t, without[d].listening_to(wanted)) for t in tasks if t.dataset == d])
            for d in sorted(without)
        ]
        return np.array(found)

    left, least = list(names), errors_with(chosen)
    while left:
        errors = {name: errors_with((*chosen, name)) for name in left}
        best = min(errors, key=lambda name: float(errors[name].mean()))
        gains = least - errors[best]
        if gains.mean() <= gains.std(ddof=1) / np.sqrt(len(gains)):
            break
        chosen, least = (*chosen, best), errors[best]
        left.remove(best)
    return chosen


def _error(task: RecordedTask, model: ProbeModel) -> float:
    """Mean squared error of the foretold deviations from the task's mean.

    All candidates have been passed over and none was trained.
    """
    t, _ = task.final.comparable(task.metric)
    prior = model.joined(task.prior, task.groups)
    mean = Probed(prior, model, task.groups, tuple(_passes(task, model.estimators))).belief.mean[::2]
    return float(np.mean(np.square((mean - mean.mean()) - (t - t.mean()))))


def _passes(task: RecordedTask, estimators: Sequence[str]) -> Iterator[Observation]:
    """What passes over all training examples of a task showed."""
    yield from heads_of(task)
    for name in estimators:
        values = task.estimators[name, max(task.heads)]
        for m, value in enumerate(values.tolist()):
            yield Observation(candidate=m, kind=name, share=1.0, value=value)


def main() -> int:
    """Fit to what is recorded and write the result where the service reads it."""
    parser = argparse.ArgumentParser(description="Learn what probes say about final scores.")
    parser.add_argument("--out", type=Path, default=TARGET_PATH)
    arguments = parser.parse_args()
    points = load_fine_tunes()
    tasks = recorded_tasks(points, load_transferability())
    model = learn_probes(tasks, smaller_fine_tunes(points), points)
    arguments.out.write_text(json.dumps(probe_model_to_json(model), indent=1) + "\n", encoding="utf-8")
    out = sys.stdout
    out.write(f"{len(tasks)} samples of {len({t.dataset for t in tasks})} labelled sets\n")
    out.write(f"listened to: {', '.join(model.estimators) or 'none'}\n")
    out.write(f"{model.figures}, {model.growth}\n")
    for group in Group:
        out.write(f"{group.name}: frozen features given the fine-tune {model.heads[group]}\n")
        for kind, relations in model.probes.items():
            for share in relations[group].shares.tolist():
                out.write(f"{kind} {share:.3f}: {relations[group].at(share)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
