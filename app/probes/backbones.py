"""Pretrained models as one thing: texts in, one vector a unit out.

Notation:
    B   texts in a batch;  U  units of it: texts, or words where these are tagged;  d  width of the output

Encoders (BERT, RoBERTa, XLM-R, ELECTRA, ALBERT, the encoder of T5), decoders (GPT-2, Llama) and tables of
static word vectors are all pooled by the mean over a text's tokens, which needs no special token; a word is
its first token.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.probes.inputs import Batch, CutPair, Inputs, TokenizedTexts, is_cut, is_cut_pair, is_paired
from app.probes.vocabulary import (
    embedding,
    kept_ids,
    restricted,
    second_words_of,
    tokenizer_digest,
    words_of,
)

if TYPE_CHECKING:
    from peft import PeftConfig

DEFAULT_MAX_LENGTH = 512
"""Tokens kept where neither the tokenizer nor the model states a limit."""
STATIC_VECTORS = "static-vectors"
UNUSED = ("pooler", "masked_spec_embed")
"""Weights that are not read here: of a sentence's first token, and of what hides parts of a recording."""


class BackboneError(Exception):
    """Weights that cannot be used."""


class UnloadableModelError(BackboneError):
    """The folder does not hold a whole model of a known kind."""

    def __init__(self, folder: Path, reason: str) -> None:
        self.folder = folder
        self.reason = reason
        super().__init__(f"{folder.name}: {reason}")


class Backbone(Protocol):
    """A pretrained model without its head.

    Attributes:
        module: The torch module that holds the weights.
        width: d.
        n_parameters: Of the module as loaded.
        max_length: Longest input in tokens; of recordings in seconds.
    """

    module: nn.Module
    width: int
    n_parameters: int
    max_length: int

    def encode(self, batch: Any) -> Tensor:  # noqa: ANN401  (of texts or files, as the model reads them)
        """One vector a unit, shape (U, d); 0 for a text without tokens and a word that was cut off."""

    def encode_layers(self, batch: Any) -> Tensor:  # noqa: ANN401
        """The same of every layer, input vectors first and `encode`'s last, shape (U, layers + 1, d)."""

    def save_memory(self) -> None:
        """Activations are computed again for the backward pass instead of kept, where it knows how."""

    def layers(self) -> list[nn.Module]:
        """Its blocks, the lowest first; none of a table of word vectors."""

    def add_adapters(self, config: "PeftConfig") -> nn.Module:
        """All weights frozen, with adapters beside them; returns what holds both, from now on `module`."""


class TextBackbone(Backbone, Protocol):
    """A pretrained model of texts without its head.

    Attributes:
        tokenizer_sha256: Equal for backbones that make equal tokens of equal texts; None where unknown.
        unknown_id: Id of the token for what the vocabulary lacks; None where it lacks nothing.
        kept_ids: Old ids of the vectors that a restricted vocabulary has, ascending; None where it has all.
    """

    tokenizer_sha256: str | None
    unknown_id: int | None
    kept_ids: NDArray[np.int64] | None

    def tokenize(self, texts: Inputs, max_length: int) -> TokenizedTexts:
        """Token ids of texts, pairs or words with special tokens, each cut to `max_length`.

        The prefix is put before texts and pairs, not before words.
        """

    def restrict_vocabulary(self, used: NDArray[np.int32]) -> NDArray[np.int32]:
        """Only the vectors of these token ids remain; returns new id by old id, shape (V,).

        Rows that no text uses get no gradient, so a fine-tune on the same texts is the same without them, but
        for their decay; a multilingual model loses four fifths of its weights this way.
        """


def _second_begins(sequence_ids: Sequence[int | None]) -> int:
    """Place of the second text's first token; the end where nothing of it is left."""
    return next((i for i, found in enumerate(sequence_ids) if found == 1), len(sequence_ids))


