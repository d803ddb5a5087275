"""Learns the variances of the prior from figures: `python -m app.fitting.prior`.

Notation as in `app.ranking.prior`; a block is a few members of one family with all their cells:
    V       covariance of the block's cells, noise included
    P       V^-1
    r       z less shifts and traits
    b       the block's cells on one data set, under any protocol

What counts is how well models are ordered on a data set that nobody has figures on. Given the rest of the
block, the cells on b are expected at r_b - P_bb^-1 (P r)_b, in closed form (Rasmussen and Williams, 2006,
section 5.4.2, for groups instead of single cells). The variances maximise the correlation of what is expected
so with what was measured, over the models of a column, the better models weighing more; every column of a
suite and every suite counts the same. Once the data set is hidden and once all of its suite, since a user's
task belongs to no suite. A correlation does not care how far columns and suites differ in noise,
which a likelihood takes for the main thing. It fixes ratios of variances only: what intervals are worth is
learnt in `app.ranking.calibration`. Gradients are torch's. Shifts and traits follow from the variances, and
both are alternated.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from app.ranking.columns import COMPONENTS, is_target
from app.ranking.described import describe
from app.ranking.fitted import load_hyperparameters
from app.ranking.prior import MAX_ERROR, Hyperparameters, Prior, family_members, fit_prior
from app.ranking.table import NumberedFigure, ScoreTable, build_table
from benchmarks.facts import load_model_facts
from benchmarks.figures import Benchmark, Figure
from benchmarks.seed import load_shipped
from models_registry.catalogue import load_catalogue

Array = NDArray[np.float64]
Index = NDArray[np.intp]
LOG_BOUNDS = (-9.0, 2.0)
"""Of logarithms of variances: a variance of 0 could never come back, and a large one says no more than 7."""
MAX_MEMBERS = 5
"""Members of a family in one block: enough to tell what a family shares."""
MAX_MEMBER_CELLS = 40
MAX_BLOCKS_OF_A_SUITE = 60
MIN_CELLS = 8
OUTER_ROUNDS = 2
INNER_STEPS = 25
SHRINKAGE = 1e-2
"""Weight of the squared distance, in logarithms, from where the search began: holds what they leave open, and
keeps a suite with many columns from bending all variances to itself."""
START = {
    "general": (0.15, 0.4),
    "task group": (0.05, 0.08),
    "task type": (0.05, 0.05),
    "language": (0.3, 0.2),
    "domain": (0.05, 0.08),
    "backbone": (0.1, 0.1),
    "protocol": (0.05, 0.05),
    "training size": (0.02, 0.03),
    "name": (0.03, 0.1),
    "suite": (0.3, 0.3),
    "data set": (0.02, 0.05),
}
"""Where the search begins: variances of a family's and of a model's own deviation, about 1 each in all.
Chosen on hidden suites that are not reported."""
START_NOISE = 0.15
TARGET_PATH = Path(__file__).parents[1] / "ranking" / "fitted" / "prior.json"


@dataclass(frozen=True, slots=True)
class _Block:
    """Some members of one family as tensors.

    Attributes:
        residual: r, shape (n,).
        errors: Squared published standard errors, standard units, shape (n,).
        similarity: What each variance multiplies in V but for the noise, shape (2 P, n, n).
        single: Cells that are alone on their data set, shape (k,).
        groups: Cells of every other data set, and then those of every suite.
        n_datasets: How many of the groups are data sets.
    """

    residual: torch.Tensor
    errors: torch.Tensor
    similarity: torch.Tensor
    single: torch.Tensor
    groups: Sequence[torch.Tensor]
    n_datasets: int


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns on which expected and measured scores are compared.

    Attributes:
        places: Where each compared cell stands among all predicted cells, by column.
        measured: z of these cells, by column.
        expected: Their part that does not depend on the variances, by column.
        weights: Of the cells, summing to the column's weight, by column.
    """

    places: Sequence[torch.Tensor]
    measured: Sequence[torch.Tensor]
    expected: Sequence[torch.Tensor]
    weights: Sequence[torch.Tensor]


def starting_point() -> Hyperparameters:
    """Variances that no figure was looked at for."""
    return replace(
        load_hyperparameters(),
        family=np.array([START[name][0] for name in COMPONENTS]),
        own=np.array([START[name][1] for name in COMPONENTS]),
        noise=START_NOISE,
    )


