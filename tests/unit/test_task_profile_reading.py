"""How well descriptions are understood, on labelled sets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from app.task_profile import TaskProfile, TaskWords, UnreadableTaskError, read_task
from app.task_profile.defaults import default_metric
from models_registry.vocabulary import TaskType

DATA = Path(__file__).parents[1] / "data"
HALVES = ("task_descriptions.yaml", "task_descriptions_heldout.yaml")
COLLOQUIAL = {"task_descriptions_colloquial.yaml": 0.95, "task_descriptions_colloquial_heldout.yaml": 0.80}


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled description."""

    text: str
    types: tuple[TaskType, ...]
    label: Mapping[str, object]


def _cases(file: str) -> list[Case]:
    rows = yaml.safe_load((DATA / file).read_text("utf-8"))
    return [Case(row["text"], tuple(TaskType(name) for name in row["type"]), row) for row in rows]


def _type(text: str) -> TaskType | None:
    try:
        return read_task(TaskWords(description=text)).profile.task_type
    except UnreadableTaskError:
        return None


def _profile(case: Case) -> TaskProfile:
    """The profile under the right type, so that a wrong type is not counted in every field."""
    read = _type(case.text)
    task_type = read if read in case.types else case.types[0]
    return read_task(TaskWords(description=case.text, type=task_type)).profile


def _type_is_right(case: Case) -> bool:
    read = _type(case.text)
    return read is None if not case.types else read in case.types


def _languages_are_right(case: Case) -> bool:
    wanted = case.label["languages"]
    assert isinstance(wanted, list)
    return set(_profile(case).languages) == set(wanted)


def _domain_is_right(case: Case) -> bool:
    wanted = case.label.get("domain")
    return wanted is None or (isinstance(wanted, list) and _profile(case).domain in wanted)


def _metric_is_right(case: Case) -> bool:
    profile = _profile(case)
    default = default_metric(profile.task_type, profile.languages, imbalanced=False)
    return profile.metric == case.label.get("metric", default)


def _facts_are_right(case: Case) -> bool:
    wanted = case.label.get("facts", {})
    assert isinstance(wanted, dict)
    licences = wanted.get("licences")
    spelt = wanted | ({"licences": ", ".join(licences)} if licences else {})
    read = {name: value for name, value in _profile(case).facts.items() if name != "currency"}
    return read == spelt


def _share(right: Callable[[Case], bool], cases: list[Case]) -> float:
    return sum(map(right, cases)) / len(cases)


@pytest.mark.parametrize("file", HALVES)
def test_task_type_is_right_in_95_percent(file: str) -> None:
    assert _share(_type_is_right, _cases(file)) >= 0.95


@pytest.mark.parametrize("file", HALVES)
@pytest.mark.parametrize(
    "right", [_languages_are_right, _domain_is_right, _metric_is_right, _facts_are_right]
)
def test_the_rest_is_right_in_90_percent(file: str, right: Callable[[Case], bool]) -> None:
    assert _share(right, [case for case in _cases(file) if case.types]) >= 0.90


@pytest.mark.parametrize(("file", "least"), COLLOQUIAL.items())
def test_everyday_wording_is_mostly_understood(file: str, least: float) -> None:
    assert _share(_type_is_right, _cases(file)) >= least


@pytest.mark.parametrize("file", HALVES)
def test_confidence_is_no_overstatement(file: str) -> None:
    named = [case for case in _cases(file) if case.types]
    read = [case for case in named if _type(case.text) is not None]
    stated = sum(read_task(TaskWords(description=case.text)).profile.confidence for case in read)
    assert stated / len(read) <= _share(_type_is_right, read) + 0.05


@pytest.mark.parametrize("file", [*HALVES, *COLLOQUIAL])
def test_reasons_are_the_users_own_words(file: str) -> None:
    for case in _cases(file):
        if _type(case.text) is not None:
            profile = read_task(TaskWords(description=case.text)).profile
            assert profile.because
            assert all(reason in case.text for reason in profile.because)


def test_every_task_type_can_be_read() -> None:
    read = {_type(case.text) for file in HALVES for case in _cases(file)}
    assert set(TaskType) <= read


def test_no_description_is_in_both_halves() -> None:
    first, second = ({case.text for case in _cases(file)} for file in HALVES)
    assert not first & second
