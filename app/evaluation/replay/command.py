"""`advisor replay`: learning curves through the scheduler that serves, beside its rivals."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.metrics import METRICS, Direction

if TYPE_CHECKING:
    from app.evaluation.replay.table import Outcome

WIDTH = 128
UNUSABLE = 2
console = Console(width=None if sys.stdout.isatty() else WIDTH)
errors = Console(stderr=True)


def replay_command(
    curves: Annotated[
        Path | None,
        typer.Argument(help="CSV: dataset, model, strategy, learning_rate, seed, step, seconds, metric."),
    ] = None,
    metric: Annotated[str, typer.Option(help="What the column `metric` of the file holds.")] = "accuracy",
    dataset: Annotated[list[str] | None, typer.Option(help="A recorded set; may be repeated.")] = None,
    budget: Annotated[list[float] | None, typer.Option(help="Share of the cost of training all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every outcome as JSON.")] = False,
) -> None:
    """Spend budgets on learning curves and show what each way of spending them loses.

    The curves are those of a file, where a data set is foreknown by what the others show and by what things
    cost, or those recorded in this project: then every calibration, and the figures that the prior is made
    of, leave the replayed set out. Ends with 0, or with 2 where a file cannot be used or a set was not
    recorded.
    """
    budgets = tuple(budget) if budget else None
    if curves is None:
        _replay_recorded(dataset or [], budgets, as_json=as_json)
    else:
        _replay_file(curves, metric, dataset or [], budgets, as_json=as_json)


def _replay_file(
    path: Path, metric: str, wanted: list[str], budgets: tuple[float, ...] | None, *, as_json: bool
) -> None:
    from app.evaluation.replay.curves import UnusableCurvesError, read_curves
    from app.evaluation.replay.foreknown import Foreknown
    from app.evaluation.replay.table import BUDGETS, regret_of_training_all, replay_curves
    from app.fitting.fine_tunes import load_fine_tunes
    from app.fitting.recorded_tasks import recorded_tasks
    from app.fitting.transferability_scores import load_transferability
    from app.ranking.probe_model import load_probe_model

    replayable = [m.name for m in METRICS.values() if m.is_bounded and m.direction is Direction.HIGHER]
    if metric not in replayable:
        _unusable(f"{metric} cannot be replayed; choose from {', '.join(replayable)}.")
    model = load_probe_model()
    known = Foreknown.of(recorded_tasks(load_fine_tunes(), load_transferability()), model)
    try:
        worlds = read_curves(path, METRICS[metric], known)
    except (OSError, UnicodeDecodeError, UnusableCurvesError) as error:
        _unusable(str(error))
    _check(wanted, {w.task.dataset for w in worlds})
    worlds = [w for w in worlds if not wanted or w.task.dataset in wanted]
    outcomes = replay_curves(worlds, model, budgets=budgets or BUDGETS)
    _show(outcomes, regret_of_training_all([w.task for w in worlds]), as_json=as_json)


def _replay_recorded(wanted: list[str], budgets: tuple[float, ...] | None, *, as_json: bool) -> None:
    from app.evaluation.replay.table import BUDGETS, learner, regret_of_training_all, replay
    from app.fitting.fine_tunes import load_fine_tunes
    from app.fitting.recorded_tasks import recorded_tasks, smaller_fine_tunes
    from app.fitting.transferability_scores import load_transferability

    points = load_fine_tunes()
    tasks = recorded_tasks(points, load_transferability())
    _check(wanted, {t.dataset for t in tasks})
    outcomes = replay(
        tasks,
        learner(tasks, smaller_fine_tunes(points)),
        budgets=budgets or BUDGETS,
        only=frozenset(wanted),
        on_task=lambda task: errors.print(f"{task.dataset}, seed {task.seed}", highlight=False),
    )
    shown = [t for t in tasks if not wanted or t.dataset in wanted]
    _show(outcomes, regret_of_training_all(shown), as_json=as_json)


def _unusable(message: str) -> NoReturn:
    errors.print(message, highlight=False)
    raise typer.Exit(UNUSABLE)


def _check(wanted: list[str], known: set[str]) -> None:
    unknown = sorted(set(wanted) - known)
    if unknown:
        _unusable(f"Not recorded: {', '.join(unknown)}. Recorded are {', '.join(sorted(known))}.")


def _show(outcomes: "list[Outcome]", of_training_all: float, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps([asdict(o) for o in outcomes], allow_nan=False, indent=1) + "\n")
    else:
        _print(outcomes)
        console.print(f"Training all: {of_training_all:.2f}", highlight=False)


def _print(outcomes: "list[Outcome]") -> None:
    from app.evaluation.replay.table import mean_regrets, share_held

    found = mean_regrets(outcomes)
    budgets = sorted({o.budget for o in outcomes})
    n_tasks = len({(o.dataset, o.seed) for o in outcomes})
    n_sets = len({o.dataset for o in outcomes})
    table = Table(title=f"Regret in points by budget, {n_tasks} samples of {n_sets} labelled sets")
    table.add_column("way")
    for share in budgets:
        table.add_column(f"{share:.0%}", justify="right")
    for policy, by_budget in found.items():
        cells = (f"{by_budget[b][0]:.2f} ± {by_budget[b][1]:.2f}" for b in budgets)
        table.add_row(policy, *cells)
    console.print(table)
    held = [f"{share_held(outcomes, b):.0%}" for b in budgets]
    console.print(f"80 % intervals of the advisor hold: {', '.join(held)}", highlight=False)
