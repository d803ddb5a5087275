"""Pretrained models that write: decoders (GPT-2, Llama) and encoder-decoders (T5, BART), with their own head.

Notation:
    B   texts in a batch;  S  places that something is predicted at;  V  size of the vocabulary

What a model says of a text is one row: the negative log-likelihood of its answer in nats, and the answer's
words and bytes. So nothing as wide as a vocabulary leaves the model. The end of an answer is predicted too.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.probes.backbones import (
    UnloadableModelError,
    load_tokenizer,
    longest_input,
    pretrained_network,
)
from app.probes.features import length_sorted_batches
from app.probes.inputs import TokenizedTexts
from app.probes.writings import NOTHING, Pages, WritingBatch, Writings

if TYPE_CHECKING:
    from peft import PeftConfig

N_OUTPUTS = 3
"""Nats, words and bytes."""
WRITING_TOKENS = 4_096
"""Tokens of a batch that is written, read ones and padding included."""


class Writer(ABC):
    """What models that write have in common; satisfies `Backbone`: its vectors are what it says of texts."""

    width = N_OUTPUTS

    def __init__(self, folder: Path, model: Any, input_prefix: str) -> None:  # noqa: ANN401
        self._model = model.eval()
        self._tokenizer = load_tokenizer(folder)
        self._prefix = input_prefix
        config = self._model.config
        config.use_cache = False
        self.module: nn.Module = self._model
        self.n_parameters = sum(p.numel() for p in self.module.parameters())
        self.max_length = longest_input(self._tokenizer, config)
        self._eos_id = self._tokenizer.eos_token_id
        # A decoder may have no padding token; any id will do, since the mask hides it.
        known = (self._tokenizer.pad_token_id, config.pad_token_id, self._eos_id)
        self._pad_id = int(next((i for i in known if i is not None), 0))

    @abstractmethod
    def read(self, pages: Pages, max_length: int) -> Writings:
        """Token ids of sources and answers, cut to what the model reads and to `max_length`.

        Args:
            pages: n texts.
            max_length: Tokens of a source and its answer; an answer is cut to half of it.
        """

    @abstractmethod
    def _scores(self, batch: WritingBatch) -> tuple[Tensor, Tensor]:
        """Logits and the labels that belong to them, shapes (B, S, V) and (B, S)."""

    @abstractmethod
    def _stacks(self) -> list[Any]:
        """The parts that are made of layers."""

    def encode(self, batch: WritingBatch) -> Tensor:
        """Nats, words and bytes of each answer, in single precision, shape (B, 3)."""
        logits, labels = self._scores(batch)
        with torch.autocast(logits.device.type, enabled=False):
            nats = [
                nn.functional.cross_entropy(some.float(), wanted, ignore_index=NOTHING, reduction="sum")
                for some, wanted in zip(logits, labels, strict=True)
            ]
        return torch.cat([torch.stack(nats)[:, None], batch.sizes.float()], dim=1)

    def encode_layers(self, batch: WritingBatch) -> Tensor:
        """The same as of the only layer, shape (B, 1, 3)."""
        return self.encode(batch).unsqueeze(1)

    def write(self, texts: Writings, rows: NDArray[np.int64], n_new: int) -> list[str]:
        """What the model writes of these texts, always the likeliest token next.

        Args:
            texts: As it reads them.
            rows: Places of those that are asked for, in whose order texts come.
            n_new: Tokens at most; fewer where the model's positions end.
        """
        found = [""] * len(rows)
        device = next(self.module.parameters()).device
        with torch.inference_mode():
            for places in length_sorted_batches(texts.lengths[rows] + n_new, WRITING_TOKENS):
                ids, mask = (part.to(device) for part in texts.prompts(rows[places]))
                made = self._written(ids, mask, n_new)
                for place, text in zip(places, made, strict=True):
                    found[place] = text.strip()
        return found

    def _written(self, ids: Tensor, mask: Tensor, n_new: int) -> list[str]:
        from transformers import GenerationConfig

        config, own = self._model.config, self._model.generation_config
        room = n_new if config.is_encoder_decoder else max(min(n_new, self.max_length - ids.shape[1]), 1)
        greedy = GenerationConfig(
            do_sample=False,
            num_beams=1,
            max_new_tokens=room,
            use_cache=True,
            pad_token_id=self._pad_id,
            eos_token_id=self._eos_id,
            bos_token_id=self._tokenizer.bos_token_id,
            decoder_start_token_id=getattr(config, "decoder_start_token_id", None),
            forced_bos_token_id=own.forced_bos_token_id,
        )
        made = self._model.generate(input_ids=ids, attention_mask=mask, generation_config=greedy)
        begun = 1 if config.is_encoder_decoder else ids.shape[1]
        texts: list[str] = self._tokenizer.batch_decode(made[:, begun:], skip_special_tokens=True)
        return texts

    def save_memory(self) -> None:
        """Checkpoints between layers (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost")."""
        if self._model.supports_gradient_checkpointing:
            self._model.activation_checkpointing_enable({"use_reentrant": False})

    def layers(self) -> list[nn.Module]:
        """Its blocks; an encoder's before its decoder's."""
        lists = ((m for m in stack.modules() if isinstance(m, nn.ModuleList)) for stack in self._stacks())
        return [layer for found in lists for layer in next(found, [])]

    def add_adapters(self, config: "PeftConfig") -> nn.Module:
        """The model in `peft`'s hands."""
        from peft import get_peft_model

        self._model = get_peft_model(self._model, config)
        self.module = self._model
        return self.module

    def _tokens(self, texts: Sequence[str], *, special: bool = False, most: int | None = None) -> Any:  # noqa: ANN401
        """Ids and places of the tokens of each text, cut to `most` where that is given."""
        if not texts:
            return {"input_ids": [], "offset_mapping": []}
        return self._tokenizer(
            list(texts),
            add_special_tokens=special,
            truncation=most is not None,
            max_length=most,
            return_attention_mask=False,
            return_offsets_mapping=True,
            verbose=False,
        )


class Decoder(Writer):
    """A decoder: source, cue and answer are one text, of which the answer is predicted."""

    def __init__(self, folder: Path, model: Any, input_prefix: str) -> None:  # noqa: ANN401
        super().__init__(folder, model, input_prefix)
        alone, plain = (self._tokens(["a"], special=special)["input_ids"][0] for special in (True, False))
        self._begin: list[int] = alone[: alone.index(plain[0])]

    def read(self, pages: Pages, max_length: int) -> Writings:
        """Of each text what the tokenizer puts before any, the source, the cue, the answer and its end.

        Running text has no end: it goes on. Where nothing is put before it, its first token is read only, and
        counts neither in nats nor in words and bytes: the model was not trained to begin with nothing.
        """
        most = min(max_length, self.max_length)
        lead = " " if pages.cue and not pages.cue[-1].isspace() else ""
        cue = self._tokens([pages.cue])["input_ids"][0] if pages.cue else []
        limit = most - len(self._begin) if pages.is_running else max(most // 2 - len(cue), 1)
        cut = self._answers(pages, lead, limit)
        sources = self._tokens([self._prefix + source if source else "" for source in pages.sources])
        n_read = 1 if pages.is_running and not self._begin else 0
        rows, seconds = [], []
        for source, (answer, _) in zip(sources["input_ids"], cut, strict=True):
            room = max(most - len(self._begin) - len(cue) - len(answer), 0)
            kept = source[max(len(source) - room, 0) :] if pages.keeps_end else source[:room]
            before = [*self._begin, *kept, *cue]
            rows.append([*before, *answer])
            seconds.append(len(before) + n_read)
        return Writings(
            texts=TokenizedTexts.of(rows, self._pad_id, seconds),
            sizes=np.array([size for _, size in cut], dtype=np.float32).reshape(-1, 2),
        )

    def _answers(self, pages: Pages, lead: str, limit: int) -> list[tuple[list[int], tuple[int, int]]]:
        """Ids of each answer, with its end where it was not cut, and the sizes of what is predicted of it."""
        encoded = self._tokens([lead + answer for answer in pages.answers])
        end = [] if pages.is_running or self._eos_id is None else [self._eos_id]
        found = []
        for answer, ids, spans in zip(
            pages.answers, encoded["input_ids"], encoded["offset_mapping"], strict=True
        ):
            is_whole = len(ids) + len(end) <= limit
            start = spans[0][1] if pages.is_running and not self._begin and spans else 0
            stop = len(answer) if is_whole else max(spans[limit - 1][1] - len(lead), 0)
            found.append(([*ids, *end] if is_whole else ids[:limit], pages.unit.sizes(answer[start:stop])))
        return found

    def _scores(self, batch: WritingBatch) -> tuple[Tensor, Tensor]:
        """Logits only from where the first answer of the batch begins."""
        places = (batch.labels != NOTHING).any(dim=0).nonzero()
        n_kept = batch.labels.shape[1] - (int(places[0]) if len(places) else 0)
        found = self._model(input_ids=batch.ids, attention_mask=batch.mask, logits_to_keep=n_kept)
        return found.logits, batch.labels[:, -n_kept:]

    def _stacks(self) -> list[Any]:
        return [self.module]


class EncoderDecoder(Writer):
    """An encoder that reads the source and a decoder that writes the answer."""

    def __init__(self, folder: Path, model: Any, input_prefix: str) -> None:  # noqa: ANN401
        super().__init__(folder, model, input_prefix)
        self._start_id = self._model.config.decoder_start_token_id
        if self._start_id is None:
            raise UnloadableModelError(folder, "no token is stated from which it begins to write")
        given = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._task_settings = given.get("task_specific_params") or {}

    def read(self, pages: Pages, max_length: int) -> Writings:
        """Sources behind what the model was trained to be told (T5's "summarize: "), and answers."""
        most = min(max_length, self.max_length)
        prefix = self._prefix + (self._task_settings.get(pages.task_type) or {}).get("prefix", "")
        self._tokenizer.truncation_side = "left" if pages.keeps_end else "right"
        sources = self._tokens(
            [prefix + source if source else "" for source in pages.sources], special=True, most=most
        )
        encoded = self._tokens(pages.answers, special=not pages.is_running)
        limit = most if pages.is_running else max(most // 2, 1)
        rows, sizes = [], []
        for answer, ids, spans in zip(
            pages.answers, encoded["input_ids"], encoded["offset_mapping"], strict=True
        ):
            rows.append(ids[:limit])
            kept = answer if len(ids) <= limit else answer[: max(end for _, end in spans[:limit])]
            sizes.append(pages.unit.sizes(kept))
        return Writings(
            texts=TokenizedTexts.of(sources["input_ids"], self._pad_id),
            answers=TokenizedTexts.of(rows, self._pad_id),
            sizes=np.array(sizes, dtype=np.float32).reshape(-1, 2),
        )

    def _scores(self, batch: WritingBatch) -> tuple[Tensor, Tensor]:
        """Each token is predicted from those before it, the first from the token that begins all texts."""
        before = batch.labels.roll(1, dims=1)
        before[:, 0] = self._start_id
        before.masked_fill_(before == NOTHING, self._pad_id)
        found = self._model(
            input_ids=batch.ids, attention_mask=batch.mask, decoder_input_ids=before, use_cache=False
        )
        return found.logits, batch.labels

    def _stacks(self) -> list[Any]:
        return [self._model.get_encoder(), self._model.get_decoder()]


def load_writer(folder: Path, *, seed: int = 0, input_prefix: str = "") -> Writer:
    """The model in this folder with its own head, in single precision, from safetensors only.

    Args:
        folder: `config.json`, safetensors and a tokenizer.
        seed: Of weights that a checkpoint lacks; a checkpoint that lacks any of importance is refused.
        input_prefix: Put before every source.

    Raises:
        UnloadableModelError: It is not a whole model that writes.
    """
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM

    torch.manual_seed(seed)
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        if config.is_encoder_decoder:
            return EncoderDecoder(folder, pretrained_network(folder, AutoModelForSeq2SeqLM), input_prefix)
        return Decoder(folder, pretrained_network(folder, AutoModelForCausalLM), input_prefix)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise UnloadableModelError(folder, str(error).splitlines()[0]) from error
