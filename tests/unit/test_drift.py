"""What has drifted between two data sets: each statistic, their common scale, and real sets."""

import csv
import io
import json
import os
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.datasets.columns import ColumnChoices
from app.datasets.drift.aspect import Aspect, Size, Statistic, of_numbers
from app.datasets.drift.comparison import Action, Drift, compare
from app.datasets.drift.drawing import draw, labels_of
from app.datasets.drift.ngrams import hashed_ngrams
from app.datasets.drift.shares import share_shift
from app.datasets.drift.telling import telling_words
from app.datasets.drift.two_sample import Separation, separation
from app.datasets.folding import fold_hash
from app.datasets.ingest import ingest
from app.datasets.storage import StoredDataset, dataset_folder
from models_registry.vocabulary import TaskType

WORDS = ("river", "stone", "cloud", "forest", "meadow", "valley", "summit", "canyon", "desert", "island")
OTHERS = ("ledger", "invoice", "balance", "credit", "payment", "budget", "profit", "salary", "refund", "bank")


def sentences(words: Sequence[str], n: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(words, k=8)) for _ in range(n)]


def told_apart(earlier: Sequence[str], later: Sequence[str], seed: int = 0) -> Separation:
    texts = [*earlier, *later]
    hashes = np.array([fold_hash(text) for text in texts], dtype=np.uint64)
    return separation(hashed_ngrams(texts), np.arange(len(texts)) >= len(earlier), hashes, seed=seed)


def stored(folder: Path, rows: str, task_type: TaskType = TaskType.TEXT_CLASSIFICATION) -> StoredDataset:
    return ingest(
        io.BytesIO(rows.encode()),
        filename="data.csv" if not rows.startswith("{") else "data.jsonl",
        choices=ColumnChoices(group="group" if "group" in rows.split("\n", 1)[0] else None),
        task_type=task_type,
        project="default",
        data_dir=folder,
        max_bytes=10**8,
    )


def compared(
    folder: Path, earlier: str, later: str, task_type: TaskType = TaskType.TEXT_CLASSIFICATION
) -> Drift:
    both = stored(folder, earlier, task_type), stored(folder, later, task_type)
    return compare(*both, (dataset_folder(folder, both[0].id), dataset_folder(folder, both[1].id)), seed=0)


def table(texts: Sequence[str], labels: Sequence[object]) -> str:
    return "\n".join(["text,label", *(f"{t},{y}" for t, y in zip(texts, labels, strict=True))])


# n-grams


@given(st.lists(st.text(), min_size=1, max_size=3))
@settings(max_examples=25, deadline=None)
def test_rows_of_ngrams_have_length_one_and_belong_to_their_text_alone(texts: list[str]) -> None:
    together = hashed_ngrams(texts)
    alone = [hashed_ngrams([text]) for text in texts]

    assert np.allclose(np.sqrt((together**2).sum(axis=1)), 1.0)
    for row, own in enumerate(alone):
        assert set(together[[row]].indices) == set(own.indices)


def test_case_and_spacing_change_no_ngram() -> None:
    rows = hashed_ngrams(["A  good\nFilm", "a good film"]).toarray()

    assert np.array_equal(rows[0], rows[1])


# The classifier's test


def test_samples_of_one_distribution_are_not_told_apart() -> None:
    found = told_apart(sentences(WORDS, 400, 1), sentences(WORDS, 400, 2))

    assert found.low < 0.5 < found.high
    assert found.p_value > 0.01


def test_samples_of_other_words_are_told_apart() -> None:
    found = told_apart(sentences(WORDS, 100, 1), sentences(OTHERS, 100, 2))

    assert found.auc == 1.0
    assert found.p_value < 1e-6


def test_copies_are_no_evidence_of_a_difference() -> None:
    texts = sentences(WORDS, 200, 1)
    found = told_apart(texts, texts)

    assert found.auc == 0.5


def test_the_deviation_is_that_of_mann_and_whitney() -> None:
    found = told_apart(sentences(WORDS, 60, 1), sentences(WORDS, 40, 2))

    assert found.deviation == pytest.approx(np.sqrt((30 + 20 + 1) / (12 * 30 * 20)))


# Shares


def test_the_distance_of_shares_is_half_the_sum_of_their_differences() -> None:
    found = share_shift([("a",)] * 50 + [("b",)] * 50, [("a",)] * 80 + [("c",)] * 20, alpha=0.01, seed=0)

    assert found.names == ("a", "b", "c")
    assert found.distance == pytest.approx(0.5)
    assert found.p_value == pytest.approx(1 / 1_000)


