"""Predicts with a fine-tuned model of images: `python predict.py a.jpg b.png`.

Lies beside `classifier.json` and needs torch, transformers, Pillow and safetensors. A head holds no weights
of its base model: these come from the hub by their id, or from the folder that `--base` names.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

HERE = Path(__file__).parent


class Classifier:
    """A fine-tuned model.

    Args:
        folder: Of `classifier.json`.
        base: Folder or hub id of the base model, where `folder` holds no `model`; by default as recorded.
    """

    def __init__(self, folder: Path = HERE, base: str | None = None) -> None:
        self.settings: dict[str, Any] = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
        head = load_file(folder / "classifier.safetensors")
        self._weight, self._bias = head["weight"], head["bias"]
        self.labels: list[str] = self.settings["labels"]
        own = folder / "model"
        source = str(own) if own.exists() else base or self.settings["base"]["id"]
        self._encode = _lite(own) if self.settings["pooling"] == "lite" else _opened(source, self.settings)

    @torch.inference_mode()
    def outputs(self, paths: Sequence[Path | str], batch_size: int = 16) -> Tensor:
        """Logits of the head, shape (n, K).

        Args:
            paths: Of n images.
            batch_size: Images at once.
        """
        parts = [paths[i : i + batch_size] for i in range(0, len(paths), batch_size)]
        found = [self._encode(torch.stack([self._prepared(Path(path)) for path in part])) for part in parts]
        return torch.cat(found) @ self._weight.T + self._bias

    def predict(self, paths: Sequence[Path | str]) -> list[str]:
        """The likeliest class of each image."""
        return [self.labels[int(i)] for i in self.outputs(paths).argmax(dim=1)]

    def _prepared(self, path: Path) -> Tensor:
        """The middle of an image, shape (3, S, S)."""
        given = self.settings["preprocessing"]
        size, wide = given["size"], round(given["size"] * given["shorter_side"])
        with Image.open(path) as opened:
            opened.draft("RGB", (wide, wide))
            image = opened.convert("RGB")
        side = size / wide * min(image.size)
        left, top = (image.width - side) / 2, (image.height - side) / 2
        box = (left, top, left + side, top + side)
        cut = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
        values = np.asarray(cut, dtype=np.float32) / 255.0
        values = (values - np.float32(given["mean"])) / np.float32(given["std"])
        return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 0, 1)))


def _lite(folder: Path) -> Callable[[Tensor], Tensor]:
    """EfficientNet-Lite, whose definition lies beside this file."""
    sys.path.insert(0, str(HERE))
    from efficientnet_lite import pretrained  # type: ignore[import-not-found]  # beside this file

    model_type = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    network: Callable[[Tensor], Tensor] = pretrained(model_type, load_file(folder / "model.safetensors"))
    return network


def _opened(source: str, settings: dict[str, Any]) -> Callable[[Tensor], Tensor]:
    from transformers import AutoModel

    model = AutoModel.from_pretrained(source, dtype=torch.float32).eval()

    def encode(pixels: Tensor) -> Tensor:
        found = model(pixel_values=pixels)
        last: Tensor = found.last_hidden_state
        if last.ndim == 4:  # a convolutional network
            pooled = getattr(found, "pooler_output", None)
            return last.mean(dim=(2, 3)) if pooled is None else pooled.flatten(1)
        return last[:, settings["n_special"] :].mean(dim=1)

    return encode


def main() -> None:
    """Prints of each image its likeliest class and the probability of it."""
    parser = argparse.ArgumentParser(description="Classify images with this fine-tuned model.")
    parser.add_argument("images", nargs="+")
    parser.add_argument("--base", help="folder or hub id of the base model")
    arguments = parser.parse_args()
    classifier = Classifier(base=arguments.base)
    found = torch.softmax(classifier.outputs(arguments.images), dim=1)
    for path, row in zip(arguments.images, found, strict=True):
        best = int(row.argmax())
        print(f"{classifier.labels[best]}\t{float(row[best]):.3f}\t{path}")  # noqa: T201


if __name__ == "__main__":
    main()
