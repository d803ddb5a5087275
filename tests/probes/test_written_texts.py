"""Texts are written: by random weights that learn easy ones, and by weights that were trained on such."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.datasets.examples import FILE_NAME, ExampleWriter
from app.probes.backbones import BackboneError, UnloadableModelError
from app.probes.data import read_trial_data, write_split
from app.probes.loading import load_model
from app.probes.messages import FeatureReport, TrainingRecipe, TrialSpec
from app.probes.strategies.adaptation import UnsuitableStrategyError
from app.probes.tasks.catalogue import probe_task
from app.probes.trial import Trial
from app.probes.writers import Writer
from app.probes.writings import NOTHING, Pages, Unit
from app.tasks.base import CheckedRow
from app.tasks.targets import Target, written
from models_registry.vocabulary import Strategy, TaskType
from tests.probes.test_ranker_defects import Listener
from tests.probes.tiny import trial_spec, write_tiny_bert
from tests.probes.tiny_writers import write_bart, write_gpt2, write_llama, write_t5

Write = Callable[[Path], None]
WRITERS: dict[str, Write] = {
    "gpt2": write_gpt2,
    "llama": write_llama,
    "t5": write_t5,
    "bart": write_bart,
}
RECIPE = TrainingRecipe(learning_rate=3e-3, batch_size=8, epochs=4, max_length=64, warmup_fraction=0.1)
ANIMALS, DOINGS = ("cat", "dog", "hen", "cow", "pig", "fox"), ("runs", "eats", "sings", "sleeps")
PARTS = tuple(s for s in Strategy if s not in {Strategy.HEAD, Strategy.FULL, Strategy.PREFIX})
UNSUITABLE = {
    ("llama", Strategy.BITFIT),
    ("t5", Strategy.BITFIT),
    ("gpt2", Strategy.IA3),
    ("t5", Strategy.IA3),
}
METRICS = {
    TaskType.TEXT_GENERATION: "bits_per_byte",
    TaskType.SUMMARIZATION: "rougeL",
    TaskType.TRANSLATION: "bleu",
    TaskType.DIALOGUE: "perplexity",
}


def rows_of(task_type: TaskType, n: int, seed: int = 0) -> list[CheckedRow]:
    """Sentences of few words, and the animal that they are about."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        animal, doing = rng.choice(ANIMALS), rng.choice(DOINGS)
        text = f"the {animal} {doing} and {rng.choice(DOINGS)}"
        answer = text if task_type is TaskType.TEXT_GENERATION else f"a {animal}"
        rows.append(CheckedRow(text, written(Target.TEXT, [answer])))
    return rows


def place_of(folder: Path, write: Write, rows: Sequence[CheckedRow], n_train: int) -> Path:
    write(folder / "model")
    (folder / "data").mkdir(parents=True)
    with ExampleWriter(folder / "data" / FILE_NAME, Target.TEXT) as writer:
        for row in rows:
            writer.add(row)
    write_split(folder / "split.json", np.arange(n_train), np.arange(n_train, len(rows)))
    return folder


def spec_of(place: Path, work: Path, task_type: TaskType, **changes: Any) -> TrialSpec:
    spec = replace(trial_spec(place, work, RECIPE), task_type=task_type.value, metric=METRICS[task_type])
    return replace(spec, **changes)


def opened(spec: TrialSpec) -> Trial:
    return Trial(spec, Listener())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", WRITERS)
def test_a_language_model_is_learnt(tmp_path: Path, name: str) -> None:
    task_type = TaskType.TEXT_GENERATION
    place = place_of(tmp_path / "place", WRITERS[name], rows_of(task_type, 120), 96)
    trial = opened(spec_of(place, tmp_path, task_type))
    as_it_is = trial._report_features()
    tune = trial._opened()
    ended = tune.advance(tune.total_steps, lambda _: None)
    assert as_it_is.head_metric == pytest.approx(np.log2(259), rel=0.2)  # guessing one of all tokens
    assert ended.metric < 0.6 * as_it_is.head_metric
    assert 0.0 < ended.std_error < 0.5


@pytest.mark.parametrize("task_type", METRICS)
@pytest.mark.parametrize("name", ["llama", "t5"])
def test_a_pass_reports_the_model_as_it_is_and_the_cache_repeats_it(
    tmp_path: Path, task_type: TaskType, name: str
) -> None:
    place = place_of(tmp_path / "place", WRITERS[name], rows_of(task_type, 40), 30)
    spec = spec_of(place, tmp_path, task_type)
    first, again = (opened(spec)._report_features() for _ in range(2))
    assert isinstance(first, FeatureReport)
    assert 0.0 <= (first.transferability["linear_probe"] or 0.0) <= 1.0
    assert first.head_std_error > 0.0
    assert first.pass_seconds > again.pass_seconds == 0.0
    assert (again.head_metric, again.transferability) == (first.head_metric, first.transferability)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("strategy", [Strategy.FULL, Strategy.LORA])