def test_many_rare_names_are_no_shift() -> None:
    rng = np.random.default_rng(0)
    earlier, later = ([(str(name),) for name in rng.integers(0, 80, 100)] for _ in range(2))
    found = share_shift(earlier, later, alpha=0.01, seed=0)

    assert found.distance > 0.3  # by chance alone
    assert found.by_chance > 0.3
    assert found.p_value > 0.01


def test_several_names_of_one_example_are_dealt_together() -> None:
    rows = [("x", "y")] * 10
    found = share_shift(rows, rows, alpha=0.01, seed=0)

    assert (found.distance, found.p_value) == (0.0, 1.0)


# The common scale


@pytest.mark.parametrize("d", [0.2, 0.5, 1.0])
def test_every_statistic_of_two_normal_distributions_says_how_far_they_are_apart(d: float) -> None:
    rng = np.random.default_rng(1)
    earlier, later = rng.normal(size=40_000), rng.normal(d, size=40_000)
    auc = float(np.mean(rng.permutation(later) > earlier))
    by_area = Aspect(statistic=Statistic.AUC, value=auc, by_chance=0.5, noticed_from=0.51, p_value=0.0)

    assert by_area.effect == pytest.approx(d, abs=0.03)
    assert of_numbers(earlier, later).effect == pytest.approx(d, abs=0.03)


@pytest.mark.parametrize(
    ("value", "p_value", "noticed_from", "size"),
    [
        (0.51, 1e-9, 0.51, Size.NONE),  # significant, and a trifle
        (0.60, 1e-9, 0.52, Size.SLIGHT),
        (0.70, 1e-9, 0.52, Size.MARKED),
        (0.60, 0.20, 0.62, Size.NONE),  # large, and by chance: a marked one would have been seen
        (0.60, 0.20, 0.70, Size.UNCLEAR),
    ],
)
def test_a_change_counts_if_it_is_neither_chance_nor_a_trifle(
    value: float, p_value: float, noticed_from: float, size: Size
) -> None:
    aspect = Aspect(
        statistic=Statistic.AUC, value=value, by_chance=0.5, noticed_from=noticed_from, p_value=p_value
    )

    assert aspect.size is size


# Words


def test_a_word_that_has_become_frequent_is_told_with_its_shares() -> None:
    earlier = sentences(WORDS, 200, 1)
    later = [f"{text} refund" if i % 2 else text for i, text in enumerate(sentences(WORDS, 200, 2))]
    (word,) = telling_words(earlier, later)

    assert (word.word, word.earlier_share, word.later_share) == ("refund", 0.0, 0.5)


def test_chinese_is_told_by_two_characters() -> None:
    found = telling_words(["房间很好"] * 30, ["快递很慢"] * 30)

    assert {"房间", "快递"} <= {word.word for word in found}


def test_what_one_text_alone_says_is_not_shown() -> None:
    earlier, later = sentences(WORDS, 50, 1), sentences(WORDS, 50, 2)

    assert "secret" not in {w.word for w in telling_words(earlier, [*later, "secret " * 200])}


# Whole data sets


def test_a_draw_is_of_the_size_asked_for_and_repeats_with_its_seed(tmp_path: Path) -> None:
    data = stored(tmp_path, table([f"text {i}" for i in range(100)], [i % 2 for i in range(100)]))
    folder = dataset_folder(tmp_path, data.id)
    first, again, other = (draw(folder, 30, seed=seed).texts for seed in (1, 1, 2))

    assert len(set(first)) == 30
    assert first == again != other
    assert len(draw(folder, 1_000, seed=1)) == 100


def test_of_a_group_one_example_is_compared(tmp_path: Path) -> None:
    rows = [f"text {i},{i % 2},author {i // 10}" for i in range(100)]
    data = stored(tmp_path, "\n".join(["text,label,group", *rows]))
    drawn = draw(dataset_folder(tmp_path, data.id), 100, seed=0).one_a_group()

    assert len(drawn) == len(set(drawn.groups)) == 10


def test_labels_are_found_of_the_texts_asked_for_alone(tmp_path: Path) -> None:
    data = stored(tmp_path, "text,label\nOne,a\none,b\ntwo,a\nthree,b\n")
    hashes = np.array([fold_hash("one"), fold_hash("four")], dtype=np.uint64)

    assert labels_of(dataset_folder(tmp_path, data.id), hashes) == {fold_hash("one"): {"a", "b"}}


