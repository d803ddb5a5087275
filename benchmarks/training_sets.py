"""Data sets that a model's name or metadata says it was trained on, spelt as in `Benchmark.dataset`."""

import csv
import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache

from benchmarks.shipped_files import DATA, read_benchmarks
from models_registry.vocabulary import TaskType

COLLECTIONS_PATH = DATA / "collections.csv"
"""Collections that models are trained on as a whole, by data set."""

_SPELLINGS: Mapping[str, str] = {
    # data set: its spellings in names of models, `-` for any or no separator
    "squad-v2": "squad-v2 squad-2.0 squad-2 squad-v2.0",
    "squad-v1": "squad-v1 squad-1.1 squad-v1.1 squad",
    "sst-2": "sst-2 glue/sst2",
    "sst-5": "sst-5",
    "mnli": "mnli multi-nli multinli",
    "snli": "snli esnli",
    "anli": "anli",
    "qnli": "qnli",
    "wnli": "wnli",
    "rte": "rte",
    "mrpc": "mrpc",
    "qqp": "qqp quora quora-question-pairs",
    "cola": "cola",
    "sts-b": "sts-b",
    "boolq": "boolq",
    "imdb": "imdb",
    "ag-news": "ag-news",
    "dbpedia-14": "dbpedia",
    "yahoo-answers": "yahoo-answers",
    "yelp-polarity": "yelp yelp-polarity",
    "amazon-polarity": "amazon-polarity",
    "rotten-tomatoes": "rotten-tomatoes",
    "financial-phrasebank": "financial-phrasebank",
    "20-newsgroups": "20-newsgroups 20-newsgroup 20ng",
    "poem-sentiment": "poem-sentiment",
    "trec": "trec",
    "wic": "wic",
    "isear": "isear",
    "emotion": "emotion",
    "tweeteval-sentiment": "tweet-eval/sentiment tweet-eval-sentiment twitter-eval-sentiment",
    "tweeteval-emotion": "tweet-eval/emotion tweet-eval-emotion",
    "tweeteval-emoji": "tweet-eval/emoji tweet-eval-emoji",
    "tweeteval-hate": "tweet-eval/hate tweet-eval-hate",
    "tweeteval-irony": "tweet-eval/irony tweet-eval-irony",
    "tweeteval-offensive": "tweet-eval/offensive tweet-eval-offensive",
    "conll-2003": "conll-2003 conll-03 conll",
    "bc5cdr": "bc5cdr",
    "chemprot": "chemprot",
    "race": "race",
    "cnn-dailymail": "cnn-dailymail cnndm cnn-dm cnn",
    "xsum": "xsum",
    "samsum": "samsum",
    "ms-marco": "ms-marco msmarco",
    "natural-questions": "natural-questions nq",
    "hotpotqa": "hotpotqa",
    "newsqa": "newsqa",
    "wikiqa": "wikiqa",
    "fever": "fever",
    "swag": "swag",
    "bc4chemd": "bc4chemd",
    "bc2gm": "bc2gm",
    "ncbi-disease": "ncbi ncbi-disease",
    "jnlpba": "jnlpba",
    "cuad": "cuad",
    "wikitext": "wikitext wikitext-2 wikitext-103",
    "scotus": "scotus",
    "banking77": "banking77",
    "massive": "massive",
    "semeval-2012": "semeval-2012",
    "cifar-10": "cifar-10",
    "cifar-100": "cifar-100",
    "eurosat": "eurosat",
    "food-101": "food-101",
    "stanford-cars": "stanford-cars",
    "oxford-flowers-102": "flowers-102",
    "beans": "beans",
    "cats-vs-dogs": "cats-vs-dogs cats-dogs",
    "rvl-cdip": "rvl-cdip rvlcdip",
    "imagenet-1k": "imagenet-1k imagenet ilsvrc2012 ft1k",
    "imagenet-21k": "imagenet-21k ft22k",
    "audioset": "audioset",
    "librispeech": "librispeech",
}
_COMMON_WORDS = frozenset({"emotion", "race", "massive", "beans", "fever", "swag"})
"""Words that say nothing by themselves: they count only behind a word for training, or as metadata."""
_TRAINED = r"(?:fine-?tuned?|finetuning|tuned|ft|bert|base|large)[-_ ](?:on[-_ ])?(?:[a-z0-9.]+[-_ ])?"
_PARTS = {"squad-v1": "squad-v2", "emotion": "tweeteval-emotion"}
"""The name of the second contains that of the first."""


def letters(name: str) -> str:
    """A name's letters and digits in lower case: spellings of one data set differ in the rest."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _pattern(spellings: str) -> str:
    # Longest first, so that `squad-v2` is not read as `squad`.
    ways = sorted(spellings.split(), key=len, reverse=True)
    return "|".join(re.escape(way).replace(r"\-", "[-_ ]?") for way in ways)


_IN_NAMES = tuple(
    (
        dataset,
        re.compile(
            (_TRAINED if dataset in _COMMON_WORDS else r"(?<![a-z0-9])")
            + f"(?:{_pattern(spellings)})"
            + r"(?![a-z0-9])"
        ),
    )
    for dataset, spellings in _SPELLINGS.items()
)
_EXACT = {
    letters(way): dataset
    for dataset, spellings in _SPELLINGS.items()
    for way in (dataset, *spellings.split())
}


def in_name(name: str) -> tuple[str, ...]:
    """Data sets that a model's name names, in the order of the table above."""
    lower = name.lower()
    found = [dataset for dataset, pattern in _IN_NAMES if pattern.search(lower)]
    return tuple(dataset for dataset in found if _PARTS.get(dataset) not in found)


def as_stated(published: str) -> str:
    """The name of a data set that metadata states; lower case where it is none of the known ones."""
    lower = published.strip().lower()
    return _EXACT.get(letters(lower), lower)


def task_types(dataset: str) -> frozenset[TaskType]:
    """What a model learns to do on a data set; empty where no benchmark is made of it."""
    return _task_types().get(letters(dataset), frozenset())


@cache
def _task_types() -> Mapping[str, frozenset[TaskType]]:
    found: defaultdict[str, set[TaskType]] = defaultdict(set)
    for benchmark in read_benchmarks():
        for name in (benchmark.dataset, benchmark.dataset.removeprefix(benchmark.suite)):
            found[letters(name)].add(benchmark.task_type)
    return {name: frozenset(types) for name, types in found.items() if name}


@cache
def _collections() -> Mapping[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    with COLLECTIONS_PATH.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            found[row["collection"]].append(row["dataset"])
    return {name: tuple(datasets) for name, datasets in found.items()}


def data_sets(published: str) -> tuple[str, ...]:
    """The data sets that metadata states: those of a collection (`glue`) beside its own name, or the one."""
    stated = as_stated(published)
    return (stated, *_collections().get(stated, ()))
