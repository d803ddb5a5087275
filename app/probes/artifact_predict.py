"""Predicts with a fine-tuned model: `python predict.py "a text" "another text"`.

Where it was trained on pairs, every two texts are one: `python predict.py "a premise" "its hypothesis"`.
Where it tags words, these are what spaces part. Where it answers questions, the second text is the passage
that the answer stands in: `python predict.py "a question" "a passage"`.

Lies beside `classifier.json` and needs torch, transformers and safetensors, for an adapter also peft. A head
or an adapter holds no weights of its base model: these come from the hub by their id, or from the folder that
`--base` names.
"""

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

HERE = Path(__file__).parent
STATIC_VECTORS = "static-vectors"
NEVER = -1e4
"""Output of a word that was cut off, which no answer begins or ends at."""


class Classifier:
    """A fine-tuned model.

    Args:
        folder: Of `classifier.json`.
        base: Folder or hub id of the base model, where `folder` holds no `model`; by default as recorded.
    """

    def __init__(self, folder: Path = HERE, base: str | None = None) -> None:
        self.settings: dict[str, Any] = json.loads((folder / "classifier.json").read_text(encoding="utf-8"))
        head = load_file(folder / "classifier.safetensors")
        self._weight, self._bias = head["weight"], head["bias"]
        self.labels: list[str] = self.settings["labels"]
        self.target: str = self.settings["target"]
        has_model = (folder / "model").exists()
        self._source = str(folder / "model") if has_model else base or self.settings["base"]["id"]
        config = Path(self._source, "config.json")
        model_type = json.loads(config.read_text(encoding="utf-8"))["model_type"] if config.exists() else ""
        if model_type == STATIC_VECTORS:
            self._encode, self._encode_words = self._open_vectors()
        else:
            self._encode = self._open_model(folder / "adapter")
            self._encode_words = self._read_words

    def probabilities(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None, batch_size: int = 16
    ) -> Tensor:
        """Of each class, or of each label by itself where several may apply, shape (n, K); see `outputs`."""
        found = self.outputs(texts, pairs, batch_size)
        return torch.sigmoid(found) if self.target == "classes" else torch.softmax(found, dim=1)

    @torch.inference_mode()
    def outputs(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None, batch_size: int = 16
    ) -> Tensor:
        """Of the head: logits, or numbers; a row a text, or a word where words are tagged, shape (n, K).

        Where questions are answered, a row for none and one for each word of the passage: how much speaks for
        the answer to begin there, and to end.

        Args:
            texts: n of them.
            pairs: n second texts, where the model was trained on pairs.
            batch_size: Texts at once.
        """
        starts = range(0, len(texts), batch_size)
        found = [
            self._pooled(texts[i : i + batch_size], None if pairs is None else pairs[i : i + batch_size])
            for i in starts
        ]
        vectors = torch.cat(found)
        outputs = vectors @ self._weight.T + self._bias
        if self.target != "span":
            return outputs
        return outputs.masked_fill(~vectors.any(dim=1, keepdim=True), NEVER)

    def predict(
        self, texts: Sequence[str], pairs: Sequence[str] | None = None
    ) -> list[str] | list[list[str]] | list[float]:
        """Of each text or pair its likeliest class, the labels that apply, its number, or a tag a word.

        Where questions are answered, the part of the passage that does; nothing where it does not. Where a
        passage is to be found for a query, how near they are: their cosine, from -1 to 1. `outputs`
        of texts alone gives their vectors.
        """
        if self.target == "span":
            return [self._answer(*pair) for pair in zip(texts, pairs or (), strict=True)]
        if self.target == "number":
            return [float(row[0]) for row in self.outputs(texts, pairs)]
        if self.target == "match":
            first, second = (self.outputs(given) for given in (texts, pairs or ()))
            return [float(s) for s in torch.nn.functional.cosine_similarity(first, second)]
        if self.target == "classes":
            found = self.probabilities(texts, pairs) > 0.5
            return [
                [name for name, applies in zip(self.labels, row, strict=True) if applies] for row in found
            ]
        likeliest = [self.labels[int(i)] for i in self.outputs(texts, pairs).argmax(dim=1)]
        if self.target != "tags":
            return likeliest
        rest = iter(likeliest)
        return [[next(rest) for _ in text.split()] for text in texts]

    def _answer(self, question: str, passage: str) -> str:
        """The run of words with the greatest sum of outputs, no longer than any that was learnt from."""
        spans = [match.span() for match in re.finditer(self.settings["word"], passage)]
        found = self.outputs([question], [passage])
        longest = self.settings["longest_answer"]
        sums = found[1:, :1] + found[None, 1:, 1]
        sums = sums.masked_fill(torch.ones_like(sums, dtype=torch.bool).tril(-1), -torch.inf)
        sums = sums.masked_fill(torch.ones_like(sums, dtype=torch.bool).triu(longest), -torch.inf)
        first, last = divmod(int(sums.argmax()), len(spans))
        if self.settings["may_be_none"] and found[0].sum() > sums[first, last]:
            return ""
        return passage[spans[first][0] : spans[last][1]]

    def _pooled(self, texts: Sequence[str], pairs: Sequence[str] | None) -> Tensor:
        """Shape (B, d); of a pair that was not read together both vectors, their distance and product.

        Of words their own vectors, one after another.
        """
        if self.target == "tags":
            return torch.cat([self._encode_words(text.split()) for text in texts])
        if self.target == "span":
            cut = [
                [re.findall(self.settings["word"], text) for text in both] for both in (texts, pairs or ())
            ]
            return torch.cat([self._encode_words(*both) for both in zip(cut[1], cut[0], strict=True)])
        prefix = self.settings["input_prefix"]
        first = [prefix + text for text in texts]
        second = None if pairs is None else [prefix + text for text in pairs]
        if second is None or not self.settings["reads_apart"]:
            pooled: Tensor = self._encode(first, second)
            return pooled
        u, v = self._encode(first, None), self._encode(second, None)
        return torch.cat([u, v, (u - v).abs(), u * v], dim=1)

    def _open_model(self, adapter: Path) -> Any:  # noqa: ANN401  (transformers leaves its models untyped)
        from transformers import AutoModel, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self._source)
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token  # a decoder may have none; the mask hides it
        tokenizer.padding_side = "right"
        model = AutoModel.from_pretrained(self._source, dtype=torch.float32)
        if model.config.is_encoder_decoder:
            model = model.get_encoder()
        if adapter.exists():
            from peft import PeftModel

            model = PeftModel.from_pretrained(model, str(adapter))
        model.eval()

        self._model, self._tokenizer = model, tokenizer
        several = (getattr(model.config, "type_vocab_size", 0) or 0) > 1
        self._tells_pairs = several and "token_type_ids" in tokenizer.model_input_names
        return self._encode_texts

    def _read_words(self, words: Sequence[str], before: Sequence[str] | None = None) -> Tensor:
        """Of each word; where others stand before them, of all together first."""
        from transformers import AutoTokenizer

        cutter = AutoTokenizer.from_pretrained(self._source, add_prefix_space=True)
        batch = cutter(
            [list(words if before is None else before)],
            None if before is None else [list(words)],
            is_split_into_words=True,
            truncation=True,
            max_length=self.settings["max_length"],
            return_tensors="pt",
        )
        own, known = int(before is not None), batch.encodings[0]
        states = self._states(batch, are_pairs=bool(own))[0].float()
        at = {
            (s, w): i
            for i, (s, w) in reversed([*enumerate(zip(known.sequence_ids, known.word_ids, strict=True))])
        }
        places = torch.tensor([0] * own + [at.get((own, i), -1) for i in range(len(words))])
        found: Tensor = states[places.clamp(min=0)] * (places >= 0).unsqueeze(1)
        return found

    def _encode_texts(self, texts: Sequence[str], pairs: Sequence[str] | None) -> Tensor:
        batch = self._tokenizer(
            list(texts),
            None if pairs is None else list(pairs),
            padding=True,
            truncation=True,
            max_length=self.settings["max_length"],
            return_tensors="pt",
        )
        return _mean(self._states(batch, are_pairs=pairs is not None), batch["attention_mask"])

    def _states(self, batch: Any, *, are_pairs: bool) -> Tensor:  # noqa: ANN401  (transformers leaves it untyped)
        given = {name: batch[name] for name in ("input_ids", "attention_mask")}
        if are_pairs and self._tells_pairs:
            # By the texts, since not every tokenizer whose model tells them apart does so itself.
            ids = [[int(i == 1) for i in e.sequence_ids] for e in batch.encodings]
            given["token_type_ids"] = _filled(torch.tensor(ids), batch["attention_mask"])
        states: Tensor = self._model(**given).last_hidden_state
        return states

    def _open_vectors(self) -> Any:  # noqa: ANN401
        from tokenizers import Tokenizer

        folder = Path(self._source)
        table = load_file(folder / "model.safetensors")["embedding.weight"].float()
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.settings["max_length"])
        special = bool(config.get("add_special_tokens", False))

        def encode(texts: Sequence[str], _pairs: None) -> Tensor:
            rows = [tokenizer.encode(text, add_special_tokens=special).ids for text in texts]
            return torch.stack([_mean_of_rows(table, row) for row in rows])

        def encode_words(words: Sequence[str], _before: None = None) -> Tensor:
            """Of each word by its first piece."""
            cut = tokenizer.encode(list(words), is_pretokenized=True, add_special_tokens=False)
            first = {word: i for i, word in reversed([*enumerate(cut.word_ids)])}
            rows = [[cut.ids[first[i]]] if i in first else [] for i in range(len(words))]
            return torch.stack([_mean_of_rows(table, row) for row in rows])

        return encode, encode_words


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    weights = mask.unsqueeze(-1).float()
    return (states.float() * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)


