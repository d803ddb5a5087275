"""The models that fine-tunes are recorded of: those that ship in packages, and what hubs make of such.

cut       the first layers of a model, as in Sajjad et al. 2023, "On the effect of dropping layers of
pre-trained transformer models"
tuned     a model fine-tuned on another labelled set first (Phang et al. 2018, "Sentence
Encoders on STILTs")
static    a model's own input vectors, without the layers above
"""

from dataclasses import dataclass
from functools import lru_cache

from app.probes.weights import packaged_entries
from models_registry.entry import Architecture, ModelEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The first layers of a model."""

    n_layers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Static:
    """A model's input vectors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A model fine-tuned before.

    Attributes:
        dataset: On which labelled set.
    """

    dataset: str


Change = Cut | Static | Tuned


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model to record: a packaged one, or one made from it.

    Attributes:
        source: Id of the packaged model.
        change: What is done to it; None leaves it as it is.
    """

    source: str
    change: Change | None = None

    @property
    def id(self) -> str:
        """The source's id with a suffix that says what was done."""
        match self.change:
            case None:
                return self.source
            case Cut(n_layers=n):
                return f"{self.source}-first-{n}"
            case Static():
                return f"{self.source}-static"
            case Tuned(dataset=dataset):
                return f"{self.source}-on-{dataset.replace('_', '-')}"

    def entry(self, source: ModelEntry) -> ModelEntry:
        """Its registry entry, from that of the source."""
        facts: dict[str, object] = {"id": self.id, "derived_from": None, "aliases": ()}
        match self.change:
            case None:
                return source
            case Cut(n_layers=n):
                body = source.n_parameters - source.n_embedding_parameters
                facts |= {
                    "n_layers": n,
                    "n_parameters": source.n_embedding_parameters + body * n // source.n_layers,
                    "forward_flops": source.forward_flops * n / source.n_layers,
                }
            case Static():
                facts |= {
                    "architecture": Architecture.STATIC_VECTORS,
                    "n_layers": 0,
                    "n_parameters": source.n_embedding_parameters,
                    "forward_flops": float(source.embedding_width),
                    "max_length": None,
                    "input_prefix": "",
                }
            case Tuned(dataset=dataset):
                facts |= {"fine_tuned_on": (*source.fine_tuned_on, dataset.replace("_", "-"))}
        return source.model_copy(update=facts)


L6 = "sentence-transformers/all-MiniLM-L6-v2"
L3 = "sentence-transformers/paraphrase-MiniLM-L3-v2"
E5 = "intfloat/multilingual-e5-small"
WORDS = "dleemiller/word-llama-l2-supercat"
SMOL = "HuggingFaceTB/SmolLM2-135M-Instruct"
CANDIDATES = (
    Candidate(source=WORDS),
    Candidate(source=L6, change=Static()),
    Candidate(source=E5, change=Static()),
    Candidate(source=SMOL, change=Static()),
    Candidate(source=L3, change=Cut(n_layers=1)),
    Candidate(source=L3),
    Candidate(source=L6, change=Cut(n_layers=3)),
    Candidate(source=E5, change=Cut(n_layers=4)),
    Candidate(source=L6),
    Candidate(source=L6, change=Tuned(dataset="banking77")),
    Candidate(source=L6, change=Tuned(dataset="tweet_emotion")),
    Candidate(source=SMOL, change=Cut(n_layers=4)),
    Candidate(source=E5),
)
"""In the order in which they are recorded: the cheap ones first."""
COSTLY = (Candidate(source=E5, change=Tuned(dataset="thucnews_titles")), Candidate(source=SMOL))
"""Recorded where they are asked for by name."""


@lru_cache(maxsize=1)
def candidate_entries() -> dict[str, ModelEntry]:
    """The registry entries of everything that is recorded, by id."""
    packaged = packaged_entries()
    return {c.id: c.entry(packaged[c.source]) for c in (*CANDIDATES, *COSTLY)}
