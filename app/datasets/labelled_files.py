"""An archive of files as a table of files and classes: one folder a class, or a manifest that names both.

Files are kept under the hash of their content, so that copies of one image are one file of one name: whatever
tells copies of a text by the text tells copies of a file too.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from app.datasets.archive import Member, members
from app.datasets.errors import DatasetError
from app.datasets.media import Medium
from app.datasets.table import SAMPLE_ROWS, Record, RecordSource
from app.tasks.files import FILES

FILE, LABEL = "file", "label"
MANIFEST_SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})
SPLITS = frozenset(
    {"train", "training", "val", "valid", "validation", "dev", "test", "testing", "eval", "evaluation"}
)
"""Folders that are parts of a data set and no classes."""
NAMED_SHARE = 0.5
"""A manifest's column of which more values than this are names of files is the column of files."""

OpenTable = Callable[[Path, str], RecordSource]
"""Reads a table at a path, under the name that its owner gave it."""


class NoFilesError(DatasetError):
    """An archive without files of the kind that the task reads."""

    def __init__(self, medium: Medium) -> None:
        super().__init__(
            f"The archive holds no {medium.noun}s.",
            remedy=f"Send files of {medium.formats}, one folder a class.",
        )


class NoClassFoldersError(DatasetError):
    """Files of which no folder tells the class, and no manifest does."""

    def __init__(self, what: str, noun: str) -> None:
        super().__init__(
            f"No class can be told: {what}.",
            remedy=f"Put each {noun} in the folder of its class, or add a table with columns file and label.",
        )


class ManifestError(DatasetError):
    """A manifest that does not say which file has which label."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The archive's manifest cannot be used: {what}.",
            remedy="Add one CSV, TSV or JSON Lines file with columns file and label; "
            "names of files count from the archive's root or from the manifest's folder.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """The images, or the recordings, of an archive on disk.

    Attributes:
        medium: Which of these.
        kept: What a file is kept under, by its name in the archive.
        seconds: How long each is, by what it is kept under; empty where files have no length.
        manifests: Where tables lie, by their names in the archive.
        n_others: Files that are neither.
    """

    medium: Medium
    kept: Mapping[PurePosixPath, str]
    seconds: Mapping[str, float]
    manifests: Mapping[PurePosixPath, Path]
    n_others: int


def unpack(archive: Path, folder: Path, medium: Medium) -> Unpacked:
    """The files of an archive, each checked and once, below `files` in a folder; manifests beside these.

    Args:
        archive: ZIP or TAR.
        folder: To fill; an empty one, or not there.
        medium: Kind of files that are looked for.

    Raises:
        DatasetError: The archive is unsafe, damaged or too large, or a file is.
    """
    files, tables = folder / FILES, folder / "manifests"
    for place in (files, tables):
        place.mkdir(parents=True)
    kept: dict[PurePosixPath, str] = {}
    seconds: dict[str, float] = {}
    manifests: dict[PurePosixPath, Path] = {}
    n_others = 0
    for member in members(archive):
        if medium.names(member.path):
            kept[member.path], length = _keep(member, files, medium)
            seconds |= {} if length is None else {kept[member.path]: length}
        elif member.path.suffix.casefold() in MANIFEST_SUFFIXES:
            table = tables / f"{len(manifests)}{member.path.suffix.casefold()}"
            table.write_bytes(member.read())
            manifests[member.path] = table
        else:
            n_others += 1
    if not kept:
        raise NoFilesError(medium)
    return Unpacked(medium=medium, kept=kept, seconds=seconds, manifests=manifests, n_others=n_others)


def labelled_files(unpacked: Unpacked, open_table: OpenTable) -> RecordSource:
    """The files with their classes: those of the manifest where there is one, else those of the folders.

    Args:
        unpacked: An archive's files.
        open_table: Reads the manifest.

    Raises:
        DatasetError: There are several manifests or an unusable one, or folders tell no classes.
    """
    if len(unpacked.manifests) > 1:
        names = ", ".join(str(name) for name in list(unpacked.manifests)[:5])
        raise ManifestError(f"there are {len(unpacked.manifests)} tables ({names})")
    for name, path in unpacked.manifests.items():
        return ManifestSource(unpacked, name, open_table(path, name.name))
    return FolderSource(unpacked)


def _keep(member: Member, folder: Path, medium: Medium) -> tuple[str, float | None]:
    """What a file is kept under, and how many seconds long it is."""
    content = member.read()
    found = medium.checked(content, str(member.path))
    name = hashlib.sha256(content).hexdigest() + found.suffix
    path = folder / name
    if not path.exists():
        path.write_bytes(content)
    return f"{FILES}/{name}", found.seconds


def _told_of_others(unpacked: Unpacked) -> tuple[str, ...]:
    if not unpacked.n_others:
        return ()
    return (f"{unpacked.n_others:,} files of the archive are no {unpacked.medium.noun}s and are left out.",)


class FolderSource:
    """Files of which the folder is the class; satisfies `RecordSource`. Records count files.

    What all paths begin with says nothing and is dropped, and so is a level of parts (train, test); the next
    folder is the class, whatever lies below it.
    """

    columns = (FILE, LABEL)

    def __init__(self, unpacked: Unpacked) -> None:
        self.unit = noun = unpacked.medium.noun
        folders = [path.parts[:-1] for path in unpacked.kept]
        depth = _shared(folders)
        warnings = list(_told_of_others(unpacked))
        parts = sorted({folder[depth] for folder in folders if len(folder) > depth})
        if parts and all(part.casefold() in SPLITS for part in parts):
            depth += 1
            warnings.append(f"The folders {', '.join(parts)} are read together, as one data set.")
        loose = [path for path, f in zip(unpacked.kept, folders, strict=True) if len(f) <= depth]
        if len(loose) == len(folders):
            raise NoClassFoldersError(f"all {noun}s lie in one folder", noun)
        if loose:
            where = "lies beside the folders of classes"
            raise NoClassFoldersError(f"the {noun} {str(loose[0])[:200]!r} {where}", noun)
        self.warnings = tuple(warnings)
        self._rows = [
            {FILE: kept, LABEL: folder[depth]}
            for kept, folder in zip(unpacked.kept.values(), folders, strict=True)
        ]

    def records(self, columns: Sequence[str]) -> Iterator[Record]:
        """File and class, file by file in the archive's order."""
        for number, row in enumerate(self._rows, start=1):
            yield number, [row[name] for name in columns]


