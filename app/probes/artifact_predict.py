"""Predicts with a fine-tuned model: `python predict.py "a text" "another text"`.

Lies beside `classifier.json` and needs torch, transformers and safetensors, for an adapter also peft. A head
or an adapter holds no weights of its base model: these come from the hub by their id, or from the folder that
`--base` names.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

HERE = Path(__file__).parent
STATIC_VECTORS = "static-vectors"


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
        has_model = (folder / "model").exists()
        self._source = str(folder / "model") if has_model else base or self.settings["base"]["id"]
        config = Path(self._source, "config.json")
        model_type = json.loads(config.read_text(encoding="utf-8"))["model_type"] if config.exists() else ""
        if model_type == STATIC_VECTORS:
            self._encode = self._open_vectors()
        else:
            self._encode = self._open_model(folder / "adapter")

    @torch.inference_mode()
    def probabilities(self, texts: Sequence[str], batch_size: int = 16) -> Tensor:
        """Of each class, shape (n, K)."""
        prefixed = [self.settings["input_prefix"] + text for text in texts]
        parts = [prefixed[i : i + batch_size] for i in range(0, len(prefixed), batch_size)]
        pooled = torch.cat([self._encode(part) for part in parts])
        return torch.softmax(pooled @ self._weight.T + self._bias, dim=1)

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The likeliest class of each text."""
        return [self.labels[int(i)] for i in self.probabilities(texts).argmax(dim=1)]

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

        def encode(texts: Sequence[str]) -> Tensor:
            batch = tokenizer(
                list(texts),
                padding=True,
                truncation=True,
                max_length=self.settings["max_length"],
                return_tensors="pt",
            )
            found = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
            return _mean(found.last_hidden_state, batch["attention_mask"])

        return encode

    def _open_vectors(self) -> Any:  # noqa: ANN401
        from tokenizers import Tokenizer

        folder = Path(self._source)
        table = load_file(folder / "model.safetensors")["embedding.weight"].float()
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.settings["max_length"])
        special = bool(config.get("add_special_tokens", False))

        def encode(texts: Sequence[str]) -> Tensor:
            rows = [tokenizer.encode(text, add_special_tokens=special).ids for text in texts]
            return torch.stack([_mean_of_rows(table, row) for row in rows])

        return encode


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    weights = mask.unsqueeze(-1).float()
    return (states.float() * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)


def _mean_of_rows(table: Tensor, rows: Sequence[int]) -> Tensor:
    return table[list(rows)].mean(dim=0) if rows else torch.zeros(table.shape[1])


def main() -> None:
    """Prints the likeliest class of each text and its probability."""
    parser = argparse.ArgumentParser(description="Classify texts with this fine-tuned model.")
    parser.add_argument("texts", nargs="+")
    parser.add_argument("--base", help="folder or hub id of the base model")
    arguments = parser.parse_args()
    classifier = Classifier(base=arguments.base)
    for text, found in zip(arguments.texts, classifier.probabilities(arguments.texts), strict=True):
        best = int(found.argmax())
        print(f"{classifier.labels[best]}\t{float(found[best]):.3f}\t{text}")  # noqa: T201


if __name__ == "__main__":
    main()
