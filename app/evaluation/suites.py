"""The suites of figures that ship, as they are reported."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.ranking.columns import Column, is_target
from benchmarks.figures import Benchmark, Figure, Protocol


class UnknownSuiteError(ValueError):
    """No shipped suite has this name.

    Attributes:
        name: What was asked for.
        known: What there is.
    """

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name = name
        self.known = known
        super().__init__(f"no suite {name!r}; there are {', '.join(known)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Figures of one collection that are compared with each other.

    Attributes:
        name: In reports.
        suite: Of the benchmarks.
        protocols: Only columns under these; any that trains on the benchmark's data, if empty.
        table: Only figures whose source's address ends so: a suite may hold tables of kinds of models apart.
    """

    name: str
    suite: str
    protocols: frozenset[Protocol] = frozenset()
    table: str = ""

    def holds(self, figure: Figure, benchmark: Benchmark) -> bool:
        """Whether a figure belongs to it."""
        if benchmark.suite != self.suite or not figure.source.endswith(self.table):
            return False
        if self.protocols:
            return figure.protocol in self.protocols
        return is_target(Column.of(benchmark, figure.protocol, figure.metric))


REPORTED = (
    Suite(name="transfergraph", suite="transfergraph", protocols=frozenset({Protocol.FINE_TUNED})),
    Suite(name="model-recycling", suite="model-recycling", protocols=frozenset({Protocol.FINE_TUNED})),
    Suite(name="euroeval", suite="euroeval", protocols=frozenset({Protocol.FEW_SHOT_TUNED})),
    Suite(name="mteb", suite="mteb", protocols=frozenset({Protocol.LINEAR_PROBE})),
    Suite(name="sfda-1", suite="sfda", table="group1.py"),
    Suite(name="sfda-2", suite="sfda", table="group2.py"),
)
"""The suites on which the prior is judged; of SFDA, supervised CNNs and self-supervised ResNet-50s apart."""


def suite_named(name: str, benchmarks: Iterable[Benchmark]) -> Suite:
    """The reported suite of this name, or the whole of a shipped one.

    Raises:
        UnknownSuiteError: There is none.
    """
    for suite in REPORTED:
        if suite.name == name:
            return suite
    shipped = {b.suite for b in benchmarks}
    if name not in shipped:
        raise UnknownSuiteError(name, tuple(sorted(shipped | {s.name for s in REPORTED})))
    return Suite(name=name, suite=name)


def figures_of(suite: Suite, figures: Iterable[Figure], benchmarks: Mapping[str, Benchmark]) -> list[Figure]:
    """The figures that belong to a suite."""
    return [f for f in figures if suite.holds(f, benchmarks[f.benchmark])]
