"""What is known of a model beside its figures, whether the registry reviewed it or only a table mentions it."""

from dataclasses import dataclass

from models_registry.entry import Architecture, ModelEntry
from models_registry.vocabulary import MULTILINGUAL, Domain

MONTHS = 12


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
            fine_tuned_on=entry.fine_tuned_on,
        )

    def reads(self, language: str) -> bool:
        """Whether it is known to have been pretrained on text of this language."""
        return language in self.languages or MULTILINGUAL in self.languages
