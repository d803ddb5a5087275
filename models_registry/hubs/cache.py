"""The folder of fetched models: one place for each revision, filled by one process at a time."""

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from models_registry.entry import ModelEntry
from models_registry.hubs.base import Deadline, FetchedModel, HubTimeoutError, HubUnavailableError

PROVENANCE = "provenance.json"
PARTIAL = ".partial"
LOCKS = ".locks"


def model_folder(root: Path, entry: ModelEntry, revision: str | None = None) -> Path:
    """Where the files of an entry lie, or will lie, below the cache root."""
    return root / entry.hub / entry.id.replace("/", "--") / (revision or entry.revision)


@contextmanager
def claimed(root: Path, folder: Path, model: str, deadline: Deadline) -> Iterator[Path]:
    """Holds the only right to fill `folder`, and yields the scratch folder to fill instead.

    The scratch folder outlives a lost connection or a timeout, so that a download can go on; any other
    failure removes it.

    Raises:
        HubTimeoutError: Another process held the right until the deadline.
    """
    relative = folder.relative_to(root)
    lock_file = root / LOCKS / ("--".join(relative.parts) + ".lock")
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    scratch = root / PARTIAL / relative
    try:
        with FileLock(lock_file, timeout=deadline.left):
            try:
                yield scratch
            except (HubTimeoutError, HubUnavailableError):
                raise
            except Exception:
                discard(root, scratch)
                raise
    except Timeout:
        raise HubTimeoutError(model, deadline.seconds) from None


def discard(root: Path, scratch: Path) -> None:
    """Removes a scratch folder and the parents that it leaves empty."""
    shutil.rmtree(scratch, ignore_errors=True)
    for parent in scratch.parents:
        if parent in {root, root.parent}:
            return
        try:
            parent.rmdir()
        except OSError:  # not empty, or never made
            return


def publish(
    root: Path, scratch: Path, folder: Path, *, revision: str, facts: dict[str, object]
) -> FetchedModel:
    """Moves a complete scratch folder to its place in one step, with its provenance beside the weights.

    Args:
        root: Root of the cache.
        scratch: The folder to publish.
        folder: Its place; a broken folder that lies there is replaced.
        revision: Revision that the files are of.
        facts: What else the provenance should say: source, converter.
    """
    hashes = {path.relative_to(scratch).as_posix(): sha256_of(path) for path in _files_of(scratch)}
    n_bytes = sum(path.stat().st_size for path in _files_of(scratch))
    record = {
        "revision": revision,
        "sha256": hashes,
        "n_bytes": n_bytes,
        "fetched_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        **facts,
    }
    (scratch / PROVENANCE).write_text(json.dumps(record, indent=2, sort_keys=True), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch.rename(folder)
    discard(root, scratch)
    return FetchedModel(folder=folder, revision=revision, sha256=hashes, n_bytes=n_bytes)


def published(folder: Path) -> FetchedModel | None:
    """The model that lies complete in this folder, if one does.

    Files are compared by presence and total size, not hashed again: a second use has to be instant.
    """
    try:
        record = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
        hashes: dict[str, str] = record["sha256"]
        n_bytes = sum((folder / name).stat().st_size for name in hashes)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if n_bytes != record["n_bytes"]:
        return None
    return FetchedModel(folder=folder, revision=record["revision"], sha256=hashes, n_bytes=n_bytes)


def sha256_of(path: Path) -> str:
    """Hash of a file's content in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != PROVENANCE)
