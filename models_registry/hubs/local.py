"""A folder of this machine whose subfolders are models."""

import shutil
from pathlib import Path

from models_registry.entry import ModelEntry
from models_registry.hubs import policy
from models_registry.hubs.base import (
    Deadline,
    FetchedModel,
    HashMismatchError,
    ModelNotFoundError,
    Progress,
    UnsafeWeightsError,
    no_progress,
)
from models_registry.hubs.cache import claimed, model_folder, publish, published, sha256_of


class LocalHub:
    """Models in `<root>/<id>/`, copied into the cache so that a run reads what was checked.

    The configuration, tokenizer and weights of a model are copied and nothing else. Links are followed only
    where they stay inside the root.

    Args:
        root: The folder that the operator offers.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def fetch(
        self, entry: ModelEntry, into: Path, *, deadline: Deadline, progress: Progress = no_progress
    ) -> FetchedModel:
        """See `Hub.fetch`."""
        folder = model_folder(into, entry)
        there = published(folder)
        if there is not None:
            return there
        source = self._source(entry)
        with claimed(into, folder, entry.name, deadline) as scratch:
            there = published(folder)
            if there is not None:
                return there
            shutil.rmtree(scratch, ignore_errors=True)  # copying does not resume
            scratch.mkdir(parents=True)
            self._copy(entry, source, scratch, deadline, progress)
            policy.check_folder(entry.name, scratch)
            _check_pin(entry, scratch)
            facts: dict[str, object] = {"source": entry.key, "converter": None}
            return publish(into, scratch, folder, revision=entry.revision, facts=facts)

    def _source(self, entry: ModelEntry) -> Path:
        source = (self.root / entry.id).resolve()
        if self.root.resolve() not in source.parents or not source.is_dir():
            raise ModelNotFoundError(entry.name, "no such folder among the local models")
        return source

    def _copy(
        self, entry: ModelEntry, source: Path, scratch: Path, deadline: Deadline, progress: Progress
    ) -> None:
        names = [path.name for path in source.iterdir() if path.is_file()]
        chosen = policy.choose_weights(entry.name, names)
        index = chosen == policy.INDEX
        if index:
            self._check_inside(entry, source / chosen)
        shards = policy.shards_of(entry.name, source / chosen) if index else ()
        done = 0
        for name in sorted({chosen, *shards} | (policy.SIDE_FILES & set(names))):
            deadline.check(entry.name)
            self._check_inside(entry, source / name)
            shutil.copyfile(source / name, scratch / name)
            done += (scratch / name).stat().st_size
            progress(done, entry.weights.n_bytes)

    def _check_inside(self, entry: ModelEntry, path: Path) -> None:
        real = path.resolve()
        if not real.is_file():
            raise ModelNotFoundError(entry.name, f"it has no {path.name}")
        if not real.is_relative_to(self.root.resolve()):
            raise UnsafeWeightsError(entry.name, (path.name,), "files inside the folder of local models")


def _check_pin(entry: ModelEntry, folder: Path) -> None:
    expected = entry.weights.sha256
    weights = folder / policy.SINGLE
    if expected is not None and weights.is_file():
        actual = sha256_of(weights)
        if actual != expected:
            raise HashMismatchError(entry.name, weights.name, expected, actual)
