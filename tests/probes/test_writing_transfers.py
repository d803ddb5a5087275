"""What was pretrained writes better than the same network at random, and than what knows nothing."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from app.datasets.columns import ColumnChoices
from app.datasets.examples import load_examples
from app.datasets.ingest import ingest
from app.datasets.storage import dataset_folder
from app.probes import metrics
from app.probes.data import write_split
from app.probes.features import extract_features
from app.probes.loading import load_model
from app.probes.messages import TrainingRecipe, TrialSpec
from app.probes.writers import Writer
from app.tasks.base import CheckedRow
from app.tasks.catalogue import task
from app.tasks.targets import Target, texts_of, written
from models_registry.vocabulary import TaskType
from tests.probes.test_real_models import ROOT, model_folder
from tests.probes.test_written_texts import opened, place_of, spec_of
from tests.probes.tiny_writers import write_word_t5

SMOLLM = "package-index/HuggingFaceTB--SmolLM2-135M-Instruct"
NOUNS = {
    "cat": "chat",
    "dog": "chien",
    "horse": "cheval",
    "bird": "oiseau",
    "fish": "poisson",
    "cow": "boeuf",
}
OTHERS = {
    "house": "logis",
    "book": "livre",
    "boat": "bateau",
    "train": "convoi",
    "tree": "arbre",
    "wall": "mur",
}
COLOURS = {"red": "rouge", "blue": "bleu", "green": "vert", "white": "blanc", "black": "noir"}
DOINGS = {"sees": "voit", "likes": "aime", "wants": "veut", "finds": "trouve"}
FIRST, SECOND = {"the": "le", "a": "un"}, {"and": "et"}
DICTIONARY = {**NOUNS, **OTHERS, **COLOURS, **DOINGS, **FIRST, **SECOND}


def translations(nouns: dict[str, str], n: int, seed: int) -> list[CheckedRow]:
    """Sentences in which a colour stands before its noun, and in the translation behind it."""
    rng = np.random.default_rng(seed)

    def phrase() -> tuple[str, str]:
        article, colour, noun = (str(rng.choice(list(words))) for words in (FIRST, COLOURS, nouns))
        return f"{article} {colour} {noun}", f"{FIRST[article]} {nouns[noun]} {COLOURS[colour]}"

    rows = []
    for _ in range(n):
        (a, x), (b, y), doing = phrase(), phrase(), str(rng.choice(list(DOINGS)))
        rows.append(CheckedRow(f"{a} {doing} {b}", written(Target.TEXT, [f"{x} {DOINGS[doing]} {y}"])))
    return rows


def write_translator(folder: Path) -> None:
    write_word_t5(folder, [*DICTIONARY, *DICTIONARY.values()])


@pytest.mark.slow
def test_a_translator_that_was_trained_on_other_words_beats_one_at_random_and_the_copy(
    tmp_path: Path,
) -> None:
    torch.set_num_threads(1)
    recipe = TrainingRecipe(learning_rate=3e-3, batch_size=16, epochs=14, max_length=32)
    before = place_of(tmp_path / "before", write_translator, translations(NOUNS, 640, 0), 608)
    spec = spec_of(before, tmp_path / "pretraining", TaskType.TRANSLATION, recipe=recipe)
    tune = opened(spec)._opened()
    learnt = tune.advance(tune.total_steps, lambda _: None)
    assert learnt.metric > 0.9
    assert isinstance(tune.backbone, Writer)
    tune.backbone._model.save_pretrained(tmp_path / "pretrained")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(before / "model" / name, tmp_path / "pretrained" / name)

    after = place_of(tmp_path / "after", write_translator, translations(OTHERS, 130, 1), 80)
    scores = {}
    for name, folder in (("pretrained", tmp_path / "pretrained"), ("random", after / "model")):
        spec = spec_of(after, tmp_path / name, TaskType.TRANSLATION, model_folder=folder, model_name=name)
        spec = replace(spec, recipe=replace(recipe, epochs=8, batch_size=8))
        found = opened(spec)._opened()
        scores[name] = found.advance(found.total_steps, lambda _: None).metric
    another, copied = (b.metric for b in opened(spec)._run_baselines().scores)
    assert scores["pretrained"] > scores["random"] + 0.15
    assert scores["pretrained"] > max(another, copied) + 0.3


def shared_file(name: str) -> Path:
    shared = Path(os.environ.get("ADVISOR_SHARED_DIR", ROOT.parent / "shared"))
    found = shared / "data" / "tasks" / name
    if not found.exists():
        pytest.skip(f"no development data in {shared}")
    return found


def ingested(tmp_path: Path, path: Path, task_type: TaskType, n_words: int) -> list[CheckedRow]:
    """What is kept of a file, each text cut to its first words, in an order of chance."""
    stored = ingest(
        path,
        filename=path.name,
        choices=ColumnChoices(),
        task_type=task_type,
        project="p",
        data_dir=tmp_path / "ingested",
        max_bytes=10**8,
    )
    kept = load_examples(dataset_folder(tmp_path / "ingested", stored.id))
    rows = []
    for i in np.random.default_rng(0).permutation(len(kept)):
        text = " ".join(kept.texts[i].split()[:n_words])
        answers = texts_of(kept.targets[i]) if task(task_type).writes_an_answer else (text,)
        rows.append(CheckedRow(text, written(Target.TEXT, answers)))
    return rows


def bits_at_random(spec: TrialSpec) -> float:
    """Bits per byte of the validation part by the same network with weights drawn anew."""
    trial = opened(spec)
    backbone = load_model(trial._folder(), writes=True)
    torch.manual_seed(0)
    for module in backbone.module.modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
    assert isinstance(backbone, Writer)
    read = backbone.read(trial._task().pages(trial._load_data().validation), spec.recipe.max_length)
    outputs = extract_features(backbone, read)[:, -1]
    return metrics.score("bits_per_byte", outputs, [[]] * len(outputs), Target.TEXT)


@pytest.mark.weights
@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(
    ("task_type", "name", "n_words"),
    [
        (TaskType.TEXT_GENERATION, "corpora/wikitext2_valid.txt", 40),
        (TaskType.TEXT_GENERATION, "corpora/tinyshakespeare.txt", 40),
        (TaskType.SUMMARIZATION, "dialogsum/train.jsonl", 100),
    ],
)
def test_a_pretrained_decoder_knows_texts_better_than_ngrams_and_chance(
    tmp_path: Path, task_type: TaskType, name: str, n_words: int
) -> None:
    rows = ingested(tmp_path, shared_file(name), task_type, n_words)[:306]
    weights = model_folder(SMOLLM)
    place = place_of(tmp_path / "place", lambda _: None, rows, 300)
    write_split(place / "split.json", np.arange(300), np.arange(300, 306), seen=np.arange(2))
    spec = spec_of(place, tmp_path, task_type, model_folder=weights, model_name="smollm")
    spec = replace(spec, metric="bits_per_byte", recipe=TrainingRecipe(max_length=256))
    pretrained = opened(spec)._report_features().head_metric
    unigram, ngram = (b.metric for b in opened(spec)._run_baselines().scores)
    random = bits_at_random(spec)
    assert pretrained < ngram - 0.3, (pretrained, ngram, unigram, random)
    assert ngram < unigram
    assert pretrained < random - 1.5, (pretrained, ngram, unigram, random)
