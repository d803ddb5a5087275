"""Estimators by name."""

from collections.abc import Mapping
from types import MappingProxyType

from app.probes.transferability.base import Estimator, RegressionEstimator, UndefinedScoreError
from app.probes.transferability.etran import etran
from app.probes.transferability.gbc import gbc
from app.probes.transferability.h_score import h_score
from app.probes.transferability.knn import knn
from app.probes.transferability.linear_probe import linear_probe
from app.probes.transferability.logme import logme, logme_regression
from app.probes.transferability.nleep import nleep
from app.probes.transferability.parc import parc
from app.probes.transferability.ped import ped
from app.probes.transferability.ridge_probe import linear_probe_regression
from app.probes.transferability.sfda import sfda
from app.probes.transferability.transrate import transrate

ESTIMATORS: Mapping[str, Estimator] = MappingProxyType(
    {
        "linear_probe": linear_probe,
        "logme": logme,
        "h_score": h_score,
        "knn": knn,
        "nleep": nleep,
        "transrate": transrate,
        "gbc": gbc,
        "parc": parc,
        "sfda": sfda,
        "etran": etran,
        "ped": ped,
    }
)
REGRESSION_ESTIMATORS: Mapping[str, RegressionEstimator] = MappingProxyType(
    {"linear_probe": linear_probe_regression, "logme": logme_regression}
)

__all__ = [
    "ESTIMATORS",
    "REGRESSION_ESTIMATORS",
    "Estimator",
    "RegressionEstimator",
    "UndefinedScoreError",
]
