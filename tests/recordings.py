"""Recordings of two kinds that any model can tell apart: low tones and high ones in noise."""

import io

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 16_000
PITCHES = (300.0, 1_500.0)
"""Of each kind, in Hertz."""


def tone(
    kind: int, seed: int, *, seconds: float = 0.4, rate: int = RATE, channels: int = 1
) -> NDArray[np.float32]:
    """A tone about the pitch of its kind in noise, shape (n, channels)."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    pitch = PITCHES[kind] * rng.uniform(0.9, 1.1)
    samples = 0.3 * np.sin(2 * np.pi * pitch * times) + rng.normal(scale=0.02, size=len(times))
    return np.repeat(samples.astype(np.float32)[:, None], channels, axis=1)


def encoded(
    samples: NDArray[np.float32], *, rate: int = RATE, file_format: str = "WAV", subtype: str | None = None
) -> bytes:
    """A file of these samples."""
    out = io.BytesIO()
    soundfile.write(out, samples, rate, format=file_format, subtype=subtype)
    return out.getvalue()


def recording_bytes(kind: int, seed: int, *, seconds: float = 0.4, file_format: str = "WAV") -> bytes:
    """A file of a tone."""
    return encoded(tone(kind, seed, seconds=seconds), file_format=file_format)


def class_folders(n: int = 4) -> dict[str, bytes]:
    """n recordings of each of two classes, in the folders of these."""
    return {
        f"{('low', 'high')[kind]}/{i}.wav": recording_bytes(kind, 2 * i + kind)
        for kind in (0, 1)
        for i in range(n)
    }
