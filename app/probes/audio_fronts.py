"""What the feature extractors of `transformers` make of samples, one recording at a time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.probes.audio_inputs import Prepared, Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractedFront:
    """What one of the feature extractors of `transformers` makes of samples; satisfies `FrontEnd`.

    Attributes:
        extractor: The model's own.
        least_samples: What shorter recordings are padded to with silence.
        samples_a_step: Of the recording, for one of the T.
        is_turned: Whether T is the last axis of what it makes, not the first.
    """

    extractor: Any
    tokens_a_second: float
    least_tokens: int
    least_samples: int = 1
    samples_a_step: int = 1
    is_turned: bool = False

    @property
    def rate(self) -> int:
        """As the model was trained."""
        return int(self.extractor.sampling_rate)

    def prepared(self, samples: Samples) -> Prepared:
        """Shape (T,) of samples, (T, bands) of a spectrogram."""
        enough = np.pad(samples, (0, max(self.least_samples - len(samples), 0)))
        made = self.extractor(enough, sampling_rate=self.rate, return_tensors="np")
        values = made[self.extractor.model_input_names[0]][0].astype(np.float32)
        values = np.ascontiguousarray(values.T) if self.is_turned else values
        return Prepared(values, min(-(-len(enough) // self.samples_a_step), len(values)))


def extractor_of(folder: Path, kind: str, **settings: int) -> Any:  # noqa: ANN401
    """As the model's files say; where they say nothing, what its kind has."""
    import transformers

    if not (folder / "preprocessor_config.json").exists():
        return getattr(transformers, kind)(**settings)
    return transformers.AutoFeatureExtractor.from_pretrained(
        folder, local_files_only=True, trust_remote_code=False
    )