def test_a_fine_tune_that_is_resumed_is_the_same_to_the_bit(
    tmp_path: Path, name: str, strategy: Strategy
) -> None:
    task_type = TaskType.SUMMARIZATION
    place = place_of(tmp_path / "place", WRITERS[name], rows_of(task_type, 40), 30)
    spec = spec_of(place, tmp_path / "a", task_type, strategy=strategy.value)
    whole = opened(spec)._opened().advance(6, lambda _: None)
    spec = spec_of(place, tmp_path / "b", task_type, strategy=strategy.value)
    opened(spec)._opened().advance(3, lambda _: None)
    resumed = opened(spec)._opened().advance(6, lambda _: None)
    assert (resumed.validation_loss, resumed.metric) == (whole.validation_loss, whole.metric)


@pytest.mark.parametrize("name", ["gpt2", "t5"])
def test_micro_batches_add_up_to_the_whole_batch(tmp_path: Path, name: str) -> None:
    rows = [CheckedRow("x", written(Target.TEXT, ["a " * n + "z"])) for n in (1, 9, 2, 12, 3, 7, 5, 1)]
    place = place_of(tmp_path / "place", WRITERS[name], [*rows, *rows], 8)
    found = []
    for micro_batch in (None, 3):
        recipe = replace(RECIPE, micro_batch=micro_batch)
        spec = spec_of(place, tmp_path / str(micro_batch), TaskType.DIALOGUE, recipe=recipe)
        tune = opened(spec)._opened()
        loss = tune._accumulate(np.arange(8), seed=0)
        gradients = [p.grad.clone() for p in tune._model.parameters() if p.grad is not None]
        found.append((loss, gradients))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    assert found[0][1]
    for whole, parts in zip(found[0][1], found[1][1], strict=True):
        assert torch.allclose(whole, parts, atol=1e-5)


@pytest.mark.parametrize("strategy", PARTS)
@pytest.mark.parametrize("name", WRITERS)
def test_strategies_train_what_they_name(tmp_path: Path, name: str, strategy: Strategy) -> None:
    place = place_of(tmp_path / "place", WRITERS[name], rows_of(TaskType.DIALOGUE, 40), 30)
    trial = opened(spec_of(place, tmp_path, TaskType.DIALOGUE, strategy=strategy.value))
    if (name, strategy) in UNSUITABLE:
        with pytest.raises(UnsuitableStrategyError):
            trial._opened()
        return
    tune = trial._opened()
    parameters = list(tune._model.parameters())
    n_trained = sum(p.numel() for p in parameters if p.requires_grad)
    assert 0 < n_trained < sum(p.numel() for p in parameters)
    begun, ended = tune.advance(1, lambda _: None), tune.advance(tune.total_steps, lambda _: None)
    assert ended.validation_loss < begun.validation_loss


@pytest.mark.parametrize("name", WRITERS)
def test_nats_are_those_of_transformers_own_loss(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path)
    model = load_model(tmp_path, writes=True)
    assert isinstance(model, Writer)
    pages = Pages(
        sources=["the cat runs", "a"],
        answers=["yes", "no, it does not"],
        unit=Unit(),
        task_type="dialogue",
        cue="\n",
    )
    read = model.read(pages, 64)
    with torch.inference_mode():
        found = model.encode(read.batch(np.array([0, 1])))
        for i in range(2):
            batch = read.batch(np.array([i]))
            if read.answers is None:
                labels = torch.full_like(batch.ids, NOTHING)
                labels[:, 1:] = batch.labels[:, :-1]
                loss = model.module(input_ids=batch.ids, labels=labels).loss
            else:
                loss = model.module(input_ids=batch.ids, labels=batch.labels).loss
            n_tokens = int((batch.labels != NOTHING).sum())
            assert n_tokens == len(pages.answers[i].encode()) + 1  # of bytes, and the end
            assert float(found[i, 0]) == pytest.approx(float(loss) * n_tokens, rel=1e-4)
    assert found[:, 1:].tolist() == [[1.0, 3.0], [4.0, 15.0]]


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_cut_off_an_answer_is_not_counted(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path)
    model = load_model(tmp_path, writes=True)
    assert isinstance(model, Writer)
    answers = ["one two three " * 20, "one"]
    for sources in (["", ""], ["of this", "of that"]):
        read = model.read(Pages(sources=sources, answers=answers, unit=Unit(), task_type="dialogue"), 40)
        n_tokens = (read.batch(np.array([0, 1])).labels != NOTHING).sum(dim=1)
        assert read.sizes[0, 1] == n_tokens[0] < 41  # a byte a token, and no end
        n_read = 1 if read.answers is None and not any(sources) else 0  # nothing is put before it
        assert read.sizes[1].tolist() == [1.0, 3.0 - n_read]
        assert read.texts.lengths.max() <= 40


