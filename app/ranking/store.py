"""A fit on disk: arrays that are memory-mapped, and one JSON document. Written once, read by many."""

import mmap
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from app.ranking.calibration import Calibration
from app.ranking.coded import Coded
from app.ranking.columns import Column, ColumnTable
from app.ranking.described import Described
from app.ranking.families import StoredFamilies
from app.ranking.figure_arrays import CODED, FigureArrays
from app.ranking.levels import LevelModel, LevelVariances
from app.ranking.prior import Hyperparameters, Prior
from app.ranking.table import ScoreTable
from benchmarks.figures import Protocol
from models_registry.entry import Architecture
from models_registry.packed import Packed
from models_registry.vocabulary import Domain, Modality, TaskType

FORMAT = 3
DOCUMENT = "fit.json"
SELDOM = ("trait_rows", "family_weights", "family_known", "described", *(f"figure_{name}" for name in CODED))
"""Arrays of which a new belief looks at a few rows; the system maps sixteen pages around each."""
Arrays = dict[str, NDArray[Any]]


def save_fit(prior: Prior, calibration: Calibration, folder: Path) -> None:
    """Write a fit; a folder of that name appears whole or not at all, and one that is there stays."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(mkdtemp(dir=folder.parent, prefix=".writing-"))
    try:
        for name, values in _arrays(prior, calibration).items():
            np.save(scratch / f"{name}.npy", values)
        (scratch / DOCUMENT).write_bytes(orjson.dumps(_document(prior, calibration)))
        if not (folder / DOCUMENT).exists():
            scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def load_fit(folder: Path) -> tuple[Prior, Calibration] | None:
    """A fit that was written there; None where there is none of this format."""
    path = folder / DOCUMENT
    if not path.exists():
        return None
    document = orjson.loads(path.read_bytes())
    if document["format"] != FORMAT:
        return None
    # As plain arrays, which are mapped all the same: indexing a `memmap` costs three times as much.
    mapped = {p.stem: np.load(p, mmap_mode="r") for p in folder.glob("*.npy")}
    arrays: Arrays = {name: np.asarray(values) for name, values in mapped.items()}
    prior = replace(_prior(document, arrays), release=partial(_release, [mapped[name] for name in SELDOM]))
    return prior, Calibration(
        table=ColumnTable([prior.table.columns.columns[int(c)] for c in arrays["calibrated"]]),
        numbers=arrays["calibrated"],
        centre=document["calibration_centre"],
        weights=arrays["calibration_weights"],
        variances=arrays["calibration_variances"],
    )


def _release(mapped: Sequence[np.memmap[Any, Any]]) -> None:
    """Give the pages of these files back; the system still has them, and maps them again when needed."""
    for values in mapped:
        if isinstance(values.base, mmap.mmap):
            values.base.madvise(mmap.MADV_DONTNEED)


def _arrays(prior: Prior, calibration: Calibration) -> Arrays:
    table, figures = prior.table, prior.table.figures
    families = list(prior.families.values())
    described = Packed.of((orjson.dumps(_described_document(d)) for d in table.described), _described)
    number = {name: i for i, name in enumerate(prior.families)}
    return {
        "described": described.data,
        "described_ends": described.ends,
        "model_family": np.array([number[d.family] for d in table.described], dtype=np.int32),
        "model": table.model.astype(np.int32),
        "column": table.column.astype(np.int32),
        "scores": table.scores,
        "errors": table.errors.astype(np.float32),
        "first": table.first,
        "figure_ids": figures.ids,
        "figure_values": figures.values,
        "figure_errors": figures.std_errors,
        "figure_days": figures.days,
        **{f"figure_{name}": figures.codes[name] for name in CODED},
        "spreads": prior.spreads,
        "levels": prior.levels,
        "standard": prior.standard.astype(np.float32),
        "trait_rows": prior.trait_rows.astype(np.float32),
        "noise": prior.noise,
        "beta": prior.beta,
        "beta_covariance": prior.beta_covariance,
        "alpha": prior.alpha,
        "shared": prior.shared,
        "own": prior.own,
        "level_centre": prior.level_model.centre,
        "level_inverse": prior.level_model.inverse,
        "level_weights": prior.level_model.weights,
        "family_columns": _joined([f.columns for f in families], np.int32),
        "family_known": _joined([f.known.ravel() for f in families], np.float64),
        "family_weights": _joined([w.ravel() for w in prior.weights.values()], np.float32),
        "calibrated": calibration.numbers,
        "calibration_weights": calibration.weights,
        "calibration_variances": calibration.variances,
    }


def _joined(parts: Sequence[NDArray[Any]], dtype: type) -> NDArray[Any]:
    return np.concatenate([*parts, np.empty(0)]).astype(dtype)


def _document(prior: Prior, calibration: Calibration) -> dict[str, Any]:
    hyper = prior.hyper
    return {
        "format": FORMAT,
        "models": list(prior.table.models),
        "figures_digest": prior.table.figures.digest(),
        "columns": [{**asdict(c), "languages": sorted(c.languages)} for c in prior.table.columns.columns],
        "words": {name: list(words) for name, words in prior.table.figures.words.items()},
        "families": {name: len(family.columns) for name, family in prior.families.items()},
        "level_inflation": prior.level_model.inflation,
        "between_protocols": prior.level_model.between_protocols,
        "calibration_centre": calibration.centre,
        "hyper": {
            "family": hyper.family.tolist(),
            "own": hyper.own.tolist(),
            "noise": hyper.noise,
            "trait_variance": hyper.trait_variance,
            "levels": hyper.levels.values.tolist(),
            "version": hyper.version,
        },
    }


def _described_document(model: Described) -> list[Any]:
    return [
        model.name,
        model.family,
        model.architecture,
        model.n_parameters,
        model.year,
        sorted(model.languages),
        sorted(model.domains),
        model.fine_tuned_on,
    ]


def _described(document: bytes) -> Described:
    row = orjson.loads(document)
    name, family, architecture, n_parameters, year, languages, domains, fine_tuned_on = row
    return Described(
        name=name,
        family=family,
        architecture=Architecture(architecture) if architecture else None,
        n_parameters=n_parameters,
        year=year,
        languages=frozenset(languages),
        domains=frozenset(Domain(d) for d in domains),
        fine_tuned_on=tuple(fine_tuned_on),
    )


def _column(row: dict[str, Any]) -> Column:
    return Column(
        **{
            **row,
            "task_type": TaskType(row["task_type"]),
            "modality": Modality(row["modality"]),
            "languages": frozenset(row["languages"]),
            "domain": Domain(row["domain"]),
            "protocol": Protocol(row["protocol"]),
        }
    )


def _prior(document: dict[str, Any], arrays: Arrays) -> Prior:
    table = _table(document, arrays)
    hyper = _hyperparameters(document["hyper"])
    families, weights = _families(document["families"], table, arrays)
    return Prior(
        table=table,
        hyper=hyper,
        spreads=arrays["spreads"],
        levels=arrays["levels"],
        level_model=LevelModel(
            columns=table.columns,
            variances=hyper.levels,
            centre=arrays["level_centre"],
            inverse=arrays["level_inverse"],
            weights=arrays["level_weights"],
            inflation=document["level_inflation"],
            between_protocols=document["between_protocols"],
        ),
        standard=arrays["standard"],
        trait_rows=arrays["trait_rows"],
        noise=arrays["noise"],
        beta=arrays["beta"],
        beta_covariance=arrays["beta_covariance"],
        alpha=arrays["alpha"],
        families=families,
        weights=weights,
        shared=arrays["shared"],
        own=arrays["own"],
    )


def _table(document: dict[str, Any], arrays: Arrays) -> ScoreTable:
    return ScoreTable(
        models=document["models"],
        described=Packed(arrays["described"], arrays["described_ends"], _described),
        known_families=Coded(tuple(document["families"]), arrays["model_family"].astype(np.intp)),
        columns=ColumnTable([_column(row) for row in document["columns"]]),
        model=arrays["model"],
        column=arrays["column"],
        scores=arrays["scores"],
        errors=arrays["errors"],
        first=arrays["first"],
        figures=FigureArrays(
            ids=arrays["figure_ids"],
            values=arrays["figure_values"],
            std_errors=arrays["figure_errors"],
            days=arrays["figure_days"],
            codes={name: arrays[f"figure_{name}"] for name in CODED},
            words=document["words"],
            known_digest=document["figures_digest"],
        ),
    )


def _hyperparameters(stored: dict[str, Any]) -> Hyperparameters:
    return Hyperparameters(
        family=np.array(stored["family"]),
        own=np.array(stored["own"]),
        noise=stored["noise"],
        trait_variance=stored["trait_variance"],
        levels=LevelVariances(values=np.array(stored["levels"])),
        version=stored["version"],
    )


def _families(
    n_columns: dict[str, int], table: ScoreTable, arrays: Arrays
) -> tuple[StoredFamilies, dict[str, NDArray[Any]]]:
    """Families, and their weights, unfolded when they are looked at.

    Args:
        n_columns: Of every family, by name, in the order that they are stored in.
        table: The cells.
        arrays: As stored.
    """
    sizes, n_weights = list(n_columns.values()), 1 + arrays["trait_rows"].shape[1]
    codes = table.families.codes
    known = _split(arrays["family_known"], [n * n for n in sizes])
    weights = _split(arrays["family_weights"], [n * n_weights for n in sizes])
    families = StoredFamilies(
        {name: i for i, name in enumerate(n_columns)},
        _split(arrays["family_columns"], sizes),
        [k.reshape(n, n) for k, n in zip(known, sizes, strict=True)],
        _split(np.argsort(codes, kind="stable"), np.bincount(codes, minlength=len(sizes)).tolist()),
        table.starts,
        (arrays["column"], arrays["noise"]),
        arrays["own"],
    )
    return families, {name: w.reshape(-1, n_weights) for name, w in zip(n_columns, weights, strict=True)}


def _split(flat: NDArray[Any], sizes: Sequence[int]) -> list[NDArray[Any]]:
    return np.split(flat, np.cumsum(sizes)[:-1]) if sizes else []