class StaticVectors:
    """A table of word vectors."""

    def __init__(self, folder: Path, config: dict[str, Any], input_prefix: str) -> None:
        from safetensors.torch import load_file
        from tokenizers import Tokenizer

        table = load_file(folder / "model.safetensors")["embedding.weight"].float()
        self.module: nn.Module = embedding(table, None)
        self.width = table.shape[1]
        self.n_parameters = table.numel()
        self.max_length = DEFAULT_MAX_LENGTH
        self.tokenizer_sha256 = tokenizer_digest(folder)
        self.kept_ids: NDArray[np.int64] | None = None
        self._prefix = input_prefix
        self._special = bool(config.get("add_special_tokens", False))
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        named = (self._tokenizer.token_to_id(name) for name in ("[UNK]", "<unk>"))
        self.unknown_id: int | None = next((i for i in named if i is not None), None)
        self._n_tokens = table.shape[0]

    def tokenize(self, texts: Inputs, max_length: int) -> TokenizedTexts:
        """Ids of the texts' tokens.

        Raises:
            BackboneError: They are pairs: a mean over both says nothing of how they relate.
        """
        if is_paired(texts) or is_cut_pair(texts):
            raise BackboneError("word vectors read one text at a time")
        self._tokenizer.enable_truncation(min(max_length, self.max_length))
        if is_cut(texts):
            # The fast way does not say which word a token is of.
            cut = self._tokenizer.encode_batch(texts, is_pretokenized=True, add_special_tokens=False)
            return TokenizedTexts.of([e.ids for e in cut], pad_id=0, words=words_of(texts, cut))
        encodings = self._tokenizer.encode_batch_fast(
            [self._prefix + str(text) for text in texts], add_special_tokens=self._special
        )
        return TokenizedTexts.of([encoding.ids for encoding in encodings], pad_id=0)

    def encode(self, batch: Batch) -> Tensor:
        """Shape (U, d)."""
        return batch.units_of(self.module(batch.ids))

    def encode_layers(self, batch: Batch) -> Tensor:
        """Of the only layer there is, shape (U, 1, d)."""
        return self.encode(batch).unsqueeze(1)

    def restrict_vocabulary(self, used: NDArray[np.int32]) -> NDArray[np.int32]:
        """Only the vectors of these ids remain."""
        kept, new_ids = kept_ids(used, 0, self._n_tokens)
        self.kept_ids = kept
        self.module = restricted(self.module, kept, None)
        return new_ids

    def save_memory(self) -> None:
        """There are no activations but the vectors themselves."""

    def layers(self) -> list[nn.Module]:
        """None."""
        return []

    def add_adapters(self, config: "PeftConfig") -> nn.Module:
        """There is nothing that they could be put beside.

        Raises:
            BackboneError: Always.
        """
        raise BackboneError(f"word vectors have no layers for {config.peft_type}")


