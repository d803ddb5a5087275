"""What is left out of an example: words of a text or a pair, cells of an image."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.probes.regions import GRID, MOST_REGIONS, ImageCells, TextRegions


def cut(text: str, text_pair: str | None = None) -> list[str]:
    found = TextRegions.of(text, text_pair)
    whole = {"text": text, "text_pair": text_pair or ""}
    return [whole[r.field][r.start : r.end] for r in found.regions]


def test_words_are_parted_by_white_space_and_chinese_by_character() -> None:
    assert cut("a  fine\nfilm.") == ["a", "fine", "film."]
    assert cut("很好看 ok") == ["很", "好", "看", "ok"]


def test_a_pair_has_the_words_of_both() -> None:
    assert cut("one two", "three") == ["one", "two", "three"]


def test_a_long_text_is_cut_into_runs_that_hold_all_of_it() -> None:
    words = [f"w{i}" for i in range(400)]
    runs = cut(" ".join(words), "x y")
    assert len(runs) <= MOST_REGIONS
    assert " ".join(runs).split() == [*words, "x", "y"]


def test_all_that_stays_is_the_text_and_nothing_is_empty() -> None:
    found = TextRegions.of("a fine film", "truly")
    assert found.kept(np.ones(4, dtype=bool)) == ("a fine film", "truly")
    assert found.kept(np.zeros(4, dtype=bool)) == ("", "")
    assert found.kept(np.array([True, False, True, False])) == ("a film", "")


def test_cells_that_are_left_out_have_the_mean_colour(tmp_path: Path) -> None:
    pixels = np.zeros((60, 90, 3), dtype=np.uint8)
    pixels[:30] = 200
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    mask = np.ones(GRID * GRID, dtype=bool)
    mask[0] = False
    ImageCells.of(path).written(mask, tmp_path / "b.png")
    found = np.asarray(Image.open(tmp_path / "b.png"))
    assert (found[:10, :15] == 100).all()
    assert (found[:30, 15:] == 200).all()
    assert (found[30:] == 0).all()


def test_a_text_of_spaces_has_no_words() -> None:
    assert cut("  ") == []


@pytest.mark.parametrize("text", ["a", "好", "a b c"])
def test_places_are_those_of_the_text(text: str) -> None:
    for region in TextRegions.of(text, None).regions:
        assert text[region.start : region.end].strip() == text[region.start : region.end]
