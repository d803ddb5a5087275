"""Sizes and dates of models that the mteb package states, read from its source without running it.

`python -m benchmarks.importers.library_facts WHEEL` writes them to `benchmarks/data/library_facts.csv`, for
the models that have figures.
"""

import ast
import csv
import sys
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.importers.cells import rows
from benchmarks.seed import load_shipped
from benchmarks.shipped_files import DATA

LIBRARY_FACTS_PATH = DATA / "library_facts.csv"
_MODELS = "mteb/models/model_implementations/"
_META = "ModelMeta"
_COLUMNS = ("model", "n_parameters", "release_year", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryFact:
    """One model as a library describes it.

    Attributes:
        model: Its id on the Hub.
        n_parameters: All parameters; None where the library does not say.
        release_year: Of the checkpoint; None where the library does not say.
    """

    model: str
    n_parameters: int | None
    release_year: int | None


def library_facts(path: Path = LIBRARY_FACTS_PATH) -> Iterator[LibraryFact]:
    """The facts that ship."""
    for row in rows(path):
        size, year = row["n_parameters"], row["release_year"]
        yield LibraryFact(
            model=row["model"],
            n_parameters=int(size) if size else None,
            release_year=int(year) if year else None,
        )


def facts_in(wheel: Path) -> Iterator[LibraryFact]:
    """Every model that the wheel describes, by file and place."""
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(n for n in archive.namelist() if n.startswith(_MODELS) and n.endswith(".py")):
            for node in ast.walk(ast.parse(archive.read(name))):
                match node:
                    case ast.Call(func=ast.Name(id=called), keywords=keywords) if called == _META:
                        stated = {k.arg: _literal(k.value) for k in keywords if k.arg is not None}
                        if isinstance(stated.get("name"), str):
                            yield _fact(stated)


def _fact(stated: dict[str, object]) -> LibraryFact:
    size, date = stated.get("n_parameters"), stated.get("release_date")
    return LibraryFact(
        model=str(stated["name"]),
        n_parameters=int(size) if isinstance(size, int | float) and size else None,
        release_year=int(date[:4]) if isinstance(date, str) else None,
    )


def _literal(node: ast.expr) -> object:
    """The value of a constant, of `int(7.1 * 1e9)`, or None of anything else."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Call(func=ast.Name(id="int"), args=[value]):
            found = _literal(value)
            return int(found) if isinstance(found, float) else found
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            a, b = _literal(left), _literal(right)
            return a * b if isinstance(a, int | float) and isinstance(b, int | float) else None
        case _:
            return None


def write(wheel: Path, models: Collection[str], path: Path = LIBRARY_FACTS_PATH) -> int:
    """Write the facts about these models; returns how many."""
    source = "https://github.com/embeddings-benchmark/mteb/tree/" + wheel.name.split("-")[1]
    found = {f.model: f for f in facts_in(wheel) if f"huggingface:{f.model}" in models}
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for model, fact in sorted(found.items()):
            if fact.n_parameters or fact.release_year:
                writer.writerow([model, fact.n_parameters or "", fact.release_year or "", source])
    return len(found)


if __name__ == "__main__":
    n_facts = write(Path(sys.argv[1]), {figure.model for figure in load_shipped().figures})
    sys.stdout.write(f"facts about {n_facts} models\n")
