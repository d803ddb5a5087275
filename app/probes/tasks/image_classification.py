"""Image classification: as that of texts, but for what a pretrained model has to beat."""

from collections.abc import Mapping

from app.probes.baselines.classes import MAJORITY, predict_majority
from app.probes.baselines.images import PIXELS, predict_pixels
from app.probes.tasks.base import Predict
from app.probes.tasks.text_classification import Classification


class ImageClassification(Classification):
    """One of K classes an image."""

    baselines: Mapping[str, Predict] = {MAJORITY: predict_majority, PIXELS: predict_pixels}
