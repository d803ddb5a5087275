"""A BERT of random weights and sentences that any model can tell apart."""

import json
import shutil
from pathlib import Path

import numpy as np

from app.datasets.examples import FILE_NAME, ExampleWriter
from app.probes.data import write_split
from app.probes.messages import TrainingRecipe, TrialSpec
from app.tasks.base import CheckedRow

WORDS = ("good", "fine", "great", "bad", "poor", "awful", "film", "plot", "the", "a")


def write_tiny_bert(folder: Path) -> None:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    vocabulary = {w: i for i, w in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=32
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(folder)


def write_static_vectors(folder: Path, model: Path) -> None:
    """A table of random word vectors with the tokenizer of that model."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    shutil.copyfile(model / "tokenizer.json", folder / "tokenizer.json")
    (folder / "config.json").write_text(json.dumps({"model_type": "static-vectors"}))
    table = torch.randn(len(WORDS) + 4, 16, generator=torch.Generator().manual_seed(0))
    save_file({"embedding.weight": table.half()}, folder / "model.safetensors")


def write_dataset(folder: Path, n: int = 120) -> None:
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    with ExampleWriter(folder / FILE_NAME) as writer:
        for i in range(n):
            label = i % 2
            opinion = WORDS[rng.integers(0, 3) + 3 * label]
            filler = " ".join(rng.choice(WORDS[6:], size=rng.integers(2, 9)))
            writer.add(CheckedRow(text=f"{opinion} {filler}", label=("positive", "negative")[label]))


def write_place(folder: Path) -> Path:
    """The folder, with a model, 120 examples and a split of them."""
    write_tiny_bert(folder / "model")
    write_dataset(folder / "data")
    write_split(folder / "split.json", np.arange(80), np.arange(80, 120))
    return folder


def trial_spec(place: Path, work: Path, recipe: TrainingRecipe) -> TrialSpec:
    """A full fine-tune of that model on these examples, in a folder of its own."""
    return TrialSpec(
        trial_id="t1",
        model_name="local:tiny@1",
        model_folder=place / "model",
        strategy="full",
        dataset_folder=place / "data",
        dataset_id="ds_0000000000000000",
        split_file=place / "split.json",
        folder=work / "trial",
        feature_cache_folder=work / "features",
        feature_cache_bytes=10**8,
        recipe=recipe,
    )
