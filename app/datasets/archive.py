"""ZIP and TAR archives as a stream of members, each of them safe to read.

Nothing is written under a member's own name, so a name can never lead out of a folder; names that try are
refused all the same, since they show that the archive was not made for us. Sizes are counted while bytes come
out, whatever the archive says of itself.
"""

import gzip
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import IO

from app.datasets.errors import DatasetError

MAX_MEMBERS = 100_000
MAX_MEMBER_BYTES = 64 * 2**20
"""Larger than any photograph that a model is tuned on, and than a manifest of a million rows."""
MAX_TOTAL_BYTES = 8 * 2**30
MAX_RATIO, FREE_BYTES = 200, 16 * 2**20
"""Images hardly shrink and tables by twenty; beyond the first megabytes more than this is a bomb."""
CHUNK_BYTES = 2**20
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_ENCRYPTED = 0x1
_JUNK_FOLDERS = frozenset({"__macosx", ".git", ".ipynb_checkpoints"})
_JUNK_FILES = frozenset({"thumbs.db", "desktop.ini"})
_DRIVE = re.compile(r"[A-Za-z]:")


class MalformedArchiveError(DatasetError):
    """An archive that ends early or contradicts itself."""

    def __init__(self) -> None:
        super().__init__("The archive is damaged or cut off.", remedy="Pack it again, and send it whole.")


class UnsafeMemberError(DatasetError):
    """A member that no plain archive of files has.

    Attributes:
        member: Its name in the archive.
    """

    def __init__(self, member: str, what: str, remedy: str) -> None:
        self.member = member
        super().__init__(f"The archive's member {member[:200]!r} {what}.", remedy=remedy)


class ArchiveTooLargeError(DatasetError):
    """More members or bytes than are unpacked."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"The archive holds {what}.",
            remedy="Send a sample: a few hundred examples a class are enough to choose a model.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A plain file of an archive.

    Attributes:
        path: Its name, clean: parts with `/` between them.
        read: Its bytes; to be called before the next member is asked for.
    """

    path: PurePosixPath
    read: Callable[[], bytes]


def is_archive(path: Path) -> bool:
    """Whether this is a ZIP archive or a TAR one, compressed by gzip or not."""
    with path.open("rb") as file:
        head = file.read(_TAR_MAGIC_AT + len(_TAR_MAGIC))
    if head.startswith(b"PK\x03\x04"):
        return True
    if head.startswith(b"\x1f\x8b"):
        try:
            with gzip.open(path) as unpacked:
                head = unpacked.read(_TAR_MAGIC_AT + len(_TAR_MAGIC))
        except (OSError, EOFError, zlib.error):
            return False
    return head[_TAR_MAGIC_AT:] == _TAR_MAGIC


def members(path: Path) -> Iterator[Member]:
    """The files of an archive in its order; folders and what systems put beside files are passed over.

    Raises:
        MalformedArchiveError: It is damaged.
        UnsafeMemberError: A member leads out of the archive, is a link or a device, encrypted or a bomb.
        ArchiveTooLargeError: There are too many members or bytes.
    """
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    found = _zip_members(path) if is_zip else _tar_members(path)
    seen: set[PurePosixPath] = set()
    with _damage_told():
        for member in found:
            if member.path in seen:
                raise UnsafeMemberError(
                    str(member.path), "is there twice", "Give every file a name of its own."
                )
            seen.add(member.path)
            if not _is_junk(member.path):
                yield member


