"""Estimators by name."""

from collections.abc import Mapping
from types import MappingProxyType

from app.probes.transferability.base import Estimator, UndefinedScoreError
from app.probes.transferability.h_score import h_score
from app.probes.transferability.linear_probe import linear_probe
from app.probes.transferability.logme import logme

ESTIMATORS: Mapping[str, Estimator] = MappingProxyType(
    {"linear_probe": linear_probe, "logme": logme, "h_score": h_score}
)

__all__ = ["ESTIMATORS", "Estimator", "UndefinedScoreError"]
