"""Answers are found in passages: by random weights, by ones pretrained on other wordings, by real ones."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from app.datasets.examples import FILE_NAME, ExampleWriter
from app.probes.artifact_files import FOLDER
from app.probes.artifact_predict import Classifier
from app.probes.backbones import BackboneError, load_backbone
from app.probes.baselines.spans import predict_first, predict_window
from app.probes.data import Part, write_split
from app.probes.messages import TrainingRecipe, TrialSpec
from app.probes.tasks.question_answering import NEVER, QuestionAnswering
from app.probes.tokens import tokenize
from app.tasks.base import CheckedRow, ColumnRole
from app.tasks.catalogue import task
from app.tasks.targets import Target, encode
from app.tasks.words import cut
from models_registry.vocabulary import Strategy, TaskType
from tests.probes.facts import HELD_OUT, TAUGHT, asked
from tests.probes.test_real_models import model_folder
from tests.probes.test_targets_probed import opened
from tests.probes.test_text_pairs import write_random
from tests.probes.tiny import WORDS, trial_spec, write_static_vectors, write_tiny_bert

QA = TaskType.QUESTION_ANSWERING
RECIPE = TrainingRecipe(learning_rate=5e-3, batch_size=8, epochs=6, max_length=24)
N = 160
L3 = "package-index/sentence-transformers--paraphrase-MiniLM-L3-v2"


def row(question: str, passage: str, answers: object) -> CheckedRow:
    check = task(QA).check_row
    assert check is not None
    values = (question, passage, answers)
    found = check(dict(zip((ColumnRole.TEXT, ColumnRole.TEXT_PAIR, ColumnRole.LABEL), values, strict=True)))
    assert isinstance(found, CheckedRow), found
    return found


def opinions(n: int = N, *, unanswered: bool = False) -> list[CheckedRow]:
    """What is said, good or bad, in a passage of fillers; some passages say neither."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(n):
        words = [str(w) for w in rng.choice(WORDS[6:], size=rng.integers(4, 9))]
        said = [] if unanswered and i % 3 == 0 else [str(rng.choice(WORDS[:6]))]
        for word in said:
            words.insert(int(rng.integers(0, len(words))), word)
        rows.append(row(str(rng.choice(WORDS[6:])), " ".join(words), said))
    return rows


def place_of(folder: Path, rows: Sequence[CheckedRow], n_train: int) -> Path:
    (folder / "data").mkdir(parents=True)
    with ExampleWriter(folder / "data" / FILE_NAME, Target.SPAN) as writer:
        for each in rows:
            writer.add(each)
    write_split(folder / "split.json", np.arange(n_train), np.arange(n_train, len(rows)))
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_tiny_bert(tmp_path / "place" / "model")
    return place_of(tmp_path / "place", opinions(), 120)


def spec_of(place: Path, work: Path, **changes: Any) -> TrialSpec:
    spec = replace(trial_spec(place, work, RECIPE), task_type=QA.value, metric="token_f1", **changes)
    spec.folder.mkdir(parents=True)
    return spec


def bound(*labels: str) -> tuple[QuestionAnswering, Any]:
    values = encode(Target.SPAN, labels).values
    return QuestionAnswering(values), values


def test_units_are_the_first_token_and_the_words_of_the_passage(place: Path) -> None:
    found = load_backbone(place / "model").tokenize([(["good"], ["the", "bad", "film"])] * 2, 16)
    batch = found.batch(np.array([1]))
    assert found.n_units.tolist() == [4, 4]
    assert batch.words is not None
    assert batch.types is not None
    assert batch.words.tolist() == [[0, 0], [0, 3], [0, 4], [0, 5]]
    assert batch.types.tolist() == [[0, 0, 0, 1, 1, 1, 1]]


def test_the_passage_is_cut_off_and_the_question_is_not(place: Path) -> None:
    found = load_backbone(place / "model").tokenize([(["good", "film"], ["the"] * 20)], 10)
    batch = found.batch(np.array([0]))
    assert batch.words is not None
    assert batch.ids.shape == (1, 10)
    assert batch.words[:, 1].tolist() == [0, 4, 5, 6, 7, 8, *[-1] * 15]


