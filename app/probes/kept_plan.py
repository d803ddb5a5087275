"""A frozen plan as it is kept with its run, so that another worker goes on with it."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from app.probes.messages import SINGLE
from app.probes.plan import ArmPlan, RunPlan
from app.probes.planning import Prepared
from app.probes.sample_size import Sample
from app.ranking.belief import Belief
from app.ranking.probe_model import Extent, Group
from benchmarks.metrics import metric_named
from models_registry.entry import ModelEntry
from models_registry.vocabulary import Strategy


def plan_to_json(prepared: Prepared) -> dict[str, Any]:
    """The plan as it is kept with the run."""
    plan = prepared.plan
    return {
        "names": list(plan.names),
        "feature_seconds": list(plan.feature_seconds),
        "arms": [{**asdict(a), "strategy": a.strategy.value} for a in plan.arms],
        "belief": {
            "mean": plan.belief.mean.tolist(),
            "covariance": plan.belief.covariance.tolist(),
            "level_variance": plan.belief.level_variance,
        },
        "metric": plan.metric.name,
        "stop_p_best": plan.stop_p_best,
        "stop_regret": plan.stop_regret,
        "seed": plan.seed,
        "features_share": plan.features_share,
        "extent": asdict(plan.extent),
        "from_scratch": list(plan.from_scratch),
        "n_train": prepared.sample.n_train,
        "n_features": prepared.sample.n_features,
        "n_validation": prepared.sample.n_validation,
        "epochs": prepared.epochs,
        "max_length": prepared.max_length,
        "n_threads": prepared.n_threads,
        "precision": prepared.precision,
        "n_devices": prepared.n_devices,
    }


def plan_from_json(raw: Mapping[str, Any], entries: Mapping[str, ModelEntry]) -> Prepared:
    """The plan that was kept.

    Args:
        raw: As `plan_to_json` made it.
        entries: The registry, by full name.
    """
    belief = raw["belief"]
    plan = RunPlan(
        belief=Belief(
            mean=np.array(belief["mean"]),
            covariance=np.array(belief["covariance"]),
            level_variance=float(belief["level_variance"]),
        ),
        names=tuple(raw["names"]),
        groups=tuple(Group.of(entries[name]) for name in raw["names"]),
        feature_seconds=tuple(raw["feature_seconds"]),
        arms=tuple(ArmPlan(**{**a, "strategy": Strategy(a["strategy"])}) for a in raw["arms"]),
        metric=metric_named(raw["metric"]),
        stop_p_best=raw["stop_p_best"],
        stop_regret=raw["stop_regret"],
        seed=raw["seed"],
        features_share=raw.get("features_share", 1.0),  # plans kept before there were such
        extent=Extent(**raw.get("extent", {})),
        from_scratch=tuple(raw.get("from_scratch", ())),
    )
    return Prepared(
        plan=plan,
        entries=tuple(entries[name] for name in plan.names),
        sample=Sample(
            n_train=raw["n_train"], n_validation=raw["n_validation"], n_features=raw.get("n_features")
        ),
        epochs=raw["epochs"],
        max_length=raw["max_length"],
        n_threads=raw["n_threads"],
        precision=raw.get("precision", SINGLE),
        n_devices=raw.get("n_devices", 1),
    )
