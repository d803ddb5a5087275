"""Numbers, several labels and tags are learnt: by random weights, and by real ones from real data."""

import csv
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.datasets.examples import FILE_NAME, ExampleWriter
from app.probes.artifact_files import FOLDER
from app.probes.artifact_predict import Classifier
from app.probes.data import write_split
from app.probes.messages import FeatureReport, TrainingRecipe, TrialSpec
from app.probes.trial import Trial
from app.tasks.base import CheckedRow, ColumnRole
from app.tasks.catalogue import task
from app.tasks.targets import Target, written
from models_registry.vocabulary import Strategy, TaskType
from tests.probes.test_ranker_defects import Listener
from tests.probes.test_real_models import L6, ROOT, model_folder
from tests.probes.test_text_pairs import write_random
from tests.probes.tiny import WORDS, trial_spec, write_static_vectors, write_tiny_bert

RECIPE = TrainingRecipe(learning_rate=1e-2, batch_size=8, epochs=6, max_length=24)
MULTI, NUMBER = TaskType.MULTI_LABEL_CLASSIFICATION, TaskType.TEXT_REGRESSION
PAIR, TAGS = TaskType.SENTENCE_SIMILARITY, TaskType.TOKEN_CLASSIFICATION
SEARCH = TaskType.TEXT_RETRIEVAL
METRICS = {
    MULTI: "f1_micro",
    NUMBER: "spearmanr",
    PAIR: "spearmanr",
    TAGS: "entity_f1",
    SEARCH: "ndcg_at_10",
}
N = 160