def learn_hyperparameters(
    table: ScoreTable, start: Hyperparameters, *, seed: int = 0
) -> tuple[Hyperparameters, float]:
    """The variances that order models best on hidden data sets, and the mean correlation reached.

    Args:
        table: Observed cells.
        start: Where to begin.
        seed: Of the choice of blocks.
    """
    torch.set_default_dtype(torch.float64)
    similarity = table.columns.similarity(table.columns)
    chosen = _choose_blocks(table, np.random.default_rng(seed))
    hyper, correlation = start, float("-inf")
    for _ in range(OUTER_ROUNDS):
        prior = fit_prior(table, hyper)
        blocks = [_block(table, prior, similarity, cells) for cells in chosen]
        hyper, correlation = _maximise(blocks, _columns(table, prior, chosen, blocks), hyper)
    return hyper, correlation


def _choose_blocks(table: ScoreTable, rng: np.random.Generator) -> list[Index]:
    """Cells of each block: of every suite that trains on its targets some families, and a few members."""
    wanted: dict[int, str] = {}
    for cell in rng.permutation(len(table)):
        column = table.columns.columns[table.column[cell]]
        if is_target(column):
            wanted.setdefault(int(table.model[cell]), column.suite)
    blocks: dict[str, list[Index]] = {}
    for members in family_members(table).values():
        useful = [m for m, cells in members.items() if m in wanted and len(cells) > 1]
        order = rng.permutation(len(useful))
        for first in range(0, len(order), MAX_MEMBERS):
            picked = [useful[i] for i in order[first : first + MAX_MEMBERS]]
            cells = np.concatenate([_some(members[m], rng) for m in picked])
            blocks.setdefault(wanted[picked[0]], []).append(cells)
    return [
        found[i] for found in blocks.values() for i in rng.permutation(len(found))[:MAX_BLOCKS_OF_A_SUITE]
    ]


def _some(cells: Index, rng: np.random.Generator) -> Index:
    return np.sort(rng.permutation(cells)[:MAX_MEMBER_CELLS])


def _block(table: ScoreTable, prior: Prior, similarity: Array, cells: Index) -> _Block:
    model, column = table.model[cells], table.column[cells]
    dataset = np.array([table.columns.columns[c].dataset for c in column])
    hidden = [np.flatnonzero(dataset == n) for n in np.unique(dataset)]
    several = [torch.from_numpy(places) for places in hidden if len(places) > 1]
    suite = np.array([table.columns.columns[c].suite for c in column])
    whole = [np.flatnonzero(suite == n) for n in np.unique(suite)]
    errors = np.minimum(table.errors[cells] / prior.spreads[column], MAX_ERROR)
    alike = similarity[:, column[:, None], column[None, :]]
    return _Block(
        torch.from_numpy(prior.standard[cells] - prior.trait_rows[cells] @ prior.beta),
        torch.from_numpy(np.square(errors)),
        torch.from_numpy(np.concatenate([alike, alike * (model[:, None] == model[None, :])])),
        torch.tensor([places[0] for places in hidden if len(places) == 1], dtype=torch.long),
        [*several, *(torch.from_numpy(places) for places in whole if len(places) < len(cells))],
        len(several),
    )


def _columns(table: ScoreTable, prior: Prior, chosen: Sequence[Index], blocks: Sequence[_Block]) -> _Columns:
    """What is compared: all sampled cells of target columns, in the order of `_expected`."""
    order, by_suite = [], []
    for cells, block in zip(chosen, blocks, strict=True):
        datasets = torch.cat([block.single, *block.groups[: block.n_datasets]]).numpy()
        suites = torch.cat([block.single[:0], *block.groups[block.n_datasets :]]).numpy()
        order += [cells[datasets], cells[suites]]
        by_suite += [np.zeros(len(datasets), dtype=bool), np.ones(len(suites), dtype=bool)]
    cell, is_suite = np.concatenate(order), np.concatenate(by_suite)
    found: dict[tuple[str, bool], list[Index]] = {}
    for c in np.unique(table.column[cell]):
        if not is_target(table.columns.columns[c]):
            continue
        for hidden in (False, True):
            places = np.flatnonzero((table.column[cell] == c) & (is_suite == hidden))
            if len(places) >= MIN_CELLS:
                found.setdefault((table.columns.columns[c].suite, hidden), []).append(places)
    columns = [(places, 1.0 / len(f) / len(found)) for f in found.values() for places in f]
    traits = prior.trait_rows @ prior.beta
    return _Columns(
        [torch.from_numpy(places) for places, _ in columns],
        [torch.from_numpy(prior.standard[cell[places]]) for places, _ in columns],
        [torch.from_numpy(traits[cell[places]]) for places, _ in columns],
        [torch.from_numpy(share * _top_weights(prior.standard[cell[places]])) for places, share in columns],
    )


