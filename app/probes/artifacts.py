"""A fine-tuned model as its user takes it away: safetensors, configuration, and a script that predicts.

classifier.json          base model, strategy, classes, how texts are cut and pooled
classifier.safetensors   the head: weight (K, d), bias (K,)
model/                   the backbone, where its own weights were trained; as `transformers` reads it
adapter/                 what was put beside it, where they were not; as `peft` reads it
predict.py               reads all of this with torch, transformers and safetensors alone

Of images: `app.probes.image_artifacts`.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

import app.probes.artifact_predict
from app.datasets.examples import load_examples
from app.probes.artifact_files import FOLDER
from app.probes.backbones import STATIC_VECTORS, BackboneError, TextBackbone
from app.probes.file_backbones import FileBackbone
from app.probes.image_artifacts import write_image_model
from app.probes.image_backbones import ImageBackbone, reads_images
from app.probes.item_networks import ItemBackbone
from app.probes.loading import LoadedBackbone, load_model
from app.probes.logistic import LinearClassifier
from app.probes.messages import Exported, TrialSpec
from app.probes.writers import Writer
from app.tasks.targets import Target

MODEL, ADAPTER, CLASSIFIER = "model", "adapter", "classifier"
FORMAT = 1
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
_WEIGHTS = "model.safetensors"


def export(
    spec: TrialSpec,
    source: Path,
    head: LinearClassifier,
    backbone: LoadedBackbone | None = None,
    *,
    target: Target = Target.CLASS,
    reads_apart: bool | None = None,
    max_length: int | None = None,
    settings: Mapping[str, str | int] = MappingProxyType({}),
) -> Exported:
    """The files of a trained model, below `artifacts` in the trial's folder.

    Args:
        spec: The trial.
        source: Folder of the weights that it began from.
        head: As trained.
        backbone: As trained; None where it stayed frozen.
        target: What the head predicts.
        reads_apart: Whether the texts of a pair are read one by one; a frozen backbone always does.
        max_length: Tokens kept of a text; those of the recipe by default.
        settings: What the task's decisions depend on besides.

    Raises:
        BackboneError: It is a model of recordings or of items, or writes: no program is made that uses these.
    """
    if isinstance(backbone, Writer) or target is Target.TEXT:
        raise BackboneError("trained models that write texts are not written out yet")
    if isinstance(backbone, ItemBackbone):
        raise BackboneError("trained models of items are not written yet")
    place = spec.folder / FOLDER
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    model_type = json.loads((source / "config.json").read_text(encoding="utf-8")).get("model_type")
    if isinstance(backbone, FileBackbone) or reads_images(str(model_type)):
        known = _save_image_model(source, place, backbone)
    else:
        known = _save_text_model(spec, source, place, backbone, str(model_type))
    given = (("weight", head.weight), ("bias", head.bias))
    tensors = {name: torch.from_numpy(values).float().contiguous() for name, values in given}
    save_file(tensors, place / f"{CLASSIFIER}.safetensors")
    described = {
        **_described(spec),
        **settings,
        "target": target.value,
        "reads_apart": backbone is None if reads_apart is None else reads_apart,
        "max_length": max_length or spec.recipe.max_length,
        **known,
    }
    written = json.dumps(described, indent=2, ensure_ascii=False)
    (place / f"{CLASSIFIER}.json").write_text(written + "\n", encoding="utf-8")
    return Exported(files=tuple(sorted(str(p.relative_to(place)) for p in place.rglob("*") if p.is_file())))


def _described(spec: TrialSpec) -> dict[str, Any]:
    hub, _, rest = spec.model_name.partition(":")
    model_id, _, revision = rest.rpartition("@")
    examples = load_examples(spec.dataset_folder)
    return {
        "format": FORMAT,
        "base": {"name": spec.model_name, "hub": hub, "id": model_id, "revision": revision},
        "strategy": spec.strategy,
        "task_type": spec.task_type,
        "is_paired": examples.pairs is not None,
        "labels": list(examples.label_names),
        "pooling": "mean",
        "input_prefix": spec.input_prefix,
        "n_examples": len(json.loads(spec.split_file.read_text(encoding="utf-8"))["train"]),
        "seed": spec.seed,
        "recipe": asdict(spec.recipe),
    }


def _save_image_model(source: Path, place: Path, backbone: LoadedBackbone | None) -> dict[str, Any]:
    found = backbone or load_model(source)
    if not isinstance(found, ImageBackbone):
        raise BackboneError(f"trained models of {type(found).__name__} are not written yet")
    return write_image_model(source, place, found, trained=backbone is not None)


def _save_text_model(
    spec: TrialSpec, source: Path, place: Path, backbone: TextBackbone | None, model_type: str
) -> dict[str, Any]:
    shutil.copyfile(app.probes.artifact_predict.__file__, place / "predict.py")
    if model_type == STATIC_VECTORS:
        _save_vectors(source, place / MODEL, backbone)
    elif backbone is not None and hasattr(backbone.module, "peft_config"):
        _save_adapter(spec, backbone.module, place / ADAPTER)
    elif backbone is not None:
        _save_model(source, place / MODEL, backbone)
    return {}


def _save_vectors(source: Path, target: Path, backbone: TextBackbone | None) -> None:
    """A table of word vectors is its whole self, which no hub serves in this form."""
    target.mkdir()
    _copy_tokenizer(source, target)
    shutil.copyfile(source / "config.json", target / "config.json")
    table = load_file(source / _WEIGHTS)["embedding.weight"]
    if backbone is not None:
        table = _with_trained(table.float(), backbone, backbone.module.get_parameter("weight"))
    save_file({"embedding.weight": table}, target / _WEIGHTS)


def _save_adapter(spec: TrialSpec, module: nn.Module, target: Path) -> None:
    """What `peft` writes, with the base model's id in place of the folder it was read from here."""
    from peft import PeftModel

    if not isinstance(module, PeftModel):
        raise TypeError(f"{type(module).__name__} is no model of peft")
    for config in module.peft_config.values():
        config.base_model_name_or_path = _described(spec)["base"]["id"]
    module.save_pretrained(str(target), save_embedding_layers=False)
    (target / "README.md").unlink(missing_ok=True)  # a form to be filled in


