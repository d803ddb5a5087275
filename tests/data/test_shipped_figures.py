"""The shipped benchmarks and figures: complete, consistent, in the order that experts expect."""

import os
import re
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path
from statistics import fmean

import pytest

from benchmarks.facts import FACTS_PATH, load_model_facts
from benchmarks.figures import Figure
from benchmarks.importers.build import IMPORTERS, TORCHVISION, build, build_facts
from benchmarks.metrics import METRICS
from benchmarks.seed import ShippedFigures, load_shipped
from benchmarks.shipped_files import DATA, read_aliases
from models_registry.catalogue import load_catalogue
from models_registry.vocabulary import MODALITY_OF, Modality

_BESIDE = Path(__file__).parents[2].parent / "shared"
RESULTS = Path(os.environ.get("ADVISOR_SHARED_DIR", _BESIDE)) / "data" / "results"
TRAINED = {"fine-tuned", "few-shot-tuned", "linear-probe", "frozen-head"}
"""Protocols under which the target's own training set was used."""
LARGEST_BYTES = 20_000_000


@cache
def data() -> ShippedFigures:
    return load_shipped()


@cache
def tuned() -> dict[tuple[str, str], float]:
    """Mean value by (model, benchmark) over fine-tuned figures."""
    values = defaultdict(list)
    for figure in data().figures:
        if figure.protocol == "fine-tuned":
            values[figure.model.removeprefix("huggingface:"), figure.benchmark].append(figure.value)
    return {key: fmean(found) for key, found in values.items()}


def test_there_are_at_least_a_hundred_thousand_figures() -> None:
    assert len(data().figures) > 100_000
    assert len({f.model for f in data().figures}) > 2_500
    assert len({f.benchmark for f in data().figures}) > 500


def test_at_least_fifty_thousand_figures_come_from_training_on_the_benchmark() -> None:
    assert sum(f.protocol in TRAINED for f in data().figures) >= 50_000


def test_the_shipped_tables_are_small() -> None:
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < LARGEST_BYTES


def test_every_figure_is_of_a_reviewed_benchmark_in_its_metric() -> None:
    metrics = {b.name: b.metric for b in data().benchmarks}
    assert [f for f in data().figures if metrics.get(f.benchmark) != f.metric] == []


def test_every_benchmark_has_a_figure() -> None:
    assert {b.name for b in data().benchmarks} == {f.benchmark for f in data().figures}


def test_every_benchmark_names_a_declared_metric_and_its_modality() -> None:
    assert all(b.metric in METRICS and b.modality is MODALITY_OF[b.task_type] for b in data().benchmarks)


def test_benchmark_names_are_unique_and_lower_case() -> None:
    names = [b.name for b in data().benchmarks]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9.\-]*", name) for name in names)


def test_benchmarks_with_text_name_their_languages() -> None:
    assert [b.name for b in data().benchmarks if b.modality is Modality.TEXT and not b.languages] == []


def test_model_names_hold_only_allowed_characters() -> None:
    allowed = re.compile(r"huggingface:[\w.\-]+/[\w.\-]+|source:[\w.\-+/]+", re.ASCII)
    assert {f.model for f in data().figures if not allowed.fullmatch(f.model)} == set()


def test_no_figure_stands_twice() -> None:
    def key(f: Figure) -> tuple[str, ...]:
        return f.model, f.benchmark, f.metric, f.protocol, f.split, f"{f.value}", f.source

    assert [k for k, n in Counter(map(key, data().figures)).items() if n > 1] == []


def test_every_source_is_pinned_to_a_commit() -> None:
    pinned = re.compile(r"https://github\.com/[\w.\-]+/[\w.\-]+/blob/[0-9a-f]{40}/\S+")
    assert {f.source for f in data().figures if not pinned.fullmatch(f.source)} == set()


def test_every_alias_is_used_by_its_importer() -> None:
    assert {importer for importer, _ in read_aliases()} - {"*"} <= {*IMPORTERS, TORCHVISION}


def test_every_suite_of_one_data_set_shares_its_identity() -> None:
    suites = defaultdict(set)
    for b in data().benchmarks:
        suites[b.dataset].add(b.suite)
    assert suites["cifar-100"] == {
        "cifar",
        "clip-probe",
        "clip-zero-shot",
        "robust-transfer",
        "sfda",
        "transfergraph",
        "transfergraph-vtab",
        "vtab",
    }
    assert suites["mnli"] >= {"glue", "model-recycling"}
    assert suites["sst-2"] == {"glue", "model-recycling"}


