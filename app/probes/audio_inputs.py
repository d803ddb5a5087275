"""Recordings as models read them: decoded a batch at a time, so that no data set has to fit into memory.

Notation:
    n   recordings;  B  recordings in a batch
    T   steps of the longest of them: samples, frames of a spectrogram, or windows of it
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly
from torch import Tensor

Samples = NDArray[np.float32]
"""Of one channel, shape (samples,), from -1 to 1."""
MOST_GAIN_DB = 6.0
"""Up or down in training: another distance from the microphone."""
MOST_SHIFT_SECONDS, MOST_SHIFT_SHARE = 0.1, 0.1
"""Forth or back in training; of a short recording no more than this share of it."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AudioBatch:
    """Recordings ready for a model.

    Attributes:
        values: Shape (B, T, ...), float32.
        mask: 1 for what is of the recording, 0 for padding, shape (B, T), int64.
    """

    values: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> "AudioBatch":
        """The same batch on another device."""
        return AudioBatch(values=self.values.to(device), mask=self.mask.to(device))


class Prepared(NamedTuple):
    """One recording as a model reads it.

    Attributes:
        values: Shape (T, ...).
        n_own: How many of the T are of the recording.
    """

    values: NDArray[np.float32]
    n_own: int


class FrontEnd(Protocol):
    """What a model is fed with instead of samples."""

    @property
    def rate(self) -> int:
        """Samples a second that it takes."""

    @property
    def tokens_a_second(self) -> float:
        """What a second counts when batches are cut, in tokens of a text that cost as much memory."""

    @property
    def least_tokens(self) -> int:
        """What the shortest recording counts."""

    def prepared(self, samples: Samples) -> Prepared:
        """Of one recording of at least one sample."""


def heard(path: Path, *, rate: int, seconds: float = math.inf) -> Samples:
    """A recording: the mean of its channels at a rate.

    Args:
        path: Of the file.
        rate: Samples a second.
        seconds: What is kept of its beginning.
    """
    with soundfile.SoundFile(path) as recording:
        own = recording.samplerate
        n_frames = -1 if math.isinf(seconds) else math.ceil(seconds * own)
        found: Samples = recording.read(n_frames, dtype="float32", always_2d=True).mean(axis=1)
    if own == rate:
        return found
    shared = math.gcd(own, rate)
    return np.asarray(resample_poly(found, rate // shared, own // shared), dtype=np.float32)


def varied(samples: Samples, rate: int, rng: np.random.Generator) -> Samples:
    """The same recording a little louder or softer, and earlier or later by a little silence."""
    most = min(int(MOST_SHIFT_SECONDS * rate), int(MOST_SHIFT_SHARE * len(samples)))
    shift = int(rng.integers(-most, most + 1))
    found = np.zeros_like(samples)
    found[max(shift, 0) : len(samples) + min(shift, 0)] = samples[
        max(-shift, 0) : len(samples) - max(shift, 0)
    ]
    return found * np.float32(10.0 ** (rng.uniform(-MOST_GAIN_DB, MOST_GAIN_DB) / 20.0))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class AudioFiles:
    """n recordings on disk.

    Attributes:
        paths: n of them.
        front: Of the model that reads them.
        seconds: What is kept of each, from its beginning.
        durations: Seconds of each, shape (n,).
    """

    paths: Sequence[Path]
    front: FrontEnd
    seconds: float
    durations: NDArray[np.float64]

    @classmethod
    def of(cls, paths: Sequence[Path], front: FrontEnd, seconds: float) -> "AudioFiles":
        """These recordings; how long each is, its header says."""
        found = (soundfile.info(path).duration for path in paths)
        durations = np.fromiter(found, dtype=np.float64, count=len(paths))
        return cls(paths=paths, front=front, seconds=seconds, durations=durations)

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """In tokens of a text that cost as much memory, shape (n,)."""
        tokens = np.ceil(np.minimum(self.durations, self.seconds) * self.front.tokens_a_second)
        return np.maximum(tokens, self.front.least_tokens).astype(np.int64)

    @property
    def n_units(self) -> NDArray[np.int64]:
        """One a recording, shape (n,)."""
        return np.ones(len(self), dtype=np.int64)

    def batch(self, rows: NDArray[np.int64]) -> AudioBatch:
        """These recordings as they are."""
        return padded([self._prepared(i) for i in rows])

    def training_batch(self, rows: NDArray[np.int64], seed: int) -> AudioBatch:
        """These recordings, each changed a little by what seed and place draw, however batches are cut."""

        def changed(row: int) -> Callable[[Samples], Samples]:
            rng = np.random.default_rng([seed, row])
            return lambda samples: varied(samples, self.front.rate, rng)

        return padded([self._prepared(i, changed(int(i))) for i in rows])

    def _prepared(self, row: int, change: Callable[[Samples], Samples] | None = None) -> Prepared:
        samples = heard(self.paths[row], rate=self.front.rate, seconds=self.seconds)
        return self.front.prepared(samples if change is None else change(samples))


def padded(recordings: Sequence[Prepared]) -> AudioBatch:
    """At least one recording, padded with zeros to the longest."""
    n_steps = max(len(found.values) for found in recordings)
    values = np.zeros((len(recordings), n_steps, *recordings[0].values.shape[1:]), dtype=np.float32)
    mask = np.zeros(values.shape[:2], dtype=np.int64)
    for i, found in enumerate(recordings):
        values[i, : len(found.values)] = found.values
        mask[i, : found.n_own] = 1
    return AudioBatch(values=torch.from_numpy(values), mask=torch.from_numpy(mask))
