"""The learnt variances of the prior, as the fit wrote them."""

import json
from functools import lru_cache
from importlib.resources import files

import numpy as np

from app.ranking.columns import COMPONENTS
from app.ranking.prior import Hyperparameters

FILE_NAME = "prior.json"


class FittedPriorError(ValueError):
    """The fitted file is not one that this version can use.

    Attributes:
        detail: What is wrong with it.
    """

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)


@lru_cache(maxsize=1)
def load_hyperparameters() -> Hyperparameters:
    """The hyper-parameters that ship with this version.

    Raises:
        FittedPriorError: The file was fitted for other components.
    """
    return read_hyperparameters((files("app.ranking") / "fitted" / FILE_NAME).read_text("utf-8"))


def read_hyperparameters(text: str) -> Hyperparameters:
    """The hyper-parameters in this JSON text.

    Raises:
        FittedPriorError: A field is missing, or there is not one variance for each component.
    """
    try:
        values = json.loads(text)
        return Hyperparameters(
            family=np.array(values["family"], dtype=np.float64),
            own=np.array(values["own"], dtype=np.float64),
            noise=float(values["noise"]),
            trait_variance=float(values["trait_variance"]),
            version=str(values["version"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FittedPriorError(f"not a fit over {COMPONENTS}: {error}") from error
