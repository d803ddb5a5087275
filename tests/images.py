"""Images of two kinds that any model can tell apart, and archives of them."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 32


def image_bytes(kind: int, seed: int, *, file_format: str = "PNG", side: int = SIDE) -> bytes:
    """A noisy square: mostly red and bright above of kind 0, mostly blue and bright below of kind 1."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 120, size=(side, side, 3))
    values[:, :, 2 * kind] += 100
    half = slice(0, side // 2) if kind == 0 else slice(side // 2, side)
    values[half] += 30
    out = io.BytesIO()
    Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(out, file_format)
    return out.getvalue()


def class_folders(n: int = 4, root: str = "") -> dict[str, bytes]:
    """n images of each of two classes, in the folders of these."""
    return {
        f"{root}{('cold', 'warm')[kind]}/{i}.png": image_bytes(kind, 2 * i + kind)
        for kind in (0, 1)
        for i in range(n)
    }


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(path: Path, files: Mapping[str, bytes], mode: str = "gz") -> Path:
    with tarfile.open(path, f"w:{mode}") as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path
