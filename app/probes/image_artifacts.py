"""A fine-tuned model of images as its user takes it away.

classifier.json          base model, strategy, classes, how images are cut and what is pooled
classifier.safetensors   the head: weight (K, d), bias (K,)
model/                   the backbone, where it was trained or no hub serves it in this form
predict.py               reads all of this with torch, transformers, Pillow and safetensors alone
efficientnet_lite.py     the network, where `transformers` does not know it
"""

import shutil
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

import app.probes.artifact_predict_images
import app.probes.efficientnet_lite
from app.probes.image_backbones import ImageBackbone, ImageTransformer, LiteBackbone
from app.probes.image_inputs import SHORTER_SIDE

MODEL = "model"
_FILES = ("config.json", "preprocessor_config.json")


def write_image_model(source: Path, place: Path, backbone: ImageBackbone, *, trained: bool) -> dict[str, Any]:
    """The backbone with the program that reads it, in a folder; returns what the program has to know.

    Args:
        source: Folder of the weights that it began from.
        place: To be filled.
        backbone: As trained, or as loaded.
        trained: Whether its own weights were.
    """
    shutil.copyfile(app.probes.artifact_predict_images.__file__, place / "predict.py")
    if isinstance(backbone, LiteBackbone):
        _write_lite(source, place, backbone)
    elif isinstance(backbone, ImageTransformer) and trained:
        _write_transformer(source, place, backbone)
    given = backbone.preprocessing
    return {
        "pooling": "lite" if isinstance(backbone, LiteBackbone) else "mean",
        "n_special": backbone.n_special if isinstance(backbone, ImageTransformer) else 0,
        "preprocessing": {
            "size": given.size,
            "mean": list(given.mean),
            "std": list(given.std),
            "shorter_side": SHORTER_SIDE,
        },
    }


def _write_lite(source: Path, place: Path, backbone: LiteBackbone) -> None:
    (place / MODEL).mkdir()
    shutil.copyfile(source / "config.json", place / MODEL / "config.json")
    tensors = {
        name: value.detach().cpu().contiguous() for name, value in backbone.module.state_dict().items()
    }
    save_file(tensors, place / MODEL / "model.safetensors")
    shutil.copyfile(app.probes.efficientnet_lite.__file__, place / "efficientnet_lite.py")


def _write_transformer(source: Path, place: Path, backbone: ImageTransformer) -> None:
    """The whole model, with what was trained in its place; a pooler is as it was."""
    from app.probes.backbones import pretrained_network

    whole = pretrained_network(source)
    whole.load_state_dict({n: v.cpu() for n, v in backbone.module.state_dict().items()}, strict=False)
    whole.save_pretrained(place / MODEL)
    for name in _FILES[1:]:
        if (source / name).exists():
            shutil.copyfile(source / name, place / MODEL / name)
