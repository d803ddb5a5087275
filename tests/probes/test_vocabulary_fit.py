"""How well tokenizers know texts: counted by hand, and on real vocabularies."""

from collections.abc import Sequence

import numpy as np
import pytest

from app.probes.backbones import load_backbone
from app.probes.inputs import TokenizedTexts, Words
from app.probes.vocabulary_fit import VocabularyFit, vocabulary_fit, whole_share
from tests.probes.test_real_models import L6, model_folder

ENGLISH = ["the film is good and the plot is fine", "a warm and funny film"]
CHINESE = ["酒店的位置很好，房间也很干净", "服务员态度很差"]


def counted(rows: list[list[int]], texts: list[str], max_length: int = 10) -> VocabularyFit:
    tokenized = TokenizedTexts.of(rows, pad_id=0)
    return vocabulary_fit(tokenized, texts, unknown_id=1, n_special=2, max_length=max_length)


def test_tokens_are_counted_a_word_without_special_ones() -> None:
    found = counted([[2, 5, 6, 7, 3], [2, 1, 3]], ["two words", "one"])
    assert found.fertility == pytest.approx(4 / 3, abs=1e-4)
    assert found.unknown_share == pytest.approx(1 / 4)
    assert found.truncated_share == 0.0


def test_texts_that_were_cut_off_say_nothing_of_fertility() -> None:
    found = counted([[2, 5, 6, 7, 3], [2, 5, 3]], ["a text of very many words", "one"], max_length=5)
    assert (found.fertility, found.truncated_share) == (1.0, 0.5)


def test_chinese_is_counted_by_characters() -> None:
    assert counted([[2, 5, 6, 7, 8, 3]], ["很好 很差"]).fertility == 1.0


def test_no_texts_do_no_harm() -> None:
    assert counted([], []) == VocabularyFit(fertility=0.0, unknown_share=0.0, truncated_share=0.0)


def test_whole_words_are_those_of_one_token() -> None:
    def tokenize(lists: Sequence[list[str]], _longest: int) -> TokenizedTexts:
        """One token of special meaning before and behind, and one for every three letters of a word."""
        rows, places = [], []
        for words in lists:
            sizes = [-(-len(word) // 3) for word in words]
            places.append((1 + np.cumsum([0, *sizes[:-1]])).tolist())
            rows.append([0] * (sum(sizes) + 2))
        return TokenizedTexts.of(rows, pad_id=0, words=Words.of(places))

    assert whole_share(["the fox and the plot", "fox to be unbelievable"], tokenize) == pytest.approx(3 / 5)
    assert whole_share(["abc"] * 3 + [f"w{'x' * 9}" for _ in range(90)], tokenize) == 0.5
    assert whole_share(CHINESE, tokenize) is None
    assert whole_share(["12 34"], tokenize) is None


def test_what_is_kept_in_the_cache_is_the_same_again() -> None:
    for whole in (None, 0.25):
        fit = VocabularyFit(fertility=1.5, unknown_share=0.1, truncated_share=0.0, whole_share=whole)
        assert VocabularyFit.unpacked(fit.packed()) == fit


def test_an_english_vocabulary_holds_more_english_words_whole_than_a_multilingual_one() -> None:
    names = (
        L6,
        "package-index/intfloat--multilingual-e5-small",
        "package-index/dleemiller--word-llama-l2-supercat",
    )
    texts = [" ".join((*ENGLISH, "remarkable photography, screenplay and breathtaking performances"))]
    shares = [whole_share(texts, load_backbone(model_folder(name)).tokenize) or 0.0 for name in names]
    assert shares[0] > max(shares[1:])
    assert min(shares) > 0.3


def test_an_english_vocabulary_does_not_know_chinese_and_a_multilingual_one_does() -> None:
    shares = {}
    for name in (L6, "package-index/intfloat--multilingual-e5-small"):
        backbone = load_backbone(model_folder(name))
        for language, texts in (("en", ENGLISH), ("zh", CHINESE)):
            found = vocabulary_fit(
                backbone.tokenize(texts, 64),
                texts,
                unknown_id=backbone.unknown_id,
                n_special=int(backbone.tokenize([""], 16).lengths[0]),
                max_length=64,
            )
            shares[name, language] = found.unknown_share
            assert np.isfinite(found.fertility)
    assert shares[L6, "zh"] > 0.1
    assert shares[L6, "en"] == shares["package-index/intfloat--multilingual-e5-small", "zh"] == 0.0
