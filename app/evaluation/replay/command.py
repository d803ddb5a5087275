"""`advisor replay`: recorded fine-tunes through the scheduler that serves, beside its rivals."""

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from app.evaluation.replay.table import Outcome

WIDTH = 128
UNUSABLE = 2
console = Console(width=None if sys.stdout.isatty() else WIDTH)
errors = Console(stderr=True)


def replay_command(
    dataset: Annotated[list[str] | None, typer.Option(help="A recorded set; may be repeated.")] = None,
    budget: Annotated[list[float] | None, typer.Option(help="Share of the cost of training all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print every outcome as JSON.")] = False,
) -> None:
    """Spend budgets on recorded fine-tunes and show what each way of spending them loses.

    Every calibration, and the figures that the prior is made of, leave the replayed set out. Ends with 0, or
    with 2 where a set was not recorded.
    """
    from app.evaluation.replay.table import BUDGETS, regret_of_training_all, replay
    from app.fitting.fine_tunes import load_fine_tunes
    from app.fitting.recorded_tasks import recorded_tasks, smaller_fine_tunes
    from app.fitting.transferability_scores import load_transferability

    points = load_fine_tunes()
    tasks = recorded_tasks(points, load_transferability())
    unknown = sorted(set(dataset or ()) - {t.dataset for t in tasks})
    if unknown:
        known = ", ".join(sorted({t.dataset for t in tasks}))
        errors.print(f"Not recorded: {', '.join(unknown)}. Recorded are {known}.", highlight=False)
        raise typer.Exit(UNUSABLE)
    outcomes = replay(
        tasks,
        smaller_fine_tunes(points),
        budgets=tuple(budget or BUDGETS),
        only=frozenset(dataset or ()),
        on_task=lambda task: errors.print(f"{task.dataset}, seed {task.seed}", highlight=False),
    )
    if as_json:
        sys.stdout.write(json.dumps([asdict(o) for o in outcomes], allow_nan=True, indent=1) + "\n")
    else:
        _print(outcomes)
        shown = [t for t in tasks if not dataset or t.dataset in dataset]
        console.print(f"Training all: {regret_of_training_all(shown):.2f}", highlight=False)


def _print(outcomes: "list[Outcome]") -> None:
    from app.evaluation.replay.table import ADVISOR, mean_regrets

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
    held = [
        f"{np.mean([o.held for o in outcomes if (o.policy, o.budget) == (ADVISOR, b)]):.0%}" for b in budgets
    ]
    console.print(f"80 % intervals of the advisor hold: {', '.join(held)}", highlight=False)
