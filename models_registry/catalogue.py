"""The reviewed catalogue: YAML files of model entries, read, checked and indexed by name.

RegistryError
├── CatalogueError          a file cannot be read as entries
├── InvalidModelNameError   a path or URL where a name is due
├── UnknownModelError       no entry has this name
└── AmbiguousModelError     several entries have this name
"""

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import yaml
from pydantic import ValidationError

from models_registry.entry import ModelEntry
from models_registry.errors import RegistryError
from models_registry.packed import Packed

ENTRIES_FOLDER = Path(__file__).parent / "entries"
N_NEAREST = 5
"""How many similar names an unknown name is answered with."""
_VERSION_DIGITS = 12


class CatalogueError(RegistryError):
    """A catalogue file is not YAML, or one of its entries is not a valid entry."""

    def __init__(self, file: str, entry: str | None, reason: str) -> None:
        super().__init__(f"{file}: {entry}: {reason}" if entry else f"{file}: {reason}")
        self.file = file
        self.entry = entry
        self.reason = reason


class InvalidModelNameError(RegistryError):
    """A path, a URL or nothing was given where a model's name is due."""

    def __init__(self, name: str) -> None:
        super().__init__(f"not a model name: {name!r}")
        self.name = name


class UnknownModelError(RegistryError):
    """No entry has this name; `nearest` are similar ones, best first."""

    def __init__(self, name: str, nearest: tuple[str, ...]) -> None:
        super().__init__(f"unknown model {name!r}")
        self.name = name
        self.nearest = nearest


class AmbiguousModelError(RegistryError):
    """Several entries have this name; `candidates` are their full names, sorted."""

    def __init__(self, name: str, candidates: tuple[str, ...]) -> None:
        super().__init__(f"{name!r} may be any of {', '.join(candidates)}")
        self.name = name
        self.candidates = candidates


def check_model_name(name: str) -> str:
    """Return the name if it can be one: no path, no URL, not empty.

    Raises:
        InvalidModelNameError: It is none.
    """
    if not name or "://" in name or ".." in name or "\\" in name or name[0] in "/.":
        raise InvalidModelNameError(name)
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """An immutable collection of entries, found by any name that leaves no doubt.

    Letter case is ignored in look-ups, since published tables write one name in several ways.

    Attributes:
        entries: All entries, sorted by full name.
        version: First 12 hexadecimal digits of the SHA-256 of the hashes of the entries' content.
    """

    entries: Sequence[ModelEntry]
    version: str
    _index: Mapping[str, tuple[int, ...]] = field(repr=False, compare=False)

    @classmethod
    def of(cls, entries: Iterable[ModelEntry]) -> Self:
        """The catalogue of these entries, whatever their order."""
        ordered = tuple(sorted(entries, key=lambda entry: entry.name))
        return cls._of(ordered, map(content_hash, ordered))

    @classmethod
    def of_documents(cls, documents: Iterable[tuple[str, str, str]]) -> Self:
        """The same of names, ascending, content hashes and JSON documents, read when they are looked at."""
        hashes: list[str] = []

        def texts() -> Iterator[bytes]:
            for _, digest, text in documents:
                hashes.append(digest)
                yield text.encode()

        return cls._of(Packed.of(texts(), ModelEntry.model_validate_json), hashes)

    @classmethod
    def _of(cls, ordered: Sequence[ModelEntry], hashes: Iterable[str]) -> Self:
        version = hashlib.sha256("".join(hashes).encode()).hexdigest()[:_VERSION_DIGITS]
        return cls(entries=ordered, version=version, _index=_index(ordered))

    def __iter__(self) -> Iterator[ModelEntry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def get(self, name_or_part: str) -> ModelEntry:
        """The one entry with this full name, `hub:id`, id or alias.

        Raises:
            InvalidModelNameError: It is a path or a URL.
            UnknownModelError: No entry has it.
            AmbiguousModelError: Several have it.
        """
        found = self.candidates(name_or_part)
        if not found:
            raise UnknownModelError(name_or_part, self._nearest(name_or_part))
        if len(found) > 1:
            raise AmbiguousModelError(name_or_part, tuple(entry.name for entry in found))
        return found[0]

    def candidates(self, name_or_part: str) -> tuple[ModelEntry, ...]:
        """All entries that have this name or part of a name, sorted by full name.

        Raises:
            InvalidModelNameError: It is a path or a URL.
        """
        places = self._index.get(check_model_name(name_or_part).casefold(), ())
        return tuple(self.entries[place] for place in places)

    def _nearest(self, name: str) -> tuple[str, ...]:
        close = difflib.get_close_matches(name.casefold(), self._index, n=3 * N_NEAREST, cutoff=0.5)
        names = dict.fromkeys(self.entries[place].name for part in close for place in self._index[part])
        return tuple(names)[:N_NEAREST]


def load_catalogue(folder: Path | None = None) -> Catalogue:
    """Read every `*.yaml` of the folder; the shipped entries where none is named.

    A file is either a list of entries, or a mapping of `models`, the list, and `defaults`, fields that hold
    for every entry of the list that does not state them itself.

    Raises:
        CatalogueError: A file is unreadable, an entry is invalid, or a `hub:id` occurs twice.
    """
    origin: dict[str, str] = {}
    entries: list[ModelEntry] = []
    for path in sorted((folder or ENTRIES_FOLDER).glob("*.yaml")):
        for entry in _entries_of(path):
            if entry.key in origin:
                raise CatalogueError(path.name, entry.key, f"is already in {origin[entry.key]}")
            origin[entry.key] = path.name
            entries.append(entry)
    return Catalogue.of(entries)


def content_hash(entry: ModelEntry) -> str:
    """SHA-256 of the description, in hexadecimal digits."""
    return hashlib.sha256(entry.model_dump_json().encode()).hexdigest()


def _index(entries: Iterable[ModelEntry]) -> Mapping[str, tuple[int, ...]]:
    """Places of the entries by each of their names, letter case ignored."""
    found: dict[str, tuple[int, ...]] = {}
    for place, entry in enumerate(entries):
        mine = (place,)
        for part in {name.casefold() for name in (entry.name, entry.key, entry.id, *entry.aliases)}:
            known = found.setdefault(part, mine)
            if known is not mine:
                found[part] = known + mine
    return MappingProxyType(found)


def _entries_of(path: Path) -> Iterator[ModelEntry]:
    for position, record in enumerate(_records(path)):
        named = record.get("id", f"entry {position + 1}") if isinstance(record, dict) else str(record)
        try:
            yield ModelEntry.model_validate(record)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "entry"
            raise CatalogueError(path.name, str(named), f"{where}: {first['msg']}") from error


def _records(path: Path) -> list[Any]:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506 - subclass of CSafeLoader
    except yaml.YAMLError as error:
        raise CatalogueError(path.name, None, f"not readable as YAML: {error}") from error
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or not isinstance(document.get("models"), list):
        raise CatalogueError(path.name, None, "neither a list of entries nor a mapping with `models`")
    if stray := document.keys() - {"defaults", "models"}:
        raise CatalogueError(path.name, None, f"unknown keys {', '.join(sorted(map(str, stray)))}")
    defaults = document.get("defaults") or {}
    return [defaults | record if isinstance(record, dict) else record for record in document["models"]]


class _UniqueKeyLoader(yaml.CSafeLoader):
    """The fast safe loader, which also refuses a key stated twice; YAML would keep the last one silently."""


def _unique_mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    for key in keys:
        if keys.count(key) > 1:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} occurs twice", node.start_mark)
    return loader.construct_mapping(node, deep=True)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)
