"""How well tokenizers know texts: counted by hand, and on real vocabularies."""

import numpy as np
import pytest

from app.probes.backbones import load_backbone
from app.probes.inputs import TokenizedTexts
from app.probes.vocabulary_fit import VocabularyFit, vocabulary_fit
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