def _filled(types: Tensor, mask: Tensor) -> Tensor:
    """The type of a pair's second text from its first token to the last token of all."""
    return (types.cumsum(dim=1) > 0).long() * mask


def _mean_of_rows(table: Tensor, rows: Sequence[int]) -> Tensor:
    return table[list(rows)].mean(dim=0) if rows else torch.zeros(table.shape[1])


def main() -> None:
    """Prints of each text what is predicted; where it is one class, its probability too."""
    parser = argparse.ArgumentParser(description="Classify texts with this fine-tuned model.")
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--base", help="folder or hub id of the base model")
    arguments = parser.parse_args()
    classifier = Classifier(base=arguments.base)
    texts, pairs = arguments.texts, None
    if classifier.settings["is_paired"]:
        if len(texts) % 2:
            parser.error("this model reads pairs: give an even number of texts")
        texts, pairs = texts[::2], texts[1::2]
    if classifier.target != "class":
        for text, said in zip(texts, classifier.predict(texts, pairs), strict=True):
            print(f"{_shown(said)}\t{text}")  # noqa: T201
        return
    for text, found in zip(texts, classifier.probabilities(texts, pairs), strict=True):
        best = int(found.argmax())
        print(f"{classifier.labels[best]}\t{float(found[best]):.3f}\t{text}")  # noqa: T201


def _shown(said: object) -> str:
    """A prediction in one field: several names parted by spaces."""
    return " ".join(said) if isinstance(said, list) else f"{said}"


if __name__ == "__main__":
    main()
