"""What probes measured on the user's own data, as observations of the belief."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.ranking.evidence import EvidenceBase, TargetBelief, arm_of
from app.task_profile.profile import TaskProfile
from benchmarks.figures import Figure
from benchmarks.metrics import metric_named
from models_registry.vocabulary import Strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeObservation:
    """One probe figure on the user's data.

    Attributes:
        model: `hub:id`.
        strategy: How the model was adapted.
        figure: What came out.
        extrapolation_variance: Of the step from a short probe to the full fine-tune, comparable scale.
    """

    model: str
    strategy: Strategy
    figure: Figure
    extrapolation_variance: float = 0.0


def condition_on_probes(
    base: EvidenceBase, held: TargetBelief, profile: TaskProfile, probes: Sequence[ProbeObservation]
) -> TargetBelief:
    """The belief after these probes; figures in another metric than the task's are left out."""
    if not probes:
        return held
    position = {base.candidates.entries[m].key: i for m, i in held.position.items()}
    usable = [p for p in probes if p.model in position and p.figure.metric == profile.metric]
    if not usable:
        return held
    metric = metric_named(profile.metric)
    values, variances = metric.measured(
        [p.figure.value for p in usable], [p.figure.std_error or 0.0 for p in usable]
    )
    extra = np.array([p.extrapolation_variance for p in usable])
    arms = np.array([2 * position[p.model] + arm_of(p.strategy) for p in usable], dtype=np.intp)
    return TargetBelief(
        target=held.target,
        models=held.models,
        belief=held.belief.condition(arms, values, variances + extra),
        prediction=held.prediction,
        similarity=held.similarity,
        spread=held.spread,
        seed=held.seed,
    )
