"""The model in a folder, of texts, of files or of items, as its configuration says."""

import json
from pathlib import Path
from typing import TypeAlias

import torch

from app.probes.audio_backbones import load_audio_backbone, reads_audio
from app.probes.backbones import TextBackbone, UnloadableModelError, load_backbone
from app.probes.file_backbones import FileBackbone
from app.probes.image_backbones import load_image_backbone, reads_images
from app.probes.item_networks import ITEM_NETWORKS, ItemBackbone, load_item_backbone
from app.probes.writers import Writer, load_writer

LoadedBackbone: TypeAlias = TextBackbone | FileBackbone | ItemBackbone | Writer


def load_model(
    folder: Path, *, seed: int = 0, input_prefix: str = "", writes: bool = False
) -> LoadedBackbone:
    """The model in this folder in single precision; see `load_backbone`.

    Args:
        folder: `config.json` and safetensors; of a model of texts a tokenizer too, of a network over items no
            weights.
        seed: Of weights that a checkpoint lacks; a checkpoint that lacks any of importance is refused.
        input_prefix: Put before every text.
        writes: Whether it is to write texts, with the head that it was pretrained with.

    Raises:
        UnloadableModelError: It is not a whole model of a known kind.
    """
    if writes:
        return load_writer(folder, seed=seed, input_prefix=input_prefix)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model_type = str(config.get("model_type"))
        if model_type in ITEM_NETWORKS:
            return load_item_backbone(folder, seed=seed)
        if reads_images(model_type):
            torch.manual_seed(seed)
            return load_image_backbone(folder, model_type)
        if reads_audio(model_type):
            torch.manual_seed(seed)
            return load_audio_backbone(folder, model_type)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UnloadableModelError(folder, str(error).splitlines()[0]) from error
    return load_backbone(folder, seed=seed, input_prefix=input_prefix)
