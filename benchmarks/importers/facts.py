"""Gathers what the sources say about models: sizes, bases, corpora, and what their names tell."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks import training_sets
from benchmarks.facts import ModelFacts
from benchmarks.figures import Benchmark, Figure
from benchmarks.importers import torchvision
from benchmarks.importers.cells import rows
from benchmarks.importers.euroeval import hub_models
from benchmarks.importers.names import ModelNames
from benchmarks.importers.open_clip import NAMING
from benchmarks.importers.stems import stem_of
from models_registry.entry import Architecture
from models_registry.vocabulary import MULTILINGUAL, Modality

_LANGUAGES = {
    "arabic": "ar", "chinese": "zh", "croatian": "hr", "czech": "cs", "danish": "da", "dutch": "nl",
    "english": "en", "finnish": "fi", "french": "fr", "german": "de", "greek": "el", "hebrew": "he",
    "hindi": "hi", "hungarian": "hu", "icelandic": "is", "indonesian": "id", "italian": "it",
    "japanese": "ja", "korean": "ko", "norwegian": "no", "persian": "fa", "polish": "pl",
    "portuguese": "pt", "romanian": "ro", "russian": "ru", "spanish": "es", "swedish": "sv",
    "thai": "th", "turkish": "tr", "ukrainian": "uk", "vietnamese": "vi", "multilingual": MULTILINGUAL,
}  # fmt: skip
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
_SIZE = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)(b|m)(?![a-z0-9])")
_UNITS = {"b": 1_000_000_000, "m": 1_000_000}
_SMALLEST_NAMED = 2_000_000
_TOKEN = re.compile(r"[^a-z0-9.+]+")


def gather(
    folder: Path, figures: Iterable[Figure], benchmarks: Mapping[str, Benchmark], names: ModelNames,
    registered: Iterable[str], wheel: Path | None = None,
) -> list[ModelFacts]:  # fmt: skip
    """Facts about every model that has figures and no entry in the registry.

    Args:
        folder: Published results.
        figures: All that ship.
        benchmarks: By name, for the kind of input of a model's figures.
        names: Canonical names.
        registered: `hub:id` of the registry's entries.
        wheel: torchvision's, which carries sizes.
    """
    known = frozenset(registered)
    modalities: defaultdict[str, Counter[Modality]] = defaultdict(Counter)
    for figure in figures:
        modalities[figure.model][benchmarks[figure.benchmark].modality] += 1
    stated: dict[str, ModelFacts] = {}
    for fact in _stated(folder, names, wheel):
        before = stated.get(fact.model)
        stated[fact.model] = fact if before is None else _merged(before, fact)
    return completed(
        (
            (stated.get(model, ModelFacts(model=model)), counts.most_common(1)[0][0])
            for model, counts in modalities.items()
            if model not in known
        ),
        {**dict(names.published()), **{model: model for model in (*known, *modalities)}},
    )


def completed(
    stated: Iterable[tuple[ModelFacts, Modality]], published: Mapping[str, str]
) -> list[ModelFacts]:
    """The facts with what names tell where nothing is stated.

    Args:
        stated: Facts about models, with the kind of input of their figures.
        published: Canonical names of all models, by the names that they are published under.
    """
    bases = _Bases(published)
    found = [_by_name(fact, modality, bases) for fact, modality in stated]
    return _with_sizes_of_bases(_with_siblings(found))


def _merged(first: ModelFacts, second: ModelFacts) -> ModelFacts:
    """The first source's facts, with the second's where the first says nothing."""
    return ModelFacts(
        **{name: getattr(first, name) or getattr(second, name) for name in ModelFacts.__dataclass_fields__}
    )


def _stated(folder: Path, names: ModelNames, wheel: Path | None) -> Iterator[ModelFacts]:
    """What tables of metadata say, the most reliable first."""
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
    if wheel is not None:
        for weights in torchvision.weights_in(wheel):
            yield ModelFacts(
                model=names.canonical("torchvision", weights.name), n_parameters=weights.n_parameters
            )


def _of_image_libraries(folder: Path, names: ModelNames) -> Iterator[ModelFacts]:
    for row in rows(folder / "timm" / "results-imagenet.csv"):
        published = row["model"] if "." not in row["model"] else f"timm/{row['model']}"
        yield replace(
            _of_tag(row["model"].partition(".")[2]),
            model=names.canonical("timm", published, is_hub_id=True),
            n_parameters=_millions(row["param_count"]),
        )
    for row in rows(folder / "open_clip" / "openclip_results.csv"):
        yield replace(
            _of_tag(row["pretrained"]),
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


def _of_tag(tag: str) -> ModelFacts:
    """What a tag says: `augreg_in21k_ft_in1k` was pretrained on the one, fine-tuned on the other."""
    before, _, after = tag.partition("_ft_")
    return ModelFacts(model="", pretrained_on=_corpora(before), fine_tuned_on=_corpora(after))


def _corpora(tag: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_TAGS[part] for part in tag.split("_") if part in _TAGS))


class _Bases:
    """Finds the checkpoint whose name another model's name goes on from."""

    def __init__(self, models: Mapping[str, str]) -> None:
        """Take canonical names by the names that they are published under."""
        hubs = {published: m for published, m in models.items() if m.startswith("huggingface:")}
        self._by_name = {self._name(published): hubs[published] for published in sorted(hubs, reverse=True)}

    @staticmethod
    def _name(model: str) -> str:
        return _TOKEN.sub("-", model.rpartition("/")[2].lower())

    def find(self, model: str) -> str:
        """The base with the longest name that stands as whole words in this one; empty without one."""
        words = self._name(model).split("-")
        for length in range(len(words) - 1, 1, -1):
            for start in range(len(words) - length + 1):
                base = self._by_name.get("-".join(words[start : start + length]))
                if base is not None and base != model:
                    return base
        return ""


