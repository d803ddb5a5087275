"""Images as models read them: decoded a batch at a time, so that no data set has to fit into memory.

Notation:
    n   images;  B  images in a batch;  S  pixels a side
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of values from 0 to 1; what models were trained with that do not say otherwise."""
SHORTER_SIDE = 1.14
"""Times S, to which the shorter side is scaled before the middle is cut out (256 of 224)."""
LEAST_AREA, RATIOS = 0.35, (3 / 4, 4 / 3)
"""Of a random crop. Szegedy et al. 2015 take 0.08; a short fine-tune on a few hundred images needs less."""


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ImageBatch:
    """Images ready for a model.

    Attributes:
        pixels: Shape (B, 3, S, S), float32.
    """

    pixels: Tensor

    def to(self, device: torch.device) -> "ImageBatch":
        """The same batch on another device."""
        return ImageBatch(pixels=self.pixels.to(device))


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocessing:
    """What a model expects of its pixels.

    Attributes:
        size: S.
        mean: Of each channel, of values from 0 to 1.
        std: By which each channel is divided then.
    """

    size: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def prepared(self, path: Path) -> NDArray[np.float32]:
        """The middle of an image, shape (3, S, S)."""
        wide = round(self.size * SHORTER_SIDE)
        image = opened(path, wide)
        factor = self.size / wide * min(image.size)
        left, top = (image.width - factor) / 2, (image.height - factor) / 2
        return self._scaled(image, (left, top, left + factor, top + factor), flip=False)

    def augmented(self, path: Path, rng: np.random.Generator) -> NDArray[np.float32]:
        """A random part of an image, mirrored or not, shape (3, S, S).

        Args:
            path: Of the image.
            rng: Decides which part.
        """
        image = opened(path, self.size)
        area = image.width * image.height * rng.uniform(LEAST_AREA, 1.0)
        ratio = float(np.exp(rng.uniform(*np.log(RATIOS))))
        width = min((area * ratio) ** 0.5, image.width)
        height = min((area / ratio) ** 0.5, image.height)
        left, top = rng.uniform(0, image.width - width), rng.uniform(0, image.height - height)
        return self._scaled(image, (left, top, left + width, top + height), flip=bool(rng.random() < 0.5))

    def _scaled(
        self, image: Image.Image, box: tuple[float, float, float, float], *, flip: bool
    ) -> NDArray[np.float32]:
        cut = image.resize((self.size, self.size), Image.Resampling.BILINEAR, box=box)
        values = np.asarray(cut, dtype=np.float32) / 255.0
        mean, std = (np.asarray(v, dtype=np.float32) for v in (self.mean, self.std))
        values = (values - mean) / std
        return np.ascontiguousarray((values[:, ::-1] if flip else values).transpose(2, 0, 1))


def opened(path: Path, least: int) -> Image.Image:
    """An image in three channels; of a large JPEG no more is decoded than is needed.

    Args:
        path: Of the image.
        least: Pixels that each side is to have at least, where it has.
    """
    with Image.open(path) as image:
        image.draft("RGB", (least, least))
        return image.convert("RGB")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ImageFiles:
    """n images on disk.

    Attributes:
        paths: n of them.
        preprocessing: Of the model that reads them.
        n_tokens: What one counts when batches are cut, in tokens of a text that cost as much memory.
    """

    paths: Sequence[Path]
    preprocessing: Preprocessing
    n_tokens: int

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """All alike, shape (n,)."""
        return np.full(len(self), self.n_tokens, dtype=np.int64)

    @property
    def n_units(self) -> NDArray[np.int64]:
        """One an image, shape (n,)."""
        return np.ones(len(self), dtype=np.int64)

    def batch(self, rows: NDArray[np.int64]) -> ImageBatch:
        """These images as they are."""
        return self._stacked([self.preprocessing.prepared(self.paths[i]) for i in rows])

    def training_batch(self, rows: NDArray[np.int64], seed: int) -> ImageBatch:
        """These images, each changed a little by what seed and place draw, however batches are cut."""
        draws = (np.random.default_rng([seed, int(i)]) for i in rows)
        return self._stacked(
            [self.preprocessing.augmented(self.paths[i], rng) for i, rng in zip(rows, draws, strict=True)]
        )

    def _stacked(self, images: Sequence[NDArray[np.float32]]) -> ImageBatch:
        size = self.preprocessing.size
        stacked = np.stack(images) if images else np.empty((0, 3, size, size), dtype=np.float32)
        return ImageBatch(pixels=torch.from_numpy(stacked))
