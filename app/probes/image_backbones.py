"""Pretrained models of images as one thing: images in, one vector an image out.

Notation:
    B   images in a batch;  T  patches of each;  d  width of the output

Transformers are pooled by the mean over their patches, layer by layer; convolutional networks, whose stages
differ in width, give the mean over places of their last stage only.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from app.probes.backbones import pretrained_network
from app.probes.efficientnet_lite import MEAN, SCALE, VARIANTS, StillNorm, pretrained
from app.probes.file_backbones import FileBackbone
from app.probes.image_inputs import IMAGENET_MEAN, IMAGENET_STD, ImageBatch, ImageFiles, Preprocessing

DEFAULT_SIZE = 224
NEVER_CUT = 1_000_000
"""The longest input of a model that reads whole images."""
CELL = 32
"""Pixels a side that a convolutional network makes one place of: 49 places of 224 pixels."""


class ImageBackbone(FileBackbone):
    """What models of images have in common.

    Attributes:
        preprocessing: Of its pixels.
        n_tokens: What an image counts when batches are cut.
    """

    noun = "image"
    max_length = NEVER_CUT
    preprocessing: Preprocessing
    n_tokens: int

    def read(self, paths: Sequence[Path], max_length: int) -> ImageFiles:
        """Images on disk, decoded when they are asked for; they have no length that could be cut."""
        del max_length
        return ImageFiles(paths=paths, preprocessing=self.preprocessing, n_tokens=self.n_tokens)


class LiteBackbone(ImageBackbone):
    """EfficientNet-Lite."""

    def __init__(self, folder: Path, model_type: str) -> None:
        from safetensors.torch import load_file

        self._network = pretrained(model_type, load_file(folder / "model.safetensors"))
        self.module = self._network
        self.width = self._network.width
        self.n_parameters = sum(p.numel() for p in self.module.parameters())
        size = VARIANTS[model_type].size
        self.preprocessing = Preprocessing(size=size, mean=(MEAN / 255,) * 3, std=(SCALE / 255,) * 3)
        self.n_tokens = (size // CELL) ** 2

    def encode_layers(self, batch: ImageBatch) -> Tensor:
        """Of the last layer, shape (B, 1, d)."""
        found: Tensor = self.module(batch.pixels)
        return found.float().unsqueeze(1)

    def save_memory(self) -> None:
        """They are kept: the network is small."""

    def layers(self) -> list[nn.Module]:
        """Its blocks."""
        return self._network.blocks


class ImageTransformer(ImageBackbone):
    """A network of images that `transformers` knows, convolutional ones included.

    Attributes:
        n_special: Tokens before the patches, which are no part of the mean.
    """

    def __init__(self, folder: Path) -> None:
        self._model = _load_model(folder)
        self.module = self._model
        config = self._model.config
        self.n_parameters = sum(p.numel() for p in self.module.parameters())
        self.preprocessing = _preprocessing(folder, config)
        patch = getattr(config, "patch_size", None)
        cell = patch if isinstance(patch, int) else CELL
        self.n_tokens = max(self.preprocessing.size // cell, 1) ** 2
        size = self.preprocessing.size
        self.n_special = 0
        with torch.inference_mode():  # what the configuration says of widths differs from model to model
            found = self._model(pixel_values=torch.zeros(1, 3, size, size), output_hidden_states=True)
            if len(_of_one_shape(found)) > 1:
                self.n_special = max(found.last_hidden_state.shape[1] - self.n_tokens, 0)
            self.width = self.encode_layers(ImageBatch(pixels=torch.zeros(1, 3, size, size))).shape[-1]

    def encode_layers(self, batch: ImageBatch) -> Tensor:
        """Input vectors first, shape (B, layers + 1, d); (B, 1, d) where layers differ in shape."""
        found = self._model(pixel_values=batch.pixels, output_hidden_states=True)
        last = found.last_hidden_state
        if last.ndim == 4:  # (B, d, H, W)
            pooled = getattr(found, "pooler_output", None)
            states: Tensor = last.mean(dim=(2, 3)) if pooled is None else pooled.flatten(1)
            return states.float().unsqueeze(1)
        pooled_layers = [layer[:, self.n_special :].float().mean(dim=1) for layer in _of_one_shape(found)]
        return torch.stack(pooled_layers, dim=1)

    def save_memory(self) -> None:
        """Checkpoints between layers, where the model knows them."""
        if self._model.supports_gradient_checkpointing:
            self._model.gradient_checkpointing_enable({"use_reentrant": False})

    def layers(self) -> list[nn.Module]:
        """Its blocks; none where it has no plain list of them."""
        n = getattr(self._model.config, "num_hidden_layers", 0)
        lists = (m for m in self._model.modules() if isinstance(m, nn.ModuleList))
        return next((list(found) for found in lists if len(found) == n), [])


def _of_one_shape(found: Any) -> list[Tensor]:  # noqa: ANN401  (what a model of transformers returns)
    """The states of all layers where they have one shape, else of the last alone; the last is normed."""
    last = found.last_hidden_state
    hidden = [] if found.hidden_states is None else list(found.hidden_states[:-1])
    return [*hidden, last] if all(state.shape == last.shape for state in hidden) else [last]


def load_image_backbone(folder: Path, model_type: str) -> ImageBackbone:
    """The model of images in this folder.

    Args:
        folder: `config.json` and safetensors.
        model_type: Of the configuration.

    Raises:
        ValueError: It is not a whole model of a known kind.
        UnloadableModelError: The same.
    """
    return LiteBackbone(folder, model_type) if model_type in VARIANTS else ImageTransformer(folder)


def reads_images(model_type: str) -> bool:
    """Whether models of this type read images."""
    if model_type in VARIANTS:
        return True
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES

    return model_type in MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES


def _load_model(folder: Path) -> Any:  # noqa: ANN401  (transformers is untyped here)
    model = pretrained_network(folder)
    pooler = getattr(model, "pooler", None)
    if pooler is not None and any(True for _ in pooler.parameters()):
        model.pooler = None  # made for the classification token, which is not read here
    _still_norms(model)
    return model.eval()


def _still_norms(model: nn.Module) -> None:
    """Norms over batches keep their statistics; see `StillNorm`."""
    for parent in list(model.modules()):
        for name, norm in list(parent.named_children()):
            if type(norm) is nn.BatchNorm2d:
                still = StillNorm(norm.num_features, eps=norm.eps, momentum=norm.momentum, affine=norm.affine)
                still.load_state_dict(norm.state_dict())
                setattr(parent, name, still)


def _preprocessing(folder: Path, config: Any) -> Preprocessing:  # noqa: ANN401
    """As the model's files say; what they leave open is as for ImageNet."""
    path = folder / "preprocessor_config.json"
    given = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    size = getattr(config, "image_size", None) or given.get("crop_size") or given.get("size") or DEFAULT_SIZE
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge") or DEFAULT_SIZE
    mean, std = (
        tuple(given.get(k) or v) for k, v in (("image_mean", IMAGENET_MEAN), ("image_std", IMAGENET_STD))
    )
    if len(mean) != 3 or len(std) != 3:
        raise ValueError("images of three channels are read")
    return Preprocessing(size=int(size[0] if isinstance(size, (list, tuple)) else size), mean=mean, std=std)
