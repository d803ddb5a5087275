"""Runs all backtests and writes docs/prior.md: `python -m app.evaluation.report`.

The numbers are kept in docs/results/prior.json, suite by suite, and the page and its plots are made from that
file alone: `--page-only` makes them again, `--suite` and `--job` run a part and keep the other numbers.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.evaluation.asked import AskedColumn, asked_columns
from app.evaluation.backtest import ColumnResult, backtest
from app.evaluation.bootstrap import best_list, gains, pooled_gain
from app.evaluation.cold_start import cold_benchmarks, cold_families
from app.evaluation.corpus import Corpus, shipped_corpus
from app.evaluation.document import backtest_document
from app.evaluation.measures import LEVELS
from app.evaluation.nested import learnt_without
from app.evaluation.page import write_page
from app.evaluation.reliability_plot import reliability_svg
from app.evaluation.suites import REPORTED, Suite, figures_of
from app.ranking.columns import COMPONENTS
from app.ranking.fitted import load_hyperparameters
from app.ranking.prior import Hyperparameters
from app.settings import get_settings
from benchmarks.seed import shipped_version

Array = NDArray[np.float64]
Document = dict[str, Any]

DOCS = Path(__file__).parents[2] / "docs"
RESULTS = DOCS / "results" / "prior.json"
PAGE = DOCS / "prior.md"
PLOT = DOCS / "img" / "reliability.svg"
TEMPLATE = "prior.md.jinja"
AIMS: Mapping[str, tuple[float, float, float]] = {
    "transfergraph": (0.68, 1.3, 0.5),
    "model-recycling": (0.72, 3.0, 2.0),
    "euroeval": (0.80, 3.5, 0.5),
    "mteb": (0.80, 2.5, 1.0),
    "sfda-1": (0.85, 0.06, 0.02),
    "sfda-2": (0.74, 0.3, 0.2),
}
"""Weighted tau, regret@1 and regret@3 in points that the prior is to reach."""
MEASURES = ("tau_w", "regret_at_1")
JOBS = ("hidden", "families", "benchmarks", "exact")
EXACT = ("sfda-1", "sfda-2")
"""Small suites, which are run a second time with everything fitted anew for each hidden data set."""


def run_suite(
    suite: Suite, corpus: Corpus, hyper: Hyperparameters, jobs: Sequence[str]
) -> Iterator[tuple[str, Document]]:
    """Some of the backtests of a suite as they are kept, one after the other, with their names.

    Args:
        suite: Shipped.
        corpus: What is known.
        hyper: Held.
        jobs: Of `JOBS`.
    """
    asked = asked_columns(figures_of(suite, corpus.figures, corpus.benchmarks), corpus.benchmarks)
    about: Document = {
        "n_columns": len(asked),
        "n_models": len({model for column in asked for model in column.models}),
        "n_figures": sum(map(len, asked)),
        "figures_version": shipped_version()[:12],
        "hyperparameters": {
            "version": hyper.version,
            "family": dict(zip(COMPONENTS, hyper.family.round(4).tolist(), strict=True)),
            "own": dict(zip(COMPONENTS, hyper.own.round(4).tolist(), strict=True)),
            "noise": round(hyper.noise, 4),
        },
    }
    for job in jobs:
        if job != "exact" or suite.name in EXACT:
            yield job, {**about, **_run(job, corpus, asked, hyper)}


def _run(job: str, corpus: Corpus, asked: Sequence[AskedColumn], hyper: Hyperparameters) -> Document:
    match job:
        case "hidden":
            return {"hidden": backtest_document(backtest(corpus, asked, hyper))}
        case "families":
            apart, mixed = cold_families(corpus, asked, hyper)
            return {"families_apart": _summary(apart), "families_mixed": _summary(mixed)}
        case "benchmarks":
            return {"cold_benchmarks": _summary(cold_benchmarks(corpus, asked, hyper))}
        case "exact":
            return {"exact": _summary(backtest(corpus, asked, hyper, is_exact=True))}
    raise ValueError(job)


def _summary(results: Sequence[ColumnResult]) -> Document:
    """The means of a backtest without its single benchmarks."""
    document = backtest_document(results)
    return {"mean": document["mean"], "baselines": document["baselines"]}


def compare(suites: Mapping[str, Document]) -> Document:
    """Gains over the best static list of each suite, by suite and pooled, with intervals."""
    result: Document = {}
    for measure in MEASURES:
        larger = measure.startswith("tau")
        by_suite: dict[str, Array] = {}
        rows: Document = {}
        for name, suite in suites.items():
            static = {
                baseline: column_of(suite, measure, baseline) for baseline in suite["hidden"]["baselines"]
            }
            best = best_list(static, larger_is_better=larger)
            by_suite[name] = gains(column_of(suite, measure), static[best], larger_is_better=larger)
            rows[name] = {"best": best, **asdict(pooled_gain([by_suite[name]]))}
        result[measure] = {"suites": rows, "pooled": asdict(pooled_gain(list(by_suite.values())))}
    return result


def column_of(suite: Document, measure: str, baseline: str | None = None) -> Array:
    """A measure of the prior, or of a static list, on each benchmark of a suite; undefined tau counts 0."""
    rows = [b if baseline is None else b["baselines"][baseline] for b in suite["hidden"]["benchmarks"]]
    return np.array([row[measure] or 0.0 for row in rows])


def reliability(suite: Document) -> dict[str, list[float]]:
    """Mean observed share at each level, relative and absolute."""
    at = [b["coverage_at"] for b in suite["hidden"]["benchmarks"]]
    return {kind: np.mean([a[kind] for a in at], axis=0).tolist() for kind in ("relative", "absolute")}


def write_prior_page(document: Document) -> None:
    """The page and its plots are as the document says."""
    suites = {
        s.name: document["suites"][s.name] for s in REPORTED if "hidden" in document["suites"].get(s.name, {})
    }
    curves = {name: reliability(suite) for name, suite in suites.items()}
    counts = [suite["n_columns"] for suite in suites.values()]
    pooled = {
        kind: np.average([c[kind] for c in curves.values()], axis=0, weights=counts).tolist()
        for kind in ("relative", "absolute")
    }
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    PLOT.write_text(reliability_svg(LEVELS, curves), encoding="utf-8")
    write_page(
        PAGE,
        "app.evaluation",
        TEMPLATE,
        document=document,
        suites=suites,
        aims=AIMS,
        gains=compare(suites),
        curves=curves,
        pooled=pooled,
        levels=LEVELS,
        components=COMPONENTS,
    )


def main() -> int:
    """Run what is asked for, keep the numbers, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [suite.name for suite in REPORTED]
    parser.add_argument("--suite", action="append", choices=names, help="run only this one; may be repeated")
    parser.add_argument("--job", action="append", choices=JOBS, help="only this backtest; may be repeated")
    parser.add_argument("--as-served", action="store_true", help="with the hyper-parameters in use")
    parser.add_argument("--page-only", action="store_true", help="write the page from the numbers kept")
    parser.add_argument("--data", type=Path, default=get_settings().data_dir)
    arguments = parser.parse_args()
    document: Document = (
        json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"suites": {}}
    )
    for suite in REPORTED:
        if arguments.page_only or suite.name not in (arguments.suite or names):
            continue
        served = load_hyperparameters()
        hyper = served if arguments.as_served else learnt_without(suite.suite, arguments.data)
        began, kept = time.monotonic(), document["suites"].setdefault(suite.name, {})
        for job, found in run_suite(suite, shipped_corpus(), hyper, arguments.job or JOBS):
            kept |= {**found, "nested": not arguments.as_served}
            RESULTS.parent.mkdir(parents=True, exist_ok=True)
            RESULTS.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
            sys.stderr.write(f"{suite.name}, {job}: {time.monotonic() - began:.0f} s\n")
            began = time.monotonic()
    write_prior_page(document)
    return 0


if __name__ == "__main__":
    sys.exit(main())
