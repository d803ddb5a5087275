"""Every metric's direction, range and comparable scale, in one place.

Notation:
    v   a value on the metric's own scale; bounded metrics are fractions, never percent
    y   the same on the comparable scale: larger is better, unbounded, about additive in effort

    bounded    u = (v - low) / (high - low), turned so that larger is better;
               y = logit(SHRINK + (1 - 2 SHRINK) u)
    positive   y = -log(max(v, FLOOR)) where smaller is better (perplexity, word error rate)
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

SHRINK = 0.005
"""Keeps 0 and 1 finite: a test set of 100 examples cannot tell 0.995 from 1."""
FLOOR = 1e-3
"""Below this a positive metric is taken as this: no test set resolves a smaller error rate."""


class Direction(StrEnum):
    """Which way is better."""

    HIGHER = "higher"
    LOWER = "lower"


class UnknownMetricError(ValueError):
    """No metric of this name is declared."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"unknown metric {name!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric's name, direction and range.

    Attributes:
        name: Canonical name, as `evaluate` spells it where it has the metric.
        direction: Which way is better.
        low: Smallest value.
        high: Largest value; infinity for positive metrics.
        is_rate: Whether sources print it in percent as often as in fractions.
        aliases: Other spellings, lower case.
    """

    name: str
    direction: Direction = Direction.HIGHER
    low: float = 0.0
    high: float = 1.0
    is_rate: bool = True
    aliases: tuple[str, ...] = ()

    @property
    def is_bounded(self) -> bool:
        """Whether both ends of the range are finite."""
        return bool(np.isfinite(self.high))

    def to_comparable(self, values: ArrayLike) -> NDArray[np.float64]:
        """Values on the comparable scale; any shape, elementwise.

        Raises:
            ValueError: A value lies outside the metric's range.
        """
        v = np.asarray(values, dtype=np.float64)
        if np.any(v < self.low) or np.any(v > self.high) or np.any(~np.isfinite(v)):
            raise ValueError(f"{self.name} lies in [{self.low}, {self.high}]")
        if not self.is_bounded:
            return -np.log(np.maximum(v, FLOOR))
        u = (v - self.low) / (self.high - self.low)
        if self.direction is Direction.LOWER:
            u = 1.0 - u
        p = SHRINK + (1.0 - 2.0 * SHRINK) * u
        return np.log(p) - np.log1p(-p)

    def from_comparable(self, comparable: ArrayLike) -> NDArray[np.float64]:
        """The inverse of `to_comparable`, clipped to the metric's range."""
        y = np.asarray(comparable, dtype=np.float64)
        if not self.is_bounded:
            return np.maximum(np.exp(-y), self.low)
        p = 0.5 * (1.0 + np.tanh(0.5 * y))  # a logistic function that cannot overflow
        u = np.clip((p - SHRINK) / (1.0 - 2.0 * SHRINK), 0.0, 1.0)
        if self.direction is Direction.LOWER:
            u = 1.0 - u
        return self.low + u * (self.high - self.low)

    def measured(
        self, values: ArrayLike, std_errors: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Measured values on the comparable scale and their variances there; any shape, elementwise.

        From the ends of the one-sigma interval rather than from the slope at the value: at 100 % the slope is
        next to 0, and a perfect score would count as no evidence at all.

        Raises:
            ValueError: A value lies outside the metric's range.
        """
        v, error = np.asarray(values, dtype=np.float64), np.asarray(std_errors, dtype=np.float64)
        centre = self.to_comparable(v)
        low = self.to_comparable(np.maximum(v - error, self.low))
        high = self.to_comparable(np.minimum(v + error, self.high))
        y = np.where(error > 0.0, 0.5 * (low + high), centre)
        return y, np.square(0.5 * (high - low))

    def slope(self, comparable: ArrayLike) -> NDArray[np.float64]:
        """|dv / dy| at y: what one unit of the comparable scale is worth in the metric."""
        y = np.asarray(comparable, dtype=np.float64)
        if not self.is_bounded:
            return np.exp(-y)
        p = 0.5 * (1.0 + np.tanh(0.5 * y))
        return p * (1.0 - p) / (1.0 - 2.0 * SHRINK) * (self.high - self.low)


def _correlation(name: str, *aliases: str) -> Metric:
    return Metric(name=name, low=-1.0, high=1.0, aliases=aliases)


def _error(name: str, *aliases: str, low: float = 0.0, is_rate: bool = False) -> Metric:
    high = float("inf")
    return Metric(name=name, direction=Direction.LOWER, low=low, high=high, is_rate=is_rate, aliases=aliases)


_ALL = (
    Metric(
        name="accuracy", aliases=("acc", "top1", "top-1", "top 1", "acc@1", "nat_prec1", "accuracy_score")
    ),
    Metric(name="balanced_accuracy", aliases=("mean per-class accuracy", "mean-per-class", "uar")),
    Metric(name="top5_accuracy", aliases=("top5", "top-5")),
    Metric(name="f1", aliases=("f1-score", "binary f1")),
    Metric(name="f1_macro", aliases=("macro f1", "macro-f1", "m-f1", "mf1", "macro_f1")),
    Metric(name="f1_micro", aliases=("micro f1", "micro-f1", "µ-f1", "μ-f1", "uf1", "micro_f1")),
    Metric(name="entity_f1", aliases=("seqeval", "span f1", "ner f1", "micro_f1_no_misc")),
    Metric(name="token_f1", aliases=("squad f1", "answer f1")),
    Metric(name="exact_match", aliases=("em",)),
    _correlation("matthews_correlation", "mcc", "matthews corr", "matthews"),
    _correlation("spearmanr", "spearman", "spearman corr", "cosine_spearman"),
    _correlation("pearsonr", "pearson", "pearson corr"),
    Metric(name="average_precision", aliases=("ap",)),
    Metric(name="map", aliases=("mean average precision", "box ap", "mask ap", "map@[.5:.95]")),
    Metric(name="mean_iou", aliases=("miou", "iou")),
    Metric(name="roc_auc", aliases=("auroc", "auc")),
    Metric(name="ndcg_at_10", aliases=("ndcg@10",)),
    Metric(name="hit_rate_at_10", aliases=("hr@10", "hit@10")),
    Metric(name="recall_at_1", aliases=("recall@1", "r@1")),
    Metric(name="recall_at_5", aliases=("recall@5", "r@5")),
    Metric(name="recall_at_10", aliases=("recall@10", "r@10")),
    Metric(name="v_measure", aliases=("v-measure",)),
    Metric(name="rouge1", aliases=("rouge-1", "r1")),
    Metric(name="rouge2", aliases=("rouge-2", "r2")),
    Metric(name="rougeL", aliases=("rouge-l", "rl", "rougel")),
    Metric(name="bleu", aliases=("sacrebleu",)),
    Metric(name="chrf", aliases=("chrf++",)),
    Metric(name="cider", high=float(10), aliases=("cider-d",)),
    Metric(name="vqa_accuracy", aliases=("vqa score",)),
    _error("perplexity", "ppl", low=1.0),
    _error("bits_per_byte", "bpb"),
    _error("wer", "word error rate", is_rate=True),
    _error("cer", "character error rate", "per", "phoneme error rate", is_rate=True),
    _error("eer", "equal error rate", is_rate=True),
    _error("der", "diarization error rate", is_rate=True),
    _error("fid", "frechet inception distance"),
    Metric(name="mos", low=1.0, high=5.0, is_rate=False, aliases=("mean opinion score",)),
    _error("mean_squared_error", "mse"),
    _error("mean_absolute_error", "mae"),
)
METRICS = MappingProxyType({metric.name: metric for metric in _ALL})
_BY_SPELLING = {spelling: m for m in _ALL for spelling in (m.name.lower(), *m.aliases)}


def metric_named(name: str) -> Metric:
    """The declared metric of this name or alias, whatever the case.

    Raises:
        UnknownMetricError: There is none.
    """
    try:
        return _BY_SPELLING[name.strip().lower()]
    except KeyError:
        raise UnknownMetricError(name) from None
