"""Two texts at once: read together where a model is trained, compared where it stays frozen."""

import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import nll_loss

from app.datasets.examples import FILE_NAME, ExampleWriter
from app.probes.artifact_files import FOLDER
from app.probes.artifact_predict import Classifier
from app.probes.artifacts import export
from app.probes.backbones import BackboneError, load_backbone
from app.probes.data import read_trial_data, write_split
from app.probes.messages import TrainingRecipe, TrialSpec
from app.probes.passes import pass_over
from app.probes.tasks.text_classification import Classification
from app.probes.tokens import tokenize
from app.probes.training import FineTune
from app.tasks.base import CheckedRow
from models_registry.vocabulary import Strategy
from tests.probes.test_real_models import L6, ROOT, model_folder
from tests.probes.tiny import WORDS, trial_spec, write_static_vectors, write_tiny_bert

N = 160
RECIPE = TrainingRecipe(learning_rate=1e-2, batch_size=8, epochs=4, max_length=24)


@pytest.fixture
def spec(tmp_path: Path) -> TrialSpec:
    """Pairs whose second text decides the class, which the first one says nothing of."""
    place = tmp_path / "place"
    write_tiny_bert(place / "model")
    rng = np.random.default_rng(0)
    (place / "data").mkdir(parents=True)
    with ExampleWriter(place / "data" / FILE_NAME) as writer:
        for i in range(N):
            first, second = rng.integers(0, 6), rng.integers(0, 3) + 3 * (i % 2)
            filler = " ".join(rng.choice(WORDS[6:], size=rng.integers(1, 5)))
            label = ("entailed", "contradicted")[i % 2]
            writer.add(CheckedRow(f"{WORDS[first]} {filler}", label, f"{WORDS[second]} film"))
    write_split(place / "split.json", np.arange(120), np.arange(120, N))
    return trial_spec(place, tmp_path, RECIPE)


def test_tokens_of_both_texts_are_told_apart(spec: TrialSpec, tmp_path: Path) -> None:
    backbone = load_backbone(spec.model_folder or Path())
    found = backbone.tokenize([("good film", "bad"), ("a", "the plot")], 16)
    batch = found.batch(np.array([0, 1]))
    assert batch.types is not None
    assert batch.mask.tolist() == [[1] * 6, [1] * 6]
    assert batch.types.tolist() == [[0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1]]


def test_tokens_of_pairs_survive_the_cache(spec: TrialSpec) -> None:
    backbone = load_backbone(spec.model_folder or Path())
    pairs = [("good film", "bad"), ("a", "the plot")]
    first, again = (tokenize(spec, backbone, pairs, 16) for _ in range(2))
    assert first.seconds is not None
    assert again.seconds is not None
    np.testing.assert_array_equal(first.seconds, again.seconds)
    np.testing.assert_array_equal(first.ids, again.ids)


def test_the_second_text_changes_what_is_read(spec: TrialSpec) -> None:
    backbone = load_backbone(spec.model_folder or Path())
    one, other = (
        backbone.encode(backbone.tokenize([("good film", second)], 16).batch(np.array([0])))
        for second in ("bad", "good")
    )
    assert not torch.allclose(one, other, atol=1e-4)


def test_frozen_features_compare_both_texts(spec: TrialSpec) -> None:
    data = read_trial_data(spec.dataset_folder, spec.split_file)
    passed = pass_over(spec, spec.model_folder or Path(), data, lambda _: None)
    again = pass_over(spec, spec.model_folder or Path(), data, lambda _: None)
    width = load_backbone(spec.model_folder or Path()).width
    u, v, distance, product = np.split(passed.seen, 4, axis=1)
    assert passed.seen.shape == (120, 4 * width)
    assert passed.layers.shape[-1] == 4 * width
    np.testing.assert_allclose(distance, np.abs(u - v))
    np.testing.assert_allclose(product, u * v)
    assert again.seconds == 0.0
    np.testing.assert_array_equal(again.seen, passed.seen)


