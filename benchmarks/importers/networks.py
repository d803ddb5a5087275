"""Networks that models are named after: how large they are and when they were published.

The reviewed table is `benchmarks/data/networks.csv`; libraries of image models add the sizes of theirs. `-`
in a network's name stands for any or no separator.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from benchmarks.importers.cells import rows
from benchmarks.shipped_files import DATA
from models_registry.vocabulary import Modality

_START = "(?<![a-z0-9])"
_EXACT = r"(?![a-z0-9]|\.\d|[-_. ]?\d+x|[-_ ]?w\d)"
"""A factor behind a size (`resnet50_3x`, `RN50-w2`) makes it another; so does a version behind a point."""
_LOOSE = r"(?!(?!v\d)[a-z])"
"""A depth or a version may follow the name of a kind of image network at once (`resnet50`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network.

    Attributes:
        name: Lower case, `-` for any or no separator.
        modality: Kind of input.
        n_parameters: None where members of this kind differ.
        release_year: Of the paper or of the first weights; None where only the size is known.
    """

    name: str
    modality: Modality
    n_parameters: int | None = None
    release_year: int | None = None


class Networks:
    """Finds the networks that a model's name names."""

    def __init__(self, networks: Iterable[Network]) -> None:
        """Take the networks; of equal names the first tells the size."""
        ordered = sorted(networks, key=lambda network: -len(network.name))
        self._patterns = [(_pattern(network), network) for network in ordered]
        self._found: dict[tuple[str, Modality], tuple[Network, ...]] = {}

    def size_of(self, name: str, modality: Modality) -> int | None:
        """Parameters of the longest-named network of known size in this name."""
        return next((n.n_parameters for n in self._in(name, modality) if n.n_parameters), None)

    def year_of(self, name: str, modality: Modality) -> int | None:
        """A model is no older than the latest of the networks that it is named after."""
        return max((n.release_year for n in self._in(name, modality) if n.release_year), default=None)

    def _in(self, name: str, modality: Modality) -> tuple[Network, ...]:
        asked = name.lower(), modality
        if asked not in self._found:
            self._found[asked] = tuple(
                network
                for pattern, network in self._patterns
                if network.modality is modality and pattern.search(asked[0])
            )
        return self._found[asked]


@cache
def reviewed_networks() -> tuple[Network, ...]:
    """The networks of the reviewed table."""
    return tuple(
        Network(
            name=row["network"],
            modality=Modality(row["modality"]),
            n_parameters=int(row["n_parameters"]) if row["n_parameters"] else None,
            release_year=int(row["release_year"]),
        )
        for row in rows(DATA / "networks.csv")
    )


@cache
def corpus_years() -> Mapping[str, int]:
    """When corpora came out: a model is no older than what it was trained on."""
    return {row["corpus"]: int(row["release_year"]) for row in rows(DATA / "corpora.csv")}


def _pattern(network: Network) -> re.Pattern[str]:
    spelt = re.escape(network.name).replace(r"\-", "[-_ .]?")
    exact = network.n_parameters is not None or network.modality is Modality.TEXT
    return re.compile(_START + spelt + (_EXACT if exact else _LOOSE))
