"""Metrics of an answer that is found in a passage: whether it is a right one, and how much it shares with it.

Notation:
    a, b   words of the answer given and of a right one, after normalisation
    F1     of the words that both hold, each as often as in both

Sources: Rajpurkar et al. 2016, "SQuAD", section 6.1, and the official evaluation of SQuAD 2.0 (lower case,
no punctuation, no articles, the best of all right answers; where there is no answer, right is to give none).
Of Chinese, Japanese and Korean every character is a word, and their own punctuation goes too: Cui et al.
2019, "A Span-Extraction Dataset for Chinese Machine Reading Comprehension", section 3.2 (there F1 is of the
longest common run; here, as in SQuAD, of what both hold in any order).
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from app.probes.metrics.base import UnsupportedMetricError
from app.tasks.words import IS_CJK

Array = NDArray[np.float64]
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def words_of(answer: str) -> list[str]:
    """The words that an answer is compared by."""
    text = answer.lower().translate(_WITHOUT_PUNCTUATION)
    if IS_CJK.search(text):
        text = "".join(sign for sign in text if not unicodedata.category(sign).startswith("P"))
        text = IS_CJK.sub(lambda sign: f" {sign.group()} ", text)
    return _ARTICLES.sub(" ", text).split()


def _exact(a: Sequence[str], b: Sequence[str]) -> float:
    return float(a == b)


def _f1(a: Sequence[str], b: Sequence[str]) -> float:
    if not a or not b:
        return float(a == b)
    n_shared = (Counter(a) & Counter(b)).total()
    return 2.0 * n_shared / (len(a) + len(b))


_METRICS: Mapping[str, Callable[[Sequence[str], Sequence[str]], float]] = MappingProxyType(
    {"token_f1": _f1, "exact_match": _exact}
)
SUPPORTED = tuple(_METRICS)


def score(metric: str, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """The metric's value: the mean over questions of the best over right answers.

    Args:
        metric: Canonical name.
        predictions: An answer to each of n questions, empty for none.
        references: All right answers to each, none where there is none.

    Raises:
        UnsupportedMetricError: No such metric.
    """
    return float(_values(metric, predictions, references).mean())


def standard_error(
    metric: str, predictions: Sequence[str], references: Sequence[Sequence[str]], *, seed: int
) -> float:
    """Standard error over the choice of questions, in closed form; arguments and errors as for `score`."""
    del seed
    values, n = _values(metric, predictions, references), len(predictions)
    return max(float(values.std(ddof=1)) / float(np.sqrt(n)) if n > 1 else 1.0, 0.5 / max(n, 1))


def _values(metric: str, predictions: Sequence[str], references: Sequence[Sequence[str]]) -> Array:
    if metric not in _METRICS:
        raise UnsupportedMetricError(metric)
    of = _METRICS[metric]
    pairs = zip(predictions, references, strict=True)
    return np.array([max(of(words_of(said), right) for right in _right(given)) for said, given in pairs])


def _right(answers: Sequence[str]) -> list[list[str]]:
    """Words of the right answers; one without words is none, and where there is no other, none is right."""
    return [words for words in map(words_of, answers) if words] or [[]]
