"""Resemblyzer's speaker encoder: three LSTM layers over mel spectrograms, trained to tell voices apart.

Notation:
    W   windows of 1.6 s of a recording;  F  frames of a window, 160;  M  mel bands, 40

Sources: Wan et al. 2018, "Generalized End-to-End Loss for Speaker Verification"; `resemblyzer` 0.1.4
(`audio.py`, `voice_encoder.py`), whose windows, volume and spectrogram are computed here as there. What
is left out is its cut of long silences, which needs another library and is not part of the network.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from app.probes.audio_inputs import Prepared, Samples
from app.probes.mel import HOP, N_BANDS, RATE, mel_spectrogram

MODEL_TYPE = "resemblyzer"
WIDTH, N_LAYERS = 256, 3
WINDOW_FRAMES = 160
WINDOWS_A_SECOND = 1.3
"""One begins every 77 frames, so that windows overlap by half."""
LEAST_COVERAGE = 0.75
"""A last window of which the recording fills less is left out."""
LEAST_DBFS = -30.0
"""Recordings are made as loud at least."""
TOKENS_A_WINDOW = 16
"""Of a text that cost as much memory: a window keeps 160 frames of three layers a quarter as wide."""
_UNUSED = frozenset({"similarity_weight", "similarity_bias"})
"""Of the loss that it was trained with."""


class SpeakerFront:
    """Windows of mel spectrograms; satisfies `FrontEnd`."""

    rate = RATE
    tokens_a_second = WINDOWS_A_SECOND * TOKENS_A_WINDOW
    least_tokens = TOKENS_A_WINDOW

    def prepared(self, samples: Samples) -> Prepared:
        """Shape (W, F, M)."""
        starts = window_starts(len(samples))
        n_samples = max((starts[-1] + WINDOW_FRAMES) * HOP, len(samples))
        padded = np.pad(loud_enough(samples), (0, n_samples - len(samples)))
        mel = mel_spectrogram(padded)
        return Prepared(np.stack([mel[i : i + WINDOW_FRAMES] for i in starts]), len(starts))


def loud_enough(samples: Samples) -> Samples:
    """Samples of a mean power of -30 dB of full scale at least; silence stays what it is."""
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    least = 10.0 ** (LEAST_DBFS / 10.0)
    return samples if power == 0.0 or power >= least else samples * np.float32(math.sqrt(least / power))


def window_starts(n_samples: int) -> list[int]:
    """The first frame of each window; one at least, and the last left out where it is mostly empty."""
    n_frames = math.ceil((n_samples + 1) / HOP)
    step = round(RATE / WINDOWS_A_SECOND / HOP)
    starts = list(range(0, max(1, n_frames - WINDOW_FRAMES + step + 1), step))
    covered = (n_samples - starts[-1] * HOP) / (WINDOW_FRAMES * HOP)
    return starts[:-1] if covered < LEAST_COVERAGE and len(starts) > 1 else starts


class SpeakerEncoder(nn.Module):
    """The network; names of its weights are those of the published checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(N_BANDS, WIDTH, N_LAYERS, batch_first=True)
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, windows: Tensor, mask: Tensor) -> Tensor:
        """Means over a recording's windows, shape (B, layers + 1, 256).

        Of each LSTM layer its last state; at the end the embedding of a voice, not negative and of length 1.
        In single precision always: rounding would add up over the frames, and some processors have no LSTM of
        fewer bits.

        Args:
            windows: Shape (B, W, F, M).
            mask: 1 for a window of the recording, shape (B, W).
        """
        with torch.autocast(windows.device.type, enabled=False):
            there = mask.bool()
            _, (states, _) = self.lstm(windows[there])
            embedded = nn.functional.normalize(torch.relu(self.linear(states[-1])), dim=1)
            found = torch.cat([states, embedded.unsqueeze(0)]).transpose(0, 1)
            spread = found.new_zeros((*mask.shape, *found.shape[1:]))
            spread[there] = found
            means = spread.sum(dim=1) / mask.sum(dim=1).clamp(min=1).view(-1, 1, 1)
            return torch.cat([means[:, :-1], nn.functional.normalize(means[:, -1:], dim=2)], dim=1)


def pretrained(tensors: Mapping[str, Tensor]) -> SpeakerEncoder:
    """The network with these weights, every one of which must be there and in its place.

    Args:
        tensors: By their names in the checkpoint.

    Raises:
        ValueError: Weights are missing, left over or of another shape.
    """
    network = SpeakerEncoder()
    try:
        network.load_state_dict({n: t for n, t in tensors.items() if n not in _UNUSED}, strict=True)
    except RuntimeError as error:
        raise ValueError(f"not the weights of {MODEL_TYPE}: {error}") from error
    return network.eval()
