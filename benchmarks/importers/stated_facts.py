"""What tables of metadata say about models: sizes, bases, corpora, dates."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchmarks import training_sets
from benchmarks.facts import ModelFacts
from benchmarks.importers import torchvision
from benchmarks.importers.cells import rows
from benchmarks.importers.euroeval import hub_models
from benchmarks.importers.library_facts import LIBRARY_FACTS_PATH, library_facts
from benchmarks.importers.names import ModelNames
from benchmarks.importers.networks import Network
from benchmarks.importers.open_clip import NAMING
from benchmarks.importers.stems import stem_of
from benchmarks.shipped_files import DATA
from models_registry.entry import Architecture
from models_registry.vocabulary import Modality

_TAGS = {
    "in1k": "imagenet-1k", "in12k": "imagenet-12k", "in21k": "imagenet-21k", "in22k": "imagenet-21k",
    "jft": "jft-300m", "ig1b": "instagram-1b", "ig": "instagram-1b", "yfcc100m": "yfcc-100m",
    "yfcc15m": "yfcc-15m", "cc12m": "conceptual-12m", "laion2b": "laion-2b", "laion400m": "laion-400m",
    "laion5b": "laion-5b", "laion": "laion-2b", "openai": "clip-wit-400m", "webli": "webli",
    "dfn2b": "dfn-2b", "dfn5b": "dfn-5b", "lvd142m": "lvd-142m", "lvd1689m": "lvd-1689m",
    "datacomp": "datacomp-1b", "datacomp1b": "datacomp-1b",
    "metaclip": "metaclip", "commonpool": "commonpool", "merged2b": "merged-2b",
    "m30m": "merged-30m", "m38m": "merged-38m", "mscoco": "coco-captions", "datacompdr": "datacomp-1b",
    "fullcc": "metaclip",
}  # fmt: skip
"""Corpora by their short names in the tags of timm and OpenCLIP."""


def stated_facts(folder: Path, names: ModelNames, wheel: Path | None) -> Iterator[ModelFacts]:
    """What tables of metadata say, the most reliable first."""
    yield from _listed(DATA / "reviewed_facts.csv")
    yield from _of_transfergraph(folder, names)
    for row in rows(folder / "model_recycling" / "models_tested.csv"):
        yield ModelFacts(
            model=names.canonical("model-recycling", row["model_name"], is_hub_id=True),
            base_model=names.canonical("model-recycling", row["base_model"], is_hub_id=True),
            n_parameters=int(float(row["size"])) if row["size"] else None,
            release_year=int(row["last_modified"][:4]) if row["last_modified"] else None,
        )
    yield from _of_image_libraries(folder, names)
    for model, n_parameters in hub_models(folder):
        name = names.canonical("euroeval", model, is_hub_id=True)
        yield ModelFacts(model=name, n_parameters=n_parameters)
    for entry in _speech_models(folder):
        yield replace(entry, model=names.canonical("superb", entry.model))
    for fact in _listed(LIBRARY_FACTS_PATH):
        yield replace(fact, model=names.canonical("mteb", fact.model, is_hub_id=True))
    if wheel is not None:
        for weights in torchvision.weights_in(wheel):
            yield ModelFacts(
                model=names.canonical("torchvision", weights.name), n_parameters=weights.n_parameters
            )


def _of_transfergraph(folder: Path, names: ModelNames) -> Iterator[ModelFacts]:
    for row in rows(folder / "transfergraph" / "model_config_dataset.csv"):
        size = row["number_of_parameters"]
        yield ModelFacts(
            model=names.canonical("transfergraph", row["model"], is_hub_id=True),
            n_parameters=int(float(size)) if size else None,
            fine_tuned_on=(training_sets.as_stated(row["dataset"]),) if row["dataset"] else (),
        )
    for row in rows(folder / "transfergraph" / "model_config.csv"):
        stem = stem_of(row["architectures"].strip("[]'").partition("For")[0])
        yield ModelFacts(
            model=names.canonical("transfergraph", row["model"], is_hub_id=True),
            family=stem.family if stem else "",
            architecture=stem.architecture if stem else None,
            fine_tuned_on=(training_sets.as_stated(row["dataset"]),) if row["dataset"] else (),
        )
    for row in rows(folder / "transfergraph" / "text_model_config_dataset.csv"):
        yield ModelFacts(
            model=names.canonical("model-recycling", row["model"], is_hub_id=True),
            fine_tuned_on=(training_sets.as_stated(row["dataset"]),) if row["dataset"] else (),
        )


def networks_of_timm(folder: Path) -> Iterator[Network]:
    """The sizes of timm's networks; `tf_` says where their weights come from, not what they are."""
    for row in rows(folder / "timm" / "results-imagenet.csv"):
        name = row["model"].partition(".")[0].removeprefix("tf_").replace("_", "-")
        yield Network(name=name, modality=Modality.IMAGE, n_parameters=_millions(row["param_count"]))


def _of_image_libraries(folder: Path, names: ModelNames) -> Iterator[ModelFacts]:
    for row in rows(folder / "timm" / "results-imagenet.csv"):
        published = row["model"] if "." not in row["model"] else f"timm/{row['model']}"
        yield replace(
            of_tag(row["model"].partition(".")[2]),
            model=names.canonical("timm", published, is_hub_id=True),
            n_parameters=_millions(row["param_count"]),
        )
    for row in rows(folder / "open_clip" / "openclip_results.csv"):
        yield replace(
            of_tag(row["pretrained"]),
            model=names.canonical(NAMING, f"{row['name']}|{row['pretrained']}"),
            architecture=Architecture.DUAL_ENCODER,
            n_parameters=_millions(row["params (M)"]),
        )


def _speech_models(folder: Path) -> Iterator[ModelFacts]:
    text = (folder / "superb_speech" / "public.json").read_text(encoding="utf-8")
    for row in json.loads(text)["leaderboard"]:
        corpus = "" if row["corpus"] == "-" else str(row["corpus"]).lower().replace(" ", "-")
        yield ModelFacts(
            model=row["submitName"],
            n_parameters=int(row["paramShared"]) or None,
            pretrained_on=(corpus,) if corpus else (),
        )


def _millions(cell: str) -> int:
    return round(float(cell.replace(",", "")) * 1_000_000)


def of_tag(tag: str) -> ModelFacts:
    """What a tag says: `augreg_in21k_ft_in1k` was pretrained on the one, fine-tuned on the other."""
    before, _, after = tag.partition("_ft_")
    return ModelFacts(model="", pretrained_on=_corpora(before), fine_tuned_on=_corpora(after))


def _corpora(tag: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_TAGS[part] for part in tag.split("_") if part in _TAGS))


def _listed(path: Path) -> Iterator[ModelFacts]:
    """Sizes and years that a table states model by model."""
    for known in library_facts(path):
        yield ModelFacts(model=known.model, n_parameters=known.n_parameters, release_year=known.release_year)