def test_benchmarks_of_one_data_set_read_one_kind_of_input() -> None:
    kinds = defaultdict(set)
    for b in data().benchmarks:
        kinds[b.dataset].add(Modality.IMAGE if b.modality is Modality.IMAGE_TEXT else b.modality)
    assert {dataset: found for dataset, found in kinds.items() if len(found) > 1} == {}


@pytest.mark.parametrize("protocol", sorted(TRAINED))
def test_no_column_of_trained_models_is_at_chance(protocol: str) -> None:
    """A column whose better half stays below the level of guessing measures nothing."""
    classes = {b.name: b.n_classes for b in data().benchmarks if b.metric == "accuracy" and b.n_classes}
    columns = defaultdict(list)
    for f in data().figures:
        if f.protocol == protocol and f.benchmark in classes:
            columns[f.benchmark].append(f.value)
    assert columns
    assert [b for b, values in columns.items() if max(values) <= 1.0 / (classes[b] or 1)] == []


def test_the_version_follows_the_bytes(tmp_path: Path) -> None:
    for path in [p for p in DATA.rglob("*.*") if p.name != "timm.parquet"]:
        copy = tmp_path / path.relative_to(DATA)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    assert load_shipped(tmp_path).version != data().version


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("microsoft/deberta-v3-large", "FacebookAI/roberta-large"),
        ("FacebookAI/roberta-large", "google-bert/bert-large-uncased"),
        ("google-bert/bert-large-uncased", "google-bert/bert-base-uncased"),
        ("google-bert/bert-base-uncased", "distilbert/distilbert-base-uncased"),
        ("google/bert_uncased_L-8_H-512_A-8", "google/bert_uncased_L-2_H-128_A-2"),
        ("hfl/chinese-roberta-wwm-ext-large", "hfl/chinese-roberta-wwm-ext"),
        ("hfl/chinese-roberta-wwm-ext", "hfl/chinese-bert-wwm-ext"),
        ("hfl/chinese-bert-wwm-ext", "google-bert/bert-base-chinese"),
        ("nghuyong/ernie-3.0-base-zh", "google-bert/bert-base-chinese"),
        ("nghuyong/ernie-3.0-base-zh", "nghuyong/ernie-3.0-nano-zh"),
        ("microsoft/deberta-v3-base", "google-bert/bert-base-cased"),
        ("timm/resnet152.tv_in1k", "timm/resnet34.tv_in1k"),
        ("microsoft/mdeberta-v3-base", "FacebookAI/xlm-roberta-base"),
    ],
)
def test_models_stand_in_the_order_that_experts_expect(better: str, worse: str) -> None:
    shared = [b for m, b in tuned() if m == better and (worse, b) in tuned()]
    assert len(shared) >= 4
    assert fmean(tuned()[better, b] for b in shared) > fmean(tuned()[worse, b] for b in shared)


def test_every_model_is_in_the_registry_or_has_facts() -> None:
    registered = {entry.key for entry in load_catalogue().entries}
    facts = set(load_model_facts())
    assert facts & registered == set()
    assert {f.model for f in data().figures} - registered == facts


def test_facts_name_models_by_the_names_of_their_figures() -> None:
    bases = {f.base_model for f in load_model_facts().values() if f.base_model}
    known = {f.model for f in data().figures} | {entry.key for entry in load_catalogue().entries}
    assert len(bases & known) > 50
    assert not any(f.base_model == f.model for f in load_model_facts().values())


@pytest.mark.shared
@pytest.mark.skipif(not RESULTS.is_dir(), reason="the development data folder is not there")
def test_the_importers_reproduce_the_shipped_tables(tmp_path: Path) -> None:
    figures = tmp_path / "figures"
    reports = build(RESULTS, figures)
    written = {path.name: path.read_bytes() for path in figures.iterdir()}
    shipped = {path.name: path.read_bytes() for path in (DATA / "figures").iterdir()}
    del shipped["torchvision.parquet"]  # read from a wheel that is not at hand
    assert written == shipped
    assert len(reports) == len(IMPORTERS)
    build_facts(RESULTS, data().figures, tmp_path / "facts.csv")
    assert (tmp_path / "facts.csv").read_bytes() == FACTS_PATH.read_bytes()
