"""Baselines of an answer in a passage: its first words, and the words beside those that the question holds.

Notation:
    w, q   words of the passage, different words of the question
    l      words of an answer, as many as those of the training part have on average

Source: Richardson et al. 2013, "MCTest", section 4.1 (a window slides over the passage; a word that both
hold counts log(1 + 1 / its count in the passage)); Rajpurkar et al. 2016, "SQuAD", section 5.1 (the words of
the answer itself do not count). SQuAD's candidates are constituents of parsed sentences; here they are all
runs of l words that hold none of the question's and neither begin nor end with a sign.
"""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from app.probes.data import Part
from app.tasks.words import cut, places

FIRST_WORDS, SLIDING_WINDOW = "first-words", "sliding-window"


def predict_first(train: Part, asked: Part, seed: int) -> list[str]:
    """The passage's first words; nothing where most questions of the training part have no answer."""
    del seed
    if sum(answers.first is None for answers in train.targets) > len(train.targets) / 2:
        return [""] * len(asked.texts)
    length = _length(train)
    return [_between(passage, 0, length) for passage in asked.pairs or ()]


def predict_window(train: Part, asked: Part, seed: int) -> list[str]:
    """The words that most, and the rarest, of the question's words stand around; of equals the first."""
    del seed
    length = _length(train)
    return [
        _between(passage, _most_alike(question, passage, length), length)
        for question, passage in zip(asked.texts, asked.pairs or (), strict=True)
    ]


def _length(train: Part) -> int:
    lengths = [last - first + 1 for first, last in (a.first for a in train.targets if a.first is not None)]
    return max(round(float(np.mean(lengths))), 1) if lengths else 1


def _between(passage: str, first: int, length: int) -> str:
    """These words of the passage, as they stand there."""
    spans = places(passage)[first : first + length]
    return passage[spans[0][0] : spans[-1][1]] if spans else ""


def _most_alike(question: str, passage: str, length: int) -> int:
    """The word that the best run of so many begins with."""
    words = [word.casefold() for word in cut(passage)]
    wanted, counts = {word.casefold() for word in cut(question)}, Counter(words)
    weights = np.array([np.log1p(1.0 / counts[word]) if word in wanted else 0.0 for word in words])
    starts = np.arange(max(len(words) - length + 1, 1))
    around = _sums(weights, starts - len(wanted), starts + length + len(wanted))
    within = _sums(weights, starts, starts + length)
    is_word = np.array([word.isalnum() for word in words])
    ends = np.minimum(starts + length, len(words)) - 1
    could = (within == 0.0) & is_word[starts] & is_word[ends]
    return int(np.argmax(np.where(could, around, -1.0)))


def _sums(
    weights: NDArray[np.float64], low: NDArray[np.int64], high: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Of the weights from each low to before each high, whatever of these there is."""
    total, n = np.append(0.0, np.cumsum(weights)), len(weights)
    return np.asarray(total[np.clip(high, 0, n)] - total[np.clip(low, 0, n)])
