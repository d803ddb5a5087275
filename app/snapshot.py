"""What questions are answered from: models and published figures in memory, rebuilt when they change."""

import datetime as dt
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock

from sqlalchemy.orm import Session

from app.db import Database
from app.documents import DatabaseInfo
from app.naming import Naming
from app.ranking.candidates import CandidateTable
from app.ranking.described import describe
from app.ranking.evidence import EvidenceBase
from app.ranking.figure_arrays import FigureArrays
from app.ranking.fitted import load_hyperparameters
from app.ranking.prior import Hyperparameters, fit_prior
from app.ranking.table import table_of
from benchmarks.facts import load_model_facts
from benchmarks.figures import Benchmark, FigureKind
from benchmarks.repository import FigureRepository
from models_registry.catalogue import Catalogue
from models_registry.entry import ModelEntry
from models_registry.repository import ModelRepository

MODELS_PAGE = 1_000
CHECK_SECONDS = 1.0
"""Between two looks at whether the database has changed."""
VERSION_DIGITS = 16
ANSWER_FORMAT = 1
"""Part of every version: raised when the same figures give other answers."""


class SnapshotError(Exception):
    """There is nothing to answer from."""


class EmptyDatabaseError(SnapshotError):
    """The database holds no models, or no figures to judge them by."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Snapshot:
    """One state of the database, ready to answer.

    Attributes:
        base: The fitted prior and the candidates.
        naming: Finds models by name.
        benchmarks: Of the figures.
        database: What it was made from.
        state: Changes whenever models or figures do.
    """

    base: EvidenceBase
    naming: Naming
    benchmarks: Sequence[Benchmark]
    database: DatabaseInfo
    state: str

    @property
    def entries(self) -> Sequence[ModelEntry]:
        """All models, by name."""
        return self.base.candidates.entries


def database_state(session: Session) -> str:
    """A short text that changes whenever models or published figures do; two tiny queries."""
    figures = FigureRepository(session).version(FigureKind.PUBLISHED)
    return f"{ModelRepository(session).version()} {figures}"


def build_snapshot(session: Session, hyper: Hyperparameters) -> Snapshot:
    """The database as it is now.

    Raises:
        EmptyDatabaseError: There are no models or no figures.
    """
    state = database_state(session)
    catalogue = Catalogue.of(stored_models(ModelRepository(session)))
    entries = catalogue.entries
    repository = FigureRepository(session)
    benchmarks = repository.benchmarks()
    figures = published_figures(repository)
    known = describe(entries, load_model_facts())
    table = table_of(figures, {b.name: b for b in benchmarks}, known)
    if not entries or len(table) == 0:
        raise EmptyDatabaseError
    return Snapshot(
        base=EvidenceBase(fit_prior(table, hyper), CandidateTable(entries)),
        naming=Naming(catalogue),
        benchmarks=benchmarks,
        database=DatabaseInfo(
            version=_version(hyper, catalogue, figures),
            n_models=len(entries),
            n_figures=len(figures),
            as_of=dt.date.fromordinal(int(figures.days.max())),
        ),
        state=state,
    )


def stored_models(repository: ModelRepository) -> list[ModelEntry]:
    """All models, by name."""
    found: list[ModelEntry] = []
    while page := repository.page(after=found[-1].name if found else None, limit=MODELS_PAGE):
        found += page
    return found


def published_figures(repository: FigureRepository) -> FigureArrays:
    """All published figures in force, in the order of arrival."""
    return FigureArrays.of(repository.published_cells())


def _version(hyper: Hyperparameters, catalogue: Catalogue, figures: FigureArrays) -> str:
    """A hash over contents, not row counts: two installations with the same data give the same version.

    Row numbers belong to it, since answers cite them.
    """
    digest = hashlib.sha256(f"{ANSWER_FORMAT} {catalogue.version} {hyper.version}".encode())
    digest.update(hyper.family.tobytes() + hyper.own.tobytes())
    digest.update(f"{hyper.noise!r} {hyper.trait_variance!r}".encode())
    for numbers in (figures.ids, figures.values, figures.std_errors):
        digest.update(numbers.tobytes())
    for codes in figures.codes.values():
        digest.update(codes.tobytes())
    for words in figures.words.values():
        digest.update("\0".join(words).encode())
    return digest.hexdigest()[:VERSION_DIGITS]


class SnapshotCache:
    """The newest snapshot. Threads share it; while one of them rebuilds, the others use the old one."""

    def __init__(
        self,
        database: Database,
        *,
        hyper: Hyperparameters | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
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

    def expire(self) -> None:
        """The next question is answered from the database as it is then: something was just written."""
        self._is_stale = True

    def _refreshed(self) -> Snapshot:
        """The snapshot of the database as it is now; the caller holds the lock."""
        self._is_stale = False  # before reading: what is written from here on expires it again
        with self._database.read() as session:
            snapshot = self._snapshot
            if snapshot is None or snapshot.state != database_state(session):
                snapshot = build_snapshot(session, self._hyper)
                self._snapshot = snapshot
        self._checked_at = self._clock()
        return snapshot