def _shared(folders: Sequence[tuple[str, ...]]) -> int:
    """How many folders all paths begin with."""
    first, last = min(folders), max(folders)
    pairs = zip(first, last, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(first), len(last)))


class ManifestSource:
    """A table that names files, which are given as they are kept; satisfies `RecordSource`."""

    def __init__(self, unpacked: Unpacked, name: PurePosixPath, table: RecordSource) -> None:
        """The files that this table names.

        Args:
            unpacked: All files.
            name: Of the manifest in the archive.
            table: What it holds.

        Raises:
            ManifestError: None of its columns names files of the archive.
        """
        self._kept, self._folder, self._table = unpacked.kept, name.parent, table
        self.columns, self.unit = table.columns, table.unit
        self._place = self._column_of_files(name)
        named = {self._found(row[0]) for _, row in table.records([self.columns[self._place]])}
        n_unnamed = len(set(unpacked.kept.values()) - named)
        unnamed = f"{n_unnamed:,} {unpacked.medium.noun}s that the manifest does not name are left out."
        others = _told_of_others(unpacked)
        self.warnings = (*table.warnings, *others, *((unnamed,) if n_unnamed else ()))

    def records(self, columns: Sequence[str]) -> Iterator[Record]:
        """The values of these columns; of a file that the archive lacks, its name as it stands."""
        places = [i for i, name in enumerate(columns) if name == self.columns[self._place]]
        for number, values in self._table.records(columns):
            given = list(values)
            for i in places:
                given[i] = self._found(given[i]) or given[i]
            yield number, given

    def _column_of_files(self, name: PurePosixPath) -> int:
        rows = [row for _, row in islice(self._table.records(self.columns), SAMPLE_ROWS)]
        hits = [sum(self._found(row[i]) is not None for row in rows) for i in range(len(self.columns))]
        best = max(range(len(hits)), key=hits.__getitem__)
        if hits[best] <= NAMED_SHARE * len(rows):
            raise ManifestError(f"no column of {name.name!r} names files that the archive holds")
        return best

    def _found(self, value: object) -> str | None:
        """What the named file is kept under."""
        if not isinstance(value, str) or not value.strip():
            return None
        path = PurePosixPath(value.strip().replace("\\", "/"))
        return self._kept.get(self._folder / path) or self._kept.get(path)


def keep_named(unpacked: Path, target: Path, named: Iterable[str]) -> None:
    """The files that examples name move from one folder to another of the same file system.

    Args:
        unpacked: What `unpack` filled.
        target: Folder of a data set.
        named: As they are kept.
    """
    (target / FILES).mkdir()
    for name in set(named):
        (unpacked / name).rename(target / name)