class Transformer:
    """An encoder or decoder that `transformers` knows."""

    def __init__(self, folder: Path, input_prefix: str) -> None:
        self._model = _load_model(folder)
        self._tokenizer = load_tokenizer(folder)
        self._folder = folder
        self.tokenizer_sha256 = tokenizer_digest(folder)
        self.kept_ids: NDArray[np.int64] | None = None
        self._prefix = input_prefix
        self.module: nn.Module = self._model
        config = self._model.config
        self.width = int(config.hidden_size)
        self.n_parameters = sum(p.numel() for p in self.module.parameters())
        self.max_length = longest_input(self._tokenizer, config)
        unknown = self._tokenizer.unk_token_id
        # Where bytes are the last resort nothing is unknown, and the name is lent to another special token.
        self.unknown_id = None if unknown == self._tokenizer.eos_token_id else unknown
        n_types = getattr(config, "type_vocab_size", 0) or 0
        self._tells_pairs = n_types > 1 and "token_type_ids" in self._tokenizer.model_input_names
        # A decoder may have no padding token; any id will do, since the mask hides it.
        known = (self._tokenizer.pad_token_id, config.pad_token_id, self._tokenizer.eos_token_id)
        self._pad_id = int(next((i for i in known if i is not None), 0))

    def tokenize(self, texts: Inputs, max_length: int) -> TokenizedTexts:
        """Ids of the texts' tokens with special tokens; of a pair the longer text is cut first."""
        if not texts:
            return TokenizedTexts.of([], self._pad_id)
        if is_cut(texts):
            return self._tokenize_words(texts, max_length)
        if is_cut_pair(texts):
            return self._tokenize_word_pairs(texts, max_length)
        paired = is_paired(texts)
        first = [self._prefix + str(text[0] if paired else text) for text in texts]
        encoded = self._tokenizer(
            first,
            [self._prefix + str(text[1]) for text in texts] if paired else None,
            truncation=True,
            max_length=min(max_length, self.max_length),
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        if not paired:
            return TokenizedTexts.of(encoded["input_ids"], self._pad_id)
        seconds = [_second_begins(encoding.sequence_ids) for encoding in encoded.encodings]
        return TokenizedTexts.of(encoded["input_ids"], self._pad_id, seconds)

    def _tokenize_words(self, texts: Sequence[list[str]], max_length: int) -> TokenizedTexts:
        # Tokenizers of bytes tell a word's begin by the space before it; others do not know the setting.
        tokenizer = load_tokenizer(self._folder, add_prefix_space=True)
        encoded = tokenizer(
            texts,
            is_split_into_words=True,
            truncation=True,
            max_length=min(max_length, self.max_length),
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        words = words_of(texts, encoded.encodings)
        return TokenizedTexts.of(encoded["input_ids"], self._pad_id, words=words)

    def _tokenize_word_pairs(self, texts: Sequence[CutPair], max_length: int) -> TokenizedTexts:
        """Both texts together; words of the second one are units, behind the first token of all."""
        tokenizer = load_tokenizer(self._folder, add_prefix_space=True)
        encoded = tokenizer(
            [first for first, _ in texts],
            [second for _, second in texts],
            is_split_into_words=True,
            truncation=True,
            max_length=min(max_length, self.max_length),
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        seconds = [_second_begins(encoding.sequence_ids) for encoding in encoded.encodings]
        words = second_words_of([second for _, second in texts], encoded.encodings)
        return TokenizedTexts.of(encoded["input_ids"], self._pad_id, seconds, words)

    def encode(self, batch: Batch) -> Tensor:
        """Of the last layer's states, shape (U, d)."""
        states: Tensor = self._model(**self._arguments(batch)).last_hidden_state
        return batch.units_of(states)

    def _arguments(self, batch: Batch) -> dict[str, Tensor]:
        """What the model is called with; token types only where it was pretrained with several."""
        found = {"input_ids": batch.ids, "attention_mask": batch.mask}
        if batch.types is not None and self._tells_pairs:
            found["token_type_ids"] = batch.types
        return found

    def encode_layers(self, batch: Batch) -> Tensor:
        """Of the states of the input vectors and of every layer, shape (U, layers + 1, d)."""
        found = self._model(**self._arguments(batch), output_hidden_states=True)
        # Whether the last of `hidden_states` has passed the final norm differs between models.
        states = [*found.hidden_states[:-1], found.last_hidden_state]
        return torch.stack([batch.units_of(layer) for layer in states], dim=1)

    def restrict_vocabulary(self, used: NDArray[np.int32]) -> NDArray[np.int32]:
        """Only the input vectors of these ids remain."""
        table = self._model.get_input_embeddings()
        kept, new_ids = kept_ids(used, self._pad_id, table.num_embeddings)
        self.kept_ids = kept
        pad = None if table.padding_idx is None else int(new_ids[table.padding_idx])
        self._model.set_input_embeddings(restricted(table, kept, pad))
        return new_ids

    def save_memory(self) -> None:
        """Checkpoints between layers (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost")."""
        if self._model.supports_gradient_checkpointing:
            self._model.activation_checkpointing_enable({"use_reentrant": False})

    def layers(self) -> list[nn.Module]:
        """Its blocks; none where layers share their weights, as ALBERT's."""
        n = self._model.config.num_hidden_layers
        lists = (m for m in self._model.modules() if isinstance(m, nn.ModuleList))
        return next((list(found) for found in lists if len(found) == n), [])

    def add_adapters(self, config: "PeftConfig") -> nn.Module:
        """The model in `peft`'s hands."""
        from peft import get_peft_model

        self._model = get_peft_model(self._model, config)
        self.module = self._model
        return self.module


def load_backbone(folder: Path, *, seed: int = 0, input_prefix: str = "") -> TextBackbone:
    """The model in this folder in single precision, read from safetensors only, never with remote code.

    Args:
        folder: `config.json`, safetensors and a tokenizer.
        seed: Of weights that a checkpoint lacks; a checkpoint that lacks any of importance is refused.
        input_prefix: Put before every text, as the model was trained ("query: ").

    Raises:
        UnloadableModelError: It is not a whole model of a known kind.
    """
    torch.manual_seed(seed)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if config.get("model_type") == STATIC_VECTORS:
            return StaticVectors(folder, config, input_prefix)
        return Transformer(folder, input_prefix)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UnloadableModelError(folder, str(error).splitlines()[0]) from error


def best_device() -> torch.device:
    """The first CUDA card where there is one, else the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def pretrained_network(folder: Path, kind: Any = None) -> Any:  # noqa: ANN401  (transformers is untyped here)
    """A network that `transformers` knows, in single precision, from safetensors alone, with all its weights.

    Args:
        folder: Of its files.
        kind: Class of `transformers` that loads it; None for one without a head.

    Raises:
        UnloadableModelError: Weights other than those of `UNUSED` are missing.
    """
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    model, info = (kind or AutoModel).from_pretrained(
        folder,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        dtype=torch.float32,
        output_loading_info=True,
    )
    missing = [name for name in info["missing_keys"] if not any(unused in name for unused in UNUSED)]
    if missing:
        raise UnloadableModelError(folder, f"weights are missing: {', '.join(sorted(missing)[:3])}")
    return model


def _load_model(folder: Path) -> Any:  # noqa: ANN401
    model = pretrained_network(folder)
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    if getattr(model, "pooler", None) is not None:
        model.pooler = None  # unused here; it would be counted, checkpointed and decayed
    model.config.use_cache = False
    return model.eval()


def load_tokenizer(folder: Path, **settings: bool) -> Any:  # noqa: ANN401  (transformers is untyped here)
    """The tokenizer in this folder."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **settings)


def longest_input(tokenizer: Any, config: Any) -> int:  # noqa: ANN401
    """Tokens that a model reads at most, special ones included."""
    positions = getattr(config, "max_position_embeddings", None) or DEFAULT_MAX_LENGTH
    if config.model_type in {"roberta", "xlm-roberta", "camembert"}:
        positions -= (config.pad_token_id or 0) + 1  # their positions begin after the padding id
    return int(min(positions, tokenizer.model_max_length))
