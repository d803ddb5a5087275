"""How well descriptions are understood, on labelled sets."""

from pathlib import Path

import pytest

from app.evaluation.reading import Judged, judge, load_described, measure, rank_auc
from models_registry.vocabulary import TaskType

DATA = Path(__file__).parents[1] / "data"
HALVES = ("task_descriptions.yaml", "task_descriptions_heldout.yaml")
COLLOQUIAL = ("task_descriptions_colloquial.yaml", "task_descriptions_colloquial_heldout.yaml")
INDEPENDENT = ("task_descriptions_independent.yaml", "task_descriptions_independent_heldout.yaml")
THIRD = ("task_descriptions_third_author.yaml", "task_descriptions_third_author_heldout.yaml")
FIELDS = ("languages", "domain", "metric", "facts, all of a description")


def _judged(file: str) -> list[Judged]:
    return judge(load_described(DATA / file))


@pytest.mark.parametrize("file", HALVES)
def test_task_type_is_right_in_95_percent(file: str) -> None:
    assert measure(_judged(file))["type"] >= 0.95


@pytest.mark.parametrize("file", HALVES)
@pytest.mark.parametrize("field", FIELDS)
def test_the_rest_is_right_in_90_percent(file: str, field: str) -> None:
    assert measure(_judged(file))[field] >= 0.90


@pytest.mark.parametrize(("file", "least"), list(zip(COLLOQUIAL, (0.95, 0.85), strict=True)))
def test_everyday_wording_is_mostly_understood(file: str, least: float) -> None:
    assert measure(_judged(file))["type"] >= least


@pytest.mark.parametrize(("file", "least"), list(zip(INDEPENDENT, (0.95, 0.85), strict=True)))
def test_descriptions_by_others_are_mostly_understood(file: str, least: float) -> None:
    assert measure(_judged(file))["type"] >= least


@pytest.mark.parametrize("file", THIRD)
@pytest.mark.parametrize(
    ("field", "least"),
    [("type", 0.92), ("languages", 0.95), ("domain", 0.90), ("facts, all of a description", 0.90)],
)
def test_descriptions_full_of_data_and_machines_are_mostly_understood(
    file: str, field: str, least: float
) -> None:
    assert measure(_judged(file))[field] >= least


@pytest.mark.parametrize("file", INDEPENDENT)
def test_confidence_tells_right_from_wrong_and_clear_from_ambiguous(file: str) -> None:
    figures = measure(_judged(file))
    assert figures["confidence, ambiguous"] < figures["confidence, clear"]
    assert not figures["AUC of confidence for right"] < 0.8  # NaN where all are right


@pytest.mark.parametrize("file", HALVES)
def test_confidence_is_no_overstatement(file: str) -> None:
    read = [j for j in _judged(file) if j.wanted.types and j.profile]
    stated = sum(j.profile.confidence for j in read if j.profile)
    assert stated / len(read) <= sum(j.type for j in read) / len(read) + 0.05


@pytest.mark.parametrize("file", [*HALVES, *COLLOQUIAL, *INDEPENDENT])
def test_reasons_are_the_users_own_words(file: str) -> None:
    for judged in _judged(file):
        if judged.profile is not None:
            assert judged.profile.because
            assert all(reason in judged.wanted.text for reason in judged.profile.because)


def test_every_task_type_can_be_read() -> None:
    read = {j.profile.task_type for file in HALVES for j in _judged(file) if j.profile}
    assert set(TaskType) <= read


@pytest.mark.parametrize("files", [HALVES, COLLOQUIAL, INDEPENDENT, THIRD])
def test_no_description_is_in_both_halves(files: tuple[str, str]) -> None:
    first, second = ({row.text for row in load_described(DATA / file)} for file in files)
    assert not first & second


def test_auc_is_the_share_of_ordered_pairs() -> None:
    assert rank_auc([0.9, 0.8, 0.8, 0.1], [True, True, False, False]) == pytest.approx(0.875)
