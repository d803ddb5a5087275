"""What a trial takes of memory, and how it is made to fit."""

import pytest

from app.fitting.candidates import candidate_entries
from app.fitting.fine_tunes import VALIDATION, load_fine_tunes
from app.probes.footprint import MARGIN, MICRO_BATCHES, fitted, peak_bytes
from app.probes.planning import BATCH_SIZE
from models_registry.vocabulary import Strategy

E5 = candidate_entries()["intfloat/multilingual-e5-small"]
L3 = candidate_entries()["sentence-transformers/paraphrase-MiniLM-L3-v2"]


def test_recorded_peaks_are_foretold_within_a_fifth() -> None:
    peaks: dict[tuple[str, str, str], tuple[int, int]] = {}
    for p in load_fine_tunes():
        if p.part == VALIDATION and p.n_train > 900 and p.seed == 0:
            key = p.dataset, p.model, p.strategy
            peaks[key] = max(peaks.get(key, (0, 0))[0], p.peak_memory_bytes), p.max_length
    ratios = {
        key: peak_bytes(candidate_entries()[key[1]], Strategy(key[2]), micro_batch=BATCH_SIZE, tokens=tokens)
        / measured
        for key, (measured, tokens) in peaks.items()
    }
    assert len(ratios) > 100
    wrong = {key: ratio for key, ratio in ratios.items() if not 0.8 <= ratio <= 1.25}
    assert len(wrong) <= 0.05 * len(ratios), wrong


def test_activations_are_kept_where_there_is_room() -> None:
    found = fitted(E5, Strategy.FULL, 512, 64e9)
    assert (found.micro_batch, found.gradient_checkpointing) == (MICRO_BATCHES[0], False)


@pytest.mark.parametrize("limit", [1.4e9, 1.6e9, 2e9, 3e9, 5e9])
def test_what_is_chosen_is_foretold_to_fit(limit: float) -> None:
    found = fitted(L3, Strategy.FULL, 512, limit)
    assert MARGIN * found.peak_bytes <= limit


def test_batches_are_cut_before_activations_are_made_again() -> None:
    limits = [8e9, 2e9, 1.6e9, 1.2e9, 1.05e9, 0.9e9]
    found = [fitted(L3, Strategy.FULL, 512, limit) for limit in limits]
    assert [f.micro_batch for f in found if not f.gradient_checkpointing] == sorted(
        (f.micro_batch for f in found if not f.gradient_checkpointing), reverse=True
    )
    assert not found[0].gradient_checkpointing


def test_a_prefix_is_never_computed_again() -> None:
    assert not fitted(E5, Strategy.PREFIX, 512, 1e6).gradient_checkpointing


def test_where_nothing_fits_the_smallest_is_tried() -> None:
    found = fitted(E5, Strategy.FULL, 512, 1e6)
    assert found.micro_batch == MICRO_BATCHES[-1]
    assert found.peak_bytes > 1e6


def test_the_less_trains_the_less_is_held() -> None:
    strategies = (Strategy.FULL, Strategy.PARTIAL, Strategy.BITFIT)
    peaks = [peak_bytes(E5, s, micro_batch=1, tokens=64) for s in strategies]
    assert peaks == sorted(peaks, reverse=True)
