"""Baselines of texts that are written: another example's, the source, its first sentences, the nearest.

Source: Nallapati, Zhai and Zhou 2017, "SummaRuNNer", section 4.3 (the first three sentences).
"""

import re

import numpy as np

from app.probes.baselines.classes import vectorizer_for
from app.probes.data import Part
from app.probes.writings import answers_of

ANOTHER, COPY, LEAD, NEAREST = "another-answer", "copy", "lead-3", "nearest-answer"
N_LEADING = 3
_SENTENCE = re.compile(r"[^.!?。！？\n]*(?:[.!?。！？]+[\"'”’)]*|\n|$)")


def predict_another(train: Part, asked: Part, seed: int) -> list[str]:
    """The answer of any training example."""
    known = answers_of(train)
    places = np.random.default_rng(seed).integers(0, len(known), size=len(asked.texts))
    return [known[i] for i in places]


def predict_copy(train: Part, asked: Part, seed: int) -> list[str]:
    """The source as it is."""
    del train, seed
    return list(asked.texts)


def predict_lead(train: Part, asked: Part, seed: int) -> list[str]:
    """The first sentences, or lines, of the source."""
    del train, seed
    return [_leading(text) for text in asked.texts]


def predict_nearest(train: Part, asked: Part, seed: int) -> list[str]:
    """The answer to the training source that is most alike by weighted n-grams; any where none is like it."""
    vectorizer = vectorizer_for(train.texts)
    try:
        known = vectorizer.fit_transform(train.texts)
    except ValueError:  # no text holds a single term
        return predict_another(train, asked, seed)
    nearest = np.asarray((vectorizer.transform(asked.texts) @ known.T).argmax(axis=1)).ravel()
    answers = answers_of(train)
    return [answers[i] for i in nearest]


def _leading(text: str) -> str:
    sentences = (found.group().strip() for found in _SENTENCE.finditer(text))
    kept = [sentence for sentence in sentences if sentence][:N_LEADING]
    return " ".join(kept)
