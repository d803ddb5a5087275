"""`advisor backtest`: how well hidden benchmarks are predicted, beside static lists."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeAlias

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.settings import get_settings

if TYPE_CHECKING:  # the other commands must not wait for these to be imported
    from app.evaluation.asked import AskedColumn
    from app.evaluation.backtest import ColumnResult, OnProgress
    from app.evaluation.corpus import Corpus
    from app.evaluation.measures import Order

FAILED, UNUSABLE = 1, 2
WIDTH = 128
errors = Console(stderr=True)
Results: TypeAlias = "dict[str, list[ColumnResult]]"


class ColdStart(StrEnum):
    """What is known less of than there is."""

    FAMILIES = "families"
    BENCHMARKS = "benchmarks"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Job:
    """Columns to be predicted together.

    Attributes:
        name: In the output.
        corpus: What is known.
        asked: The columns.
        without: Suite that the hyper-parameters are learnt without; empty for those in use.
    """

    name: str
    corpus: "Corpus"
    asked: "Sequence[AskedColumn]"
    without: str


def backtest_command(
    figures: Annotated[Path | None, typer.Argument(help="CSV: model, benchmark, metric, value.")] = None,
    models: Annotated[Path | None, typer.Option(help="CSV of metadata keyed `model`.")] = None,
    benchmarks: Annotated[Path | None, typer.Option(help="CSV of metadata keyed `benchmark`.")] = None,
    suite: Annotated[list[str] | None, typer.Option(help="A shipped suite; may be repeated.")] = None,
    fit_without: Annotated[str | None, typer.Option(help="Learn hyper-parameters without it.")] = None,
    as_served: Annotated[bool, typer.Option(help="Shipped suites with the hyper-parameters in use.")] = False,
    cold_start: Annotated[ColdStart | None, typer.Option(help="Hide families, or suites.")] = None,
    exact: Annotated[bool, typer.Option(help="Fit all anew for each hidden data set.")] = False,
    data: Annotated[Path | None, typer.Option(help="Data folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Hide one benchmark at a time, predict it, and compare with static lists.

    Benchmarks come from a figures file, which is joined with what ships, or from shipped suites. Shipped
    suites are predicted with hyper-parameters that were learnt without them, unless --as-served. Ends with 0,
    or with 2 where a file or a name cannot be used.
    """
    if figures is None and not suite:
        _unusable("Give a figures file, or --suite with the name of a shipped one.")
    if as_served and fit_without:
        _unusable("--as-served and --fit-without exclude each other.")
    from app.evaluation.figure_rows import UnusableFiguresError
    from app.evaluation.suites import UnknownSuiteError

    settings = get_settings()
    folder = data or settings.data_dir
    try:
        jobs = [] if figures is None else [_file_job(figures, models, benchmarks, fit_without or "")]
        jobs += [_suite_job(name, fit_without, as_served=as_served) for name in suite or ()]
    except (UnusableFiguresError, UnknownSuiteError) as error:
        _unusable(str(error))
    found = {job.name: _run(job, folder, cold_start, is_exact=exact, is_quiet=as_json) for job in jobs}
    if as_json:
        _print_json(found)
    else:
        for name, ways in found.items():
            for way, results in ways.items():
                _print(" ".join(filter(None, (name, way))), results)


def _unusable(message: str) -> NoReturn:
    errors.print(message, highlight=False)
    raise typer.Exit(UNUSABLE)


def _file_job(figures: Path, models: Path | None, benchmarks: Path | None, without: str) -> Job:
    from app.evaluation.corpus import shipped_corpus
    from app.evaluation.figures_file import read_figures_file
    from app.evaluation.suites import suite_named

    shipped = shipped_corpus()
    if without:
        suite_named(without, shipped.benchmarks.values())
    file = read_figures_file(figures, shipped, models=models, benchmarks=benchmarks)
    if file.n_left_out:
        errors.print(f"{file.n_left_out} values left out: they may be percent or fraction.")
    return Job(name=figures.stem, corpus=file.corpus, asked=file.asked, without=without)


