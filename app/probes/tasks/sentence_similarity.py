"""Sentence similarity: a number of two texts that are read apart, as the best at it were pretrained.

Source: Reimers and Gurevych 2019, "Sentence-BERT", sections 3 and 4.2: texts encoded apart, the loss on what
compares them. With a few hundred pairs to learn from, reading both together starts from nothing.
"""

from typing import ClassVar

from app.probes.tasks.text_regression import Regression


class Similarity(Regression):
    """One number a pair."""

    reads_apart: ClassVar[bool] = True
