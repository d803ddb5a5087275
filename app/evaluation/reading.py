"""How well task descriptions are understood, on files of labelled descriptions.

    python -m app.evaluation.reading tests/data/task_descriptions_independent.yaml [--wrong]

A file is a YAML list of rows: `text`; `type` (acceptable task types; empty: nothing recognisable); where
they are judged `languages`, `domain` (acceptable ones), `metric` (absent: the type's default), `facts` (all
that the words say, and no more) and `alternatives` (types that must all be offered). Every figure is end to
end: a description that is refused or read as another type has its fields judged as they come out.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from rich.console import Console
from rich.table import Table

from app.task_profile import TaskProfile, TaskWords, UnreadableTaskError, read_task
from app.task_profile.defaults import SPECIFIC_METRIC, default_metric
from app.task_profile.languages import writing_language
from app.task_profile.normalise import fold
from models_registry.vocabulary import Domain, TaskType

Fact = float | int | str | bool
TIMED_ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A description and what must be made of it; None where a field is not judged.

    Attributes:
        text: As written.
        types: Acceptable types; empty where nothing is recognisable.
        languages: ISO 639-1 codes, in any order.
        domains: Acceptable domains.
        metric: Named in the words.
        facts: What the words say in numbers and constraints.
        alternatives: Types that must all be offered, whichever comes first.
    """

    text: str
    types: tuple[TaskType, ...]
    languages: frozenset[str] | None = None
    domains: frozenset[Domain] | None = None
    metric: str | None = None
    facts: Mapping[str, Fact] | None = None
    alternatives: frozenset[TaskType] = frozenset()


def load_described(path: Path) -> list[Described]:
    """The rows of a file; a row without languages is judged by its type alone."""
    return [_described(row) for row in yaml.safe_load(path.read_text("utf-8"))]


