"""A database made up in the shape of the real one: any number of models with some 36 figures each."""

import datetime as dt
import itertools
import random
from collections.abc import Iterator, Sequence

import numpy as np

from app.db import Database
from app.migrations import seed, upgrade
from benchmarks.figures import Benchmark, Figure, Protocol
from benchmarks.metrics import metric_named
from benchmarks.repository import FigureRepository
from models_registry.catalogue import load_catalogue
from models_registry.entry import ModelEntry
from models_registry.repository import ModelRepository

FAMILY_SIZE = 40
FAMILY_BENCHMARKS = 60
"""Benchmarks that some member of a family was measured on."""
FIGURES_A_MODEL = 36
SOURCE = "https://example.org/made-up"
AS_OF = dt.date(2024, 1, 1)
SEED = 0
PAGE = 1_000


def made_up_entries(n: int) -> list[ModelEntry]:
    """Variants of the shipped entries under names of their own, each a little larger or smaller."""
    rng = random.Random(SEED)
    entries = []
    for i, entry in zip(range(n), itertools.cycle(load_catalogue().entries)):
        scale = rng.uniform(0.5, 2.0)
        changes = {
            "id": f"{entry.id.rsplit('/', 1)[0]}/{entry.id.rsplit('/', 1)[-1]}-{i}",
            "family": f"{entry.modality.value}-{i // FAMILY_SIZE}",
            "n_parameters": int(entry.n_parameters * scale) + entry.n_embedding_parameters,
            "forward_flops": entry.forward_flops * scale,
            "aliases": (),
            "derived_from": None,
        }
        entries.append(ModelEntry.model_validate_json(entry.model_copy(update=changes).model_dump_json()))
    return entries


def made_up_figures(entries: Sequence[ModelEntry], benchmarks: Sequence[Benchmark]) -> Iterator[Figure]:
    """Scores with a part of the model, one of the family, one of both with the benchmark, and noise."""
    rng = np.random.default_rng(SEED)
    factors = {b.name: rng.normal(size=8) / 3 for b in benchmarks}
    able: dict[str, list[Benchmark]] = {}
    for b in benchmarks:
        able.setdefault(b.modality.value, []).append(b)
    of_family: dict[str, tuple[list[Benchmark], np.ndarray]] = {}
    for entry in entries:
        if entry.family not in of_family:
            mine = able.get(entry.modality.value) or able["text"]
            chosen = rng.permutation(len(mine))[:FAMILY_BENCHMARKS]
            of_family[entry.family] = [mine[i] for i in chosen], rng.normal(size=8) / 2
        known, taste = of_family[entry.family]
        taste = taste + rng.normal(size=8) / 2
        quality = rng.normal() / 2
        for i in rng.permutation(len(known))[:FIGURES_A_MODEL].tolist():
            benchmark = known[i]
            score = quality + float(taste @ factors[benchmark.name]) + 0.3 * rng.normal()
            yield Figure(
                model=entry.key,
                benchmark=benchmark.name,
                metric=benchmark.metric,
                value=float(metric_named(benchmark.metric).from_comparable([score])[0]),
                protocol=Protocol.FINE_TUNED if i % 2 else Protocol.LINEAR_PROBE,
                source=SOURCE,
                as_of=AS_OF,
            )


def make_database(url: str, n: int) -> None:
    """The shipped database with this many models and their figures beside it."""
    upgrade(url)
    database = Database(url)
    try:
        seed(database)
        entries = made_up_entries(n)
        with database.write() as session:
            benchmarks = FigureRepository(session).benchmarks()
        for start in range(0, n, PAGE):
            with database.write() as session:
                for entry in entries[start : start + PAGE]:
                    ModelRepository(session).add(entry)
        with database.write() as session:
            FigureRepository(session).bulk_import(made_up_figures(entries, benchmarks))
    finally:
        database.close()
