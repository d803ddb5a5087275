"""Pretrained models of recordings as one thing: recordings in, one vector a recording out.

Notation:
    B   recordings in a batch;  T  samples, frames or windows of the longest;  d  width of the output

Models of samples, and Whisper, are pooled by the mean over the frames of the recording, padding left out; the
Audio Spectrogram Transformer by its two special tokens, as it was trained; a speaker encoder by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from app.datasets.profile import MAX_SECONDS
from app.probes.audio_fronts import ExtractedFront, extractor_of
from app.probes.audio_inputs import AudioBatch, AudioFiles, FrontEnd
from app.probes.backbones import pretrained_network
from app.probes.file_backbones import FileBackbone
from app.probes.inputs import mean_pool
from app.probes.speaker_encoder import MODEL_TYPE, WIDTH, SpeakerFront, pretrained

WAVES = frozenset({"wav2vec2", "hubert", "wavlm"})
"""Models of samples, as their configurations call them."""
SPECTROGRAMS, WHISPER = "audio-spectrogram-transformer", "whisper"
N_SPECIAL = 2
"""Tokens that the spectrogram transformer begins with: of the class and of distillation."""
FRAME_SAMPLES, FRAMES_A_SECOND = 400, 100
"""Of its spectrogram, which its extractor does not tell: 25 ms every 10 ms at 16 kHz."""


class AudioBackbone(FileBackbone):
    """What models of recordings have in common.

    Attributes:
        front: What it is fed with.
    """

    noun = "recording"
    max_length = MAX_SECONDS
    front: FrontEnd

    def read(self, paths: Sequence[Path], max_length: int) -> AudioFiles:
        """Recordings on disk, decoded when they are asked for, each cut to so many seconds."""
        return AudioFiles.of(paths, self.front, min(max_length, self.max_length))


class SpeakerBackbone(AudioBackbone):
    """Resemblyzer's speaker encoder."""

    front = SpeakerFront()
    width = WIDTH

    def __init__(self, folder: Path) -> None:
        from safetensors.torch import load_file

        self.module = pretrained(load_file(folder / "model.safetensors"))
        self.n_parameters = sum(p.numel() for p in self.module.parameters())

    def encode_layers(self, batch: AudioBatch) -> Tensor:
        """The last states of its three layers and the embedding, shape (B, 4, d)."""
        found: Tensor = self.module(batch.values, batch.mask)
        return found

    def save_memory(self) -> None:
        """They are kept: the network is small."""

    def layers(self) -> list[nn.Module]:
        """None: its layers are one module."""
        return []


class AudioTransformer(AudioBackbone):
    """A network of recordings that `transformers` knows."""

    _model: Any

    def __init__(self, model: Any) -> None:  # noqa: ANN401  (transformers is untyped here)
        self._model = self.module = model.eval()
        self.n_parameters = sum(p.numel() for p in self.module.parameters())
        self.width = int(model.config.hidden_size)

    def save_memory(self) -> None:
        """Checkpoints between layers, where the model knows them."""
        if self._model.supports_gradient_checkpointing:
            self._model.activation_checkpointing_enable({"use_reentrant": False})

    def layers(self) -> list[nn.Module]:
        """Its blocks; none where it has no plain list of them."""
        n = self._model.config.num_hidden_layers
        lists = (m for m in self._model.modules() if isinstance(m, nn.ModuleList))
        return next((list(found) for found in lists if len(found) == n), [])


