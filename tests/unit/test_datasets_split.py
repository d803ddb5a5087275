"""Parts that share no text, and samples that keep every class."""

from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.datasets.examples import Examples, make_examples
from app.datasets.folding import fold
from app.datasets.split import split, subsample

ROWS = st.lists(
    st.tuples(
        st.sampled_from([f"t{i}" for i in range(25)] + ["T1 ", " t2", "t  3", "t 3"]), st.integers(0, 4)
    ),
    min_size=1,
    max_size=80,
)
SEEDS = st.integers(0, 2**32 - 1)


def examples_of(rows: list[tuple[str, int]]) -> Examples:
    return make_examples([text for text, _ in rows], [f"c{label}" for _, label in rows])


def without_conflicts(rows: list[tuple[str, int]]) -> Examples:
    first: dict[str, int] = {}
    return examples_of([(text, first.setdefault(fold(text), label)) for text, label in rows])


def folded(examples: Examples, indices: np.ndarray) -> set[str]:
    return {fold(examples.texts[i]) for i in indices}


@given(ROWS, SEEDS)
def test_the_parts_are_disjoint_and_together_everything(rows: list[tuple[str, int]], seed: int) -> None:
    examples = examples_of(rows)
    parts = split(examples, seed=seed)
    together = np.sort(np.concatenate([parts.train, parts.validation]))
    np.testing.assert_array_equal(together, np.arange(len(examples)))


@given(ROWS, SEEDS)
def test_no_text_is_on_both_sides(rows: list[tuple[str, int]], seed: int) -> None:
    examples = examples_of(rows)
    parts = split(examples, seed=seed)
    assert not folded(examples, parts.train) & folded(examples, parts.validation)


@given(ROWS, SEEDS)
def test_every_class_is_trained_on_even_when_labels_conflict(rows: list[tuple[str, int]], seed: int) -> None:
    examples = examples_of(rows)
    parts = split(examples, seed=seed)
    assert set(examples.labels[parts.train]) == set(examples.labels)


@given(ROWS, SEEDS)
def test_every_class_with_two_texts_is_validated_on(rows: list[tuple[str, int]], seed: int) -> None:
    examples = without_conflicts(rows)
    parts = split(examples, seed=seed)
    texts: dict[int, set[str]] = defaultdict(set)
    for text, label in zip(examples.texts, examples.labels, strict=True):
        texts[int(label)].add(fold(text))
    assert set(examples.labels[parts.validation]) == {c for c, found in texts.items() if len(found) > 1}


@given(ROWS, SEEDS, st.lists(st.integers(0, 9), min_size=80, max_size=80))
def test_no_group_and_no_text_is_on_both_sides(
    rows: list[tuple[str, int]], seed: int, groups: list[int]
) -> None:
    plain = examples_of(rows)
    examples = make_examples(
        plain.texts, [plain.label_names[i] for i in plain.labels], [str(g) for g in groups[: len(rows)]]
    )
    parts = split(examples, seed=seed)
    assert examples.groups is not None
    assert not set(examples.groups[parts.train]) & set(examples.groups[parts.validation])
    assert not folded(examples, parts.train) & folded(examples, parts.validation)


@given(ROWS, SEEDS)
def test_the_same_seed_gives_the_same_split(rows: list[tuple[str, int]], seed: int) -> None:
    first, second = split(examples_of(rows), seed=seed), split(examples_of(rows), seed=seed)
    np.testing.assert_array_equal(first.validation, second.validation)


def test_other_seeds_give_other_splits() -> None:
    examples = examples_of([(f"t{i}", i % 3) for i in range(300)])
    assert split(examples, seed=0).validation.tolist() != split(examples, seed=1).validation.tolist()


def test_classes_keep_their_shares() -> None:
    examples = examples_of([(f"t{i}", 0 if i % 10 else 1) for i in range(1_000)])
    parts = split(examples, seed=0, validation_fraction=0.25)
    assert Counter(examples.labels[parts.validation].tolist()) == {0: 225, 1: 25}


def test_validation_is_held_to_its_limit() -> None:
    examples = examples_of([(f"t{i}", i % 4) for i in range(4_000)])
    assert len(split(examples, seed=0, max_validation=200).validation) == 200


def test_a_class_of_one_repeated_text_is_only_trained_on() -> None:
    examples = examples_of([("same", 0)] * 50 + [(f"t{i}", 1) for i in range(50)])
    parts = split(examples, seed=0)
    assert set(examples.labels[parts.validation]) == {1}


def test_a_text_with_many_copies_does_not_swell_validation() -> None:
    examples = examples_of([("same", 0)] * 900 + [(f"t{i}", 0) for i in range(100)] + [("o", 1), ("p", 1)])
    assert len(split(examples, seed=0).validation) <= 202


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1])
def test_a_fraction_that_leaves_a_part_empty_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        split(examples_of([("a", 0)]), seed=0, validation_fraction=fraction)


@given(ROWS, st.integers(0, 100), SEEDS)
@settings(max_examples=200)
def test_a_sample_has_the_size_asked_for_and_every_class_that_fits(
    rows: list[tuple[str, int]], n: int, seed: int
) -> None:
    examples = examples_of(rows)
    chosen = subsample(examples, n, seed)
    assert len(set(chosen.tolist())) == len(chosen) == min(n, len(examples))
    if n >= len(examples.label_names):
        assert set(examples.labels[chosen]) == set(examples.labels)


def test_a_sample_keeps_the_shares_of_classes() -> None:
    examples = examples_of([(f"t{i}", 0 if i % 4 else 1) for i in range(400)])
    assert Counter(examples.labels[subsample(examples, 100, 0)].tolist()) == {0: 75, 1: 25}


def test_taking_examples_keeps_texts_labels_and_names_together() -> None:
    examples = examples_of([("a", 0), ("b", 1), ("c", 0)])
    taken = examples.take(np.array([2, 1]))
    assert (taken.texts, taken.labels.tolist(), taken.label_names) == (["c", "b"], [0, 1], ("c0", "c1"))
