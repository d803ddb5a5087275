"""Learns what a partly trained arm says about its end: `python -m app.fitting.curves`.

Notation:
    n          recorded curves, from k data sets
    u          score as a share of the metric's range
    d          y_1 - y_f of one curve, comparable scale
    e          sampling variance of d
    g, s2      mean and variance of the remaining gain at f, as in `app.ranking.curves`
    L          doublings of the training that are left at f, log2(1 / f)

Both scores of a curve are of the same validation examples, so most of their sampling error cancels in d. Of m
examples at least a share |u_1 - u_f| changed from wrong to right or back, so a difference of accuracies has
a sampling variance of at least (|u_1 - u_f| - (u_1 - u_f)^2) / m (McNemar 1947), which is a share
(|u_1 - u_f| - (u_1 - u_f)^2) / (2 u (1 - u)) of that of two unrelated samples. This share of the recorded
errors is e, and is taken out of s2: a scheduler adds the error of its own scores. What the predictions do
more than that stays in s2, which errs on the wide side.

With few curves both are shrunk. The mean gain has a prior worth one curve that gains nothing. The variance
has a prior worth `PRIOR_CURVES` curves at c L, c being the variance a doubling over all curves and fractions
(independent increments). The mean's own uncertainty, 1 / k since curves of one data set resemble each
other, is added, so that s2 predicts a new data set. A remaining gain can only become more certain, so s2
falls with f; pools of neighbours see to that.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.fitting.recording import TARGET_PATH as RECORDED_PATH
from app.fitting.recording import CurvePoint, read_points
from app.probes.scheduler import SLICE_FRACTIONS
from app.ranking.curves import CurveCalibration
from benchmarks.metrics import METRICS
from models_registry.vocabulary import Strategy

Array = NDArray[np.float64]

PRIOR_CURVES = 3.0
"""Curves that the prior of the variance is worth: a tenth of what is recorded."""
MIN_VARIANCE = 1e-4
"""A hundredth on the comparable scale: no recorded score resolves less."""
Z_80 = 1.2815515655446004
"""Half the width of a Gaussian's central 80 %, in standard deviations."""
DIGITS = 6
TARGET_PATH = Path(__file__).parents[1] / "ranking" / "fitted" / "curves.json"


class TooFewCurvesError(Exception):
    """Not enough is recorded to learn from.

    Attributes:
        n_curves: Whole curves found.
    """

    def __init__(self, n_curves: int) -> None:
        self.n_curves = n_curves
        super().__init__(f"{n_curves} whole curves are too few")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Curve:
    """One fine-tune, evaluated at every slice's end.

    Attributes:
        dataset: Its data set.
        model: Its model.
        gains: d at `SLICE_FRACTIONS`, shape (4,); the last is 0.
        noise: e at these, shape (4,).
        errors: Sampling variance of y_f itself, shape (4,).
    """

    dataset: str
    model: str
    gains: Array
    noise: Array
    errors: Array


def read_curves(points: Sequence[CurvePoint]) -> list[Curve]:
    """The fine-tunes that were recorded to their end, in the order of data set, model, seed and size."""
    slices: dict[tuple[str, str, int, int], dict[int, CurvePoint]] = {}
    for point in points:
        if point.strategy == Strategy.FULL.value:
            key = (point.dataset, point.model, point.seed, point.n_train)
            slices.setdefault(key, {})[point.step] = point
    found = []
    for _, by_step in sorted(slices.items()):
        total = max(p.total_steps for p in by_step.values())
        ends = [max(1, round(f * total)) for f in SLICE_FRACTIONS]
        if all(end in by_step for end in ends):
            found.append(_curve([by_step[end] for end in ends]))
    return found


def _curve(points: Sequence[CurvePoint]) -> Curve:
    metric = METRICS[points[0].metric_name]
    values = np.array([p.metric for p in points])
    y = metric.to_comparable(values)
    errors = (np.array([p.std_error for p in points]) / metric.slope(y)) ** 2
    share = (values - metric.low) / (metric.high - metric.low)
    change, middle = np.abs(share[-1] - share), 0.5 * (share[-1] + share)
    unrelated = np.maximum(2.0 * middle * (1.0 - middle), 1e-12)
    cancelled = np.clip((change - change**2) / unrelated, 0.0, 1.0)
    return Curve(
        dataset=points[0].dataset,
        model=points[0].model,
        gains=y[-1] - y,
        noise=cancelled * (errors[-1] + errors),
        errors=errors,
    )


