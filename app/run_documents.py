"""Probe runs as JSON documents."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.documents import SCORE_DIGITS, Document, score_document
from app.probes.tables import ProbePointRow, ProbeRunRow, ProbeTrialRow
from app.ranking.posterior import measured_interval
from benchmarks.metrics import metric_named

_SPENT = ("charged_seconds", "download_seconds", "warmup_seconds", "wall_seconds", "energy_wh")

_REFIT: Document = {
    "model": None,
    "strategy": None,
    "status": "",
    "why": "",
    "n_examples": 0,
    "epochs": 0,
    "seconds": 0.0,
    "peak_memory_bytes": 0,
    "artifacts": [],
}


def run_document(
    run: ProbeRunRow, trials: Sequence[ProbeTrialRow] = (), points: Mapping[int, Sequence[ProbePointRow]] = {}
) -> Document:
    """The run with its ranking, trials and curves."""
    return {
        **run_summary(run),
        "started_at": run.started_at,
        "ranking": run.ranking,
        "trials": [_trial(trial, points.get(trial.id, ())) for trial in trials],
        "baselines": run.baselines,
        "spent": _spent(run),
        "warnings": run.warnings,
        "refit": _refit(run),
        "groups": [_groups(found, run) for found in (run.review or {}).get("groups", ())],
        "steps": run.request.get("steps", []),
    }


def run_summary(run: ProbeRunRow) -> Document:
    """The run as a list shows it."""
    charged = run.charged_seconds + run.in_flight_seconds
    return {
        "id": run.id,
        "status": run.status,
        "dataset_id": run.dataset_id,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "progress": {
            "charged_seconds": round(charged, 3),
            "budget_seconds": run.budget_seconds,
            "fraction": round(min(charged / run.budget_seconds, 1.0), 4),
            "now": run.now,
        },
        "decision": run.decision,
    }


def _spent(run: ProbeRunRow) -> Document:
    spent: Document = {name: run.spent.get(name, 0.0) for name in _SPENT}
    spent["charged_seconds"] = round(run.charged_seconds + run.in_flight_seconds, 3)
    return spent


def _refit(run: ProbeRunRow) -> Document | None:
    """The winner's training on all the data; None where none was asked for or it has not begun."""
    if run.refit is None:
        return None
    return {name: run.refit.get(name, empty) for name, empty in _REFIT.items()}


def _groups(found: Mapping[str, Any], run: ProbeRunRow) -> Document:
    """One candidate's scores group by group."""
    metric = metric_named(run.request["task"]["metric"])
    return {
        **found["member"],
        "scores": [
            {
                "group": s["group"],
                "n_examples": s["n_examples"],
                "score": score_document(measured_interval(metric, s["metric"], s["std_error"])),
            }
            for s in found["scores"]
        ],
        "gap": round(found["gap"], SCORE_DIGITS),
        "p_value": None if found["p_value"] is None else round(found["p_value"], SCORE_DIGITS),
    }


def _trial(trial: ProbeTrialRow, points: Sequence[ProbePointRow]) -> Document:
    return {
        "model": trial.model,
        "strategy": trial.strategy,
        "status": trial.status,
        "why": trial.why,
        "seconds": trial.seconds,
        "peak_memory_bytes": trial.peak_memory_bytes,
        "points": [
            {
                "step": p.step,
                "examples_seen": p.examples_seen,
                "seconds": p.seconds,
                "loss": p.loss,
                "metric": p.metric,
            }
            for p in points
        ],
        "transferability": trial.transferability,
        "vocabulary": trial.vocabulary,
    }
