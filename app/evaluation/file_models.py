"""Models of a figures file: the canonical name of each, and what is known of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from app.evaluation.corpus import Corpus
from app.evaluation.metadata import Cells, member, text, whole, words
from benchmarks.external.spelling import slug
from benchmarks.facts import ModelFacts, load_model_facts
from benchmarks.importers.facts import completed
from benchmarks.importers.names import ANY_SOURCE, ModelNames
from benchmarks.shipped_files import read_aliases
from benchmarks.training_sets import as_stated
from models_registry.entry import Architecture
from models_registry.vocabulary import Modality

_SOURCE = "source:"


def canonical_names(printed: Iterable[str], corpus: Corpus, suite: str) -> dict[str, str]:
    """Canonical names by printed ones; no two printed names share one.

    Published tables spell models in their own ways, which the reviewed aliases know by table. A file is read
    with the aliases of the table that knows most of its names, then with those of the others.

    Args:
        printed: Names in the file.
        corpus: Whose names are canonical.
        suite: Of models that nobody knows.
    """
    names, wanted = ModelNames(read_aliases()), sorted(set(printed))
    known = {f.model for f in corpus.figures} | set(corpus.known)
    folded = {name.lower(): name for name in sorted(known, reverse=True)}
    owners = {owner for owner, _ in read_aliases()} - {ANY_SOURCE}
    owners |= {name[len(_SOURCE) :].partition("/")[0] for name in known if name.startswith(_SOURCE)}

    def spelt(owner: str, name: str) -> str:
        bare = name.removeprefix("huggingface:")
        return names.canonical(owner, bare, is_hub_id="/" in bare)

    found = {
        owner: {
            name: folded[spelt(owner, name).lower()]
            for name in wanted
            if spelt(owner, name).lower() in folded
        }
        for owner in owners
    }
    by_votes = sorted(owners, key=lambda owner: (-len(found[owner]), owner))
    tails = _tails(known)
    result: dict[str, str] = {}
    taken: set[str] = set()
    for name in wanted:
        seen = (found[owner].get(name, "") for owner in by_votes)
        ways = [w for w in (name, *seen, tails.get(slug(name), "")) if w in known]
        ways += [spelt(suite, name), f"{_SOURCE}{suite}/{name}"]
        way = next(w for w in ways if w not in taken)
        result[name] = way
        taken.add(way)
    return result


def _tails(known: Iterable[str]) -> dict[str, str]:
    """Names on the Hub without their owners, where they are no two models' names."""
    tails = [(slug(name.rpartition("/")[2]), name) for name in known if name.startswith("huggingface:")]
    counts = Counter(tail for tail, _ in tails)
    return {tail: name for tail, name in tails if counts[tail] == 1}


def model_facts(
    names: Mapping[str, str],
    metadata: Mapping[str, Cells],
    modalities: Mapping[str, Modality],
    corpus: Corpus,
) -> dict[str, ModelFacts]:
    """What the file and the names tell of models, what ships going before it.

    Args:
        names: Canonical names by printed ones.
        metadata: Rows of the models file, by printed name.
        modalities: Kind of input of each model's figures, by canonical name.
        corpus: What is known already.
    """
    shipped = load_model_facts()
    stated = {names[n]: _stated(names[n], cells) for n, cells in metadata.items() if n in names}
    new = [m for m in names.values() if m not in shipped and m not in corpus.known]
    made = completed(
        ((stated.get(m, ModelFacts(model=m)), modalities.get(m, Modality.TEXT)) for m in new),
        {model: model for model in (*corpus.known, *new)},
    )
    facts = {fact.model: _with_base(fact, corpus) for fact in made}
    for model, fact in stated.items():
        if model in shipped:
            facts[model] = _filled(shipped[model], fact)
    return facts


def _stated(model: str, cells: Cells) -> ModelFacts:
    return ModelFacts(
        model=model,
        family=text(cells, "family").lower(),
        base_model=text(cells, "base_model"),
        architecture=member(Architecture, cells, "architecture"),
        modality=member(Modality, cells, "modality"),
        n_parameters=whole(cells, "n_parameters", "parameters", "params"),
        pretrained_on=words(cells, "pretrained_on"),
        fine_tuned_on=tuple(as_stated(name) for name in words(cells, "fine_tuned_on")),
        languages=words(cells, "languages", "language"),
        release_year=whole({"year": text(cells, "release_year", "year", "release_date")[:4]}, "year"),
    )


def _filled(first: ModelFacts, second: ModelFacts) -> ModelFacts:
    """The first's facts, with the second's where the first says nothing."""
    return ModelFacts(
        **{name: getattr(first, name) or getattr(second, name) for name in ModelFacts.__dataclass_fields__}
    )


def _with_base(fact: ModelFacts, corpus: Corpus) -> ModelFacts:
    """Fine-tuning leaves a model as large as its base was, and in its family."""
    base = corpus.known.get(fact.base_model)
    if base is None:
        return fact
    return replace(
        fact,
        n_parameters=fact.n_parameters or base.n_parameters,
        family=fact.family or base.family,
        architecture=fact.architecture or base.architecture,
    )
