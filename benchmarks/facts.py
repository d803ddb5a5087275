"""What the sources say about models that have figures but no entry in the registry."""

import csv
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

from benchmarks.shipped_files import DATA, MalformedTableError
from benchmarks.training_sets import COLLECTIONS_PATH
from models_registry.entry import Architecture
from models_registry.vocabulary import Modality

FACTS_PATH = DATA / "model_facts.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """Facts about one model; whatever no source says is empty.

    Attributes:
        model: Canonical name, as in its figures.
        family: Lower-case name shared by relatives, in the registry's spelling (`bert`, `resnet`).
        base_model: Canonical name of the checkpoint that it was fine-tuned from.
        architecture: Kind of network.
        modality: Kind of input; that of its figures where nothing else says it.
        n_parameters: All parameters.
        pretrained_on: Corpora.
        fine_tuned_on: Data sets that it was trained on before it was measured, as `Benchmark.dataset` spells
            them where they are the benchmarks'.
        languages: ISO 639-1 codes, or `mul` for many.
        release_year: Of the checkpoint; where no source says, of the latest network or corpus in it.
    """

    model: str
    family: str = ""
    base_model: str = ""
    architecture: Architecture | None = None
    modality: Modality | None = None
    n_parameters: int | None = None
    pretrained_on: tuple[str, ...] = ()
    fine_tuned_on: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    release_year: int | None = None


COLUMNS = tuple(field.name for field in fields(ModelFacts))


def load_model_facts(path: Path = FACTS_PATH) -> Mapping[str, ModelFacts]:
    """The shipped facts by model.

    Raises:
        MalformedTableError: A row names an unknown architecture or modality, or no number.
    """
    facts = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for line, row in enumerate(csv.DictReader(lines), start=2):
            try:
                facts[row["model"]] = _facts(row)
            except ValueError as error:
                raise MalformedTableError(path, line, str(error)) from None
    return facts


@cache
def shipped_facts_version() -> str:
    """Changes whenever what ships about models does."""
    return hashlib.sha256(FACTS_PATH.read_bytes() + COLLECTIONS_PATH.read_bytes()).hexdigest()[:12]


def write_model_facts(facts: Iterable[ModelFacts], path: Path = FACTS_PATH) -> None:
    """Write the facts by model; the same facts always give the same bytes."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(COLUMNS)
        for fact in sorted(facts, key=lambda f: f.model):
            writer.writerow([_cell(getattr(fact, column)) for column in COLUMNS])


def _facts(row: Mapping[str, str]) -> ModelFacts:
    return ModelFacts(
        model=row["model"],
        family=row["family"],
        base_model=row["base_model"],
        architecture=Architecture(row["architecture"]) if row["architecture"] else None,
        modality=Modality(row["modality"]) if row["modality"] else None,
        n_parameters=int(row["n_parameters"]) if row["n_parameters"] else None,
        pretrained_on=_split(row["pretrained_on"]),
        fine_tuned_on=_split(row["fine_tuned_on"]),
        languages=_split(row["languages"]),
        release_year=int(row["release_year"]) if row["release_year"] else None,
    )


def _split(cell: str) -> tuple[str, ...]:
    return tuple(cell.split("|")) if cell else ()


def _cell(value: str | int | tuple[str, ...] | None) -> str:
    if isinstance(value, tuple):
        return "|".join(value)
    return "" if value is None else str(value)