@contextmanager
def _damage_told() -> Iterator[None]:
    """What the readers of archives raise is our error."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        EOFError,
        OSError,
        NotImplementedError,
    ) as error:
        raise MalformedArchiveError from error


class _Quota:
    """Counts what comes out of an archive of so many bytes."""

    def __init__(self, archive_bytes: int) -> None:
        self._allowed = min(MAX_TOTAL_BYTES, FREE_BYTES + MAX_RATIO * archive_bytes)
        self._n_bytes = self._n_members = 0

    def count_member(self) -> None:
        """One more.

        Raises:
            ArchiveTooLargeError: It is one too many.
        """
        self._n_members += 1
        if self._n_members > MAX_MEMBERS:
            raise ArchiveTooLargeError(f"more than {MAX_MEMBERS:,} members")

    def count_bytes(self, n_bytes: int) -> None:
        """So many more.

        Raises:
            ArchiveTooLargeError: They are too many, or too many for so small an archive.
        """
        self._n_bytes += n_bytes
        if self._n_bytes > self._allowed:
            raise ArchiveTooLargeError(
                f"more than {self._allowed:,} bytes once unpacked, which no archive of its size should"
            )

    def read(self, name: str, file: IO[bytes]) -> bytes:
        """All of a member.

        Raises:
            ArchiveTooLargeError: It is too large, or all together are.
        """
        parts, n_bytes = list[bytes](), 0
        while chunk := file.read(CHUNK_BYTES):
            n_bytes += len(chunk)
            if n_bytes > MAX_MEMBER_BYTES:
                raise ArchiveTooLargeError(f"a file of more than {MAX_MEMBER_BYTES:,} bytes, {name[:200]!r}")
            self.count_bytes(len(chunk))
            parts.append(chunk)
        return b"".join(parts)


def _zip_members(path: Path) -> Iterator[Member]:
    quota = _Quota(path.stat().st_size)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            quota.count_member()
            name = _clean(info.filename)
            if info.is_dir():
                continue
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in {0, stat.S_IFREG}:
                raise _not_plain(info.filename)
            if info.flag_bits & _ENCRYPTED:
                raise UnsafeMemberError(info.filename, "is encrypted", "Pack it without a password.")

            def read(info: zipfile.ZipInfo = info) -> bytes:
                with _damage_told(), archive.open(info) as file:
                    return quota.read(info.filename, file)

            yield Member(path=name, read=read)


def _tar_members(path: Path) -> Iterator[Member]:
    quota = _Quota(path.stat().st_size)
    with _opened_tar(path, quota) as archive:
        for info in archive:
            quota.count_member()
            name = _clean(info.name)
            if info.isdir():
                continue
            if not info.isreg() or info.issparse():
                raise _not_plain(info.name)

            def read(info: tarfile.TarInfo = info) -> bytes:
                with _damage_told():
                    file = archive.extractfile(info)
                    return b"" if file is None else quota.read(info.name, file)

            yield Member(path=name, read=read)
        # tarfile takes an archive that is cut off between members for a whole one.
        archive.fileobj.seek(archive.offset)
        if len(archive.fileobj.read(tarfile.BLOCKSIZE)) < tarfile.BLOCKSIZE:
            raise MalformedArchiveError


@contextmanager
def _opened_tar(path: Path, quota: _Quota) -> Iterator[tarfile.TarFile]:
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        with gzip.GzipFile(fileobj=file) if is_packed else file as unpacked:
            bounded: IO[bytes] = _Bounded(unpacked, quota)  # type: ignore[assignment]  # what tarfile uses
            with tarfile.open(fileobj=bounded, mode="r:") as archive:
                yield archive


class _Bounded:
    """A TAR's bytes; headers that ask for megabytes, and skipping over gigabytes, are refused."""

    def __init__(self, file: BufferedIOBase, quota: _Quota) -> None:
        self._file, self._quota = file, quota

    def read(self, n_bytes: int) -> bytes:
        """So many bytes, or those that are left."""
        if n_bytes > MAX_MEMBER_BYTES:
            raise ArchiveTooLargeError(f"a header of {n_bytes:,} bytes")
        return self._file.read(n_bytes)

    def seek(self, position: int) -> int:
        """On to another place; what lies between counts as unpacked, before it is."""
        self._quota.count_bytes(max(position - self._file.tell(), 0))
        return self._file.seek(position)

    def tell(self) -> int:
        """The place."""
        return self._file.tell()


def _clean(name: str) -> PurePosixPath:
    """The name as a path below the archive's root.

    Raises:
        UnsafeMemberError: It leads elsewhere.
    """
    unified = name.replace("\\", "/")
    parts = PurePosixPath(unified).parts
    leads_out = unified.startswith("/") or ".." in parts or _DRIVE.match(unified)
    if leads_out or "\0" in name or any(ord(sign) < ord(" ") for sign in name):
        raise UnsafeMemberError(
            name, "leads out of the archive", "Pack files under plain relative names, without '..'."
        )
    return PurePosixPath(*parts)


def _not_plain(name: str) -> UnsafeMemberError:
    return UnsafeMemberError(name, "is a link or a device", "Pack the files themselves.")


def _is_junk(path: PurePosixPath) -> bool:
    """Whether a system put it there unasked."""
    folders = {part.casefold() for part in path.parts[:-1]}
    name = path.name.casefold()
    return bool(folders & _JUNK_FOLDERS) or name in _JUNK_FILES or name.startswith(".")
