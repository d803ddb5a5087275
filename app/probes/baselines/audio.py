"""The baseline of recordings: logistic regression on means and deviations of cepstral coefficients.

Notation:
    T   frames;  C  coefficients

Source: Davis and Mermelstein 1980, "Comparison of Parametric Representations for Monosyllabic Word
Recognition in Continuously Spoken Sentences", equation 1: the cosine transform of the logarithm of power in
mel bands.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from app.datasets.profile import MAX_SECONDS
from app.probes.audio_inputs import heard
from app.probes.baselines.classes import Labels
from app.probes.baselines.files import predict_by
from app.probes.data import Part
from app.probes.mel import RATE, mel_spectrogram

MFCC = "mfcc-logistic"
N_COEFFICIENTS = 20
LEAST_POWER = 1e-10
"""Of a band, so that silence has a logarithm."""


def predict_mfcc(train: Part, asked: Part, seed: int) -> Labels:
    """Classes by cepstral coefficients; the majority where there is one class."""
    return predict_by(summary, train, asked, seed)


def summary(path: Path) -> NDArray[np.float32]:
    """Mean and standard deviation over time of each coefficient, shape (2 C,)."""
    power = mel_spectrogram(heard(path, rate=RATE, seconds=MAX_SECONDS))
    cepstra = dct(np.log(power + LEAST_POWER), norm="ortho", axis=1)[:, :N_COEFFICIENTS]
    return np.concatenate([cepstra.mean(axis=0), cepstra.std(axis=0)]).astype(np.float32)
