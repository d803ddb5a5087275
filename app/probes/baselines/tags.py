"""Baselines of a tag a word: none at all, each word's commonest, and logistic regression on its looks.

Source: Tjong Kim Sang and De Meulder 2003, section 2.4 (the baseline that knows only entities it has seen);
Ratinov and Roth 2009, section 4 (forms of the word and of its neighbours).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.probes.data import Part
from app.tasks.targets import OUTSIDE

OUTSIDE_ONLY, SEEN, FORMS = "outside", "seen-words", "forms-logistic"
MOST_WORDS = 20_000
"""That forms are learnt from."""
_EDGE = "<edge>"
Tags = list[list[str]]


def words_of(part: Part) -> list[list[str]]:
    """The words of each sentence: what parts them is a space."""
    return [text.split(" ") for text in part.texts]


def predict_outside(train: Part, asked: Part, seed: int) -> Tags:
    """No word belongs to an entity."""
    del train, seed
    return [[OUTSIDE] * len(words) for words in words_of(asked)]


def predict_seen(train: Part, asked: Part, seed: int) -> Tags:
    """The tag that a word had most often; none for one that was not seen."""
    del seed
    counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for words, tags in zip(words_of(train), train.targets, strict=True):
        for word, tag in zip(words, tags.tolist(), strict=True):
            counts[word][tag] += 1
    known = {word: train.names[found.most_common(1)[0][0]] for word, found in counts.items()}
    return [[known.get(word, OUTSIDE) for word in words] for words in words_of(asked)]


def predict_forms(train: Part, asked: Part, seed: int) -> Tags:
    """Logistic regression on forms of a word and its neighbours; where there is one tag only, that."""
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import LogisticRegression

    sentences = words_of(train)
    forms = [form for words in sentences for form in _forms(words)][:MOST_WORDS]
    tags = np.concatenate([np.empty(0, dtype=np.int64), *train.targets]).astype(np.int64)[:MOST_WORDS]
    if len(np.unique(tags)) < 2:
        return predict_seen(train, asked, seed)
    vectorizer = DictVectorizer(dtype=np.float32)
    model = LogisticRegression(C=1.0, max_iter=60, tol=1e-2).fit(vectorizer.fit_transform(forms), tags)
    return [_named(model, vectorizer, words, train.names) for words in words_of(asked)]


def _named(model: Any, vectorizer: Any, words: list[str], names: Sequence[str]) -> list[str]:  # noqa: ANN401
    found: NDArray[np.int64] = model.predict(vectorizer.transform(list(_forms(words))))
    return [names[i] for i in found]


def _forms(words: list[str]) -> Iterator[dict[str, bool]]:
    around = [_EDGE, *words, _EDGE]
    for i, word in enumerate(words, start=1):
        yield {
            "first": i == 1,
            "capital": word[:1].isupper(),
            "upper": word.isupper(),
            "digits": any(c.isdigit() for c in word),
            f"word={word.casefold()}": True,
            f"end={word[-3:].casefold()}": True,
            f"begin={word[:3].casefold()}": True,
            f"before={around[i - 1].casefold()}": True,
            f"behind={around[i + 1].casefold()}": True,
        }
