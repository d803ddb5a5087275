"""Real sentences with marked entities: pretrained weights are worth something."""

import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.datasets.examples import FILE_NAME, ExampleWriter
from app.probes.data import read_trial_data, write_split
from app.probes.messages import TrainingRecipe
from app.tasks.base import CheckedRow, ColumnRole
from app.tasks.relation_extraction import RELATION_EXTRACTION, check_row
from tests.probes.test_real_models import L6, ROOT, model_folder
from tests.probes.test_text_pairs import head_accuracy, write_random
from tests.probes.tiny import trial_spec


def test_pretrained_weights_tell_relations_better_than_random_ones_and_the_majority(tmp_path: Path) -> None:
    shared = Path(os.environ.get("ADVISOR_SHARED_DIR", ROOT.parent / "shared"))
    path = shared / "data" / "tasks" / "chemprot" / "train.csv"
    if not path.exists():
        pytest.skip(f"no development data in {shared}")
    source = model_folder(L6)
    (tmp_path / "data").mkdir()
    with path.open(encoding="utf-8", newline="") as file:
        raw = list(csv.DictReader(file))
    chosen = np.random.default_rng(0).permutation(len(raw))[:1_000]
    with ExampleWriter(tmp_path / "data" / FILE_NAME) as writer:
        for i in chosen:
            row = check_row({ColumnRole.TEXT: raw[i]["text"], ColumnRole.LABEL: raw[i]["label"]})
            assert isinstance(row, CheckedRow)
            writer.add(row)
    write_split(tmp_path / "split.json", np.arange(700), np.arange(700, 1_000))
    spec = replace(
        trial_spec(tmp_path, tmp_path, TrainingRecipe(max_length=96)),
        model_folder=source,
        model_name="l6",
        task_type=RELATION_EXTRACTION.task_type.value,
    )
    data = read_trial_data(spec.dataset_folder, spec.split_file)
    pretrained = head_accuracy(spec, source)
    write_random(source, tmp_path / "random")
    random = head_accuracy(replace(spec, model_name="random"), tmp_path / "random")
    majority = float(np.mean(data.validation.labels == np.bincount(data.train.labels).argmax()))
    assert pretrained > majority + 0.1, (pretrained, random, majority)
    assert pretrained > random + 0.02, (pretrained, random, majority)
