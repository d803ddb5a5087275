"""Audio classification: as that of texts, but for what a pretrained model has to beat."""

from collections.abc import Mapping

from app.probes.baselines.audio import MFCC, predict_mfcc
from app.probes.baselines.classes import MAJORITY, predict_majority
from app.probes.tasks.base import Predict
from app.probes.tasks.text_classification import Classification


class AudioClassification(Classification):
    """One of K classes a recording."""

    baselines: Mapping[str, Predict] = {MAJORITY: predict_majority, MFCC: predict_mfcc}
