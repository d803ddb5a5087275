"""Metrics of texts, beside the libraries' own numbers and by hand; baselines that are measured by them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.probes import metrics
from app.probes.baselines.ngrams import predict_ngram, predict_unigram
from app.probes.baselines.texts import predict_another, predict_copy, predict_lead, predict_nearest
from app.probes.data import Part
from app.probes.writings import unit_of
from app.tasks.targets import Target, written

SAID = [
    "The cat sat on the mat and was running around.",
    "He has been to the house of his friend, twice.",
    "Nothing in common at all here.",
]
RIGHT = [
    ["A cat sat on a mat, running around.", "The cat was on the mat."],
    ["He was in his friend's house two times."],
    ["Quite another sentence, with words of its own."],
]
ALONE = ("rougeL", "rouge1", "rouge2", "bleu", "chrf")


def part(texts: Sequence[str], answers: Sequence[str]) -> Part:
    kept = np.array([written(Target.TEXT, [a]) for a in answers], dtype=np.dtypes.StringDType())
    n = np.arange(len(texts))
    return Part(rows=n, texts=texts, labels=np.zeros_like(n), groups=n, values=kept)


def drawn(seed: int, n: int = 80) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    words = rng.integers(5, 60, size=n)
    bytes_ = words * rng.normal(5.5, 0.3, size=n)
    return np.column_stack([words * rng.normal(4.0, 0.5, size=n), words, bytes_])


def test_likelihoods_are_measured_as_by_hand() -> None:
    rows = [[10.0, 4, 20], [2.0, 2, 10]]
    expected = {"perplexity": np.exp(12 / 6), "bits_per_byte": 12 / (np.log(2) * 30)}
    for name, value in expected.items():
        assert metrics.compute(name, rows, [["a"], ["b"]], Target.TEXT) == pytest.approx(value), name


@pytest.mark.parametrize("name", ["perplexity", "bits_per_byte"])
def test_standard_errors_of_likelihoods_are_those_of_new_samples(name: str) -> None:
    values = [metrics.score(name, drawn(seed), [[]] * 80, Target.TEXT) for seed in range(200)]
    found = metrics.standard_error(name, drawn(0), [[]] * 80, seed=0, target=Target.TEXT)
    assert found == pytest.approx(np.std(values), rel=0.4)


def test_rouge_of_english_is_that_of_the_library() -> None:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    found = [scorer.score_multi(right, said) for said, right in zip(SAID, RIGHT, strict=True)]
    for name in ("rouge1", "rouge2", "rougeL"):
        expected = np.mean([one[name].fmeasure for one in found])
        assert metrics.compute(name, SAID, RIGHT, Target.TEXT) == pytest.approx(expected), name


@pytest.mark.parametrize(
    ("said", "right", "expected"),
    [("今天天气很好", "今天天气不好", 5 / 6), ("猫在 AI lab", "猫 AI Lab", 6 / 7), ("été", "ete", 0.0)],
)
def test_rouge_of_other_scripts_counts_their_signs(said: str, right: str, expected: float) -> None:
    assert metrics.score("rouge1", [said], [[right]], Target.TEXT) == pytest.approx(expected)


def test_bleu_and_chrf_are_those_of_the_library() -> None:
    import sacrebleu

    streams: Any = [[r[0] for r in RIGHT], [r[1] if len(r) > 1 else None for r in RIGHT]]
    expected = {
        "bleu": sacrebleu.corpus_bleu(SAID, streams).score,
        "chrf": sacrebleu.corpus_chrf(SAID, streams).score,
    }
    for name, value in expected.items():
        assert metrics.compute(name, SAID, RIGHT, Target.TEXT) == pytest.approx(value / 100), name
    said, right = ["今天天气很好，我们出去走走"], ["今天天气很好，我们去外面走走"]
    value = sacrebleu.corpus_bleu(said, [right], tokenize="zh").score / 100
    assert value > 0.3
    assert metrics.score("bleu", said, [right], Target.TEXT) == pytest.approx(value)


@pytest.mark.parametrize("name", ALONE)
def test_texts_that_are_right_score_one_and_others_next_to_nothing(name: str) -> None:
    right = [r[0] for r in RIGHT]
    assert metrics.score(name, right, RIGHT, Target.TEXT) == pytest.approx(1.0)
    assert metrics.score(name, ["q"] * 3, RIGHT, Target.TEXT) < 0.05
    assert 0.0 < metrics.standard_error(name, SAID, RIGHT, seed=0, target=Target.TEXT) < 0.5


@pytest.mark.parametrize("name", ["bleu", "chrf", "rougeL"])
def test_standard_errors_of_texts_shrink_with_their_number(name: str) -> None:
    rng = np.random.default_rng(0)
    vocabulary = [f"word{i}" for i in range(40)]
    right = [[" ".join(rng.choice(vocabulary, size=12))] for _ in range(200)]
    said = [" ".join(w if rng.random() < 0.8 else "x" for w in r[0].split()) for r in right]
    many = metrics.standard_error(name, said, right, seed=0, target=Target.TEXT)
    few = metrics.standard_error(name, said[:50], right[:50], seed=0, target=Target.TEXT)
    assert few == pytest.approx(2 * many, rel=0.5)


@pytest.mark.parametrize(
    ("texts", "words"),
    [(["one two", "three"], 3), (["今天天气很好", "今天 好"], 9), (["ACGT" * 30, "AC"], 122)],
)
def test_words_are_what_spaces_part_or_characters(texts: list[str], words: int) -> None:
    unit = unit_of(texts)
    assert sum(unit.words(text) for text in texts) == words


def test_byte_ngrams_are_a_distribution_over_all_bytes() -> None:
    known = ["the cat sat on the mat", "the dog sat on the log", "on the whole the rest"]
    for predict in (predict_unigram, predict_ngram):
        asked = [f"the c{chr(i)}" for i in range(1, 128)]
        rows = predict(part(known, known), part(asked, asked), 0)
        shared = predict(part(known, known), part(["the c"], ["the c"]), 0)[0, 0]
        assert np.exp(shared - rows[:, 0]).sum() < 1.0
        if predict is predict_ngram:
            assert np.exp(shared - rows[ord("a") - 1, 0]) > 0.3
    assert rows[:, 1:].tolist() == [[len(a.split()), 6] for a in asked]


def test_byte_ngrams_are_those_of_the_formula() -> None:
    known = part(["ab", "ab", "ac"], ["ab", "ab", "ac"])
    unigram = (np.array([3, 2]) + 3 / 256) / (6 + 3)  # of a and b: three of six bytes differ
    assert predict_unigram(known, part(["ab"], ["ab"]), 0)[0, 0] == pytest.approx(-np.log(unigram).sum())
    first = (3 + 1 * unigram[0]) / (3 + 1)  # behind a beginning only a
    for _ in range(4):
        first = (3 + first) / 4
    second = (2 + 2 * unigram[1]) / (3 + 2)  # behind a both b and c
    for _ in range(4):
        second = (2 + 2 * second) / 5
    found = predict_ngram(known, part(["ab"], ["ab"]), 0)[0, 0]
    assert found == pytest.approx(-np.log(first) - np.log(second))


def test_baselines_write_what_they_say() -> None:
    known = part(["a cat runs home", "dogs sleep all day"], ["cat", "dogs"])
    text = "First one. Second one! Third? Fourth."
    asked = part([text, "the dogs sleep"], ["x", "y"])
    assert predict_copy(known, asked, 0) == list(asked.texts)
    assert predict_lead(known, asked, 0) == ["First one. Second one! Third?", "the dogs sleep"]
    assert predict_nearest(known, asked, 0)[1] == "dogs"
    assert set(predict_another(known, asked, 0)) <= {"cat", "dogs"}
    lines = part(["甲：你好。乙：好！\n甲：走吧。\n乙：行"], ["x"])
    assert predict_lead(known, lines, 0) == ["甲：你好。 乙：好！ 甲：走吧。"]
