"""Metrics of a text an example: how likely the right one is, and how much a written one is like it.

Notation:
    n    examples;  H  nats (negative log-likelihood) of a text, W its words, B its bytes, each of shape (n,)

    perplexity     exp(sum H / sum W)
    bits_per_byte  sum H / (ln 2 sum B)

Both are of units that do not depend on a tokenizer, so that models with different ones compare. Perplexity is
*per word*, which is what white space parts, or per character of texts without spaces; published figures per
token are smaller and compare with no other model's. Standard errors are those of a ratio of means (Cochran
1977, "Sampling Techniques", section 2.11).

ROUGE is the F-measure by `rouge_score` with stemming, the best of several references; Chinese, Japanese and
Korean are cut into characters, of which `rouge_score` alone would drop all. BLEU (of all texts together) and
chrF are by `sacrebleu` (Post 2018, "A Call for Clarity in Reporting BLEU Scores"), as fractions.

Sources: Lin 2004, "ROUGE"; Papineni et al. 2002, "BLEU"; Popovic 2015, "chrF".
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.probes.metrics.base import BOOTSTRAP_SAMPLES, UnsupportedMetricError

Array = NDArray[np.float64]
Texts = Sequence[str]
References = Sequence[Texts]

_LIKELIHOODS = MappingProxyType({"perplexity": 1, "bits_per_byte": 2})
"""Column of what nats are divided by."""
_ROUGE = ("rougeL", "rouge1", "rouge2")
SUPPORTED = (*_LIKELIHOODS, *_ROUGE, "bleu", "chrf")
_IDEOGRAPHS = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_SYLLABLES = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_WORDS = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
    r"|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+"
)


def score(metric: str, predictions: Any, references: References) -> float:  # noqa: ANN401
    """The metric's value.

    Args:
        metric: Canonical name.
        predictions: n texts, or nats, words and bytes of the right ones, shape (n, 3).
        references: Of each example the texts that are right.

    Raises:
        UnsupportedMetricError: No such metric.
    """
    if metric not in SUPPORTED:
        raise UnsupportedMetricError(metric)
    if metric in _LIKELIHOODS:
        return _from_nats(metric, _ratio(*_parts(metric, predictions)))
    if metric == "bleu":
        return _bleu(_bleu_counts(predictions, references).sum(axis=0))
    if metric == "chrf":
        return float(_chrf().corpus_score(list(predictions), _streams(references)).score) / 100.0
    return float(_by_text(metric, predictions, references).mean())


def standard_error(metric: str, predictions: Any, references: References, *, seed: int) -> float:  # noqa: ANN401
    """Standard error over the choice of examples; arguments and errors as for `score`.

    In closed form, but for BLEU, which is no mean over texts: by bootstrap. Of chrF it is that of the mean
    over texts, from which the value of all together hardly differs.
    """
    if metric not in SUPPORTED:
        raise UnsupportedMetricError(metric)
    n = len(references)
    if metric in _LIKELIHOODS:
        nats, units = _parts(metric, predictions)
        ratio = _ratio(nats, units)
        spread = float(np.std(nats - ratio * units, ddof=1)) if n > 1 else ratio * float(units.mean())
        error = spread / np.sqrt(n) / float(units.mean())
        return float(_from_nats(metric, ratio) * error if metric == "perplexity" else error / np.log(2.0))
    if metric == "bleu":
        counts = _bleu_counts(predictions, references)
        w = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=BOOTSTRAP_SAMPLES)
        found = float(np.std([_bleu(drawn) for drawn in w @ counts], ddof=1))
    else:
        values = _by_text(metric, predictions, references)
        found = float(values.std(ddof=1)) / float(np.sqrt(n)) if n > 1 else 1.0
    return max(found, 0.5 / max(n, 1))


def _parts(metric: str, predictions: ArrayLike) -> tuple[Array, Array]:
    rows = np.asarray(predictions, dtype=np.float64).reshape(-1, 3)
    return rows[:, 0], rows[:, _LIKELIHOODS[metric]]


def _ratio(nats: Array, units: Array) -> float:
    return float(nats.sum() / units.sum())


def _from_nats(metric: str, ratio: float) -> float:
    return float(np.exp(ratio) if metric == "perplexity" else ratio / np.log(2.0))


def _by_text(metric: str, predictions: Texts, references: References) -> Array:
    if metric == "chrf":
        pairs = zip(predictions, references, strict=True)
        return np.array([_chrf().sentence_score(p, list(r)).score / 100.0 for p, r in pairs])
    scorer = _rouge(metric)
    pairs = zip(predictions, references, strict=True)
    return np.array([scorer.score_multi(list(r), p)[metric].fmeasure for p, r in pairs])


def _bleu_counts(predictions: Texts, references: References) -> Array:
    """Matches and n-grams of each order, and lengths of both sides, of each text, shape (n, 10)."""
    bleu = _bleu_of(_cut_of(references))
    found = (bleu.sentence_score(p, list(r)) for p, r in zip(predictions, references, strict=True))
    rows = [[*s.counts, *s.totals, s.sys_len, s.ref_len] for s in found]
    return np.array(rows, dtype=np.float64).reshape(-1, 10)


def _bleu(counts: Array) -> float:
    from sacrebleu.metrics.bleu import BLEU

    whole = counts.astype(int).tolist()
    found = BLEU.compute_bleu(whole[:4], whole[4:8], whole[8], whole[9], smooth_method="exp")
    return min(float(found.score) / 100.0, 1.0)


def _cut_of(references: References) -> str:
    """How `sacrebleu` is to cut these texts into words."""
    text = "".join("".join(texts) for texts in references)
    if len(_SYLLABLES.findall(text)) > 0.1 * len(text):
        return "char"
    return "zh" if len(_IDEOGRAPHS.findall(text)) > 0.1 * len(text) else "13a"


def _streams(references: References) -> list[list[str | None]]:
    """The first reference of every text, the second, and so on; None where there is none."""
    most = max(map(len, references), default=1)
    return [[texts[i] if i < len(texts) else None for texts in references] for i in range(most)]


@lru_cache(maxsize=3)
def _bleu_of(cut: str) -> Any:  # noqa: ANN401  (settings of the library)
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize=cut, effective_order=True)


@lru_cache(maxsize=1)
def _chrf() -> Any:  # noqa: ANN401
    from sacrebleu.metrics.chrf import CHRF

    return CHRF()


@lru_cache(maxsize=3)
def _rouge(metric: str) -> Any:  # noqa: ANN401  (rouge_score is untyped)
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer([metric], tokenizer=_Words())


class _Words:
    """As `rouge_score` cuts texts, but with characters of Chinese, Japanese and Korean, and all scripts."""

    def __init__(self) -> None:
        from nltk.stem.porter import PorterStemmer

        self._stem: Callable[[str], str] = PorterStemmer().stem

    def tokenize(self, text: str) -> list[str]:
        """Lower-case words, those of more than three letters stemmed."""
        words = _WORDS.findall(text.lower())
        return [self._stem(word) if len(word) > 3 and word.isascii() else word for word in words]
