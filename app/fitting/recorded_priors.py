"""What published figures on other data say about the recorded candidates, as it was when last written.

The file is written by `python -m app.evaluation.replay.priors`, which knows how figures become beliefs.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from app.fitting.recorded_rows import RECORDED
from app.ranking.belief import Belief

SHIPPED_PATH = RECORDED / "priors.json"
DIGITS = 5


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class RecordedPrior:
    """The belief over the fine-tunes of some candidates on a labelled set.

    Attributes:
        models: Ids of n candidates.
        belief: Over their final scores, comparable scale.
    """

    models: tuple[str, ...]
    belief: Belief

    def of(self, models: tuple[str, ...]) -> Belief:
        """The belief over these of them, in this order."""
        return self.belief.subset(np.array([self.models.index(m) for m in models], dtype=np.intp))


@lru_cache(maxsize=1)
def load_priors() -> Mapping[str, RecordedPrior]:
    """Those that come with the project, by labelled set."""
    if not SHIPPED_PATH.exists():
        return {}
    raw = json.loads(SHIPPED_PATH.read_text(encoding="utf-8"))
    return {
        name: RecordedPrior(
            models=tuple(found["models"]),
            belief=Belief(
                mean=np.array(found["mean"]),
                covariance=np.array(found["covariance"]),
                level_variance=found["level_variance"],
            ),
        )
        for name, found in raw["priors"].items()
    }


def write_priors(priors: Mapping[str, RecordedPrior], version: str) -> None:
    """These are the ones that come with the project.

    Args:
        priors: By labelled set.
        version: Of the figures and of what was learnt from them.
    """
    document = {
        name: {
            "models": list(prior.models),
            "mean": prior.belief.mean.round(DIGITS).tolist(),
            "covariance": prior.belief.covariance.round(DIGITS).tolist(),
            "level_variance": round(prior.belief.level_variance, DIGITS),
        }
        for name, prior in sorted(priors.items())
    }
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(found)}" for name, found in document.items())
    text = f'{{"version": {json.dumps(version)}, "priors": {{\n{lines}\n}}}}\n'
    Path(SHIPPED_PATH).write_text(text, encoding="utf-8")