def _save_model(source: Path, target: Path, backbone: TextBackbone) -> None:
    """All of the model, of its vocabulary too: what no text used is as it was."""
    from transformers import AutoModel

    whole = AutoModel.from_pretrained(
        source, local_files_only=True, use_safetensors=True, trust_remote_code=False, dtype=torch.float32
    )
    trained: Any = backbone.module
    half = whole.get_encoder() if whole.config.is_encoder_decoder else whole
    table = half.get_input_embeddings().weight
    weights = dict(trained.named_parameters())
    with torch.no_grad():
        for name, parameter in half.named_parameters():
            if parameter is table:
                parameter.copy_(_with_trained(parameter, backbone, trained.get_input_embeddings().weight))
            elif name in weights:  # a pooler is left out here
                parameter.copy_(weights[name])
    whole.save_pretrained(target)
    _copy_tokenizer(source, target)


def _with_trained(table: torch.Tensor, backbone: TextBackbone, rows: torch.Tensor) -> torch.Tensor:
    """A table of all vectors, shape (V, d), with those that were trained in their places."""
    if backbone.kept_ids is None:
        return rows.detach().cpu().contiguous()
    found = table.detach().clone()
    found[torch.from_numpy(backbone.kept_ids)] = rows.detach().cpu()
    return found


def _copy_tokenizer(source: Path, target: Path) -> None:
    target.mkdir(exist_ok=True)
    for path in source.iterdir():
        if path.name in TOKENIZER_FILES or path.suffix in {".model", ".bpe"} or path.name == "merges.txt":
            shutil.copyfile(path, target / path.name)
