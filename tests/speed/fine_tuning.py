"""Fine-tuning: examples a second beside a hand-tuned loop and `transformers.Trainer`, with final scores."""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from app.datasets.columns import ColumnChoices
from app.datasets.ingest import ingest
from app.datasets.storage import dataset_folder
from app.demo import fetch_reviews
from app.probes.backbones import load_backbone
from app.probes.data import TrialData, read_trial_data
from app.probes.messages import BRAIN, TrainingRecipe, TrialSpec
from app.probes.sample import prepare_data
from app.probes.sample_size import Sample
from app.probes.training import FineTune
from app.probes.weights import ensure_weights, packaged_entries
from models_registry.vocabulary import TaskType
from tests.speed.machine import DATA_DIR, this_device

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
AIM_LOOP, AIM_TRAINER, AIM_GROUPED = 0.95, 4.0, 1.5
SAMPLE = Sample(n_train=512, n_validation=1_000)
RECIPE = TrainingRecipe(learning_rate=7e-5, batch_size=16, epochs=2, max_length=128, head_from_features=False)
ROUNDS = 2
POOL = 16
"""Batches sorted by length together in the hand-tuned loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a way of training came to.

    Attributes:
        examples_per_second: While it trained; evaluation left out.
        accuracy: On the validation part.
    """

    examples_per_second: float
    accuracy: float


def prepare(corpus: Path, models_dir: Path, work: Path, sample: Sample = SAMPLE) -> TrialSpec:
    """A sample of the reviews, and the trial that trains on it."""
    stored = ingest(
        corpus,
        filename=corpus.name,
        choices=ColumnChoices(text="text", label="label"),
        task_type=TaskType.TEXT_CLASSIFICATION,
        project="speed",
        data_dir=work,
        max_bytes=2**28,
    )
    data = prepare_data(dataset_folder(work, stored.id), work / "run", sample, 0)
    entry = packaged_entries()[MODEL]
    return TrialSpec(
        trial_id="speed",
        model_name=entry.name,
        model_folder=ensure_weights(entry, models_dir),
        strategy="full",
        dataset_folder=data.folder,
        dataset_id=stored.id,
        split_file=data.split_file,
        folder=work / "trial",
        feature_cache_folder=work / "features",
        feature_cache_bytes=2**28,
        recipe=RECIPE,
        n_threads=torch.get_num_threads(),
        precision=this_device().precision,
    )


def ours(spec: TrialSpec, data: TrialData) -> Trained:
    """The service's own loop, one slice to the end."""
    with tempfile.TemporaryDirectory() as folder:
        backbone = load_backbone(spec.model_folder or Path())
        fine_tune = FineTune(_in(spec, Path(folder)), backbone, data)
        began = time.perf_counter()
        marks: list[float] = []

        def note(heartbeat: Any) -> None:
            if heartbeat.stage == "training":
                marks.append(time.perf_counter())

        point = fine_tune.advance(fine_tune.total_steps, note)
    seconds = marks[-1] - began
    return Trained(examples_per_second=point.examples_seen / seconds, accuracy=point.metric)


def _in(spec: TrialSpec, folder: Path) -> TrialSpec:
    from dataclasses import replace

    return replace(spec, folder=folder)


class Classifier(torch.nn.Module):
    """A backbone with a mean and a linear head, as `Trainer` and a hand-written loop train it."""

    def __init__(self, folder: Path, n_classes: int) -> None:
        from transformers import AutoModel

        super().__init__()
        torch.manual_seed(0)
        self.backbone = AutoModel.from_pretrained(folder, local_files_only=True, add_pooling_layer=False)
        self.dropout = torch.nn.Dropout(0.1)
        self.head = torch.nn.Linear(self.backbone.config.hidden_size, n_classes)
        torch.nn.init.normal_(self.head.weight, std=0.02)
        torch.nn.init.zeros_(self.head.bias)

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, labels: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Logits, and the loss where there are labels."""
        states = self.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        logits = self.head(self.dropout((states * mask).sum(1) / mask.sum(1).clamp(min=1.0)))
        if labels is None:
            return {"logits": logits}
        return {"loss": torch.nn.functional.cross_entropy(logits, labels), "logits": logits}


def hand_tuned(spec: TrialSpec, data: TrialData) -> Trained:
    """What an expert writes: lengths bucketed, the better precision, fused AdamW, a schedule, clipping."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(spec.model_folder, local_files_only=True)
    ids = tokenizer(list(data.train.texts), truncation=True, max_length=RECIPE.max_length)["input_ids"]
    model = Classifier(spec.model_folder or Path(), len(data.train.names)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=RECIPE.learning_rate, weight_decay=0.01, fused=True)
    steps = RECIPE.epochs * -(-len(ids) // RECIPE.batch_size)
    warmup = max(int(0.1 * steps), 1)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warmup, (steps - s) / max(steps - warmup, 1))
    )
    rng = np.random.default_rng(0)
    began = time.perf_counter()
    for _ in range(RECIPE.epochs):
        for rows in _bucketed(rng.permutation(len(ids)), ids, rng):
            batch = tokenizer.pad({"input_ids": [ids[i] for i in rows]}, return_tensors="pt")
            with torch.autocast("cpu", torch.bfloat16, enabled=spec.precision == BRAIN):
                loss = model(
                    batch["input_ids"], batch["attention_mask"], torch.from_numpy(data.train.labels[rows])
                )
            optimizer.zero_grad(set_to_none=True)
            loss["loss"].backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    seconds = time.perf_counter() - began
    return Trained(
        examples_per_second=RECIPE.epochs * len(ids) / seconds, accuracy=_accuracy(model, tokenizer, data)
    )


