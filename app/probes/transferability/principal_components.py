"""Principal components of features, by the smaller of the two Gram matrices.

Notation:
    n, d, r   examples, width, rank of the centred features
    F         centred features, shape (n, d)
    U, s      eigenvectors and eigenvalues of F^T F / n, largest first, shapes (d, r) and (r,)

Distances and inner products of centred features are those of F U, which has at most n - 1 columns: estimators
that depend on nothing else are cheap on few wide features. Signs of the columns are arbitrary.
"""

import numpy as np
from scipy.linalg import eigh

from app.probes.transferability.base import Array, centred


def principal_components(features: Array) -> tuple[Array, Array]:
    """F U, shape (n, r), and s, shape (r,); no columns where all features are constant."""
    f = centred(features)
    n, d = f.shape
    values, vectors = eigh(f @ f.T if n <= d else f.T @ f)
    kept = values > max(n, d) * np.finfo(np.float64).eps * max(float(values[-1]), 0.0)
    values, vectors = values[kept][::-1], vectors[:, kept][:, ::-1]
    return (vectors * np.sqrt(values) if n <= d else f @ vectors), values / n