def fit_curves(curves: Sequence[Curve]) -> CurveCalibration:
    """The calibration that these curves suggest.

    Raises:
        TooFewCurvesError: Fewer than two data sets.
    """
    n_datasets = len({curve.dataset for curve in curves})
    if n_datasets < 2:
        raise TooFewCurvesError(len(curves))
    n, doublings = len(curves), -np.log2(np.array(SLICE_FRACTIONS))
    gains = np.stack([c.gains for c in curves])
    noise = np.stack([c.noise for c in curves]).mean(axis=0)
    mean = gains.sum(axis=0) / (n + 1.0)
    raw = np.square(gains - mean).sum(axis=0) / (n - 1.0) - noise
    a_doubling = float(raw.sum() / doublings.sum())
    shrunk = (n * raw + PRIOR_CURVES * a_doubling * doublings) / (n + PRIOR_CURVES)
    variance = _falling(np.maximum(shrunk, MIN_VARIANCE)) * (1.0 + 1.0 / n_datasets)
    variance[-1] = 0.0
    return CurveCalibration(
        fractions=np.array(SLICE_FRACTIONS),
        gains=np.round(mean, DIGITS),
        variances=np.round(variance, DIGITS),
        version="",
    )


def _falling(values: Array) -> Array:
    """The closest values that never rise (pool adjacent violators, equal weights)."""
    pools: list[list[float]] = []
    for value in values:
        pools.append([float(value)])
        while len(pools) > 1 and np.mean(pools[-2]) < np.mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    return np.array([np.mean(pool) for pool in pools for _ in pool])


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How often 80 % intervals held the final score of a data set that was left out.

    Attributes:
        fraction: Share of the steps done.
        extrapolation: Of intervals by s2 and e: what the curves are.
        scheduler: Of intervals by s2 and the score's own error, as a scheduler forms them.
        bias: Mean of what was found less what was foretold, comparable scale.
    """

    fraction: float
    extrapolation: float
    scheduler: float
    bias: float


def check_coverage(curves: Sequence[Curve]) -> list[Coverage]:
    """Coverage with each data set left out of its own calibration."""
    misses, paired, own = [], [], []
    for dataset in sorted({curve.dataset for curve in curves}):
        fitted = fit_curves([c for c in curves if c.dataset != dataset])
        for curve in (c for c in curves if c.dataset == dataset):
            misses.append(curve.gains - fitted.gains)
            paired.append(fitted.variances + curve.noise)
            own.append(fitted.variances + curve.errors)
    miss = np.stack(misses)
    return [
        Coverage(
            fraction=fraction,
            extrapolation=float(np.mean(np.abs(miss[:, i]) <= Z_80 * np.sqrt(np.stack(paired)[:, i]))),
            scheduler=float(np.mean(np.abs(miss[:, i]) <= Z_80 * np.sqrt(np.stack(own)[:, i]))),
            bias=float(miss[:, i].mean()),
        )
        for i, fraction in enumerate(SLICE_FRACTIONS[:-1])
    ]


def render(calibration: CurveCalibration) -> str:
    """The calibration as JSON, with a version that is its hash."""
    document: Mapping[str, list[float]] = {
        "fractions": calibration.fractions.tolist(),
        "gains": calibration.gains.tolist(),
        "variances": calibration.variances.tolist(),
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:12]
    return json.dumps({"version": digest, **document}, indent=1) + "\n"


def main() -> int:
    """Fit to the recorded fine-tunes and write the result where the service reads it."""
    parser = argparse.ArgumentParser(description="Learn what a partly trained arm says about its end.")
    parser.add_argument("--recorded", type=Path, default=RECORDED_PATH)
    parser.add_argument("--out", type=Path, default=TARGET_PATH)
    arguments = parser.parse_args()
    curves = read_curves(read_points(arguments.recorded))
    fitted = fit_curves(curves)
    arguments.out.write_text(render(fitted), encoding="utf-8")
    out = sys.stdout
    out.write(f"{len(curves)} curves of {len({c.dataset for c in curves})} data sets\n")
    for fraction, gain, variance in zip(fitted.fractions, fitted.gains, fitted.variances, strict=True):
        out.write(f"f {fraction:5.3f}  gain {gain:+.4f}  deviation {np.sqrt(variance):.4f}\n")
    for model in sorted({c.model for c in curves}):
        gains = np.stack([c.gains for c in curves if c.model == model])
        out.write(f"{model:44s} {len(gains):2d}  mean gain {np.round(gains.mean(axis=0), 3).tolist()}\n")
    for held in check_coverage(curves):
        out.write(
            f"left out, f {held.fraction:5.3f}: 80 % intervals hold {held.extrapolation:.0%}, with the "
            f"score's own error {held.scheduler:.0%}; bias {held.bias:+.3f}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
