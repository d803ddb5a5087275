"""The blend of a run as a row of its ranking."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.probes.comparing import signed_mean
from app.ranking.phrases import Language, say
from app.ranking.posterior import DEVIATIONS, TIE_PROBABILITY
from benchmarks.metrics import metric_named

ENSEMBLE = "ensemble"
Row = dict[str, Any]


def with_blend(rows: Sequence[Row], blend: Mapping[str, Any] | None, language: Language) -> list[Row]:
    """The ranking with the blend in its place; as it was where there is none.

    The blend is worth what the first row is, and what it gained on the same examples. Whatever chance there
    is that it is better is taken from all others in proportion, so that P(best) sums to 1.

    Args:
        rows: Of models.
        blend: As `app.probes.concluding` keeps it.
        language: Of the sentences.
    """
    chosen = [] if blend is None else [(m, _row_of(rows, m)) for m in blend["members"]]
    found = [row for _, row in chosen if row is not None]
    if blend is None or len(found) < len(chosen):
        return list(rows)
    share = 1.0 - blend["p_better"]
    others = [{**row, "p_best": round(row["p_best"] * share, 4)} for row in rows]
    new = _blend_row(rows[0], found, blend, language)
    # Of equals a single model is cheaper and stands first.
    ordered = sorted([*others, new], key=lambda row: -signed_mean(row["score"]))
    return [{**row, "rank": rank} for rank, row in enumerate(ordered, start=1)]


def _row_of(rows: Sequence[Row], member: Mapping[str, Any]) -> Row | None:
    """The row of a member's model, whatever strategy it shows."""
    return next((row for row in rows if row["model"]["name"] == member["model"]), None)


def _blend_row(first: Row, rows: Sequence[Row], blend: Mapping[str, Any], language: Language) -> Row:
    models = {row["model"]["name"]: row["model"] for row in rows}
    costs = [row["cost"] for row in rows]
    times = sum(cost["latency_ms"] for cost in costs) / max(first["cost"]["latency_ms"], 1e-9)
    parts = [f"{m['weight']:.2f} {models[m['model']]['id']} ({m['strategy']})" for m in blend["members"]]
    gained = say("blend_gain", language, gain=blend["gain"], error=blend["gain_std_error"])
    is_tied = min(blend["p_better"], 1.0 - blend["p_better"]) >= TIE_PROBABILITY
    return {
        "rank": 0,
        "model": _model(list(models.values())),
        "strategy": ENSEMBLE,
        "score": _score(first["score"], blend),
        "p_best": round(blend["p_better"], 4),
        "tied_with": [first["model"]["name"]] if is_tied else [],
        "pareto": signed_mean({**first["score"], "mean": blend["gain"]}) > 0.0,
        "recipe": {**first["recipe"], "notes": [say("blend_recipe", language, parts=", ".join(parts))]},
        "cost": {
            "train_seconds": sum(cost["train_seconds"] for cost in costs),
            "peak_memory_bytes": max(cost["peak_memory_bytes"] for cost in costs),
            "latency_ms": round(sum(cost["latency_ms"] for cost in costs), 3),
            "energy_wh": sum(cost["energy_wh"] for cost in costs),
            "price": _sum_of([cost["price"] for cost in costs]),
        },
        "evidence": [],
        "reasons": [say("blend", language, parts=", ".join(parts)), gained],
        "cautions": [say("blend_cost", language, n=len(costs), times=times)],
        "members": blend["members"],
    }


def _score(first: Row, blend: Mapping[str, Any]) -> Row:
    metric = metric_named(first["metric"])
    half = ((first["high"] - first["low"]) ** 2 / 4 + (DEVIATIONS * blend["gain_std_error"]) ** 2) ** 0.5
    mean = min(max(first["mean"] + blend["gain"], metric.low), metric.high)
    ends = {"low": max(mean - half, metric.low), "high": min(mean + half, metric.high)}
    return {**first, "mean": round(mean, 4), **{name: round(end, 4) for name, end in ends.items()}}


def _sum_of(prices: Sequence[float | None]) -> float | None:
    known = [price for price in prices if price is not None]
    return sum(known) if len(known) == len(prices) else None


def _model(models: Sequence[Row]) -> Row:
    return {
        "name": f"{ENSEMBLE}:" + "+".join(model["name"] for model in models),
        "id": " + ".join(model["id"] for model in models),
        "hub": ENSEMBLE,
        "revision": "",
        "family": ENSEMBLE,
        "n_parameters": sum(model["n_parameters"] for model in models),
        "licence": " and ".join(sorted({model["licence"] for model in models})),
        "languages": sorted(set.intersection(*(set(model["languages"]) for model in models))),
    }
