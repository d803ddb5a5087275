"""Well-known architecture stems: what the name of a family says about the network.

The table is `benchmarks/data/stems.csv`. A stem is searched in the lower-case name of a model, the longest
first; `-` in a stem stands for any or no separator. Families are spelt as in the registry. A stem stands at
the start of a word, but authors glue some to a word of their own (`codebert`, `hatebert`): `inside_words`.
"""

import re
from dataclasses import dataclass
from functools import cache

from benchmarks.importers.cells import rows
from benchmarks.shipped_files import DATA
from models_registry.entry import Architecture
from models_registry.vocabulary import Modality

_START, _END = "(?<![a-z])", r"(?!(?!v\d)[a-z])"
"""A digit or a version may follow a stem at once (`resnet50`, `inceptionv3`), a letter may not (`ditto`)."""


@dataclass(frozen=True, slots=True)
class Stem:
    """A stem found in a name, with the network that it stands for."""

    family: str
    architecture: Architecture | None
    modality: Modality


@cache
def _stems() -> tuple[tuple[re.Pattern[str], Stem], ...]:
    """Patterns with their stems; those that may stand inside words last, the longest first."""
    table = sorted(rows(DATA / "stems.csv"), key=lambda row: (row["inside_words"], -len(row["stem"])))
    found = []
    for row in table:
        spelt = re.escape(row["stem"]).replace(r"\-", "[-_ .]?")
        pattern = spelt if row["inside_words"] else f"{_START}{spelt}{_END}"
        architecture = Architecture(row["architecture"]) if row["architecture"] else None
        stem = Stem(row["family"], architecture, Modality(row["modality"]))
        found.append((re.compile(pattern), stem))
    return tuple(found)


@cache
def stem_of(name: str, modality: Modality | None = None) -> Stem | None:
    """The longest well-known stem in a model's name; None where there is none.

    Args:
        name: Without hub and owner, any case.
        modality: Only stems of this kind of input, where it is known.
    """
    lower = name.lower()
    for pattern, stem in _stems():
        if (modality is None or stem.modality is modality) and pattern.search(lower):
            return stem
    return None
