"""Gathers what the sources say about models: sizes, bases, corpora, and what their names tell."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks import training_sets
from benchmarks.facts import ModelFacts
from benchmarks.figures import Benchmark, Figure
from benchmarks.importers.names import ModelNames
from benchmarks.importers.networks import Networks, corpus_years, reviewed_networks
from benchmarks.importers.stated_facts import networks_of_timm, stated_facts
from benchmarks.importers.stems import stem_of
from models_registry.entry import Architecture, ModelEntry
from models_registry.vocabulary import MULTILINGUAL, Modality

_LANGUAGES = {
    "arabic": "ar", "chinese": "zh", "croatian": "hr", "czech": "cs", "danish": "da", "dutch": "nl",
    "english": "en", "finnish": "fi", "french": "fr", "german": "de", "greek": "el", "hebrew": "he",
    "hindi": "hi", "hungarian": "hu", "icelandic": "is", "indonesian": "id", "italian": "it",
    "japanese": "ja", "korean": "ko", "norwegian": "no", "persian": "fa", "polish": "pl",
    "portuguese": "pt", "romanian": "ro", "russian": "ru", "spanish": "es", "swedish": "sv",
    "thai": "th", "turkish": "tr", "ukrainian": "uk", "vietnamese": "vi", "multilingual": MULTILINGUAL,
}  # fmt: skip
_SIZE = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)(b|m)(?![a-z0-9])")
_UNITS = {"b": 1_000_000_000, "m": 1_000_000}
_SMALLEST_NAMED = 2_000_000
_TOKEN = re.compile(r"[^a-z0-9.+]+")


def gather(
    folder: Path, figures: Iterable[Figure], benchmarks: Mapping[str, Benchmark], names: ModelNames,
    registered: Iterable[ModelEntry], wheel: Path | None = None,
) -> list[ModelFacts]:  # fmt: skip
    """Facts about every model that has figures and no entry in the registry.

    Args:
        folder: Published results.
        figures: All that ship.
        benchmarks: By name, for the kind of input of a model's figures.
        names: Canonical names.
        registered: The registry's entries, whose sizes and dates hold for what was fine-tuned from them.
        wheel: torchvision's, which carries sizes.
    """
    known = {entry.key: (entry.n_parameters, entry.release_date.year) for entry in registered}
    modalities: defaultdict[str, Counter[Modality]] = defaultdict(Counter)
    for figure in figures:
        modalities[figure.model][benchmarks[figure.benchmark].modality] += 1
    stated: dict[str, ModelFacts] = {}
    for fact in stated_facts(folder, names, wheel):
        before = stated.get(fact.model)
        stated[fact.model] = fact if before is None else _merged(before, fact)
    return completed(
        (
            (stated.get(model, ModelFacts(model=model)), counts.most_common(1)[0][0])
            for model, counts in modalities.items()
            if model not in known
        ),
        {**dict(names.published()), **{model: model for model in (*known, *modalities)}},
        Networks((*reviewed_networks(), *networks_of_timm(folder))),
        known,
    )


def completed(
    stated: Iterable[tuple[ModelFacts, Modality]],
    published: Mapping[str, str],
    networks: Networks | None = None,
    registered: Mapping[str, tuple[int | None, int | None]] | None = None,
) -> list[ModelFacts]:
    """The facts with what names tell where nothing is stated.

    Args:
        stated: Facts about models, with the kind of input of their figures.
        published: Canonical names of all models, by the names that they are published under.
        networks: Those that names are looked up in; the reviewed ones unless told.
        registered: Parameters and year of bases that are not among the facts, by canonical name.
    """
    bases, networks = _Bases(published), networks or Networks(reviewed_networks())
    found = [_by_name(fact, modality, bases, networks) for fact, modality in stated]
    return _with_bases(_with_siblings(found), registered or {}, networks)


def _merged(first: ModelFacts, second: ModelFacts) -> ModelFacts:
    """The first source's facts, with the second's where the first says nothing."""
    return ModelFacts(
        **{name: getattr(first, name) or getattr(second, name) for name in ModelFacts.__dataclass_fields__}
    )


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


def _by_name(fact: ModelFacts, modality: Modality, bases: _Bases, networks: Networks) -> ModelFacts:
    """The facts, with what the name tells where no table did."""
    name = re.sub(r"^source:[\w\-]+/", "", fact.model).rpartition("/")[2]
    kind = Modality.IMAGE_TEXT if fact.architecture is Architecture.DUAL_ENCODER else modality
    # The tower that a dual encoder's name names was trained from scratch with the other.
    base = fact.base_model or (bases.find(fact.model) if kind is not Modality.IMAGE_TEXT else "")
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
        n_parameters=fact.n_parameters or _named_size(name) or networks.size_of(name, kind),
        fine_tuned_on=tuple(d for d in trained_on if d not in fact.pretrained_on),
        languages=tuple(sorted(code for word, code in _LANGUAGES.items() if word in words)),
        release_year=fact.release_year or _year(name, kind, fact.pretrained_on, networks),
    )


def _year(name: str, kind: Modality, corpora: Iterable[str], networks: Networks) -> int | None:
    """The latest of what the model is named after and of what it was pretrained on."""
    of_corpora = [corpus_years()[corpus] for corpus in corpora if corpus in corpus_years()]
    return max((year for year in (networks.year_of(name, kind), *of_corpora) if year), default=None)


def _with_siblings(facts: list[ModelFacts]) -> list[ModelFacts]:
    """Models of one owner whose names begin with the same word are a family where no stem is known."""
    siblings = Counter(_first_words(f.model) for f in facts if not f.family)
    return [
        replace(f, family=_first_words(f.model)[1])
        if not f.family and siblings[_first_words(f.model)] > 1
        else f
        for f in facts
    ]


def _with_bases(
    facts: list[ModelFacts], registered: Mapping[str, tuple[int | None, int | None]], networks: Networks
) -> list[ModelFacts]:
    """Fine-tuning leaves a model as large as its base was, and makes it no older."""
    known = {**registered, **{f.model: (f.n_parameters, f.release_year) for f in facts}}
    completed = []
    for fact in facts:
        size, year = known.get(fact.base_model, (None, None))
        if fact.modality is not None and fact.base_model:
            size = size or networks.size_of(fact.base_model.rpartition("/")[2], fact.modality)
        completed.append(
            replace(fact, n_parameters=fact.n_parameters or size, release_year=fact.release_year or year)
        )
    return completed


def _first_words(model: str) -> tuple[str, str]:
    owner, _, name = model.rpartition("/")
    return owner, _TOKEN.split(name.lower())[0]


def _named_size(name: str) -> int | None:
    found = _SIZE.findall(name.lower())
    sizes = [round(float(number) * _UNITS[unit]) for number, unit in found]
    return next((size for size in sizes if size >= _SMALLEST_NAMED), None)