def _by_name(fact: ModelFacts, modality: Modality, bases: _Bases) -> ModelFacts:
    """The facts, with what the name tells where no table did."""
    name = re.sub(r"^source:[\w\-]+/", "", fact.model).rpartition("/")[2]
    base = fact.base_model or bases.find(fact.model)
    kind = Modality.IMAGE_TEXT if fact.architecture is Architecture.DUAL_ENCODER else modality
    stem = stem_of(name, kind) or stem_of(base.rpartition("/")[2], kind)
    stem = stem or stem_of("clip" if fact.architecture is Architecture.DUAL_ENCODER else name)
    words = set(_TOKEN.split(name.lower()))
    trained_on = dict.fromkeys((*fact.fine_tuned_on, *training_sets.in_name(name)))
    return replace(
        fact,
        family=stem.family if stem else fact.family,
        base_model=base,
        architecture=fact.architecture or (stem.architecture if stem else None),
        modality=kind,
        n_parameters=fact.n_parameters or _named_size(name),
        fine_tuned_on=tuple(d for d in trained_on if d not in fact.pretrained_on),
        languages=tuple(sorted(code for word, code in _LANGUAGES.items() if word in words)),
    )


def _with_siblings(facts: list[ModelFacts]) -> list[ModelFacts]:
    """Models of one owner whose names begin with the same word are a family where no stem is known."""
    siblings = Counter(_first_words(f.model) for f in facts if not f.family)
    return [
        replace(f, family=_first_words(f.model)[1])
        if not f.family and siblings[_first_words(f.model)] > 1
        else f
        for f in facts
    ]


def _with_sizes_of_bases(facts: list[ModelFacts]) -> list[ModelFacts]:
    """Fine-tuning leaves a model as large as its base was."""
    sizes = {f.model: f.n_parameters for f in facts}
    return [f if f.n_parameters else replace(f, n_parameters=sizes.get(f.base_model)) for f in facts]


def _first_words(model: str) -> tuple[str, str]:
    owner, _, name = model.rpartition("/")
    return owner, _TOKEN.split(name.lower())[0]


def _named_size(name: str) -> int | None:
    found = _SIZE.findall(name.lower())
    sizes = [round(float(number) * _UNITS[unit]) for number, unit in found]
    return next((size for size in sizes if size >= _SMALLEST_NAMED), None)