def test_tokens_of_pairs_of_words_survive_the_cache(place: Path, tmp_path: Path) -> None:
    spec, backbone = spec_of(place, tmp_path), load_backbone(place / "model")
    pairs = [(["good"], ["the", "film"]), (["good", "the"], ["film"])]
    first, again = (tokenize(spec, backbone, pairs, 16) for _ in range(2))
    assert first.words is not None
    assert again.words is not None
    for name in ("ids", "lengths", "seconds", "n_units"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    np.testing.assert_array_equal(first.words.places, again.words.places)


def test_word_vectors_answer_nothing(place: Path, tmp_path: Path) -> None:
    write_static_vectors(tmp_path / "vectors", place / "model")
    with pytest.raises(BackboneError, match="one text at a time"):
        load_backbone(tmp_path / "vectors").tokenize([(["a"], ["the", "film"])], 16)


def test_the_loss_is_the_mean_cross_entropy_of_begin_and_end_in_each_passage() -> None:
    asked_of, values = bound("[3, [1, 2], []]", "[5, null, []]", "[2, [0, 0], []]")
    targets = torch.from_numpy(asked_of.units(values))
    outputs = torch.randn(4 + 6 + 3, 2, generator=torch.Generator().manual_seed(0))
    expected = [
        nn.functional.cross_entropy(part.T, torch.tensor(wanted))
        for part, wanted in zip(torch.split(outputs, [4, 6, 3]), ([2, 3], [0, 0], [1, 1]), strict=True)
    ]
    torch.testing.assert_close(asked_of.loss(outputs, targets, None), torch.stack(expected).mean())
    assert asked_of.importance(targets.numpy(), None) == 3.0


def test_an_answer_that_is_cut_off_counts_as_none() -> None:
    asked_of, values = bound("[3, [1, 2], []]")
    targets = torch.from_numpy(asked_of.units(values))
    outputs = torch.tensor([[0.3, 0.1], [0.2, 0.5], [1.0, 0.0], [NEVER, NEVER]], requires_grad=True)
    loss: Tensor = asked_of.loss(outputs, targets, None)
    expected = nn.functional.cross_entropy(outputs[:3].T, torch.tensor([0, 0]))
    torch.testing.assert_close(loss, expected)
    loss.backward()  # type: ignore[no-untyped-call]
    assert outputs.grad is not None
    assert outputs.grad[3].tolist() == [0.0, 0.0]


def part_of(*passages: str, questions: Sequence[str] = ()) -> Part:
    n = len(passages)
    every = np.arange(n)
    texts = list(questions) or ["?"] * n
    return Part(rows=every, texts=texts, labels=np.ones(n, dtype=np.int64), groups=every, pairs=passages)


def test_the_best_span_does_not_end_before_it_begins_and_is_not_too_long() -> None:
    asked_of, _ = bound("[9, [3, 4], []]")
    begins, ends = np.array([9.0, 5, 0, 0, 4, 0]), np.array([9.0, 0, 6, 0, 0, 7])
    outputs = np.stack([begins, ends], axis=1)
    said = asked_of.per_example(outputs, np.array([6]), part_of("on the  old-road home"))
    assert said == ["on the"]
    assert not asked_of.may_be_none


def test_an_answer_is_as_it_stands_in_its_passage() -> None:
    asked_of, _ = bound("[9, [0, 4], []]")
    outputs = np.zeros((2 * 7 + 5, 2))
    outputs[3, 0] = outputs[5, 1] = outputs[14 + 1, 0] = outputs[14 + 2, 1] = 1.0
    outputs[8, 0] = outputs[13, 1] = 1.0
    passages = part_of("on  the  old-road  home", "a b c d e f", "巴斯城。")
    assert asked_of.per_example(outputs, np.array([7, 7, 5]), passages)[::2] == ["old-road", "巴斯"]


def test_none_is_an_answer_only_where_it_was_learnt() -> None:
    outputs = np.array([[5.0, 5.0], [1.0, 1.0]])
    only_answers, both = bound("[1, [0, 0], []]")[0], bound("[1, [0, 0], []]", "[1, null, []]")[0]
    for asked_of, said in ((only_answers, "home"), (both, "")):
        assert asked_of.per_example(outputs, np.array([2]), part_of("home")) == [said]


def test_baselines_know_first_words_and_words_that_the_question_stands_around() -> None:
    train = replace(part_of("a b"), values=encode(Target.SPAN, ["[2, [0, 1], []]"]).values)
    passages = part_of(
        "The sun set. Ada Byron taught Greek there. It rained.",
        "x",
        questions=["Who taught Greek there?", "y"],
    )
    assert predict_first(train, passages, 0) == ["The sun", "x"]
    assert predict_window(train, passages, 0) == ["Ada Byron", "x"]
    silent = replace(part_of("a b"), values=encode(Target.SPAN, ["[2, null, []]"]).values)
    assert predict_first(silent, passages, 0) == ["", ""]


@pytest.mark.parametrize("unanswered", [False, True])
def test_a_fine_tune_learns_and_is_measured(tmp_path: Path, unanswered: bool) -> None:
    write_tiny_bert(tmp_path / "place" / "model")
    place = place_of(tmp_path / "place", opinions(unanswered=unanswered), 120)
    trial = opened(spec_of(place, tmp_path))
    tune = trial._opened()
    begun = tune.advance(1, lambda _: None)
    ended = tune.advance(tune.total_steps, lambda _: None)
    assert ended.validation_loss < begun.validation_loss
    assert ended.metric > max(b.metric for b in trial._run_baselines().scores) + 0.3
    assert 0.0 < ended.std_error < 0.2


def test_a_fine_tune_that_is_resumed_is_the_same_to_the_bit(place: Path, tmp_path: Path) -> None:
    whole = opened(spec_of(place, tmp_path / "a"))._opened().advance(6, lambda _: None)
    spec = spec_of(place, tmp_path / "b")
    opened(spec)._opened().advance(3, lambda _: None)
    resumed = opened(spec)._opened().advance(6, lambda _: None)
    assert (resumed.validation_loss, resumed.metric) == (whole.validation_loss, whole.metric)


def test_a_batch_in_parts_teaches_what_it_does_as_a_whole(place: Path, tmp_path: Path) -> None:
    losses = []
    for name, micro_batch in (("whole", None), ("parts", 3)):
        recipe = replace(RECIPE, micro_batch=micro_batch)
        tune = opened(spec_of(place, tmp_path / name, recipe=recipe))._opened()
        for module in tune._model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        losses.append(tune.advance(2, lambda _: None).validation_loss)
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_frozen_features_are_read_together_and_kept(place: Path, tmp_path: Path) -> None:
    spec = spec_of(place, tmp_path)
    trial = opened(spec)
    first, passed = trial._report_features(), trial._passes()
    assert passed.seen.shape == (passed.counts.sum(), 32)
    lengths = [1 + len(cut(text)) for text in trial._load_data().train.pairs or ()]
    assert passed.counts.tolist() == lengths
    again = opened(spec)._report_features()
    assert again.pass_seconds == 0.0
    assert (again.head_metric, again.transferability) == (first.head_metric, first.transferability)
    assert first.head_metric > trial._run_baselines().scores[0].metric
    assert 0.0 < (first.transferability["linear_probe"] or 0.0) <= 1.0


def test_a_word_that_is_cut_off_is_no_answer_of_a_frozen_head(tmp_path: Path) -> None:
    write_tiny_bert(tmp_path / "place" / "model")
    long = [row("good", " ".join(["film"] * 40 + ["good"]), ["good"]) for _ in range(20)]
    trial = opened(spec_of(place_of(tmp_path / "place", [*opinions(), *long], 140), tmp_path))
    passed, asked_of = trial._passes(), trial._task()
    outputs = asked_of.frozen_outputs(trial._fit_head(passed).classifier, passed.validation)
    is_gone = ~passed.validation.any(axis=1)
    assert is_gone.any()
    assert (outputs[is_gone] == NEVER).all()
    assert np.isfinite(trial._opened().advance(2, lambda _: None).validation_loss)


@pytest.mark.parametrize("strategy", [Strategy.HEAD, Strategy.FULL, Strategy.LORA])
def test_what_is_taken_away_answers_the_same(place: Path, tmp_path: Path, strategy: Strategy) -> None:
    trial = opened(spec := spec_of(place, tmp_path, strategy=strategy.value))
    data, asked_of = trial._load_data().validation, trial._task()
    if strategy is Strategy.HEAD:
        passed = trial._passes()
        outputs = asked_of.frozen_outputs(trial._fit_head(passed).classifier, passed.validation)
        ours = asked_of.per_example(outputs, passed.validation_counts, data)
    else:
        tune = trial._opened()
        tune.advance(20, lambda _: None)
        ours, _ = tune._measured(tune._outputs(tune._validation), tune._validation, data)
    trial._export()
    classifier = Classifier(spec.folder / FOLDER, base=str(place / "model"))
    assert classifier.predict(data.texts, data.pairs) == ours
    assert len(set(ours)) > 1


def write_small_bert(folder: Path, rows: Sequence[CheckedRow]) -> None:
    """Random weights that know the words of these rows."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = sorted({w.lower() for r in rows for text in (r.text, r.text_pair or "") for w in cut(text)})
    vocabulary = {w: i for i, w in enumerate(("[PAD]", "[UNK]", "[CLS]", "[SEP]", *words))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=64,
        initializer_range=0.1,  # at this width 0.02 learns next to nothing in so few steps
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)


def fine_tuned(place: Path, work: Path, model: Path, **recipe: Any) -> float:
    """What a model reaches on the validation part."""
    spec = spec_of(place, work, model_folder=model, model_name=work.name, recipe=replace(RECIPE, **recipe))
    tune = opened(spec)._opened()
    return tune.advance(tune.total_steps, lambda _: None).metric


def test_what_was_learnt_from_some_wordings_helps_with_others(tmp_path: Path) -> None:
    taught, others = asked(750, TAUGHT, 0, n_facts=3), asked(132, HELD_OUT, 1, n_facts=3)
    write_small_bert(tmp_path / "random", [*taught, *others])
    recipe = {"learning_rate": 1e-3, "batch_size": 16, "max_length": 64}
    spec = spec_of(
        place_of(tmp_path / "taught", [*taught, *others[32:64]], 750),
        tmp_path / "pretraining",
        model_folder=tmp_path / "random",
        recipe=TrainingRecipe(epochs=2, **recipe),  # type: ignore[arg-type]
    )
    trial = opened(spec)
    trial._opened().advance(trial._opened().total_steps, lambda _: None)
    trial._export()
    place = place_of(tmp_path / "others", others, 32)
    pretrained = fine_tuned(place, tmp_path / "a", spec.folder / FOLDER / "model", epochs=6, **recipe)
    random = fine_tuned(place, tmp_path / "b", tmp_path / "random", epochs=6, **recipe)
    lexical = max(b.metric for b in opened(spec_of(place, tmp_path / "c"))._run_baselines().scores)
    assert pretrained > max(random, lexical) + 0.1, (pretrained, random, lexical)


@pytest.mark.weights
@pytest.mark.slow
def test_real_weights_answer_better_than_random_ones_and_the_words_of_the_question(tmp_path: Path) -> None:
    source = model_folder(L3)
    write_random(source, tmp_path / "random")
    rows = [*asked(144, TAUGHT, 0, n_facts=3), *asked(100, HELD_OUT, 1, n_facts=3)]
    place = place_of(tmp_path / "place", rows, 144)
    recipe = {"learning_rate": 2e-4, "batch_size": 16, "max_length": 64, "epochs": 2}
    pretrained = fine_tuned(place, tmp_path / "a", source, **recipe)
    random = fine_tuned(place, tmp_path / "b", tmp_path / "random", **recipe)
    lexical = max(b.metric for b in opened(spec_of(place, tmp_path / "c"))._run_baselines().scores)
    assert pretrained > max(random, lexical) + 0.08, (pretrained, random, lexical)
