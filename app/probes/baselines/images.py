"""The baseline of images: logistic regression on what a glance shows.

A grey thumbnail of 16 by 16 and a histogram of colours: what a pretrained model has to beat.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.probes.baselines.classes import Labels
from app.probes.baselines.files import predict_by
from app.probes.data import Part
from app.probes.image_inputs import opened

PIXELS = "pixels-logistic"
SIDE, LEVELS = 16, 4
"""Pixels a side, and steps of each of three channels."""


def predict_pixels(train: Part, asked: Part, seed: int) -> Labels:
    """Classes by thumbnails and colours; the majority where there is one class."""
    return predict_by(glance, train, asked, seed)


def glance(path: Path) -> NDArray[np.float32]:
    """A grey thumbnail and the shares of colours, shape (16 * 16 + 4 ** 3,)."""
    image = opened(path, 2 * SIDE)
    grey = np.asarray(image.convert("L").resize((SIDE, SIDE)), dtype=np.float32).ravel() / 255
    levels = np.asarray(image.resize((4 * SIDE, 4 * SIDE)), dtype=np.int64) * LEVELS // 256
    numbers = levels.reshape(-1, 3) @ np.array([LEVELS**2, LEVELS, 1])
    colours = np.bincount(numbers, minlength=LEVELS**3) / len(numbers)
    return np.concatenate([grey, np.sqrt(colours).astype(np.float32)])
