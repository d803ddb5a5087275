"""`python -m benchmarks.importers.build <results folder>`: rewrites the shipped figures from the sources."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from benchmarks.facts import FACTS_PATH, write_model_facts
from benchmarks.figures import Figure
from benchmarks.importers import (
    blue_biomedical,
    chinese_bert_wwm,
    clip_benchmark,
    clue,
    cross_lingual,
    detectron,
    euroeval,
    evar,
    glue,
    hear,
    imagenet_testbed,
    lexglue,
    model_recycling,
    mteb,
    open_clip,
    robust_transfer,
    sfda,
    summarization,
    superb,
    text_classics,
    textattack,
    timm,
    transfergraph,
    tweeteval,
    unilm,
    vision,
    vissl,
    vtab,
)
from benchmarks.importers.facts import gather
from benchmarks.importers.names import ModelNames
from benchmarks.importers.reading import (
    BenchmarkTable,
    ImportReport,
    Reading,
    Refusal,
    Reviewed,
    collect,
)
from benchmarks.shipped_files import DATA, read_aliases, read_benchmarks, read_sources, write_figures
from models_registry.catalogue import load_catalogue

IMPORTERS: Mapping[str, Callable[[Path], Iterator[Reading | Refusal]]] = {
    "blue": blue_biomedical.read,
    "clip-benchmark": clip_benchmark.read,
    "clue": clue.read,
    "coco": detectron.read,
    "cross-lingual": cross_lingual.read,
    "euroeval": euroeval.read,
    "evar": evar.read,
    "glue": glue.read,
    "hear": hear.read,
    "hfl": chinese_bert_wwm.read,
    "imagenet-testbed": imagenet_testbed.read,
    "lexglue": lexglue.read,
    "model-recycling": model_recycling.read,
    "mteb": mteb.read,
    "open-clip": open_clip.read,
    "robust-transfer": robust_transfer.read,
    "sfda": sfda.read,
    "summarization": summarization.read,
    "superb": superb.read,
    "text-classics": text_classics.read,
    "textattack": textattack.read,
    "timm": timm.read,
    "transfergraph": transfergraph.read,
    "tweeteval": tweeteval.read,
    "unilm": unilm.read,
    "vision": vision.read,
    "vissl": vissl.read,
    "vtab": vtab.read,
}
"""Every importer by name, which is also the name of its shipped table."""


def reviewed_tables() -> Reviewed:
    """The reviewed benchmarks, model names and sources that ship with the package."""
    return Reviewed(
        benchmarks=BenchmarkTable(read_benchmarks()),
        names=ModelNames(read_aliases()),
        sources=read_sources(),
    )


def import_all(folder: Path) -> Iterator[tuple[str, ImportReport]]:
    """Every importer's report over a folder of published results, in the order of names."""
    reviewed = reviewed_tables()
    for name, read in sorted(IMPORTERS.items()):
        yield name, collect(name, read(folder), reviewed)


def build(folder: Path, target: Path = DATA / "figures") -> Mapping[str, ImportReport]:
    """Write one table an importer; the same sources always give the same bytes."""
    target.mkdir(parents=True, exist_ok=True)
    sources = read_sources()
    reports = {}
    for name, report in import_all(folder):
        write_figures(target / f"{name}.parquet", report.accepted, sources)
        reports[name] = report
    return reports


def build_facts(folder: Path, figures: Iterable[Figure], target: Path = FACTS_PATH) -> int:
    """Write what the sources say about models without an entry in the registry; returns how many."""
    benchmarks = {benchmark.name: benchmark for benchmark in read_benchmarks()}
    registered = [entry.key for entry in load_catalogue().entries]
    facts = gather(folder, figures, benchmarks, ModelNames(read_aliases()), registered)
    write_model_facts(facts, target)
    return len(facts)


def main(arguments: list[str]) -> int:
    """Entry point; prints what came in and what was refused, and why."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write("usage: python -m benchmarks.importers.build <results folder>\n")
        return 2
    folder = Path(arguments[0])
    reports = build(folder)
    for name, report in reports.items():
        reasons = sorted({refusal.reason for refusal in report.refused})
        counted = ", ".join(f"{sum(r.reason is x for r in report.refused)} {x}" for x in reasons)
        sys.stdout.write(f"{name}: {len(report.accepted)} figures; refused: {counted or 'none'}\n")
    n_facts = build_facts(folder, (figure for report in reports.values() for figure in report.accepted))
    sys.stdout.write(f"facts about {n_facts} models\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