def _suite_job(name: str, fit_without: str | None, *, as_served: bool) -> Job:
    from app.evaluation.asked import asked_columns
    from app.evaluation.corpus import shipped_corpus
    from app.evaluation.suites import figures_of, suite_named

    corpus = shipped_corpus()
    suite = suite_named(name, corpus.benchmarks.values())
    without = fit_without or ("" if as_served else suite.suite)
    asked = asked_columns(figures_of(suite, corpus.figures, corpus.benchmarks), corpus.benchmarks)
    return Job(name=name, corpus=corpus, asked=asked, without=without)


def _run(job: Job, folder: Path, cold_start: ColdStart | None, *, is_exact: bool, is_quiet: bool) -> Results:
    from app.evaluation.backtest import backtest
    from app.evaluation.cold_start import cold_benchmarks, cold_families
    from app.evaluation.nested import learnt_without
    from app.ranking.fitted import load_hyperparameters

    if job.without and not is_quiet:
        errors.print(f"{job.name}: hyper-parameters learnt without {job.without} ...", highlight=False)
    hyper = learnt_without(job.without, folder) if job.without else load_hyperparameters()
    with _shown(job.name, is_quiet=is_quiet) as on_progress:
        match cold_start:
            case ColdStart.FAMILIES:
                apart, mixed = cold_families(job.corpus, job.asked, hyper, on_progress=on_progress)
                return {"families apart": apart, "families mixed": mixed}
            case ColdStart.BENCHMARKS:
                return {"benchmarks": cold_benchmarks(job.corpus, job.asked, hyper, on_progress=on_progress)}
            case None:
                found = backtest(job.corpus, job.asked, hyper, is_exact=is_exact, on_progress=on_progress)
                return {"": found}


@contextmanager
def _shown(name: str, *, is_quiet: bool) -> Iterator["OnProgress"]:
    """A progress bar on the terminal; silent where none is attached or JSON is wanted."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, disable=is_quiet or not errors.is_terminal) as bar:
        task = bar.add_task(name, total=None)

        def update(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield update


def _print_json(found: Mapping[str, Results]) -> None:
    """One document, or one by name where several suites or ways of judging were asked for."""
    from app.evaluation.document import backtest_document

    documents = {
        " ".join(filter(None, (name, way))): backtest_document(results)
        for name, ways in found.items()
        for way, results in ways.items()
    }
    document = documents if len(documents) > 1 else next(iter(documents.values()))
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def _print(name: str, results: "Sequence[ColumnResult]") -> None:
    from app.evaluation.measures import SERVED_LEVEL, Order

    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    table = Table(title=name, title_justify="left")
    for header in ("benchmark", "tau_w", "tau", "regret@1", "regret@3", "coverage", "absolute", "models"):
        table.add_column(header, justify="left" if header == "benchmark" else "right")
    for r in results:
        absolute = r.absolute_coverage[SERVED_LEVEL]
        table.add_row(
            r.asked.name, *_cells(r.order), f"{r.coverage:.2f}", f"{absolute:.2f}", f"{len(r.asked)}"
        )
    table.add_section()
    coverage = sum(r.coverage for r in results) / len(results)
    absolute = sum(r.absolute_coverage[SERVED_LEVEL] for r in results) / len(results)
    mean = Order.mean([r.order for r in results])
    table.add_row("mean", *_cells(mean), f"{coverage:.2f}", f"{absolute:.2f}", "", style="bold")
    table.add_row("  never trained on it before", *_cells(Order.mean([r.apart for r in results])))
    for baseline in results[0].baselines:
        order = Order.mean([r.baselines[baseline] for r in results])
        table.add_row(baseline.replace("_", " "), *_cells(order))
    console.print(table)


def _cells(order: "Order") -> tuple[str, str, str, str]:
    return (
        f"{order.tau_w:.3f}",
        f"{order.tau:.3f}",
        f"{order.regret_at_1:.2f}",
        f"{order.regret_at_3:.2f}",
    )
