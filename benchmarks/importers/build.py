"""`python -m benchmarks.importers.build RESULTS [WHEEL]`: rewrites what ships from the sources.

RESULTS is a folder of published results; WHEEL is torchvision's, which carries figures of its weights.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from benchmarks.facts import FACTS_PATH, load_model_facts, write_model_facts
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
    torchvision,
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
from benchmarks.seed import load_shipped
from benchmarks.shipped_files import DATA, read_aliases, read_benchmarks, read_sources, write_figures
from models_registry.catalogue import load_catalogue

TORCHVISION = "torchvision"
_TORCHVISION_MODELS = f"source:{TORCHVISION}/"
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


def import_all(folder: Path, wheel: Path | None = None) -> Iterator[tuple[str, ImportReport]]:
    """Every importer's report, in the order of names; torchvision's last."""
    reviewed = reviewed_tables()
    for name, read in sorted(IMPORTERS.items()):
        yield name, collect(name, read(folder), reviewed)
    if wheel is not None:
        yield TORCHVISION, collect(TORCHVISION, torchvision.read(wheel), reviewed)


def build(
    folder: Path, target: Path = DATA / "figures", *, wheel: Path | None = None
) -> Mapping[str, ImportReport]:
    """Write one table an importer; the same sources always give the same bytes.

    Without a wheel, torchvision's table stays as it is.
    """
    target.mkdir(parents=True, exist_ok=True)
    sources = read_sources()
    reports = {}
    for name, report in import_all(folder, wheel):
        write_figures(target / f"{name}.parquet", report.accepted, sources)
        reports[name] = report
    return reports


def build_facts(
    folder: Path, figures: Iterable[Figure], target: Path = FACTS_PATH, *, wheel: Path | None = None
) -> int:
    """Write what the sources say about models without an entry in the registry; returns how many.

    Without a wheel, the facts about torchvision's models stay as they are.
    """
    benchmarks = {benchmark.name: benchmark for benchmark in read_benchmarks()}
    names, entries = ModelNames(read_aliases()), load_catalogue().entries
    facts = gather(folder, figures, benchmarks, names, entries, wheel)
    if wheel is None:
        held = load_model_facts()
        facts = [held.get(f.model, f) if f.model.startswith(_TORCHVISION_MODELS) else f for f in facts]
    write_model_facts(facts, target)
    return len(facts)


def main(arguments: list[str]) -> int:
    """Entry point; prints what came in and what was refused, and why."""
    if len(arguments) not in {1, 2} or not Path(arguments[0]).is_dir():
        sys.stderr.write("usage: python -m benchmarks.importers.build RESULTS [WHEEL]\n")
        return 2
    folder = Path(arguments[0])
    wheel = Path(arguments[1]) if len(arguments) == 2 else None
    reports = build(folder, wheel=wheel)
    for name, report in reports.items():
        reasons = sorted({refusal.reason for refusal in report.refused})
        counted = ", ".join(f"{sum(r.reason is x for r in report.refused)} {x}" for x in reasons)
        sys.stdout.write(f"{name}: {len(report.accepted)} figures; refused: {counted or 'none'}\n")
    n_facts = build_facts(folder, load_shipped().figures, wheel=wheel)
    sys.stdout.write(f"facts about {n_facts} models\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
