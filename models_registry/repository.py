"""Models in the database: the catalogue's, kept in step with the shipped files, and users' own."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Text, cast, delete, func, select
from sqlalchemy.orm import Session

from models_registry.catalogue import Catalogue, UnknownModelError, check_model_name, content_hash
from models_registry.entry import ModelEntry
from models_registry.errors import RegistryError
from models_registry.tables import ModelRow, Origin
from models_registry.vocabulary import Modality

MAX_PAGE = 1_000
"""Most models that one page holds."""


class ModelExistsError(RegistryError):
    """A model of this name is stored already, with another description."""

    def __init__(self, name: str) -> None:
        super().__init__(f"model {name!r} exists already")
        self.name = name


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFilter:
    """Which models a page shows; a field that is None filters nothing.

    Attributes:
        hub: Exact name of the hub.
        family: Exact name of the family.
        modality: Kind of input.
        origin: Who stated the description.
        max_parameters: Upper bound, inclusive.
        licences: Allowed licences, as the entries spell them.
    """

    hub: str | None = None
    family: str | None = None
    modality: Modality | None = None
    origin: Origin | None = None
    max_parameters: int | None = None
    licences: tuple[str, ...] | None = None


class ModelRepository:
    """Reads and writes the table `models`. It never commits: the caller owns the transaction.

    Args:
        session: The session of the caller's transaction.
        now: Gives the present time, aware; injected, so that tests decide it.
    """

    def __init__(
        self, session: Session, now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    ) -> None:
        self._session = session
        self._now = now

    def upsert_catalogue(self, catalogue: Catalogue) -> int:
        """The table holds exactly this catalogue, beside the users' own models.

        Models that left the catalogue are removed. A user's model of the same name becomes the catalogue's.

        Returns:
            How many rows were added, changed or removed: 0 when called again.
        """
        query = select(ModelRow.name, ModelRow.content_hash, ModelRow.origin)
        stored = {name: (digest, origin) for name, digest, origin in self._session.execute(query)}
        changed = sum(self._put(entry, stored.get(entry.name)) for entry in catalogue)
        shipped = {entry.name for entry in catalogue}
        gone = [n for n, (_, origin) in stored.items() if origin == Origin.CATALOGUE and n not in shipped]
        if gone:
            self._session.execute(delete(ModelRow).where(ModelRow.name.in_(gone)))
        self._session.flush()
        return changed + len(gone)

    def add(self, entry: ModelEntry) -> None:
        """A user's own model is stored; adding the same description twice is no error.

        Raises:
            ModelExistsError: The name is taken by another description.
        """
        row = self._session.get(ModelRow, entry.name)
        if row is None:
            self._session.add(_row_of(entry, Origin.USER, self._now()))
            self._session.flush()
        elif row.content_hash != content_hash(entry):
            raise ModelExistsError(entry.name)

    def get(self, name: str) -> ModelEntry:
        """The model of this full name, `hub:id@revision`.

        Raises:
            InvalidModelNameError: It is a path or a URL.
            UnknownModelError: No such model is stored.
        """
        row = self._session.get(ModelRow, check_model_name(name))
        if row is None:
            raise UnknownModelError(name, ())
        return _entry_of(row)

    def page(
        self, *, after: str | None = None, limit: int = 100, where: ModelFilter | None = None
    ) -> tuple[ModelEntry, ...]:
        """The next models by name, after the name given; the last one's name continues the listing."""
        query = select(ModelRow).where(*_conditions(where or ModelFilter())).order_by(ModelRow.name)
        if after is not None:
            query = query.where(ModelRow.name > after)
        return tuple(_entry_of(row) for row in self._session.scalars(query.limit(min(limit, MAX_PAGE))))

    def catalogue(self) -> Catalogue:
        """All models; their descriptions stay packed until they are looked at."""
        # By code points, as `Catalogue.of` sorts, whatever the database's locale.
        codepoints = "BINARY" if self._session.get_bind().dialect.name == "sqlite" else "C"
        query = select(ModelRow.name, ModelRow.content_hash, cast(ModelRow.entry, Text)).order_by(
            ModelRow.name.collate(codepoints)
        )
        rows = self._session.execute(query.execution_options(yield_per=MAX_PAGE))
        return Catalogue.of_documents((name, digest, text) for name, digest, text in rows)

    def count(self, where: ModelFilter | None = None) -> int:
        """How many models the filter lets through."""
        query = select(func.count()).select_from(ModelRow).where(*_conditions(where or ModelFilter()))
        return self._session.scalar(query) or 0

    def version(self) -> str:
        """A short text that changes whenever a model comes, goes or is described anew; one tiny query."""
        query = select(func.count(), func.max(ModelRow.created_at)).select_from(ModelRow)
        return " ".join(map(str, self._session.execute(query).one()))

    def _put(self, entry: ModelEntry, stored: tuple[str, str] | None) -> bool:
        fresh = _row_of(entry, Origin.CATALOGUE, self._now())
        if stored == (fresh.content_hash, fresh.origin):
            return False
        self._session.merge(fresh)
        return True


def _row_of(entry: ModelEntry, origin: Origin, created_at: dt.datetime) -> ModelRow:
    return ModelRow(
        name=entry.name,
        hub=entry.hub,
        model_id=entry.id,
        revision=entry.revision,
        family=entry.family,
        modality=entry.modality.value,
        n_parameters=entry.n_parameters,
        licence=entry.licence,
        entry=entry.model_dump(mode="json"),
        origin=origin.value,
        content_hash=content_hash(entry),
        created_at=created_at,
    )


def _entry_of(row: ModelRow) -> ModelEntry:
    return ModelEntry.model_validate(row.entry)


def _conditions(where: ModelFilter) -> Iterable[ColumnElement[bool]]:
    if where.hub is not None:
        yield ModelRow.hub == where.hub
    if where.family is not None:
        yield ModelRow.family == where.family
    if where.modality is not None:
        yield ModelRow.modality == where.modality.value
    if where.origin is not None:
        yield ModelRow.origin == where.origin.value
    if where.max_parameters is not None:
        yield ModelRow.n_parameters <= where.max_parameters
    if where.licences is not None:
        yield ModelRow.licence.in_(where.licences)
