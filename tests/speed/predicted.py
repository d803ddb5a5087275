"""What a run predicts of its trials beside what they take: memory and seconds, cell by cell."""

import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from app.demo import fetch_reviews
from app.probes.footprint import peak_bytes
from app.probes.messages import Train
from app.probes.outcomes import Finished
from app.probes.planning import BATCH_SIZE
from app.probes.sample_size import Sample
from app.probes.trial_process import ForkServer, TrialProcess
from app.probes.weights import ensure_weights, packaged_entries
from app.probes.work_costs import STEP_PASSES, pass_seconds
from app.ranking.candidates import CandidateTable
from app.ranking.cost import tokens_per_example
from app.ranking.devices import Device
from app.ranking.recipe import learning_rate
from models_registry.vocabulary import Strategy
from tests.speed.fine_tuning import prepare
from tests.speed.machine import DATA_DIR, this_device

L3 = "sentence-transformers/paraphrase-MiniLM-L3-v2"
L6 = "sentence-transformers/all-MiniLM-L6-v2"
E5 = "intfloat/multilingual-e5-small"
AIM_MEMORY, AIM_SECONDS = 0.2, 0.3
SAMPLE = Sample(n_train=256, n_validation=64)
MAX_LENGTH = 64
WORDS = 21.0
"""Of an average review."""
TIMEOUT_SECONDS, MEMORY_LIMIT = 600.0, 8 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A model, a strategy and how its batches are cut."""

    model: str
    strategy: Strategy
    micro_batch: int = BATCH_SIZE
    gradient_checkpointing: bool = False


CELLS = (
    Cell(model=L3, strategy=Strategy.FULL),
    Cell(model=L6, strategy=Strategy.FULL),
    Cell(model=L6, strategy=Strategy.FULL, micro_batch=4),
    Cell(model=L6, strategy=Strategy.FULL, gradient_checkpointing=True),
    Cell(model=L6, strategy=Strategy.LORA),
    Cell(model=L6, strategy=Strategy.ADALORA),
    Cell(model=L6, strategy=Strategy.PREFIX),
    Cell(model=L6, strategy=Strategy.IA3),
    Cell(model=L6, strategy=Strategy.BITFIT),
    Cell(model=L6, strategy=Strategy.PARTIAL),
    Cell(model=E5, strategy=Strategy.FULL),
    Cell(model=E5, strategy=Strategy.LORA),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Of one epoch: bytes at the peak and seconds, foretold and measured."""

    foretold_bytes: float
    bytes: float
    foretold_seconds: float
    seconds: float


def measure(cell: Cell, corpus: Path, models_dir: Path, server: ForkServer, device: Device) -> Taken:
    """One epoch of a cell in a trial of its own."""
    entry = packaged_entries()[cell.model]
    tokens = tokens_per_example(WORDS, is_cjk=False)
    forward = float(pass_seconds(CandidateTable((entry,)), tokens, device)[0])
    with tempfile.TemporaryDirectory() as work:
        spec = prepare(corpus, models_dir, Path(work), SAMPLE)
        recipe = replace(
            spec.recipe,
            learning_rate=learning_rate(entry, cell.strategy, SAMPLE.n_train),
            epochs=1,
            max_length=MAX_LENGTH,
            micro_batch=cell.micro_batch,
            gradient_checkpointing=cell.gradient_checkpointing,
        )
        spec = replace(
            spec,
            model_name=entry.name,
            model_folder=ensure_weights(entry, models_dir),
            input_prefix=entry.input_prefix,
            strategy=cell.strategy.value,
            precision=device.precision,
            recipe=recipe,
        )
        trial = TrialProcess(spec, server)
        try:
            outcome = trial.run(
                Train(until_step=10**6), timeout_seconds=TIMEOUT_SECONDS, memory_limit_bytes=MEMORY_LIMIT
            )
        finally:
            trial.close()
    if not isinstance(outcome, Finished):
        raise TypeError(f"{cell}: {outcome}")
    passes = STEP_PASSES[cell.strategy] + cell.gradient_checkpointing
    return Taken(
        foretold_bytes=peak_bytes(
            entry,
            cell.strategy,
            micro_batch=cell.micro_batch,
            tokens=MAX_LENGTH,
            gradient_checkpointing=cell.gradient_checkpointing,
        ),
        bytes=outcome.peak_memory_bytes,
        foretold_seconds=forward * (passes * SAMPLE.n_train + SAMPLE.n_validation),
        seconds=getattr(outcome.result, "seconds", outcome.seconds),
    )


def main() -> None:
    """Fetch what is missing, measure, print."""
    models_dir = Path(os.environ.get("ADVISOR_TEST_MODELS_DIR", ".cache/models"))
    corpus = fetch_reviews(DATA_DIR, Console(stderr=True))
    out = sys.stdout
    out.write("An epoch of 256 film reviews, foretold and measured\n")
    with ForkServer() as server:
        server.wait_until_ready()
        device = this_device()
        for cell in CELLS:
            found = measure(cell, corpus, models_dir, server, device)
            how = " checkpointed" if cell.gradient_checkpointing else ""
            name = f"{cell.model.rsplit('/', 1)[-1]} {cell.strategy} {cell.micro_batch}{how}"
            memory, seconds = found.foretold_bytes / found.bytes, found.foretold_seconds / found.seconds
            out.write(
                f"  {name:44s} {found.bytes / 1e9:5.2f} GB, foretold {memory:4.2f} of it; "
                f"{found.seconds:5.1f} s, foretold {seconds:4.2f} of it\n"
            )
    out.write(f"  aims: within {AIM_MEMORY:.0%} of the memory, within {AIM_SECONDS:.0%} of the seconds\n")


if __name__ == "__main__":
    main()
