"""Learns the variances of levels from figures: `python -m app.fitting.levels`.

They maximise the density of the level of every column that models were trained on, all columns of its data
set hidden (in closed form; Rasmussen and Williams, 2006, section 5.4.2, for groups). Gradients are scipy's
differences: there are a dozen variances.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from app.fitting.prior import shipped_table
from app.ranking.columns import Column, ColumnTable, is_target
from app.ranking.fitted import load_hyperparameters
from app.ranking.levels import LIKENESS, LevelVariances, level_features
from app.ranking.prior import fit_prior

Array = NDArray[np.float64]
MIN_VARIANCE = 1e-3
STEPS = 40
TARGET_PATH = Path(__file__).parents[1] / "ranking" / "fitted" / "levels.json"


def learn_variances(columns: Sequence[Column], levels: Array, start: LevelVariances) -> LevelVariances:
    """The variances under which levels of hidden data sets are likeliest.

    Args:
        columns: Length K.
        levels: Of the columns, comparable scale, shape (K,).
        start: Where to begin.
    """
    table = ColumnTable(columns)
    features = np.array([level_features(c) for c in columns])
    parts = np.concatenate([table.similarity(table), [features @ features.T], [np.eye(len(columns))]])
    names = np.array([c.dataset for c in columns])
    groups = [np.flatnonzero(names == n) for n in np.unique(names[[is_target(c) for c in columns]])]
    centred = levels - levels.mean()

    def loss(logs: Array) -> float:
        inverse = np.linalg.inv(np.tensordot(np.exp(logs), parts, axes=1))
        pulled, total = inverse @ centred, 0.0
        for group in groups:
            block = inverse[np.ix_(group, group)]
            error = np.linalg.solve(block, pulled[group])
            deviation = np.sqrt(np.diag(np.linalg.inv(block)))
            total += float(np.mean(np.log(deviation) + 0.5 * (error / deviation) ** 2))
        return total / len(groups)

    bounds = [(np.log(MIN_VARIANCE), np.log(10.0))] * len(LIKENESS)
    found = minimize(loss, np.log(start.values), method="L-BFGS-B", bounds=bounds, options={"maxiter": STEPS})
    return LevelVariances(values=np.exp(found.x))


def main() -> int:
    """Fit to the shipped figures and write the result where the service reads it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TARGET_PATH)
    arguments = parser.parse_args()
    prior = fit_prior(shipped_table(), load_hyperparameters())
    start = LevelVariances(values=np.full(len(LIKENESS), 0.1))
    learnt = learn_variances(prior.table.columns.columns, prior.levels, start)
    document: dict[str, object] = {
        name: round(float(v), 5) for name, v in zip(LIKENESS, learnt.values, strict=True)
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:8]
    arguments.out.write_text(json.dumps({"version": digest, **document}, indent=1) + "\n", encoding="utf-8")
    for name, variance in document.items():
        sys.stdout.write(f"{name:15s} {variance}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
