"""Numbers, devices, limits and licences in all notations."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from app.task_profile import TaskWords, read_task
from app.task_profile.quantities import find_quantities

DATA = Path(__file__).parents[1] / "data"
CARRIERS = {
    "en": "Sentiment of English hotel reviews, {}.",
    "zh": "中文酒店评论情感分类，{}。",
    "whole": "{}",
}


def _stated() -> Iterator[tuple[str, str, dict[str, object]]]:
    for language, rows in yaml.safe_load((DATA / "task_facts.yaml").read_text("utf-8")).items():
        for phrase, facts in rows:
            yield language, phrase, facts


@pytest.mark.parametrize(("language", "phrase", "facts"), list(_stated()))
def test_facts_are_read_and_none_is_invented(language: str, phrase: str, facts: dict[str, object]) -> None:
    profile = read_task(TaskWords(description=CARRIERS[language].format(phrase))).profile
    assert {name: value for name, value in profile.facts.items() if name != "currency"} == facts


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("12,5k reviews", [12_500]),
        ("1.250.000 reviews", [1_250_000]),
        ("3.142 is pi", [3.142]),
        ("6'200 reviews", [6200]),
        ("2e5 reviews", [200_000]),
        ("a quarter million reviews", [250_000]),
        ("sales of the last quarter", []),
        ("二十多万条", [200_000]),
        ("十来万条", [100_000]),
        ("百科词条", []),
        ("百来条", [100]),
    ],
)
def test_numbers_have_their_value_in_every_notation(text: str, values: list[float]) -> None:
    assert [q.value for q in find_quantities(text)] == values


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("sort mushroom photos, 38 species, 100 pics per species", {"n_classes": 38, "n_examples": 3800}),
        ("what exercise is shown in a gym video clip; 22 exercises", {"n_classes": 22}),
        ("Shorten 40 page grant reports, 2.5k reports with summaries", {"n_examples": 2500}),
        ("判断两个实体之间的关系，44种关系", {"n_classes": 44}),
        ("every mood that fits a song text, multi-label, out of nine.", {"n_classes": 9}),
    ],
)
def test_counts_fall_to_what_they_count(text: str, facts: dict[str, object]) -> None:
    assert read_task(TaskWords(description=text)).profile.facts == facts
