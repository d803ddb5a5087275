"""Learns the variances of the prior from figures: `python -m app.fitting.prior`.

Notation as in `app.ranking.prior`; a block is a few members of one family with all their cells:
    V       covariance of the block's cells, noise included
    P       V^-1
    r       z less shifts and traits
    b       the block's cells on one benchmark, under any protocol

What counts is how well a benchmark is predicted that nobody has figures on, so the variances maximise the density
of every benchmark's cells given the rest of the block: r_b | rest ~ N(r_b - P_bb^-1 (P r)_b, P_bb^-1), in closed form
(leave-one-out predictive density; Rasmussen and Williams, 2006, section 5.4.2, for groups instead of single cells).
Every benchmark weighs the same. Gradients are torch's. Shifts and traits follow from the variances, and both are
alternated.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from app.ranking.columns import COMPONENTS
from app.ranking.described import Described
from app.ranking.fitted import load_hyperparameters
from app.ranking.prior import MAX_ERROR, Hyperparameters, Prior, family_members, fit_prior
from app.ranking.table import NumberedFigure, ScoreTable, build_table
from benchmarks.figures import Benchmark, Figure
from benchmarks.seed import load_shipped
from models_registry.catalogue import load_catalogue

Array = NDArray[np.float64]
Index = NDArray[np.intp]
MIN_VARIANCE = 1e-4
"""Keeps every component alive: a variance of 0 could never come back."""
MAX_MEMBERS = 5
"""Members of a family in one block: enough to tell what a family shares."""
MAX_MEMBER_CELLS = 40
MAX_BLOCKS = 400
OUTER_ROUNDS = 2
INNER_STEPS = 20
RIDGE = 1e-3
"""Weight of a half-normal prior on every variance: keeps those that the data say nothing about near 0."""
TARGET_PATH = Path(__file__).parents[1] / "ranking" / "fitted" / "prior.json"


@dataclass(frozen=True, slots=True)
class _Block:
    """Some members of one family as tensors.

    Attributes:
        residual: r, shape (n,).
        errors: Squared published standard errors, standard units, shape (n,).
        similarity: What each variance multiplies in V but for the noise, shape (2 P, n, n).
        single: Cells that are alone on their benchmark, shape (k,), and the weight of each.
        groups: Cells of every other benchmark, with the weight of each of them.
    """

    residual: torch.Tensor
    errors: torch.Tensor
    similarity: torch.Tensor
    single: tuple[torch.Tensor, torch.Tensor]
    groups: Sequence[tuple[torch.Tensor, float]]


def learn_hyperparameters(
    table: ScoreTable, start: Hyperparameters, *, seed: int = 0
) -> tuple[Hyperparameters, float]:
    """The variances under which hidden benchmarks are likeliest, and the mean log density of one cell.

    Args:
        table: Observed cells.
        start: Where to begin.
        seed: Of the choice of blocks.
    """
    torch.set_default_dtype(torch.float64)
    similarity = table.columns.similarity(table.columns)
    chosen = _choose_blocks(table, np.random.default_rng(seed))
    weights = _benchmark_weights(table, chosen)
    hyper, density = start, float("-inf")
    for _ in range(OUTER_ROUNDS):
        prior = fit_prior(table, hyper)
        blocks = [_block(table, prior, similarity, cells, weights) for cells in chosen]
        hyper, density = _maximise(blocks, hyper)
    return hyper, density


def _choose_blocks(table: ScoreTable, rng: np.random.Generator) -> list[Index]:
    """Cells of each block: of every family a few members, of every member a few cells."""
    blocks = []
    for members in family_members(table).values():
        useful = [cells for cells in members.values() if len(cells) > 1]
        order = rng.permutation(len(useful))
        for first in range(0, len(order), MAX_MEMBERS):
            picked = [useful[i] for i in order[first : first + MAX_MEMBERS]]
            blocks.append(np.concatenate([_some(cells, rng) for cells in picked]))
    # A large family must not outvote the others, nor small ones crowd it out.
    return [blocks[i] for i in rng.permutation(len(blocks))[:MAX_BLOCKS]]


def _some(cells: Index, rng: np.random.Generator) -> Index:
    return np.sort(rng.permutation(cells)[:MAX_MEMBER_CELLS])


def _benchmark_weights(table: ScoreTable, blocks: Sequence[Index]) -> dict[str, float]:
    """What one cell of each benchmark counts, so that all benchmarks count the same."""
    counts: dict[str, int] = {}
    for cell in np.concatenate(blocks):
        name = table.columns.columns[table.column[cell]].benchmark
        counts[name] = counts.get(name, 0) + 1
    return {name: 1.0 / count for name, count in counts.items()}


def _block(
    table: ScoreTable, prior: Prior, similarity: Array, cells: Index, weights: Mapping[str, float]
) -> _Block:
    model, column = table.model[cells], table.column[cells]
    benchmark = np.array([table.columns.columns[c].benchmark for c in column])
    names, counts = np.unique(benchmark, return_counts=True)
    hidden = {str(n): np.flatnonzero(benchmark == n) for n in names[counts < len(cells)]}
    single = [(places[0], weights[name]) for name, places in hidden.items() if len(places) == 1]
    errors = np.minimum(table.errors[cells] / prior.spreads[column], MAX_ERROR)
    alike = similarity[:, column[:, None], column[None, :]]
    return _Block(
        torch.from_numpy(prior.standard[cells] - prior.trait_rows[cells] @ prior.beta),
        torch.from_numpy(np.square(errors)),
        torch.from_numpy(np.concatenate([alike, alike * (model[:, None] == model[None, :])])),
        (torch.tensor([p for p, _ in single], dtype=torch.long), torch.tensor([w for _, w in single])),
        [(torch.from_numpy(p), weights[name]) for name, p in hidden.items() if len(p) > 1],
    )


def _maximise(blocks: Sequence[_Block], start: Hyperparameters) -> tuple[Hyperparameters, float]:
    first = np.concatenate([start.family, start.own, [start.noise]])
    logs = torch.tensor(np.log(np.maximum(first, 10 * MIN_VARIANCE)), requires_grad=True)
    optimiser = torch.optim.LBFGS([logs], max_iter=INNER_STEPS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = -_log_density(blocks, logs) + RIDGE * torch.exp(logs).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    final = float(_log_density(blocks, logs).detach())
    values = np.maximum(np.exp(logs.detach().numpy()), MIN_VARIANCE)
    n = len(COMPONENTS)
    learnt = Hyperparameters(
        family=values[:n],
        own=values[n : 2 * n],
        noise=float(values[2 * n]),
        trait_variance=start.trait_variance,
        version=start.version,
    )
    return learnt, final


def _log_density(blocks: Sequence[_Block], logs: torch.Tensor) -> torch.Tensor:
    """Weighted mean log density of a cell on a benchmark that is hidden from its block."""
    variances = torch.exp(logs) + MIN_VARIANCE / 10
    total, weight = torch.zeros(()), 0.0
    for block in blocks:
        covariance = torch.tensordot(variances[:-1], block.similarity, dims=1)
        covariance = covariance + torch.diag(variances[-1] + block.errors)
        precision = torch.cholesky_inverse(torch.linalg.cholesky(covariance))
        pulled = precision @ block.residual
        places, each = block.single
        alone = torch.diagonal(precision)[places]
        total = total + 0.5 * (each * (torch.log(alone) - pulled[places] ** 2 / alone)).sum()
        weight += float(each.sum())
        for group, share in block.groups:
            factor = torch.linalg.cholesky(precision[group][:, group])
            white = torch.linalg.solve_triangular(factor, pulled[group, None], upper=False)
            total = total + share * (torch.log(torch.diagonal(factor)).sum() - 0.5 * (white * white).sum())
            weight += share * len(group)
    return total / weight


def shipped_table(exclude_suites: Iterable[str] = ()) -> ScoreTable:
    """The table of all shipped figures, some suites left out."""
    shipped, left_out = load_shipped(), frozenset(exclude_suites)
    benchmarks: Mapping[str, Benchmark] = {b.name: b for b in shipped.benchmarks if b.suite not in left_out}
    figures: Sequence[Figure] = shipped.figures
    known = {e.key: Described.of(e) for e in load_catalogue().entries}
    return build_table([NumberedFigure(id=i, figure=f) for i, f in enumerate(figures)], benchmarks, known)


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
    hyper, density = learn_hyperparameters(table, load_hyperparameters())
    save(hyper, arguments.out)
    out = sys.stdout
    out.write(f"{len(table)} cells, {len(table.models)} models, {len(table.columns)} columns\n")
    out.write(f"log density of a cell on a hidden benchmark {density:.4f}\n")
    for name, family, own in zip(COMPONENTS, hyper.family, hyper.own, strict=True):
        out.write(f"{name:15s} family {family:.4f}  own {own:.4f}\n")
    out.write(f"noise {hyper.noise:.4f}, traits {hyper.trait_variance:.4f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