def rows_of(task_type: TaskType) -> list[CheckedRow]:
    """Sentences whose targets any model can learn: which words they hold, how many, and where."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(N):
        words = list(rng.choice(WORDS, size=rng.integers(3, 9)))
        text = " ".join(words)
        n_good = sum(word in WORDS[:3] for word in words)
        match task_type:
            case TaskType.MULTI_LABEL_CLASSIFICATION:
                labels = [w for w in ("good", "bad", "film") if w in words]
                rows.append(CheckedRow(text, written(Target.CLASSES, labels)))
            case TaskType.TEXT_REGRESSION:
                rows.append(CheckedRow(text, written(Target.NUMBER, 10.0 * n_good / len(words) + 50.0)))
            case TaskType.SENTENCE_SIMILARITY:
                kept = words[: rng.integers(1, len(words) + 1)]
                other = [*kept, *rng.choice(WORDS, size=len(words) - len(kept))]
                rows.append(CheckedRow(text, written(Target.NUMBER, len(kept) / len(words)), " ".join(other)))
            case TaskType.TEXT_RETRIEVAL:
                answer = " ".join(rng.permutation(words[:-1]))
                rows.append(CheckedRow(text, written(Target.MATCH, (text, answer)), answer))
            case _:
                tags = ["B-X" if w in WORDS[:3] else "B-Y" if w in WORDS[3:6] else "O" for w in words]
                rows.append(CheckedRow(text, written(Target.TAGS, tags)))
    return rows


def place_of(folder: Path, task_type: TaskType, rows: Sequence[CheckedRow]) -> Path:
    write_tiny_bert(folder / "model")
    (folder / "data").mkdir(parents=True)
    with ExampleWriter(folder / "data" / FILE_NAME, task(task_type).target) as writer:
        for row in rows:
            writer.add(row)
    cut = int(0.75 * len(rows))
    write_split(folder / "split.json", np.arange(cut), np.arange(cut, len(rows)))
    return folder


def spec_of(place: Path, work: Path, task_type: TaskType, **changes: Any) -> TrialSpec:
    spec = trial_spec(place, work, RECIPE)
    return replace(spec, task_type=task_type.value, metric=METRICS[task_type], **changes)


def opened(spec: TrialSpec) -> Trial:
    return Trial(spec, Listener())  # type: ignore[arg-type]


@pytest.fixture(params=METRICS)
def task_type(request: pytest.FixtureRequest) -> TaskType:
    found: TaskType = request.param
    return found


@pytest.fixture
def place(tmp_path: Path, task_type: TaskType) -> Path:
    return place_of(tmp_path / "place", task_type, rows_of(task_type))


def test_a_fine_tune_learns_and_is_measured(place: Path, tmp_path: Path, task_type: TaskType) -> None:
    recipe = replace(RECIPE, head_from_features=False)
    trial = opened(spec_of(place, tmp_path, task_type, recipe=recipe))
    tune = trial._opened()
    begun = tune.advance(1, lambda _: None)
    ended = tune.advance(tune.total_steps, lambda _: None)
    assert ended.validation_loss < begun.validation_loss
    assert ended.metric > (0.4 if task_type in {PAIR, SEARCH} else 0.7)
    assert 0.0 < ended.std_error < 0.2


def test_frozen_features_beat_the_dullest_baseline(place: Path, tmp_path: Path, task_type: TaskType) -> None:
    trial = opened(spec_of(place, tmp_path, task_type))
    report, baselines = trial._report_features(), trial._run_baselines().scores
    assert isinstance(report, FeatureReport)
    assert report.head_metric > baselines[0].metric
    assert report.predicted_metric == pytest.approx(report.head_metric, abs=0.3)
    assert task_type is SEARCH or report.transferability["logme"] is not None
    assert 0.0 <= (report.transferability["linear_probe"] or 0.0) <= 1.0


def test_the_cache_gives_what_a_pass_gave(place: Path, tmp_path: Path, task_type: TaskType) -> None:
    spec = spec_of(place, tmp_path, task_type)
    first, again = (opened(spec)._report_features() for _ in range(2))
    assert again.pass_seconds == 0.0
    assert (again.head_metric, again.transferability) == (first.head_metric, first.transferability)


@pytest.mark.parametrize("strategy", [Strategy.HEAD, Strategy.FULL, Strategy.LORA])
def test_what_is_taken_away_predicts_the_same(
    place: Path, tmp_path: Path, task_type: TaskType, strategy: Strategy
) -> None:
    spec = spec_of(place, tmp_path, task_type, strategy=strategy.value)
    spec.folder.mkdir(parents=True)
    trial = opened(spec)
    if strategy is not Strategy.HEAD:
        trial._opened().advance(20, lambda _: None)
    trial._export()
    data, bound = trial._load_data(), trial._task()
    classifier = Classifier(spec.folder / FOLDER, base=str(place / "model"))
    predicted = classifier.predict(data.validation.texts, data.validation.pairs)
    assert len(predicted) == len(data.validation.texts)
    if task_type is SEARCH:
        cosines = np.array(predicted)
        assert (np.abs(cosines) <= 1.0 + 1e-6).all()
        assert np.ptp(cosines) > 0.0
        return
    found = classifier.outputs(data.validation.texts, data.validation.pairs).double().numpy()
    if strategy is Strategy.HEAD:
        passed = trial._passes()
        head = bound.exported(trial._fit_head(passed).classifier)
        ours = head.logits(passed.validation)
    else:
        tune = trial._opened()
        raw = tune._outputs(tune._validation).double().numpy()
        ours = bound.decide(raw)[:, None] if bound.target is Target.NUMBER else raw
    assert found == pytest.approx(ours, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("strategy", [Strategy.HEAD, Strategy.FULL])
def test_word_vectors_tag_and_are_taken_away(tmp_path: Path, strategy: Strategy) -> None:
    place = place_of(tmp_path / "place", TAGS, rows_of(TAGS))
    write_static_vectors(place / "vectors", place / "model")
    spec = spec_of(place, tmp_path, TAGS, strategy=strategy.value, model_folder=place / "vectors")
    spec.folder.mkdir(parents=True)
    trial = opened(spec)
    report = trial._report_features()
    assert report.head_metric > 0.9
    data, passed = trial._load_data(), trial._passes()
    ours = trial._fit_head(passed).classifier.logits(passed.validation)
    if strategy is Strategy.FULL:
        tune = trial._opened()
        assert tune.advance(40, lambda _: None).metric > 0.9
        ours = tune._outputs(tune._validation).double().numpy()
    trial._export()
    found = Classifier(spec.folder / FOLDER).outputs(data.validation.texts)
    assert found.double().numpy() == pytest.approx(ours, rel=1e-3, abs=1e-3)


def test_a_word_that_is_cut_off_is_still_measured(tmp_path: Path) -> None:
    rows = [CheckedRow(" ".join(["film"] * 40), json.dumps(["O"] * 39 + ["B-X"])) for _ in range(40)]
    place = place_of(tmp_path / "place", TAGS, [*rows, *rows_of(TAGS)])
    trial = opened(spec_of(place, tmp_path, TAGS))
    point = trial._opened().advance(4, lambda _: None)
    assert np.isfinite(point.validation_loss)
    passed = trial._passes()
    assert passed.counts.sum() == len(passed.seen)
    assert (passed.seen == 0.0).all(axis=1).sum() > 0


def pooled_rows(path: Path, read: Callable[[Path], list[CheckedRow]]) -> list[CheckedRow]:
    shared = Path(os.environ.get("ADVISOR_SHARED_DIR", ROOT.parent / "shared"))
    found = shared / "data" / "tasks" / path
    if not found.exists():
        pytest.skip(f"no development data in {shared}")
    rows = read(found)
    return [rows[i] for i in np.random.default_rng(0).permutation(len(rows))[:700]]


def _checked(task_type: TaskType, values: dict[ColumnRole, object]) -> CheckedRow:
    check = task(task_type).check_row
    assert check is not None
    row = check(values)
    assert isinstance(row, CheckedRow)
    return row


def similar_pairs(path: Path) -> list[CheckedRow]:
    roles = (ColumnRole.TEXT, ColumnRole.TEXT_PAIR, ColumnRole.LABEL)
    with path.open(encoding="utf-8", newline="") as file:
        return [_checked(PAIR, dict(zip(roles, r.values(), strict=True))) for r in csv.DictReader(file)]


def sentences(path: Path) -> list[CheckedRow]:
    blocks = path.read_text(encoding="utf-8").split("\n\n")
    lines = [[line.split("\t") for line in block.splitlines() if line] for block in blocks]
    return [
        _checked(TAGS, {ColumnRole.TEXT: [t for t, _ in s], ColumnRole.LABEL: [g for _, g in s]})
        for s in lines
        if s
    ]


def summaries(path: Path) -> list[CheckedRow]:
    """What a dialogue is about, to be found among dialogues."""
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    roles = (ColumnRole.TEXT, ColumnRole.TEXT_PAIR)
    return [_checked(SEARCH, dict(zip(roles, (r["summary"], r["text"]), strict=True))) for r in found]


def several_emotions(path: Path) -> list[CheckedRow]:
    """Two tweets of different emotions as one text that has both."""
    with path.open(encoding="utf-8", newline="") as file:
        raw = [(r["text"], r["label"]) for r in csv.DictReader(file)]
    found = zip(raw[::2], raw[1::2], strict=False)
    return [CheckedRow(f"{a} {b}", written(Target.CLASSES, sorted({x, y}))) for (a, x), (b, y) in found]


@pytest.mark.parametrize(
    ("task_type", "path", "read", "margin"),
    [
        (PAIR, Path("stsb/train.csv"), similar_pairs, 0.05),
        (SEARCH, Path("dialogsum/train.jsonl"), summaries, 0.2),
        (TAGS, Path("conll2003/train.conll"), sentences, 0.02),
        (MULTI, Path("tweet_emotion/train.csv"), several_emotions, 0.02),
    ],
)
def test_pretrained_weights_beat_random_ones_and_the_dullest_baseline(
    tmp_path: Path,
    task_type: TaskType,
    path: Path,
    read: Callable[[Path], list[CheckedRow]],
    margin: float,
) -> None:
    source = model_folder(L6)
    place = place_of(tmp_path / "place", task_type, pooled_rows(path, read))
    spec = spec_of(place, tmp_path, task_type, model_folder=source, model_name="l6")
    spec = replace(spec, recipe=replace(spec.recipe, max_length=96))
    write_random(source, tmp_path / "random")
    random = replace(spec, model_folder=tmp_path / "random", model_name="random")
    scores = [opened(s)._report_features().head_metric for s in (spec, random)]
    dullest = opened(spec)._run_baselines().scores[0].metric
    assert scores[0] > scores[1] + margin, (scores, dullest)
    assert scores[0] > dullest + 0.1, (scores, dullest)


def test_torch_is_seeded_by_the_trial(place: Path, tmp_path: Path, task_type: TaskType) -> None:
    torch.manual_seed(1)
    one = opened(spec_of(place, tmp_path / "one", task_type))._opened().advance(3, lambda _: None)
    torch.manual_seed(2)
    two = opened(spec_of(place, tmp_path / "two", task_type))._opened().advance(3, lambda _: None)
    assert one.validation_loss == two.validation_loss
