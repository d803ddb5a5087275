"""ETran: how sure a discriminant analysis is of the classes, and how much energy the features have.

Notation:
    n, d      examples, width
    F         features less the mean of all n d numbers, over their standard deviation, shape (n, d)
    P         class probabilities by `app.probes.transferability.fisher`, shape (n, K)
    C         mean over examples of P[i, y_i]
    E         mean over examples of log mean_j exp F[i, j]

    ETran = 0.85 C + 0.15 E / (1 + E)

Source: Gholami et al. 2023, "ETran: Energy-Based Transferability Estimation", for the two parts: a
linear discriminant analysis, and the negative energy log sum_j exp F[i, j], larger for data that the model
knows.

The paper adds up parts that its code first brings to 0..1 by the least and largest of the models compared,
weighed 0.85 and 0.15. A score of one model knows no others, and raw energies grow with log d and with the
model's unit. So F is standardised, log d is taken off, and E, which then is at least 0, is brought below 1;
where all models are at hand, `pooled` does what the code does. The authors' script averages the energies of
the least half per cent of examples; here all count.

Features that are all equal have E = 0 and P the shares of the classes. Equal rows are ordinary rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from app.probes.transferability.base import Array, Labels, checked
from app.probes.transferability.fisher import log_probabilities, regularisation, scaled_components

CLASSIFICATION_WEIGHT = 0.85
"""Of C; of E the rest. From the authors' code, where it compares eleven image models."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EtranParts:
    """What ETran is made of.

    Attributes:
        classification: C, between 0 and 1.
        energy: E, at least 0.
    """

    classification: float
    energy: float


def etran(features: NDArray[np.floating], labels: Labels, *, n_classes: int, seed: int) -> float:
    """ETran of the features, between 0 and 1; see `Estimator`. Nothing in it is random."""
    del n_classes, seed
    found = parts(features, labels)
    energy = found.energy / (1.0 + found.energy)
    return CLASSIFICATION_WEIGHT * found.classification + (1.0 - CLASSIFICATION_WEIGHT) * energy


def parts(features: NDArray[np.floating], labels: Labels) -> EtranParts:
    """C and E.

    Raises:
        UndefinedScoreError: One class, or fewer than two examples.
    """
    values, codes = checked("etran", features, labels)
    f = scaled_components(values)
    log_p = log_probabilities(f, codes, regularisation(f, codes), values.shape[1])
    return EtranParts(
        classification=float(np.exp(log_p[np.arange(len(codes)), codes]).mean()), energy=_energy(values)
    )


def pooled(models: Sequence[EtranParts]) -> Array:
    """ETran of models that are compared with each other, each part from 0 for the least to 1 for the largest.

    Returns:
        Shape (models,); a part in which all models are equal counts nothing.
    """
    table = np.array([(m.classification, m.energy) for m in models])
    spans = np.ptp(table, axis=0)
    unit = (table - table.min(axis=0)) / np.where(spans > 0.0, spans, 1.0)
    return np.asarray(unit @ [CLASSIFICATION_WEIGHT, 1.0 - CLASSIFICATION_WEIGHT])


def _energy(values: Array) -> float:
    """E."""
    deviation = float(values.std())
    if deviation == 0.0:
        return 0.0
    standardised = (values - values.mean()) / deviation
    energies = logsumexp(standardised, axis=1) - np.log(values.shape[1])
    return max(float(np.mean(energies)), 0.0)