class WaveTransformer(AudioTransformer):
    """wav2vec 2.0, HuBERT or WavLM: convolutions over samples, then a transformer.

    The convolutions stay as pretrained (Baevski et al. 2020, section 4.2: "the feature encoder is not trained
    during fine-tuning"). Neither parts of a recording nor layers are left out by chance: the former draws
    from a generator that no seed of a trial reaches, and both are made for longer training.
    """

    def __init__(self, folder: Path) -> None:
        model = pretrained_network(folder)
        model.config.apply_spec_augment = False
        model.config.layerdrop = 0.0
        model.feature_extractor._freeze_parameters()  # noqa: SLF001  (not all have the public name for it)
        super().__init__(model)
        config = model.config
        self._steps = tuple(zip(config.conv_kernel, config.conv_stride, strict=True))
        self._norms_over_time = config.feat_extract_norm == "group"
        extractor = extractor_of(folder, "Wav2Vec2FeatureExtractor")
        self.front = ExtractedFront(
            extractor=extractor,
            tokens_a_second=extractor.sampling_rate / float(np.prod(config.conv_stride)),
            least_tokens=1,
            least_samples=self._samples_of_a_frame(),
        )

    def encode_layers(self, batch: AudioBatch) -> Tensor:
        """Frames before the transformer first, shape (B, layers + 1, d).

        Where the convolutions are normed over all samples, padding would change every frame: only recordings
        of one length are then read together.
        """
        lengths = batch.mask.sum(dim=1)
        if not self._norms_over_time:
            return self._encoded(batch.values, batch.mask)
        found: list[Tensor] = []
        places: list[Tensor] = []
        for length in torch.unique(lengths).tolist():
            places.append((lengths == length).nonzero().flatten())
            rows = places[-1]
            found.append(self._encoded(batch.values[rows, :length], batch.mask[rows, :length]))
        return torch.cat(found)[torch.cat(places).argsort()]

    def _encoded(self, values: Tensor, mask: Tensor) -> Tensor:
        found = self._model(input_values=values, attention_mask=mask, output_hidden_states=True)
        # Whether the last of `hidden_states` has passed the final norm differs between models.
        states = [*found.hidden_states[:-1], found.last_hidden_state]
        n_frames = self._frames_of(mask.sum(dim=1)).unsqueeze(1)
        own = torch.arange(states[-1].shape[1], device=n_frames.device) < n_frames
        return torch.stack([mean_pool(layer, own) for layer in states], dim=1)

    def _frames_of(self, n_samples: Tensor) -> Tensor:
        for kernel, stride in self._steps:
            n_samples = (n_samples - kernel) // stride + 1
        return n_samples

    def _samples_of_a_frame(self) -> int:
        n = 1
        for kernel, stride in reversed(self._steps):
            n = (n - 1) * stride + kernel
        return n


class SpectrogramTransformer(AudioTransformer):
    """The Audio Spectrogram Transformer, which reads a window of fixed length.

    Source: Gong, Chung and Glass 2021, "AST: Audio Spectrogram Transformer", section 2.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(pretrained_network(folder))
        config = self._model.config
        extractor = extractor_of(
            folder, "ASTFeatureExtractor", num_mel_bins=config.num_mel_bins, max_length=config.max_length
        )
        self.max_length = min(-(-config.max_length // FRAMES_A_SECOND), MAX_SECONDS)
        self.front = ExtractedFront(
            extractor=extractor,
            tokens_a_second=0.0,
            least_tokens=self._model.embeddings.position_embeddings.shape[1],
            least_samples=FRAME_SAMPLES,
            samples_a_step=extractor.sampling_rate // FRAMES_A_SECOND,
        )

    def encode_layers(self, batch: AudioBatch) -> Tensor:
        """Input vectors first, shape (B, layers + 1, d)."""
        found = self._model(input_values=batch.values, output_hidden_states=True)
        states = [*found.hidden_states[:-1], found.last_hidden_state]  # the last one before its norm
        return torch.stack([layer[:, :N_SPECIAL].float().mean(dim=1) for layer in states], dim=1)


class WhisperEncoder(AudioTransformer):
    """The encoder of Whisper, which reads a window of 30 seconds, silence included."""

    def __init__(self, folder: Path) -> None:
        super().__init__(pretrained_network(folder).get_encoder())
        extractor = extractor_of(
            folder, "WhisperFeatureExtractor", feature_size=self._model.config.num_mel_bins
        )
        self.front = ExtractedFront(
            extractor=extractor,
            tokens_a_second=0.0,
            least_tokens=self._model.config.max_source_positions,
            samples_a_step=extractor.hop_length,
            is_turned=True,
        )

    def encode_layers(self, batch: AudioBatch) -> Tensor:
        """Input vectors first, shape (B, layers + 1, d)."""
        found = self._model(batch.values.transpose(1, 2), output_hidden_states=True)
        states = [*found.hidden_states[:-1], found.last_hidden_state]
        mask = batch.mask[:, ::2]  # its convolutions halve the frames
        return torch.stack([mean_pool(layer, mask) for layer in states], dim=1)


def reads_audio(model_type: str) -> bool:
    """Whether models of this type read recordings here."""
    return model_type in _LOADERS


def load_audio_backbone(folder: Path, model_type: str) -> AudioBackbone:
    """The model of recordings in this folder.

    Args:
        folder: `config.json` and safetensors.
        model_type: Of the configuration.

    Raises:
        ValueError: It is not a whole model of a known kind.
        UnloadableModelError: The same.
    """
    return _LOADERS[model_type](folder)


_LOADERS: Mapping[str, Callable[[Path], AudioBackbone]] = {
    MODEL_TYPE: SpeakerBackbone,
    SPECTROGRAMS: SpectrogramTransformer,
    WHISPER: WhisperEncoder,
    **dict.fromkeys(WAVES, WaveTransformer),
}