def _top_weights(scores: Array) -> Array:
    """Weights that fall with the rank, summing to 1, shape (n,)."""
    weights = 1.0 / (1.0 + 4.0 * (len(scores) - rankdata(scores)) / len(scores))
    return np.asarray(weights / weights.sum())


def _maximise(
    blocks: Sequence[_Block], columns: _Columns, start: Hyperparameters
) -> tuple[Hyperparameters, float]:
    first = np.concatenate([start.family, start.own, [start.noise]])
    logs = torch.tensor(np.log(np.maximum(first, 1e-3)), requires_grad=True)
    centre = logs.detach().clone()
    optimiser = torch.optim.LBFGS([logs], max_iter=INNER_STEPS, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = -_correlation(blocks, columns, logs) + SHRINKAGE * ((logs - centre) ** 2).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    final = float(_correlation(blocks, columns, logs).detach())
    values = np.exp(np.clip(logs.detach().numpy(), *LOG_BOUNDS))
    n = len(COMPONENTS)
    learnt = Hyperparameters(
        family=values[:n],
        own=values[n : 2 * n],
        noise=float(values[2 * n]),
        trait_variance=start.trait_variance,
        levels=start.levels,
        version=start.version,
    )
    return learnt, final


def _correlation(blocks: Sequence[_Block], columns: _Columns, logs: torch.Tensor) -> torch.Tensor:
    """Weighted correlation of expected and measured scores, averaged over columns."""
    variances = torch.exp(torch.clamp(logs, *LOG_BOUNDS))
    expected = torch.cat([_expected(block, variances) for block in blocks])
    total = torch.zeros(())
    for places, measured, traits, weights in zip(
        columns.places, columns.measured, columns.expected, columns.weights, strict=True
    ):
        share = weights.sum()
        w = weights / share
        x, y = expected[places] + traits, measured
        x, y = x - (w * x).sum(), y - (w * y).sum()
        total = total + share * (w * x * y).sum() / torch.sqrt((w * x * x).sum() * (w * y * y).sum() + 1e-12)
    return total


def _expected(block: _Block, variances: torch.Tensor) -> torch.Tensor:
    """Residuals of the block's cells as the cells on other data sets tell them, single ones first."""
    covariance = torch.tensordot(variances[:-1], block.similarity, dims=1)
    jitter = 1e-6 * variances.sum().detach()
    covariance = covariance + torch.diag(variances[-1] + jitter + block.errors)
    precision = torch.cholesky_inverse(torch.linalg.cholesky(covariance))
    pulled = precision @ block.residual
    single = pulled[block.single] / torch.diagonal(precision)[block.single]
    surprises = [single] + [torch.linalg.solve(precision[g][:, g], pulled[g]) for g in block.groups]
    places = torch.cat([block.single, *block.groups])
    return block.residual[places] - torch.cat(surprises)


def shipped_table(exclude_suites: Iterable[str] = ()) -> ScoreTable:
    """The table of all shipped figures, some suites left out."""
    shipped, left_out = load_shipped(), frozenset(exclude_suites)
    benchmarks: Mapping[str, Benchmark] = {b.name: b for b in shipped.benchmarks if b.suite not in left_out}
    figures: Sequence[Figure] = shipped.figures
    known = describe(load_catalogue().entries, load_model_facts())
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
    hyper, correlation = learn_hyperparameters(table, starting_point())
    save(hyper, arguments.out)
    out = sys.stdout
    out.write(f"{len(table)} cells, {len(table.models)} models, {len(table.columns)} columns\n")
    out.write(f"correlation on hidden data sets {correlation:.4f}\n")
    for name, family, own in zip(COMPONENTS, hyper.family, hyper.own, strict=True):
        out.write(f"{name:15s} family {family:.4f}  own {own:.4f}\n")
    out.write(f"noise {hyper.noise:.4f}, traits {hyper.trait_variance:.4f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
