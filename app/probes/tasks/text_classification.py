"""Text classification: a dropout and one matrix on the pooled vector, cross-entropy.

Notation:
    B, d, K   texts in a batch, width, classes
"""

import math

import torch
from torch import Tensor, nn

from app.probes.backbones import Backbone, Batch
from app.probes.logistic import LinearClassifier

DROPOUT = 0.1
"""As in Devlin et al. 2019."""
HEAD_DEVIATION = 0.02
"""Of a head's first weights, as BERT's."""
DIVERGED_FACTOR = 50.0
"""A mean loss this many times that of guessing has no way back: logits are off by tens."""


class TextClassifier(nn.Module):
    """A backbone with a linear head.

    The head's start is small (deviation 0.02), at random or from a solution, so that the first loss is about
    that of guessing and the first steps do not throw the backbone about.
    """

    def __init__(self, backbone: Backbone, n_classes: int) -> None:
        super().__init__()
        self.backbone = backbone.module
        self._encode = backbone.encode
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(backbone.width, n_classes)
        nn.init.normal_(self.head.weight, std=HEAD_DEVIATION)
        nn.init.zeros_(self.head.bias)

    def forward(self, batch: Batch) -> Tensor:
        """Logits, shape (B, K)."""
        logits: Tensor = self.head(self.dropout(self._encode(batch)))
        return logits

    def begin_from(self, classifier: LinearClassifier) -> None:
        """The head predicts what this solution on frozen features predicts, with less confidence.

        A solution's weights are as large as its features are narrow: the loss of MiniLM-L6 rose from 0.1 to
        230 in its first step from them, since a small step of every layer moved the logits by hundreds. All
        logits times one number are the same predictions.
        """
        weight = classifier.weight - classifier.weight.mean(axis=0)  # what classes share predicts nothing
        bias = classifier.bias - classifier.bias.mean()
        scale = min(HEAD_DEVIATION / max(float(weight.std()), 1e-12), 1.0)
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(scale * weight))
            self.head.bias.copy_(torch.from_numpy(scale * bias))


def classification_loss(logits: Tensor, labels: Tensor, class_weights: Tensor | None) -> Tensor:
    """Mean cross-entropy, weighted by class where weights are given.

    Args:
        logits: Shape (B, K).
        labels: Shape (B,).
        class_weights: Shape (K,).
    """
    return nn.functional.cross_entropy(logits, labels, weight=class_weights)


def has_diverged(loss: float, n_classes: int) -> bool:
    """Whether a training loss shows that there is no way back."""
    return not math.isfinite(loss) or loss > DIVERGED_FACTOR * math.log(max(n_classes, 2))
