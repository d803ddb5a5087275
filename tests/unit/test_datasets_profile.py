"""Facts about a data set."""

import random

import pytest

from app.datasets.languages import count_cjk, language_shares
from app.datasets.profile import (
    DatasetProfile,
    LengthUnit,
    ProfileBuilder,
    profile_from_json,
    profile_to_json,
    profile_warnings,
)

ENGLISH = [f"The room number {i} was clean and the staff were friendly" for i in range(60)]
CHINESE = [f"第{i}号房间很干净，服务员也非常热情周到" for i in range(60)]


def profile_of(rows: list[tuple[str, str]]) -> DatasetProfile:
    builder = ProfileBuilder()
    for text, label in rows:
        builder.add(text, label)
    return builder.build()


def alternating(texts: list[str]) -> list[tuple[str, str]]:
    return [(text, "ab"[i % 2]) for i, text in enumerate(texts)]


def test_lengths_are_words_in_spaced_scripts() -> None:
    profile = profile_of([("one two three", "a"), ("one", "b")])
    assert (profile.length_unit, profile.mean_length, profile.max_length) == (LengthUnit.WORDS, 2.0, 3)


def test_lengths_are_characters_in_chinese() -> None:
    profile = profile_of([("酒店很好", "a"), ("房间太小", "b"), ("好", "b")])
    assert (profile.length_unit, profile.mean_length, profile.cjk_share) == (LengthUnit.CHARACTERS, 3.0, 1.0)


def test_copies_are_found_through_case_and_white_space() -> None:
    profile = profile_of([("A  b\n", "x"), ("a B", "x"), ("a b", "y"), ("ab", "y"), ("c", "x")])
    assert (profile.duplicates, profile.conflicting_labels) == (2, 1)


def test_copies_that_agree_are_no_conflict() -> None:
    assert profile_of([("a", "x"), ("a", "x"), ("b", "y")]).conflicting_labels == 0


def test_classes_are_counted_most_frequent_first() -> None:
    profile = profile_of([("a", "x"), ("b", "y"), ("c", "y"), ("d", "y")])
    assert list(profile.class_counts.items()) == [("y", 3), ("x", 1)]
    assert profile.imbalance_ratio == 3.0


def test_languages_do_not_depend_on_the_order_of_rows() -> None:
    rows = alternating(ENGLISH + CHINESE)
    shuffled = random.Random(3).sample(rows, len(rows))
    assert profile_of(rows).languages == profile_of(shuffled).languages


def test_two_languages_are_told_with_their_shares() -> None:
    assert dict(language_shares(ENGLISH + CHINESE)) == {"en": 0.5, "zh": 0.5}


def test_short_texts_are_judged_together() -> None:
    assert language_shares(["very good", "not bad", "the room", "quite nice", "never again"])[0] == (
        "en",
        1.0,
    )


def test_texts_without_letters_have_no_language() -> None:
    assert language_shares(["123", "!!", "4 5"]) == ()


def test_cantonese_and_wu_do_not_hide_chinese() -> None:
    assert language_shares(["锌价难续去年辉煌", "同步A股首秀：港股缩量回调"]) == (("zh", 1.0),)


def test_kana_and_rare_ideographs_count_as_cjk() -> None:
    assert count_cjk("aあカ中\U00020000 한") == 4


def test_a_profile_survives_json() -> None:
    profile = profile_of(alternating(ENGLISH + CHINESE))
    assert profile_from_json(profile_to_json(profile)) == profile


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("a", "x"), ("b", "y")], "very few"),
        ([*alternating(ENGLISH), ("so", "rare")], "single example"),
        (alternating(ENGLISH) + alternating(ENGLISH), "repeat an earlier text"),
        ([*alternating(ENGLISH), (ENGLISH[0], "b")], "more than one label"),
        ([(text, "a" if i else "b") for i, text in enumerate(ENGLISH)], "59 times"),
        (alternating(ENGLISH + CHINESE), "several languages"),
        (alternating([text * 60 for text in ENGLISH]), "longer than"),
    ],
)
def test_what_is_odd_is_said(rows: list[tuple[str, str]], said: str) -> None:
    assert any(said in warning for warning in profile_warnings(profile_of(rows)))


def test_sound_data_gets_no_warning() -> None:
    assert profile_warnings(profile_of(alternating(ENGLISH + [text + " too" for text in ENGLISH]))) == ()


def test_warnings_quote_no_text() -> None:
    secret = "my number is 5550100"
    rows = [(secret, "a"), (secret, "b"), *alternating(ENGLISH)] * 2
    assert not any("5550100" in warning for warning in profile_warnings(profile_of(rows)))
