"""What is left out of an example to see what it was worth: runs of words, or cells of an image.

Notation:
    R   regions of an example; a mask over them is of shape (R,), True for what stays
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MOST_REGIONS = 32
"""Of a text: longer ones are cut into as many runs of words. Kernel SHAP's samples are few for more."""
GRID = 6
"""Cells a side of an image: 37 pixels of 224, about what a network sees as a part of something."""
LARGEST_SIDE = 256
"""Pixels that an image is scaled to before cells are left out."""
_WORD = re.compile(r"[㐀-鿿぀-ヿ]|[^\s㐀-鿿぀-ヿ]+")
"""A Chinese or Japanese character, or what white space parts."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A run of words.

    Attributes:
        field: `text` or `text_pair`.
        start: First character.
        end: Behind the last.
    """

    field: str
    start: int
    end: int


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class TextRegions:
    """A text, or a pair, cut into regions.

    Attributes:
        text: The text.
        text_pair: The second one; None where there is none.
        regions: R runs of words.
    """

    text: str
    text_pair: str | None
    regions: tuple[Region, ...]

    @classmethod
    def of(cls, text: str, text_pair: str | None) -> "TextRegions":
        """At most `MOST_REGIONS`, of about equally many words."""
        words = [
            Region(field=field, start=found.start(), end=found.end())
            for field, whole in (("text", text), ("text_pair", text_pair or ""))
            for found in _WORD.finditer(whole)
        ]
        return cls(text=text, text_pair=text_pair, regions=tuple(_merged(words)))

    def kept(self, mask: Mask) -> tuple[str, str | None]:
        """The texts without what the mask leaves out."""
        left_out = [region for region, stays in zip(self.regions, mask, strict=True) if not stays]
        second = None if self.text_pair is None else _without(self.text_pair, left_out, "text_pair")
        return _without(self.text, left_out, "text"), second


def _merged(words: Sequence[Region]) -> list[Region]:
    """Words, or where they are too many runs of them, none across both texts."""
    each = -(-len(words) // (MOST_REGIONS - 1)) if len(words) > MOST_REGIONS else 1
    found = []
    for field in ("text", "text_pair"):
        own = [word for word in words if word.field == field]
        runs = [own[i : i + each] for i in range(0, len(own), each)]
        found += [Region(field=field, start=run[0].start, end=run[-1].end) for run in runs]
    return found


def _without(text: str, left_out: Sequence[Region], field: str) -> str:
    kept, at = [], 0
    for region in left_out:
        if region.field == field:
            kept.append(text[at : region.start])
            at = region.end
    return " ".join("".join([*kept, text[at:]]).split())


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ImageCells:
    """An image of which cells are painted in its mean colour.

    Attributes:
        pixels: Shape (H, W, 3), uint8.
    """

    pixels: NDArray[np.uint8]

    @classmethod
    def of(cls, path: Path) -> "ImageCells":
        """An image on disk, no larger than is needed."""
        with Image.open(path) as opened:
            opened.draft("RGB", (LARGEST_SIDE, LARGEST_SIDE))
            image = opened.convert("RGB")
        image.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        return cls(pixels=np.asarray(image, dtype=np.uint8))

    def written(self, mask: Mask, path: Path) -> None:
        """The image with the cells that stay, shape (GRID * GRID,), row by row, as a PNG."""
        height, width = self.pixels.shape[:2]
        rows, columns = (np.arange(n) * GRID // n for n in (height, width))
        stays = mask.reshape(GRID, GRID)[rows[:, None], columns[None]]
        mean = self.pixels.reshape(-1, 3).mean(axis=0).astype(np.uint8)
        Image.fromarray(np.where(stays[..., None], self.pixels, mean)).save(path, compress_level=0)
