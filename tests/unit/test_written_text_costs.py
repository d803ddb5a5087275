"""What writing costs: seconds of the plan and bytes of a trial."""

import numpy as np
import pytest

from app.probes.footprint import MICRO_BATCHES, fitted, logit_bytes, peak_bytes
from app.probes.sample_size import MAX_VALIDATION, choose_sample
from app.probes.weights import packaged_entries
from app.probes.work_costs import MOST_WRITTEN, WRITING_PASSES, writing_seconds
from app.probes.writing import written_rows
from models_registry.vocabulary import Strategy, TaskType

SMOLLM = packaged_entries()["HuggingFaceTB/SmolLM2-135M-Instruct"]


def test_only_metrics_that_read_texts_cost_writing() -> None:
    per_example = np.array([0.1, 0.2])
    assert writing_seconds(per_example, "perplexity").tolist() == [0.0, 0.0]
    assert writing_seconds(per_example, "rougeL") == pytest.approx(
        WRITING_PASSES * MOST_WRITTEN * per_example
    )


@pytest.mark.parametrize("n", [1, 5, MOST_WRITTEN, MOST_WRITTEN + 1, 1_000])
def test_examples_that_are_written_of_are_spread_over_all(n: int) -> None:
    rows = written_rows(n)
    assert len(rows) == min(n, MOST_WRITTEN)
    assert (rows[0], rows[-1]) == (0, n - 1)


def test_fewer_texts_than_labels_are_validated_on() -> None:
    n = [choose_sample(5_000, 600.0, 0.1, most_validation=most).n_validation for most in (64, MAX_VALIDATION)]
    assert n[0] == 64 < n[1]


def test_a_model_that_writes_holds_logits_and_moments_of_its_whole_vocabulary() -> None:
    plain, writes = (
        peak_bytes(SMOLLM, Strategy.FULL, micro_batch=4, tokens=256, writes=w) for w in (False, True)
    )
    n_tokens = 49_152  # its vocabulary
    assert logit_bytes(SMOLLM, 1_024) == pytest.approx(4 * n_tokens * (3 * 1_024 + 2_048))
    assert writes - plain == pytest.approx(logit_bytes(SMOLLM, 1_024) + 16 * SMOLLM.n_embedding_parameters)


def test_less_memory_means_fewer_examples_at_once() -> None:
    found = [fitted(SMOLLM, Strategy.LORA, 256, limit, writes=True) for limit in (64e9, 6e9)]
    assert found[0].micro_batch == MICRO_BATCHES[0] > found[1].micro_batch


def test_the_decoder_that_ships_in_a_package_writes() -> None:
    assert {TaskType.TEXT_GENERATION, TaskType.DIALOGUE, TaskType.SUMMARIZATION} <= set(SMOLLM.task_types)