def _described(row: Mapping[str, object]) -> Described:
    full = "languages" in row
    facts = {k: ", ".join(v) if isinstance(v, list) else v for k, v in dict(row.get("facts", {})).items()}  # type: ignore[call-overload]
    return Described(
        text=str(row["text"]),
        types=tuple(TaskType(t) for t in row["type"]),  # type: ignore[attr-defined]
        languages=frozenset(row["languages"]) if full else None,  # type: ignore[call-overload]
        domains=frozenset(Domain(d) for d in row["domain"]) if "domain" in row else None,  # type: ignore[attr-defined]
        metric=str(row["metric"]) if "metric" in row else None,
        facts=facts if full else None,
        alternatives=frozenset(TaskType(t) for t in row.get("alternatives", ())),  # type: ignore[attr-defined]
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """A description with its reading; `profile` is None where it was refused."""

    wanted: Described
    profile: TaskProfile | None

    @property
    def type(self) -> bool:
        """Whether the type is acceptable, or rightly none."""
        if self.profile is None:
            return not self.wanted.types
        return self.profile.task_type in self.wanted.types

    @property
    def languages(self) -> bool:
        """Whether exactly the right languages are read."""
        return self.profile is not None and frozenset(self.profile.languages) == self.wanted.languages

    @property
    def domain(self) -> bool:
        """Whether an acceptable domain is read."""
        return self.profile is not None and self.profile.domain in (self.wanted.domains or ())

    @property
    def metric(self) -> bool:
        """Whether the metric is the one named, or the default of an acceptable type."""
        if self.profile is None:
            return False
        named, languages = self.wanted.metric, self.profile.languages
        if named is None:
            defaults = {default_metric(t, languages, imbalanced=False) for t in self.wanted.types}
            return self.profile.metric in defaults
        return self.profile.metric in {named, *(SPECIFIC_METRIC.get((t, named)) for t in self.wanted.types)}

    @property
    def read_facts(self) -> dict[str, Fact]:
        """The facts read that are judged."""
        facts = {} if self.profile is None else self.profile.facts
        return {name: value for name, value in facts.items() if name != "currency"}

    @property
    def facts(self) -> bool:
        """Whether all facts are right and none is invented."""
        return self.profile is not None and self.read_facts == self.wanted.facts

    @property
    def alternatives(self) -> bool:
        """Whether all plausible types are offered."""
        if self.profile is None:
            return False
        return {self.profile.task_type, *self.profile.alternatives} >= self.wanted.alternatives


def judge(rows: Sequence[Described]) -> list[Judged]:
    """Every description read."""
    return [Judged(row, _read(row.text)) for row in rows]


def _read(text: str) -> TaskProfile | None:
    try:
        return read_task(TaskWords(description=text)).profile
    except UnreadableTaskError:
        return None


def rank_auc(scores: Sequence[float], right: Sequence[bool]) -> float:
    """Probability that a right one has a larger score than a wrong one; NaN where one kind is missing."""
    s, r = np.asarray(scores, dtype=np.float64), np.asarray(right, dtype=bool)
    if r.all() or not r.any():
        return float("nan")
    above = s[r][:, None] - s[~r][None, :]
    return float(np.mean(np.where(above == 0, 0.5, above > 0)))


def _share(right: Sequence[bool]) -> float:
    return float(np.mean(right)) if right else float("nan")


def _mean_confidence(judged: Sequence[Judged]) -> float:
    return _share([j.profile.confidence for j in judged if j.profile])  # type: ignore[misc]


def measure(judged: Sequence[Judged]) -> dict[str, float]:
    """All figures of some readings, by name; shares are fractions."""
    named = [j for j in judged if j.wanted.types]
    full = [j for j in named if j.wanted.languages is not None]
    ambiguous = [j for j in named if j.wanted.alternatives]
    clear = [j for j in named if not j.wanted.alternatives]
    read = [j for j in named if j.profile]
    wanted = [(id(j), *item) for j in full for item in (j.wanted.facts or {}).items()]
    found = [(id(j), *item) for j in full for item in j.read_facts.items()]
    both = len(set(wanted) & set(found))
    return {
        "descriptions": float(len(judged)),
        "type": _share([j.type for j in judged]),
        "type, where one is named": _share([j.type for j in named]),
        "refused, where none is": _share([j.type for j in judged if not j.wanted.types]),
        "languages": _share([j.languages for j in full]),
        "domain": _share([j.domain for j in full if j.wanted.domains is not None]),
        "metric": _share([j.metric for j in full]),
        "facts, all of a description": _share([j.facts for j in full]),
        "metric and facts": _share([j.metric and j.facts for j in full]),
        "facts, precision": both / len(found) if found else float("nan"),
        "facts, recall": both / len(wanted) if wanted else float("nan"),
        "ambiguous: all types offered": _share([j.alternatives for j in ambiguous]),
        "confidence, ambiguous": _mean_confidence(ambiguous),
        "confidence, clear": _mean_confidence(clear),
        "AUC of confidence for right": rank_auc(
            [j.profile.confidence for j in read if j.profile], [j.type for j in read]
        ),
        "AUC of confidence for clear": rank_auc(
            [j.profile.confidence for j in read if j.profile], [not j.wanted.alternatives for j in read]
        ),
    }


def reading_times(texts: Sequence[str], rounds: int = TIMED_ROUNDS) -> list[float]:
    """Milliseconds that each text takes: the median of its rounds, in which nothing else may have run."""
    times = np.empty((rounds, len(texts)))
    for row in times:
        for i, text in enumerate(texts):
            start = time.perf_counter()
            _read(text)
            row[i] = 1e3 * (time.perf_counter() - start)
    return [float(t) for t in np.median(times, axis=0)]


def _shown(value: float, name: str) -> str:
    if np.isnan(value):
        return "-"
    return f"{value:.0f}" if name == "descriptions" else f"{value:.3f}"


def _table(title: str, judged: Sequence[Judged]) -> Table:
    parts: dict[str, Callable[[Judged], bool]] = {
        "en": lambda j: writing_language(fold(j.wanted.text)) != "zh",
        "zh": lambda j: writing_language(fold(j.wanted.text)) == "zh",
        "all": lambda _: True,
    }
    columns = [measure([j for j in judged if belongs(j)]) for belongs in parts.values()]
    table = Table("", *parts, title=title)
    for name in columns[0]:
        table.add_row(name, *(_shown(column[name], name) for column in columns))
    return table


def _faults(j: Judged) -> list[str]:
    p, w, faults = j.profile, j.wanted, []
    if not j.type:
        read = f"{p.task_type} {p.confidence:.2f} {[*p.alternatives]}" if p else "refused"
        faults.append(f"type {read}, not {[*w.types]}")
    if p and w.types and w.languages is not None:
        if not j.languages:
            faults.append(f"languages {p.languages}, not {sorted(w.languages)}")
        if w.domains is not None and not j.domain:
            faults.append(f"domain {p.domain}, not {sorted(w.domains)}")
        if not j.metric:
            faults.append(f"metric {p.metric}, not {w.metric}")
        if not j.facts:
            faults.append(f"facts {j.read_facts}, not {w.facts}")
        if not j.alternatives:
            faults.append(f"offered {p.task_type} {[*p.alternatives]}, not {sorted(w.alternatives)}")
    return faults


def main() -> None:
    """Prints a table for each file, all figures apart for English and Chinese."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--wrong", action="store_true", help="list what is misread; never on a held-out file")
    arguments = parser.parse_args()
    console = Console(soft_wrap=True)
    for path in arguments.files:
        judged = judge(load_described(path))
        console.print(_table(path.name, judged))
        times = reading_times([j.wanted.text for j in judged])
        p50, p99 = np.percentile(times, [50, 99])
        console.print(f"a reading takes {p50:.2f} ms (median), {p99:.2f} ms (99th percentile of the texts)")
        for j in judged if arguments.wrong else ():
            for fault in _faults(j):
                console.print(f"- {j.wanted.text}\n    {fault}", markup=False, highlight=False)


if __name__ == "__main__":
    main()
