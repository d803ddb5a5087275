"""Spectrograms on the mel scale, as librosa computes them.

Notation:
    T   frames;  M  bands

Windows of 25 ms every 10 ms, Hann, zeros beyond both ends, power; bands by Slaney's scale, each of area one
(`librosa.feature.melspectrogram` at its defaults but for sizes).
"""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from app.probes.audio_inputs import Samples

RATE = 16_000
WINDOW, HOP = 400, 160
"""Samples."""
N_BANDS = 40


def mel_spectrogram(samples: Samples) -> NDArray[np.float32]:
    """Power in each band at each frame, shape (T, M), T being samples // 160 + 1; no logarithm.

    Args:
        samples: At 16 kHz.
    """
    spectrum = torch.stft(
        torch.from_numpy(np.ascontiguousarray(samples)),
        WINDOW,
        HOP,
        window=torch.hann_window(WINDOW),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    power = spectrum.abs().square().numpy()
    return np.asarray(power.T @ _filters(), dtype=np.float32)


@lru_cache(maxsize=1)
def _filters() -> NDArray[np.float32]:
    """Weight of each frequency in each band, shape (201, M)."""
    from transformers.audio_utils import mel_filter_bank

    found = mel_filter_bank(
        num_frequency_bins=WINDOW // 2 + 1,
        num_mel_filters=N_BANDS,
        min_frequency=0.0,
        max_frequency=RATE / 2,
        sampling_rate=RATE,
        norm="slaney",
        mel_scale="slaney",
    )
    return np.asarray(found, dtype=np.float32)