@pytest.mark.parametrize("strategy", [Strategy.FULL, Strategy.LORA, Strategy.PREFIX])
def test_a_model_learns_from_pairs_and_is_taken_away(spec: TrialSpec, strategy: Strategy) -> None:
    rate = 2e-3 if strategy is Strategy.FULL else 1e-2
    spec = replace(spec, strategy=strategy.value, recipe=replace(RECIPE, learning_rate=rate))
    data = read_trial_data(spec.dataset_folder, spec.split_file)
    source = spec.model_folder or Path()
    tune = FineTune(spec, load_backbone(source), data)
    begun = tune.advance(1, lambda _: None)
    ended = tune.advance(tune.total_steps, lambda _: None)
    assert ended.validation_loss < begun.validation_loss

    export(spec, source, tune.head, tune.backbone, max_length=tune.max_length)
    classifier = Classifier(spec.folder / FOLDER, base=str(source))
    found = classifier.probabilities(data.validation.texts, data.validation.pairs)
    loss = nll_loss(found.log(), torch.from_numpy(data.validation.labels))
    assert float(loss) == pytest.approx(ended.validation_loss, abs=1e-4)


def test_a_head_on_pairs_predicts_the_same_where_it_is_taken(spec: TrialSpec) -> None:
    spec = replace(spec, strategy="head")
    spec.folder.mkdir(parents=True)
    data = read_trial_data(spec.dataset_folder, spec.split_file)
    source = spec.model_folder or Path()
    passed = pass_over(spec, source, data, lambda _: None)
    head = Classification(2).fit_head(passed.seen, data.train.labels, data.train.groups, seed=0, weights=None)
    export(spec, source, head.classifier)
    found = Classifier(spec.folder / FOLDER, base=str(source)).probabilities(
        data.validation.texts, data.validation.pairs
    )
    logits = torch.from_numpy(head.classifier.logits(passed.validation))
    torch.testing.assert_close(found, torch.softmax(logits, dim=1).float(), atol=1e-4, rtol=0)


def test_word_vectors_read_no_pairs_together(spec: TrialSpec, tmp_path: Path) -> None:
    write_static_vectors(tmp_path / "vectors", spec.model_folder or Path())
    with pytest.raises(BackboneError, match="one text at a time"):
        load_backbone(tmp_path / "vectors").tokenize([("a", "b")], 16)


def test_pretrained_weights_tell_paraphrases_better_than_random_ones_and_the_majority(tmp_path: Path) -> None:
    shared = Path(os.environ.get("ADVISOR_SHARED_DIR", ROOT.parent / "shared"))
    path = shared / "data" / "tasks" / "mrpc" / "train.csv"
    if not path.exists():
        pytest.skip(f"no development data in {shared}")
    source = model_folder(L6)
    with path.open(encoding="utf-8", newline="") as file:
        rows = [CheckedRow(r["sentence1"], r["label"], r["sentence2"]) for r in csv.DictReader(file)][:1_000]
    (tmp_path / "data").mkdir()
    with ExampleWriter(tmp_path / "data" / FILE_NAME) as writer:
        for row in rows:
            writer.add(row)
    write_split(tmp_path / "split.json", np.arange(600), np.arange(600, 1_000))
    spec = replace(
        trial_spec(tmp_path, tmp_path, replace(RECIPE, max_length=96)), model_folder=source, model_name="l6"
    )
    data = read_trial_data(spec.dataset_folder, spec.split_file)
    scores = {"pretrained": head_accuracy(spec, model=source)}
    random_folder = tmp_path / "random"
    write_random(source, random_folder)
    scores["random"] = head_accuracy(replace(spec, model_name="random"), model=random_folder)
    majority = float(np.mean(data.validation.labels == np.bincount(data.train.labels).argmax()))
    assert scores["pretrained"] > majority + 0.02, (scores, majority)
    assert scores["pretrained"] > scores["random"] + 0.02, (scores, majority)


def head_accuracy(spec: TrialSpec, model: Path) -> float:
    data = read_trial_data(spec.dataset_folder, spec.split_file)
    passed = pass_over(spec, model, data, lambda _: None)
    train = data.train
    head = Classification(len(train.names)).fit_head(
        passed.seen, train.labels, train.groups, seed=0, weights=None
    )
    return float(np.mean(head.classifier.predict(passed.validation) == data.validation.labels))


def write_random(source: Path, target: Path) -> None:
    """The same network with weights drawn anew."""
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    torch.manual_seed(0)
    AutoModel.from_config(AutoConfig.from_pretrained(source)).save_pretrained(target)
    AutoTokenizer.from_pretrained(source).save_pretrained(target)
