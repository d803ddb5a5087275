"""Learns the variances of the prior from figures: `python -m app.fitting.prior`.

Notation as in `app.ranking.prior`. With levels and spreads fixed, the scores of each family are Gaussian with
covariance V_f + H_f (t I) H_f'; all variances are found by maximising their likelihood (type-II maximum
likelihood; Rasmussen and Williams, 2006, section 5.4), with gradients by torch. Levels and spreads follow
from the new variances, and both are alternated. The coefficients beta are integrated out by the
matrix determinant and inversion lemmas, so that they do not overfit.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from app.ranking.columns import COMPONENTS
from app.ranking.fitted import load_hyperparameters
from app.ranking.prior import Hyperparameters, family_cells, fit_prior, initial_levels
from app.ranking.table import NumberedFigure, ScoreTable, build_table
from app.ranking.traits import traits
from benchmarks.figures import Benchmark, Figure
from benchmarks.seed import load_shipped
from models_registry.catalogue import load_catalogue
from models_registry.entry import ModelEntry

Array = NDArray[np.float64]
MIN_VARIANCE = 1e-4
"""Keeps every component alive: a variance of 0 could never come back."""
OUTER_ROUNDS = 2
INNER_STEPS = 25
TARGET_PATH = Path(__file__).parents[1] / "ranking" / "fitted" / "prior.json"


@dataclass(frozen=True, slots=True)
class _Block:
    """One family as tensors: standard scores, traits, squared errors, and who and what each cell is."""

    z: torch.Tensor
    rows: torch.Tensor
    errors: torch.Tensor
    columns: torch.Tensor
    same_model: torch.Tensor


def learn_hyperparameters(table: ScoreTable, start: Hyperparameters) -> tuple[Hyperparameters, float]:
    """The variances that make these figures likeliest, and the log likelihood a cell.

    Args:
        table: Observed cells.
        start: Where to begin.
    """
    torch.set_default_dtype(torch.float64)
    similarity = torch.from_numpy(table.columns.similarity(table.columns))
    rows = traits([table.entries[m] for m in table.model], [table.columns.columns[c] for c in table.column])
    hyper, likelihood = start, float("-inf")
    for _ in range(OUTER_ROUNDS):
        prior = fit_prior(table, hyper)
        blocks = _blocks(table, prior.standard, rows, initial_levels(table)[1])
        hyper, likelihood = _maximise(blocks, similarity, hyper)
    return hyper, likelihood


def _blocks(table: ScoreTable, z: Array, rows: Array, spreads: Array) -> list[_Block]:
    blocks = []
    errors = np.square(table.errors / spreads[table.column])
    for cells in family_cells(table).values():
        model = table.model[cells]
        blocks.append(
            _Block(
                torch.from_numpy(z[cells]),
                torch.from_numpy(rows[cells]),
                torch.from_numpy(errors[cells]),
                torch.from_numpy(table.column[cells]),
                torch.from_numpy((model[:, None] == model[None, :]).astype(np.float64)),
            )
        )
    return blocks


def _maximise(
    blocks: Sequence[_Block], similarity: torch.Tensor, start: Hyperparameters
) -> tuple[Hyperparameters, float]:
    first = np.concatenate([start.family, start.own, [start.noise, start.trait_variance]])
    logs = torch.tensor(np.log(np.maximum(first, MIN_VARIANCE)), requires_grad=True)
    optimiser = torch.optim.LBFGS([logs], max_iter=INNER_STEPS, line_search_fn="strong_wolfe")
    n_cells = sum(len(b.z) for b in blocks)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        # A weak half-normal prior on every variance keeps components that the data say nothing about near 0.
        loss = -_log_likelihood(blocks, similarity, logs) / n_cells + 1e-3 * torch.exp(logs).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    final = float(_log_likelihood(blocks, similarity, logs).detach()) / n_cells
    values = np.maximum(np.exp(logs.detach().numpy()), MIN_VARIANCE)
    n = len(COMPONENTS)
    learnt = Hyperparameters(
        family=values[:n],
        own=values[n : 2 * n],
        noise=float(values[2 * n]),
        trait_variance=float(values[2 * n + 1]),
        version=start.version,
    )
    return learnt, final


def _log_likelihood(blocks: Sequence[_Block], similarity: torch.Tensor, logs: torch.Tensor) -> torch.Tensor:
    """Log density of all scores with beta integrated out."""
    n = len(COMPONENTS)
    variances = torch.exp(logs) + MIN_VARIANCE / 10
    shared = torch.tensordot(variances[:n], similarity, dims=1)
    own = torch.tensordot(variances[n : 2 * n], similarity, dims=1)
    noise, trait_variance = variances[2 * n], variances[2 * n + 1]
    n_traits = blocks[0].rows.shape[1]
    precision = torch.eye(n_traits) / trait_variance
    moment = torch.zeros(n_traits)
    total = torch.zeros(())
    for block in blocks:
        grid = torch.meshgrid(block.columns, block.columns, indexing="ij")
        covariance = shared[grid] + own[grid] * block.same_model + torch.diag(noise + block.errors)
        factor = torch.linalg.cholesky(covariance)
        white = torch.linalg.solve_triangular(
            factor, torch.cat([block.z[:, None], block.rows], dim=1), upper=False
        )
        z, rows = white[:, 0], white[:, 1:]
        total = total - torch.log(torch.diagonal(factor)).sum() - 0.5 * (z @ z)
        precision = precision + rows.T @ rows
        moment = moment + rows.T @ z
    factor = torch.linalg.cholesky(precision)
    white_moment = torch.linalg.solve_triangular(factor, moment[:, None], upper=False)[:, 0]
    total = total - torch.log(torch.diagonal(factor)).sum() + 0.5 * (white_moment @ white_moment)
    result: torch.Tensor = total - 0.5 * n_traits * torch.log(trait_variance)
    return result


def shipped_table(exclude_suites: frozenset[str] = frozenset()) -> ScoreTable:
    """The table of all shipped figures, some suites left out."""
    shipped = load_shipped()
    benchmarks: Mapping[str, Benchmark] = {
        b.name: b for b in shipped.benchmarks if b.suite not in exclude_suites
    }
    figures: Sequence[Figure] = shipped.figures
    entries: dict[str, ModelEntry] = {e.key: e for e in load_catalogue().entries}
    return build_table([NumberedFigure(id=i, figure=f) for i, f in enumerate(figures)], benchmarks, entries)


def save(hyper: Hyperparameters, path: Path) -> None:
    """Write the variances as JSON, with a version that is their hash."""
    document: dict[str, object] = {
        "components": list(COMPONENTS),
        "family": [round(float(v), 6) for v in hyper.family],
        "own": [round(float(v), 6) for v in hyper.own],
        "noise": round(hyper.noise, 6),
        "trait_variance": round(hyper.trait_variance, 6),
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:12]
    path.write_text(json.dumps({"version": digest, **document}, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Fit to the shipped figures and write the result where the service reads it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=TARGET_PATH)
    arguments = parser.parse_args()
    table = shipped_table()
    hyper, likelihood = learn_hyperparameters(table, load_hyperparameters())
    save(hyper, arguments.out)
    out = sys.stdout
    out.write(f"{len(table)} cells, {len(table.models)} models, {len(table.columns)} columns\n")
    out.write(f"log likelihood a cell {likelihood:.4f}\n")
    for name, family, own in zip(COMPONENTS, hyper.family, hyper.own, strict=True):
        out.write(f"{name:15s} family {family:.4f}  own {own:.4f}\n")
    out.write(f"noise {hyper.noise:.4f}, traits {hyper.trait_variance:.4f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