def _bucketed(order: Any, ids: list[list[int]], rng: np.random.Generator) -> list[Any]:
    batches = []
    pool = POOL * RECIPE.batch_size
    for start in range(0, len(order), pool):
        rows = sorted(order[start : start + pool], key=lambda i: len(ids[i]))
        batches += [np.array(rows[i : i + RECIPE.batch_size]) for i in range(0, len(rows), RECIPE.batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def _accuracy(model: Classifier, tokenizer: Any, data: TrialData) -> float:
    model.eval()
    hits = 0
    texts, labels = list(data.validation.texts), data.validation.labels
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    with torch.inference_mode():
        for start in range(0, len(order), 32):
            rows = order[start : start + 32]
            batch = tokenizer(
                [texts[i] for i in rows],
                truncation=True,
                max_length=RECIPE.max_length,
                padding=True,
                return_tensors="pt",
            )
            found = model(batch["input_ids"], batch["attention_mask"])["logits"].argmax(1).numpy()
            hits += int((found == labels[rows]).sum())
    return hits / len(labels)


def trainer(spec: TrialSpec, data: TrialData, *, is_grouped: bool) -> Trained:
    """`transformers.Trainer`: its defaults with padding to the longest possible, or its length grouping."""
    from transformers import AutoTokenizer, DataCollatorWithPadding, Trainer, TrainingArguments

    tokenizer = AutoTokenizer.from_pretrained(spec.model_folder, local_files_only=True)
    padding = False if is_grouped else "max_length"
    encoded = tokenizer(
        list(data.train.texts), truncation=True, max_length=RECIPE.max_length, padding=padding
    )
    rows = [
        {
            "input_ids": encoded["input_ids"][i],
            "attention_mask": encoded["attention_mask"][i],
            "labels": int(label),
        }
        for i, label in enumerate(data.train.labels)
    ]
    model = Classifier(spec.model_folder or Path(), len(data.train.names))
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=RECIPE.batch_size,
            num_train_epochs=RECIPE.epochs,
            learning_rate=RECIPE.learning_rate,
            train_sampling_strategy="group_by_length" if is_grouped else "random",
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
        )
        run = Trainer(
            model=model, args=arguments, train_dataset=rows, data_collator=DataCollatorWithPadding(tokenizer)
        )
        began = time.perf_counter()
        run.train()
        seconds = time.perf_counter() - began
    return Trained(
        examples_per_second=RECIPE.epochs * len(rows) / seconds, accuracy=_accuracy(model, tokenizer, data)
    )


def measure(spec: TrialSpec, *, rounds: int = ROUNDS) -> dict[str, Trained]:
    """The median round of every way, the ways interleaved."""
    data = read_trial_data(spec.dataset_folder, spec.split_file)
    ways: dict[str, Callable[[], Trained]] = {
        "ours": lambda: ours(spec, data),
        "hand-tuned loop": lambda: hand_tuned(spec, data),
        "Trainer, padding to the maximum": lambda: trainer(spec, data, is_grouped=False),
        "Trainer, grouped by length": lambda: trainer(spec, data, is_grouped=True),
    }
    found: dict[str, list[Trained]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way())
    return {
        name: Trained(
            examples_per_second=statistics.median(t.examples_per_second for t in runs),
            accuracy=statistics.mean(t.accuracy for t in runs),
        )
        for name, runs in found.items()
    }


def main() -> None:
    """Fetch what is missing, measure, print."""
    from transformers.utils import logging as of_transformers

    of_transformers.set_verbosity_error()
    of_transformers.disable_progress_bar()
    models_dir = Path(os.environ.get("ADVISOR_TEST_MODELS_DIR", ".cache/models"))
    out = sys.stdout
    with tempfile.TemporaryDirectory() as work:
        spec = prepare(fetch_reviews(DATA_DIR, Console(stderr=True)), models_dir, Path(work))
        found = measure(spec)
    mine = found["ours"]
    out.write(
        f"Fine-tuning {MODEL} on {SAMPLE.n_train} film reviews, {RECIPE.epochs} epochs, batch 16, "
        f"{spec.precision}\n"
    )
    for name, way in found.items():
        ratio = mine.examples_per_second / way.examples_per_second
        out.write(
            f"  {name:32s} {way.examples_per_second:7.1f} examples/s, accuracy {way.accuracy:.3f}, "
            f"ours is {ratio:.2f} times as fast\n"
        )
    out.write(f"  aims: {AIM_LOOP} of the loop, {AIM_TRAINER} and {AIM_GROUPED} times the Trainer\n")


if __name__ == "__main__":
    main()
