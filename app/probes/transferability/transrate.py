"""TransRate: how many more nats features take than features of a known class.

Notation:
    n, d, K   examples, width, classes that occur
    F         centred features, scaled to a mean squared length of 1, shape (n, d)
    F_k       rows of F of class k less their mean, shape (n_k, d)
    e         distortion, 1, a share of the features' variance

    R(F) = log det(I + F^T F / (n e)) / 2
    TransRate = R(F) - sum_k (n_k / n) R(F_k)

Source: Huang et al. 2022, "Frustratingly Easy Transferability Estimation", with three departures.
The paper's listing leaves the rows of a class centred on all examples: of two classes alike in size each has
the second moments of all, and TransRate is 0 however far apart they are. R stands for an entropy, which has
no origin, so here each class has its own. The listing weighs classes alike; here they weigh their share, so
that a class of one example does not count as much as the others. And e is 1e-4 there, of features as they
are: of F, and of fewer examples than features, the score would count directions that classes of few examples
do not span, and fall as classes part. 1e-4 of features whose squares sum to 1 is 1 at 10,000 examples.

At least 0. Features that are all equal score 0. Every row twice is the same score. A class of one example
takes nothing once it is known, and raises the score by its share.
"""

import numpy as np
from numpy.typing import NDArray

from app.probes.transferability.base import Array, Labels, centred, checked, class_means

DISTORTION = 1.0


def transrate(features: NDArray[np.floating], labels: Labels, *, n_classes: int, seed: int) -> float:
    """TransRate of the features, in nats; see `Estimator`. Nothing in it is random."""
    del n_classes, seed
    f, codes = checked("transrate", features, labels)
    f = centred(f)
    length = float(np.sqrt(np.sum(f**2) / len(f)))
    if length == 0.0:
        return 0.0
    f = f / length
    within = f - class_means(f, codes)[codes]
    known = sum(count * _coding_rate(within[codes == k]) for k, count in enumerate(np.bincount(codes)))
    return _coding_rate(f) - float(known) / len(f)


def _coding_rate(f: Array) -> float:
    """R, by the smaller of the two Gram matrices."""
    n, d = f.shape
    gram = (f @ f.T if n <= d else f.T @ f) / (n * DISTORTION)
    gram[np.diag_indices_from(gram)] += 1.0
    return 0.5 * float(np.linalg.slogdet(gram).logabsdet)
