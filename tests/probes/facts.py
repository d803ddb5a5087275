"""Questions about made-up passages: facts of people, each told and asked in one of several ways."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.tasks.base import CheckedRow, ColumnRole
from app.tasks.catalogue import task
from models_registry.vocabulary import TaskType

FIRST = (
    "Ada",
    "Bruno",
    "Clara",
    "David",
    "Elena",
    "Felix",
    "Greta",
    "Hugo",
    "Irene",
    "Jonas",
    "Karin",
    "Louis",
)
LAST = (
    "Adler",
    "Brandt",
    "Castro",
    "Dubois",
    "Evans",
    "Fischer",
    "Garcia",
    "Hansen",
    "Ivanov",
    "Jensen",
    "Keller",
)
TOWNS = (
    "Paris",
    "London",
    "Berlin",
    "Madrid",
    "Vienna",
    "Oslo",
    "Dublin",
    "Prague",
    "Warsaw",
    "Lisbon",
    "Athens",
)
JOBS = ("doctor", "teacher", "painter", "lawyer", "farmer", "singer", "writer", "pilot", "baker", "chemist")
THINGS = ("car", "house", "horse", "boat", "piano", "bicycle", "garden", "dog", "camera", "violin")
MONTHS = ("January", "March", "April", "June", "July", "August", "October", "November")
TRAITS = ("job", "town", "year", "month", "thing", "price")


@dataclass(frozen=True, slots=True)
class Wording:
    """How one trait is told and asked of; {who} and {what} are filled in."""

    trait: str
    told: str
    asked: str


TAUGHT = (
    Wording("job", "{who} works as a {what}.", "What does {who} work as?"),
    Wording("job", "{who} is a {what} by profession.", "What is the profession of {who}?"),
    Wording("job", "A good {what} is what {who} became.", "What did {who} become?"),
    Wording("town", "{who} lives in {what}.", "Where does {who} live?"),
    Wording("town", "The home of {who} is in {what}.", "In which town is the home of {who}?"),
    Wording("town", "{who} has a flat in {what}.", "In which city does {who} have a flat?"),
    Wording("year", "{who} was born in {what}.", "When was {who} born?"),
    Wording("year", "In {what} {who} left school.", "In what year did {who} leave school?"),
    Wording("month", "{who} travels every {what}.", "In which month does {who} travel?"),
    Wording("month", "Each {what} {who} visits a cousin.", "When does {who} visit a cousin?"),
    Wording("thing", "{who} bought a {what}.", "What did {who} buy?"),
    Wording("thing", "{who} is proud of a {what}.", "What is {who} proud of?"),
    Wording("price", "{who} paid {what} pounds.", "How much did {who} pay?"),
    Wording("price", "{who} saved {what} pounds.", "How many pounds did {who} save?"),
)
HELD_OUT = (
    Wording("job", "As a {what} {who} earns well.", "How does {who} earn money?"),
    Wording("job", "{who} was trained to be a {what}.", "Which trade was {who} trained for?"),
    Wording("town", "{who} moved to {what}.", "To which place did {who} move?"),
    Wording("town", "In {what} {who} feels at home.", "Where is {who} at home?"),
    Wording("year", "In {what} {who} was married.", "In what year was the wedding of {who}?"),
    Wording("month", "{who} rests in {what}.", "During which month does {who} rest?"),
    Wording("thing", "A {what} belongs to {who}.", "Which thing belongs to {who}?"),
    Wording("price", "The debt of {who} is {what} pounds.", "How large is the debt of {who}?"),
)


def _value(trait: str, rng: np.random.Generator) -> str:
    match trait:
        case "year":
            return str(rng.integers(1800, 2000))
        case "price":
            return str(rng.integers(10, 999))
        case _:
            pool = {"job": JOBS, "town": TOWNS, "month": MONTHS, "thing": THINGS}[trait]
            return str(rng.choice(pool))


def asked(n: int, wordings: Sequence[Wording], seed: int, *, n_facts: int = 4) -> list[CheckedRow]:
    """n questions, each of a passage of its own: different facts of several people; one is asked of."""
    rng = np.random.default_rng(seed)
    check = task(TaskType.QUESTION_ANSWERING).check_row
    assert check is not None
    rows = []
    for _ in range(n):
        people = rng.choice(len(FIRST) * len(LAST), size=n_facts, replace=False)
        traits = rng.permutation(TRAITS)[:n_facts]
        chosen = [_one_of([w for w in wordings if w.trait == trait], rng) for trait in traits]
        names = [f"{FIRST[i % len(FIRST)]} {LAST[i // len(FIRST)]}" for i in people]
        values = [_value(wording.trait, rng) for wording in chosen]
        told = [
            w.told.format(who=name, what=value) for w, name, value in zip(chosen, names, values, strict=True)
        ]
        wanted = int(rng.integers(0, n_facts))
        start = sum(len(sentence) + 1 for sentence in told[:wanted]) + _place(chosen[wanted], names[wanted])
        row = check(
            {
                ColumnRole.TEXT: chosen[wanted].asked.format(who=names[wanted]),
                ColumnRole.TEXT_PAIR: " ".join(told),
                ColumnRole.LABEL: [{"text": values[wanted], "answer_start": start}],
            }
        )
        assert isinstance(row, CheckedRow), row
        rows.append(row)
    return rows


def _one_of(wordings: Sequence[Wording], rng: np.random.Generator) -> Wording:
    return wordings[int(rng.integers(0, len(wordings)))]


def _place(wording: Wording, name: str) -> int:
    """The character of a sentence that its value begins at."""
    return wording.told.format(who=name, what="\0").index("\0")
