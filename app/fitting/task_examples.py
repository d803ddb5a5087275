"""The descriptions that the reader of task descriptions learns from, and their variations.

They come from labelled files, from the descriptions and templates beside this module, and from sentences that
name no task. Variations teach what does not matter: the language named, the numbers, who asks.
"""

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import yaml

from app.task_profile.classifier import NONE, TYPES
from models_registry.vocabulary import Domain, TaskType

FOLDER = Path(__file__).parent
DESCRIPTIONS, TEMPLATES, SURROUNDINGS = (
    FOLDER / "descriptions",
    FOLDER / "templates",
    FOLDER / "surroundings.yaml",
)
PER_TEMPLATE = 3
TEMPLATE_WEIGHT = 0.3
"""Of a filled template beside a description that someone wrote."""
VARIATION_WEIGHT = 0.5
LANGUAGE_SHARE, SURROUNDED_SHARE = 0.3, 0.5
"""Share of the descriptions that get a variation of the kind."""
N_GIBBERISH = 200
MIXED = "mixed"
"""Key of descriptions whose domain is not said."""
_HAN = re.compile(r"[㐀-䶿一-鿿]")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A description to learn from.

    Attributes:
        text: As written.
        types: Columns of the acceptable types (`NONE`: no task), each as likely.
        domains: Acceptable domains; empty where the domain is not said.
        weight: In the fit.
    """

    text: str
    types: tuple[int, ...]
    domains: tuple[Domain, ...] = ()
    weight: float = 1.0


def load_labelled(path: Path) -> list[Example]:
    """The descriptions of a file of labelled descriptions."""
    return [
        Example(
            text=row["text"],
            types=tuple(TYPES.index(TaskType(t)) for t in row["type"]) or (NONE,),
            domains=tuple(Domain(d) for d in row.get("domain", ())),
        )
        for row in yaml.safe_load(path.read_text("utf-8"))
    ]


def _described(content: Mapping[str, Mapping[str, str]]) -> Iterator[Example]:
    for types, by_domain in content.items():
        columns = tuple(TYPES.index(TaskType(t)) for t in types.split(" + "))
        for domains, lines in by_domain.items():
            named = () if domains == MIXED else tuple(Domain(d) for d in domains.split("/"))
            for line in lines.strip().splitlines():
                yield Example(text=line.strip(), types=columns, domains=named)


def own_descriptions(folder: Path = DESCRIPTIONS) -> list[Example]:
    """The descriptions beside this module; a file that is a list names no tasks."""
    examples: list[Example] = []
    for path in sorted(folder.glob("*.yaml")):
        content = yaml.safe_load(path.read_text("utf-8"))
        if isinstance(content, list):
            examples += [Example(text=str(text), types=(NONE,)) for text in content]
        else:
            examples += _described(content)
    return examples


def _slot_word(slots: Mapping[str, Sequence[str]], rng: random.Random, slot: re.Match[str]) -> str:
    return str(rng.choice(slots[slot[1]]))


def filled_templates(rng: random.Random, folder: Path = TEMPLATES) -> list[Example]:
    """Every template, its slots filled at random, `PER_TEMPLATE` times."""
    examples = []
    for path in sorted(folder.glob("*.yaml")):
        content = yaml.safe_load(path.read_text("utf-8"))
        for task_type, patterns in content["patterns"].items():
            for pattern in patterns * PER_TEMPLATE:
                text = _SLOT.sub(partial(_slot_word, content["slots"], rng), pattern)
                column = TYPES.index(TaskType(task_type))
                examples.append(Example(text=text, types=(column,), weight=TEMPLATE_WEIGHT))
    return examples


def _filled(pattern: str, text: str, languages: Sequence[str], rng: random.Random) -> str:
    first, second, third = rng.sample(list(languages), 3)
    return pattern.format(text=text, first=first, second=second, third=third)


def variations(examples: Iterable[Example], rng: random.Random) -> list[Example]:
    """Descriptions with a language named, and with words on who asks and why around them.

    A language says nothing of the task unless that is translation.
    """
    surroundings = yaml.safe_load(SURROUNDINGS.read_text("utf-8"))
    translation = TYPES.index(TaskType.TRANSLATION)
    varied = []
    for example in examples:
        words = surroundings["zh" if _HAN.search(example.text) else "en"]
        if translation not in example.types and rng.random() < LANGUAGE_SHARE:
            text = _filled(rng.choice(words["languages"]), example.text, words["names"], rng)
            varied.append(replace(example, text=text, weight=VARIATION_WEIGHT))
        if rng.random() < SURROUNDED_SHARE:
            parts = [rng.choice(words["around"]), example.text]
            rng.shuffle(parts)
            text = words["joint"].join(parts)
            varied.append(replace(example, text=text, weight=VARIATION_WEIGHT))
    return varied


def gibberish(rng: random.Random, count: int = N_GIBBERISH) -> list[Example]:
    """Random letters, characters and digits, and alone what elsewhere surrounds a task: no task."""
    surroundings = yaml.safe_load(SURROUNDINGS.read_text("utf-8"))
    alone = [text for words in surroundings.values() for text in words["around"]]
    letters, characters = "abcdefghijklmnopqrstuvwxyz", [chr(code) for code in range(0x4E00, 0x9FA5)]
    texts = []
    for _ in range(count):
        pool = rng.choice([letters, characters, "0123456789,. "])
        words = ("".join(rng.choices(pool, k=rng.randint(1, 9))) for _ in range(rng.randint(1, 6)))
        texts.append(" ".join(words))
    return [Example(text=text, types=(NONE,), weight=VARIATION_WEIGHT) for text in [*texts, *alone]]


def all_examples(labelled: Sequence[Path], seed: int) -> list[Example]:
    """Everything to learn from, with these labelled files."""
    rng = random.Random(seed)  # noqa: S311 (not for security)
    written = own_descriptions() + [example for path in labelled for example in load_labelled(path)]
    return written + filled_templates(rng) + variations(written, rng) + gibberish(rng)
