"""Makes the models of `app.fitting.candidates` that no package holds.

A folder holds what a hub would hold: weights in safetensors, configuration, tokenizer.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from app.fitting.candidates import Candidate, Cut, Static, Tuned
from app.probes.backbones import STATIC_VECTORS, Transformer
from models_registry.entry import ModelEntry

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")
WEIGHTS = "model.safetensors"


class WholeVocabulary(Transformer):
    """A transformer that keeps the vectors of all tokens, whatever the texts it is trained on."""

    def restrict_vocabulary(self, used: NDArray[np.int32]) -> NDArray[np.int32]:
        """Nothing is left out."""
        del used
        table = self.module.get_input_embeddings()  # type: ignore[operator]  # transformers is untyped here
        return np.arange(table.num_embeddings, dtype=np.int32)


FineTune = Callable[[WholeVocabulary, str], None]
"""Fine-tunes a backbone on the labelled set of this name."""


def make(candidate: Candidate, entry: ModelEntry, source: Path, target: Path, fine_tune: FineTune) -> Path:
    """The folder of a candidate's weights, made where it is not there yet.

    Args:
        candidate: What is wanted.
        entry: Of its source.
        source: Folder of the source's weights.
        target: Where its own are to be.
        fine_tune: Asked where a model is to be fine-tuned before.
    """
    if candidate.change is None:
        return source
    if target.exists():
        return target
    scratch = target.with_name(f".{target.name}")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    for name in TOKENIZER_FILES:
        if (source / name).exists():
            shutil.copyfile(source / name, scratch / name)
    match candidate.change:
        case Cut(n_layers=n):
            _cut(source, scratch, n)
        case Static():
            _static(source, scratch)
        case Tuned(dataset=dataset):
            backbone = WholeVocabulary(source, entry.input_prefix)
            fine_tune(backbone, dataset)
            backbone.module.save_pretrained(scratch)  # type: ignore[operator]  # transformers is untyped here
    scratch.rename(target)
    return target


def _cut(source: Path, target: Path, n_layers: int) -> None:
    from transformers import AutoModel

    model = AutoModel.from_pretrained(source, local_files_only=True, use_safetensors=True)
    stack = model.encoder.layer if hasattr(model, "encoder") else model.layers
    del stack[n_layers:]
    model.config.num_hidden_layers = n_layers
    model.save_pretrained(target)


def _static(source: Path, target: Path) -> None:
    from transformers import AutoModel

    table = AutoModel.from_pretrained(source, local_files_only=True).get_input_embeddings().weight
    save_file({"embedding.weight": table.detach().to(torch.float16).contiguous()}, target / WEIGHTS)
    (target / "config.json").write_text(json.dumps({"model_type": STATIC_VECTORS}), encoding="utf-8")