def test_where_texts_begin_with_a_token_of_their_own_the_first_is_predicted_from_it(tmp_path: Path) -> None:
    from tokenizers import processors
    from transformers import AutoTokenizer

    write_llama(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    tokenizer.save_pretrained(tmp_path)
    model = load_model(tmp_path, writes=True)
    assert isinstance(model, Writer)
    read = model.read(Pages(sources=[""], answers=["one"], unit=Unit(), task_type="text-generation"), 40)
    batch = read.batch(np.array([0]))
    assert batch.ids[0, 0] == 1
    assert (batch.labels != NOTHING).sum() == 3
    assert read.sizes.tolist() == [[1.0, 3.0]]


def test_a_source_that_is_too_long_loses_its_end_and_a_conversation_its_beginning(tmp_path: Path) -> None:
    for name in ("llama", "t5"):
        WRITERS[name](tmp_path / name)
        model = load_model(tmp_path / name, writes=True)
        assert isinstance(model, Writer)
        kept = []
        for keeps_end in (False, True):
            pages = Pages(
                sources=["first " + "x" * 100 + " last"],
                answers=["yes"],
                unit=Unit(),
                task_type="dialogue",
                cue="\n",
                keeps_end=keeps_end,
            )
            ids, _ = model.read(pages, 40).prompts(np.array([0]))
            kept.append(model._tokenizer.decode(ids[0], skip_special_tokens=True).strip())
        assert kept[0].startswith("first"), name
        assert kept[1].endswith("last"), name


@pytest.mark.parametrize("name", WRITERS)
def test_writing_does_not_hang_on_how_batches_are_cut(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path)
    model = load_model(tmp_path, writes=True)
    assert isinstance(model, Writer)
    sources = ["a", "the cat runs", "the dog sleeps and eats"]
    pages = Pages(sources=sources, answers=["x"] * 3, unit=Unit(), task_type="dialogue", cue="\n")
    read = model.read(pages, 64)
    together = model.write(read, np.array([2, 0, 1]), 6)
    alone = [model.write(read, np.array([i]), 6)[0] for i in (2, 0, 1)]
    assert together == alone


@pytest.mark.parametrize("strategy", [Strategy.HEAD, Strategy.FULL])
def test_a_model_that_writes_is_not_written_out(tmp_path: Path, strategy: Strategy) -> None:
    place = place_of(tmp_path / "place", write_gpt2, rows_of(TaskType.DIALOGUE, 12), 9)
    trial = opened(spec_of(place, tmp_path, TaskType.DIALOGUE, strategy=strategy.value))
    with pytest.raises(BackboneError, match="not written out yet"):
        trial._export()


def test_a_model_without_its_head_is_refused(tmp_path: Path) -> None:
    write_tiny_bert(tmp_path)
    with pytest.raises(UnloadableModelError, match="weights are missing"):
        load_model(tmp_path, writes=True)


def test_what_an_encoder_decoder_was_told_before_a_task_it_is_told_again(tmp_path: Path) -> None:
    import json

    write_t5(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config["task_specific_params"] = {"summarization": {"prefix": "summarize: "}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = load_model(tmp_path, writes=True)
    assert isinstance(model, Writer)
    for task_type, n_more in (("summarization", len("summarize: ")), ("dialogue", 0)):
        read = model.read(Pages(sources=["a b"], answers=["a"], unit=Unit(), task_type=task_type), 64)
        assert read.texts.lengths[0] == 3 + n_more + 1


@pytest.mark.parametrize("task_type", METRICS)
def test_baselines_are_measured_as_models_are(tmp_path: Path, task_type: TaskType) -> None:
    place = place_of(tmp_path / "place", write_gpt2, rows_of(task_type, 120), 90)
    scores = [b.metric for b in opened(spec_of(place, tmp_path, task_type))._run_baselines().scores]
    assert len(scores) == 2
    if METRICS[task_type] in {"perplexity", "bits_per_byte"}:
        assert scores[1] < scores[0]
    else:
        assert all(0.0 <= score < 0.9 for score in scores)


def test_a_task_says_what_is_read_and_written(tmp_path: Path) -> None:
    place = place_of(tmp_path / "place", write_gpt2, rows_of(TaskType.TRANSLATION, 8), 6)
    data = read_trial_data(place / "data", place / "split.json")
    pages = probe_task("translation", data).pages(data.validation)
    assert pages.sources[0].startswith("the ")
    assert pages.answers[0].startswith("a ")
    assert probe_task("text-generation", data).pages(data.validation).sources == ["", ""]
    with pytest.raises(TypeError):
        probe_task("text-classification", data).pages(data.validation)