def test_numbers_are_compared_by_their_distribution(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    texts = [sentences(WORDS, 400, seed) for seed in (1, 2)]
    low, high = rng.normal(0, 1, 400), rng.normal(1, 1, 400)
    found = compared(
        tmp_path, table(texts[0], list(low)), table(texts[1], list(high)), TaskType.TEXT_REGRESSION
    )

    assert found.labels is not None
    assert found.labels.statistic is Statistic.KOLMOGOROV_SMIRNOV
    assert found.labels.size is Size.MARKED


def test_queries_and_passages_have_no_labels_to_compare(tmp_path: Path) -> None:
    earlier, later = [
        "\n".join(["query,passage", *(f"ask {i} {t},{t} {i}" for i, t in enumerate(sentences(WORDS, 50, s)))])
        for s in (1, 2)
    ]

    assert compared(tmp_path, earlier, later, TaskType.TEXT_RETRIEVAL).labels is None


def test_another_language_is_noticed(tmp_path: Path) -> None:
    english = [f"the train to the city leaves at {i} o'clock in the morning" for i in range(60)]
    german = [f"der Zug in die Stadt fährt um {i} Uhr am frühen Morgen ab" for i in range(60)]
    labels = [i % 2 for i in range(60)]
    found = compared(tmp_path, table(english, labels), table(german, labels))

    assert found.languages is not None
    assert found.languages.size is Size.MARKED


def test_a_class_that_has_gone_is_told_from_one_that_is_rare(tmp_path: Path) -> None:
    earlier = table(sentences(WORDS, 203, 1), ["a", "b"] * 50 + ["gone"] * 100 + ["rare"] * 3)
    found = compared(tmp_path, earlier, table(sentences(WORDS, 100, 2), ["a", "b"] * 50))

    assert set(found.classes.gone) == {"gone"}


# Real sets

SHARED = Path(os.environ.get("ADVISOR_SHARED_DIR", Path(__file__).parents[2].parent / "shared"))
N = 500
Row = tuple[str, str]


def real(name: str, split: str = "train") -> list[Row]:
    file = SHARED / "data" / "tasks" / name / f"{split}.csv"
    if not file.is_file():
        pytest.skip(f"the development data set {name} is not there")
    with file.open(encoding="utf-8", newline="") as lines:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(lines)]
    return random.Random(1).sample(rows, len(rows))


def lines_of(rows: Sequence[Row]) -> str:
    return "\n".join(json.dumps({"text": text, "label": label}) for text, label in rows)


HALVED = ("tweet_emotion", "sms_spam", "banking77", "thucnews_titles", "chnsenticorp_hotel", "subj")


@pytest.mark.shared
def test_halves_of_real_sets_raise_no_more_alarms_than_chance_allows(tmp_path: Path) -> None:
    sets = [real(name) for name in HALVED]
    found = [compared(tmp_path, lines_of(rows[:N]), lines_of(rows[N : 2 * N])) for rows in sets]
    sizes = [aspect.size for drift in found for aspect in drift.aspects.values()]

    assert len(sizes) == 4 * len(HALVED)
    assert sum(size is not Size.NONE for size in sizes) <= 1  # two of 24 have a probability of 2 %
    assert {drift.action for drift in found} == {Action.KEEP}


@pytest.mark.shared
@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("tweet_emotion", "sms_spam"),
        ("movie_reviews_mr", "subj"),
        ("thucnews_titles", "chnsenticorp_hotel"),
    ],
)
def test_texts_of_another_source_have_drifted(tmp_path: Path, earlier: str, later: str) -> None:
    labels = ["a", "b"] * (N // 2)
    texts = ([text for text, _ in real(name)[:N]] for name in (earlier, later))
    before, after = (lines_of(list(zip(side, labels, strict=True))) for side in texts)
    found = compared(tmp_path, before, after)

    assert found.inputs is not None
    assert found.inputs.size is Size.MARKED
    assert found.labels is not None
    assert found.labels.size is Size.NONE


@pytest.mark.shared
@pytest.mark.parametrize(("share", "size"), [(0.5, Size.NONE), (0.8, Size.MARKED)])
def test_labels_drawn_in_other_shares_have_drifted(tmp_path: Path, share: float, size: Size) -> None:
    rows = real("movie_reviews_mr")
    earlier, rest = rows[:N], rows[N:]
    positive, negative = ([row for row in rest if (row[1] == "positive") is is_it] for is_it in (True, False))
    k = round(share * N)
    found = compared(tmp_path, lines_of(earlier), lines_of([*positive[:k], *negative[: N - k]]))

    assert found.labels is not None
    assert found.labels.size is size
