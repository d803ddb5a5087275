"""What a request costs as the catalogue grows: 1,000 to 50,000 models, made up in the shape of the real ones.

The belief is made up too: over at most 500 candidates, as the screening of a large catalogue leaves it. What
is measured is everything else that a request does, with the same code that serves.
"""

import argparse
import gc
import itertools
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.advice import advise
from app.api.questions import question_of
from app.api.schemas.recommend import RecommendRequest
from app.documents import DatabaseInfo, answer_json
from app.exclusions import ModelList
from app.naming import Naming
from app.question import Question
from app.ranking.belief import Belief
from app.ranking.candidates import CandidateTable
from app.ranking.evidence import EvidenceBase, Target, TargetBelief
from app.ranking.phrases import Language
from app.ranking.prediction import Prediction, TargetKernels
from app.task_profile.profile import TaskProfile
from models_registry.catalogue import Catalogue, load_catalogue
from models_registry.entry import ModelEntry
from tests.speed.recommend import bodies

SIZES = (1_000, 5_000, 10_000, 50_000)
REQUESTS = 200
AIM_MS = 50.0
AIM_BYTES = 1e9
SCREENED = 500
SEED = 0


def made_up_entries(n: int) -> list[ModelEntry]:
    """Variants of the shipped entries under names of their own, each a little larger or smaller."""
    rng = random.Random(SEED)
    entries = []
    for i, entry in zip(range(n), itertools.cycle(load_catalogue().entries)):
        scale = rng.uniform(0.5, 2.0)
        changes = {
            "id": f"{entry.id.rsplit('/', 1)[0]}/{entry.id.rsplit('/', 1)[-1]}-{i}",
            "n_parameters": int(entry.n_parameters * scale) + entry.n_embedding_parameters,
            "forward_flops": entry.forward_flops * scale,
            "aliases": (),
            "derived_from": None,
        }
        entries.append(ModelEntry.model_validate_json(entry.model_copy(update=changes).model_dump_json()))
    return entries


class MadeUpBase(EvidenceBase):
    """Candidates with made-up beliefs over the first of those that can do the task."""

    def __init__(self, candidates: CandidateTable) -> None:
        self.candidates = candidates
        self._made: dict[Target, TargetBelief] = {}

    def n_own_figures(self, entry: ModelEntry) -> int:  # noqa: ARG002
        """None: nothing was measured."""
        return 0

    def n_family_figures(self, entry: ModelEntry) -> int:  # noqa: ARG002
        """None: nothing was measured."""
        return 0

    def belief_for(self, profile: TaskProfile, seed: int = 0) -> TargetBelief:
        """A belief of the right shape."""
        target = Target.of(profile)
        found = self._made.get(target)
        if found is None:
            found = self._made[target] = self._belief(profile, target, seed)
        return found

    def _belief(self, profile: TaskProfile, target: Target, seed: int) -> TargetBelief:
        able = self.candidates.does(profile.task_type) & self.candidates.reads(sorted(profile.languages))
        models = np.flatnonzero(able)
        models = models[np.linspace(0, len(models) - 1, min(len(models), SCREENED)).astype(np.intp)]
        n = 2 * len(models)
        rng = np.random.default_rng(SEED)
        factors = rng.normal(size=(n, 32)) / 16
        mean, covariance = rng.normal(size=n) / 2, factors @ factors.T + 0.02 * np.eye(n)
        nothing = TargetKernels(
            shared_across=np.zeros((2, 1)),
            own_across=np.zeros((2, 1)),
            shared_within=np.zeros((2, 2)),
            own_within=np.zeros((2, 2)),
        )
        made = TargetBelief(
            target=target,
            models=models,
            belief=Belief(mean=mean, covariance=covariance, level_variance=0.1),
            prediction=Prediction(mean=mean, covariance=covariance, candidates=(), kernels=nothing),
            similarity=np.zeros((2, 1)),
            spread=1.0,
            seed=seed,
        )
        made.strongest.update({(arm, 5): () for arm in range(n)})
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What was measured at one size.

    Attributes:
        n: Models.
        load_seconds: Catalogue, table and names from entries.
        catalogue_bytes: Resident memory that they take.
        p50_ms: Of a request.
        p99_ms: Of a request.
    """

    n: int
    load_seconds: float
    catalogue_bytes: float
    p50_ms: float
    p99_ms: float


def measure(n: int) -> Point:
    """Everything at one size."""
    before = _resident_bytes()
    entries = made_up_entries(n)
    began = time.perf_counter()
    catalogue = Catalogue.of(entries)
    table, naming = CandidateTable(catalogue.entries), Naming(catalogue)
    ModelList.packed(catalogue.entries)
    base = MadeUpBase(table)
    requests = [RecommendRequest.model_validate(body) for body in bodies(REQUESTS)]
    questions = [question_of(r, naming=naming, language=Language.ENGLISH) for r in requests]
    for question in questions[:16]:  # masks and columns are made when they are first needed
        _answer(question, base)
    load_seconds = time.perf_counter() - began
    catalogue_bytes = _resident_bytes() - before
    gc.collect()
    gc.freeze()
    took = sorted(_timed(question, base) for question in questions)
    gc.unfreeze()
    return Point(
        n=n,
        load_seconds=load_seconds,
        catalogue_bytes=catalogue_bytes,
        p50_ms=1e3 * float(np.percentile(took, 50)),
        p99_ms=1e3 * float(np.percentile(took, 99)),
    )


def _answer(question: Question, base: EvidenceBase) -> int:
    advice = advise(question, base)
    info = DatabaseInfo(version="made-up", n_models=len(advice.table), n_figures=0, as_of=None)
    return len(answer_json(advice, info)) + len(advice.exclusions.packed(len(advice.table)))


def _timed(question: Question, base: EvidenceBase) -> float:
    began = time.perf_counter()
    _answer(question, base)
    return time.perf_counter() - began


def _resident_bytes() -> float:
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return float(pages) * 4096


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES)
    sizes = parser.parse_args(arguments).sizes
    out = sys.stdout
    out.write("Cost of a request by models in the catalogue, one process, belief over at most 500 of them\n")
    points = [measure(n) for n in sizes]
    for p in points:
        out.write(
            f"  {p.n:6d} models   p50 {p.p50_ms:6.2f} ms   p99 {p.p99_ms:6.2f} ms   "
            f"catalogue {p.catalogue_bytes / 1e6:5.0f} MB, ready in {p.load_seconds:4.1f} s\n"
        )
    last = points[-1]
    out.write(f"  p99 at {last.n}: {last.p99_ms:.1f} ms (aim {AIM_MS:.0f})\n")


if __name__ == "__main__":
    main()
