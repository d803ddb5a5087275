"""Features and tokens on disk, shared by every estimator, strategy and run on the same data.

<folder>/<id of the data set>/<digest of the rest of the key>.npy

The id, not the hash of the bytes: two data sets of one file may read their texts from different columns.
"""

import hashlib
import json
import os
import secrets
import shutil
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from app.probes.messages import SINGLE

Array = np.ndarray[tuple[int, ...], np.dtype[np.generic]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureKey:
    """What features depend on.

    Attributes:
        dataset_id: Of the data set.
        rows_sha256: Of the indices of the rows, in order (`rows_digest`).
        model_name: `hub:id@revision`.
        pooling: How tokens become one vector.
        max_length: Tokens kept of a text.
        input_prefix: Put before every text.
        precision: Of the passes.
    """

    dataset_id: str
    rows_sha256: str
    model_name: str
    pooling: str
    max_length: int
    input_prefix: str = ""
    precision: str = SINGLE


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """What tokens depend on: not the model, so that candidates with one tokenizer share them.

    Attributes:
        dataset_id: Of the data set.
        texts_sha256: Of the texts, in order.
        tokenizer_sha256: Of the tokenizer's files.
        max_length: Tokens kept of a text.
        input_prefix: Put before every text.
    """

    dataset_id: str
    texts_sha256: str
    tokenizer_sha256: str
    max_length: int
    input_prefix: str = ""


Key = FeatureKey | TokenKey


def path_of(key: Key, folder: Path) -> Path:
    """The file of what belongs to a key."""
    digest = hashlib.sha256(json.dumps([type(key).__name__, *astuple(key)]).encode()).hexdigest()
    return folder / key.dataset_id / f"{digest[:32]}.npy"


def rows_digest(rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> str:
    """SHA-256 of row indices, in their order."""
    return hashlib.sha256(np.ascontiguousarray(rows, dtype="<i8").tobytes()).hexdigest()


class FeatureCache:
    """Keeps the arrays used last, within a size limit. Several processes may share one folder."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    def get(self, key: Key) -> Array | None:
        """What was kept, or None; a file that cannot be read is removed."""
        path = path_of(key, self._folder)
        try:
            found: Array = np.load(path, allow_pickle=False)
            os.utime(path)
        except FileNotFoundError:
            return None
        except (ValueError, EOFError):
            path.unlink(missing_ok=True)
            return None
        return found

    def put(self, key: Key, array: Array) -> None:
        """Kept, unless it alone exceeds the limit; what was used longest ago makes room."""
        if array.nbytes > self._max_bytes:
            return
        path = path_of(key, self._folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_name(f".{path.stem}-{secrets.token_hex(4)}")
        with scratch.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        scratch.replace(path)
        self._make_room(path)

    def remove_dataset(self, dataset_id: str) -> None:
        """Removes all that is kept of a data set."""
        shutil.rmtree(self._folder / dataset_id, ignore_errors=True)

    def _make_room(self, newest: Path) -> None:
        files = [(status.st_mtime_ns, status.st_size, path) for path, status in self._files()]
        total = sum(size for _, size, _ in files)
        for _, size, path in sorted(files):
            if total <= self._max_bytes:
                break
            if path != newest:
                path.unlink(missing_ok=True)
                total -= size

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        found = []
        for path in self._folder.glob("*/*.npy"):
            try:
                found.append((path, path.stat()))
            except FileNotFoundError:  # another process made room at the same time
                continue
        return found
