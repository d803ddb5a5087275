"""An upload as a file on disk: measured, hashed and limited while it streams in."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from app.datasets.errors import DatasetError

CHUNK_BYTES = 1 << 20


class EmptyFileError(DatasetError):
    """A file without content."""

    def __init__(self) -> None:
        super().__init__("The file is empty.", remedy="Send a file with a header and labelled rows.")


class UploadTooLargeError(DatasetError):
    """An upload beyond the limit in force.

    Attributes:
        limit_bytes: The limit.
    """

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        super().__init__(
            f"The file is larger than {limit_bytes:,} bytes.",
            remedy="Send a sample: a few thousand labelled rows are enough to choose a model.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A received file.

    Attributes:
        path: Where it lies, for as long as the context lives.
        sha256: Of its bytes, hexadecimal.
        n_bytes: Its size.
    """

    path: Path
    sha256: str
    n_bytes: int


@contextmanager
def store_upload(chunks: Iterable[bytes], *, limit_bytes: int, folder: Path) -> Iterator[Upload]:
    """The upload as a file in a folder of its own, which is gone when the context ends.

    Args:
        chunks: The bytes as they arrive; taken no further than the limit.
        limit_bytes: Largest size accepted.
        folder: Where temporary folders may be made.

    Raises:
        UploadTooLargeError: More bytes than the limit came.
        EmptyFileError: None came.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix="upload-") as own:
        yield _receive(chunks, limit_bytes, Path(own) / "upload")


def _receive(chunks: Iterable[bytes], limit_bytes: int, path: Path) -> Upload:
    digest, n_bytes = hashlib.sha256(), 0
    with path.open("wb") as file:
        for chunk in chunks:
            n_bytes += len(chunk)
            if n_bytes > limit_bytes:
                raise UploadTooLargeError(limit_bytes)
            digest.update(chunk)
            file.write(chunk)
    if n_bytes == 0:
        raise EmptyFileError
    return Upload(path=path, sha256=digest.hexdigest(), n_bytes=n_bytes)
