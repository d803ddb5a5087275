"""What questions are answered from: models and published figures in memory, rebuilt when they change."""

import datetime as dt
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np
from sqlalchemy.orm import Session

from app.db import Database
from app.documents import DatabaseInfo
from app.exclusions import ModelList
from app.fits import figures_state, stored_fit
from app.naming import Naming
from app.ranking.candidates import CandidateTable
from app.ranking.evidence import EvidenceBase
from app.ranking.fitted import load_hyperparameters
from app.ranking.prior import Hyperparameters, Prior
from app.ranking.robustness import robustness
from app.repository import ModelListSource
from benchmarks.figures import Benchmark, FigureKind
from benchmarks.repository import FigureRepository
from models_registry.catalogue import Catalogue
from models_registry.entry import ModelEntry
from models_registry.repository import ModelRepository

CHECK_SECONDS = 1.0
"""Between two looks at whether the database has changed."""
VERSION_DIGITS = 16
ANSWER_FORMAT = 3
"""Part of every version: raised when the same figures give other answers."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Snapshot:
    """One state of the database, ready to answer.

    Attributes:
        base: The fitted prior and the candidates.
        naming: Finds models by name.
        benchmarks: Of the figures.
        models: Those there are, as answers keep them.
        database: What it was made from.
        state: Changes whenever models or figures do.
    """

    base: EvidenceBase
    naming: Naming
    benchmarks: Sequence[Benchmark]
    models: ModelListSource
    database: DatabaseInfo
    state: str

    @property
    def entries(self) -> Sequence[ModelEntry]:
        """All models, by name."""
        return self.base.candidates.entries


def database_state(session: Session) -> str:
    """A short text that changes whenever models change or published figures come; two tiny queries.

    Figures are only ever added: to count them would take seconds where there are millions.
    """
    return f"{ModelRepository(session).version()} {FigureRepository(session).newest(FigureKind.PUBLISHED)}"


def build_snapshot(database: Database, fits: Path, hyper: Hyperparameters) -> Snapshot:
    """The database as it is now.

    Raises:
        EmptyDatabaseError: There are no models or no figures.
        FitError: No fit could be made.
    """
    with database.read() as session:
        state, figures_are = database_state(session), figures_state(session)
        catalogue = ModelRepository(session).catalogue()
        benchmarks = FigureRepository(session).benchmarks()
    prior, calibration = stored_fit(database, fits, figures_are, hyper)
    figures = prior.table.figures
    return Snapshot(
        base=EvidenceBase(
            prior, CandidateTable(catalogue.entries), calibration, robustness(figures, benchmarks)
        ),
        naming=Naming(catalogue),
        benchmarks=benchmarks,
        models=ModelListSource(
            version=catalogue.version, packed=partial(ModelList.packed, catalogue.entries)
        ),
        database=DatabaseInfo(
            version=_version(catalogue, prior),
            n_models=len(catalogue.entries),
            n_figures=len(figures),
            as_of=dt.date.fromordinal(int(figures.days.max())),
        ),
        state=state,
    )


def _version(catalogue: Catalogue, prior: Prior) -> str:
    """A hash over contents, not row counts: two installations with the same data give the same version.

    Numbers of figures belong to it, since answers cite them.
    """
    hyper, content = prior.hyper, prior.table.figures.digest()
    digest = hashlib.sha256(f"{ANSWER_FORMAT} {catalogue.version} {hyper.version} {content}".encode())
    for numbers in (hyper.family, hyper.own):
        digest.update(np.ascontiguousarray(numbers).data)
    return digest.hexdigest()[:VERSION_DIGITS]


class SnapshotCache:
    """The newest snapshot. Threads share it; while one of them rebuilds, the others use the old one."""

    def __init__(
        self,
        database: Database,
        fits: Path,
        *,
        hyper: Hyperparameters | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._fits = fits
        self._hyper = hyper or load_hyperparameters()
        self._clock = clock
        self._snapshot: Snapshot | None = None
        self._checked_at = 0.0
        self._is_stale = False
        self._building = Lock()

    def current(self) -> Snapshot:
        """The snapshot to answer from; at most a second older than the database.

        Raises:
            EmptyDatabaseError: There is nothing to answer from.
        """
        snapshot = self._snapshot
        if snapshot is None or self._is_stale:
            with self._building:
                return self._refreshed()
        if self._clock() - self._checked_at >= CHECK_SECONDS and self._building.acquire(blocking=False):
            try:
                return self._refreshed()
            finally:
                self._building.release()
        return snapshot

    def ready(self) -> Snapshot | None:
        """The snapshot if that is a matter of a microsecond; None where `current` has work to do."""
        if self._is_stale or (
            self._clock() - self._checked_at >= CHECK_SECONDS and not self._building.locked()
        ):
            return None
        return self._snapshot

    def expire(self) -> None:
        """The next question is answered from the database as it is then: something was just written."""
        self._is_stale = True

    def _refreshed(self) -> Snapshot:
        """The snapshot of the database as it is now; the caller holds the lock."""
        self._is_stale = False  # before reading: what is written from here on expires it again
        with self._database.read() as session:
            state = database_state(session)
        snapshot = self._snapshot
        if snapshot is None or snapshot.state != state:
            snapshot = self._snapshot = build_snapshot(self._database, self._fits, self._hyper)
        self._checked_at = self._clock()
        return snapshot
