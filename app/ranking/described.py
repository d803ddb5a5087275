"""What is known of a model beside its figures, from the registry or from the tables that mention it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from benchmarks.facts import ModelFacts
from benchmarks.training_sets import data_sets, task_types
from models_registry.entry import Architecture, ModelEntry
from models_registry.vocabulary import MULTILINGUAL, Domain, TaskType

MONTHS = 12
ENOUGH_DESCENDANTS = 5
"""Fine-tunes of one checkpoint from which it makes a family of its own, closer than the name's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A model's features; None and empty where nothing is known.

    Attributes:
        name: `hub:id`, or the name that its figures are published under.
        family: Lower-case name shared by relatives; its own name where it has none.
        architecture: Kind of network.
        n_parameters: Parameters that compute, lookup tables left out.
        year: Of the release, with the month as a fraction.
        languages: ISO 639-1 codes, or `mul`.
        domains: Domains of its pretraining data.
        fine_tuned_on: Data sets it was fine-tuned on before.
    """

    name: str
    family: str
    architecture: Architecture | None = None
    n_parameters: int | None = None
    year: float | None = None
    languages: frozenset[str] = frozenset()
    domains: frozenset[Domain] = frozenset()
    fine_tuned_on: tuple[str, ...] = ()

    @classmethod
    def of(cls, entry: ModelEntry) -> "Described":
        """What the registry says."""
        return cls(
            name=entry.key,
            family=entry.family,
            architecture=entry.architecture,
            n_parameters=max(entry.n_parameters - entry.n_embedding_parameters, 1),
            year=entry.release_date.year + entry.release_date.month / MONTHS,
            languages=frozenset(entry.languages),
            domains=frozenset(entry.domains),
            fine_tuned_on=tuple(dict.fromkeys(d for name in entry.fine_tuned_on for d in data_sets(name))),
        )

    @classmethod
    def of_facts(cls, facts: ModelFacts) -> "Described":
        """What a source says of a model that the registry does not have."""
        return cls(
            name=facts.model,
            family=facts.family or facts.model,
            architecture=facts.architecture,
            n_parameters=facts.n_parameters,
            year=None if facts.release_year is None else float(facts.release_year),
            languages=frozenset(facts.languages),
            fine_tuned_on=facts.fine_tuned_on,
        )

    @property
    def trained_for(self) -> frozenset[TaskType]:
        """What it was fine-tuned to do before, as far as it is known of its data sets."""
        return frozenset[TaskType]().union(*(task_types(dataset) for dataset in self.fine_tuned_on))

    def reads(self, language: str) -> bool:
        """Whether it is known to have been pretrained on text of this language."""
        return language in self.languages or MULTILINGUAL in self.languages


def describe(entries: Iterable[ModelEntry], facts: Mapping[str, ModelFacts]) -> dict[str, Described]:
    """All models of which anything is known, by name; what the registry says goes before what tables say.

    Checkpoints that were fine-tuned from one and the same checkpoint resemble it more than others of its name
    do, so they are a family with it where they are many. What a checkpoint was trained on, those fine-tuned
    from it were trained on too.
    """
    known = {name: Described.of_facts(fact) for name, fact in facts.items()}
    known |= {entry.key: Described.of(entry) for entry in entries}
    parents = {name: fact.base_model for name, fact in facts.items() if fact.base_model}
    descendants = Counter(parents.values())
    for name, model in known.items():
        parent = parents.get(name, name)
        family = parent if descendants[parent] >= ENOUGH_DESCENDANTS else model.family
        seen = (
            d
            for ancestor in _lineage(name, parents)
            if ancestor in known
            for d in known[ancestor].fine_tuned_on
        )
        known[name] = replace(model, family=family, fine_tuned_on=tuple(dict.fromkeys(seen)))
    return known


def _lineage(name: str, parents: Mapping[str, str]) -> list[str]:
    """A model, what it was fine-tuned from, what that was fine-tuned from, and so on."""
    found = [name]
    while (parent := parents.get(found[-1])) and parent not in found:
        found.append(parent)
    return found
