import numpy as np
import pytest

from app.probes.strategies import full
from app.probes.tasks.text_classification import Classification


def rates(total: int, warmup: float) -> list[float]:
    return [full.rate_at(step, peak=1.0, total_steps=total, warmup_fraction=warmup) for step in range(total)]


def test_rate_rises_to_its_peak_and_falls_to_nearly_nothing() -> None:
    values = rates(100, 0.1)
    assert max(values) == 1.0
    assert values.index(1.0) in {9, 10}
    assert values[:10] == sorted(values[:10])
    assert values[10:] == sorted(values[10:], reverse=True)
    assert 0.0 < values[-1] < 0.05


def test_schedule_without_warmup_begins_at_its_peak() -> None:
    assert rates(10, 0.0)[0] == 1.0


def test_schedule_of_one_step_is_defined() -> None:
    assert rates(1, 0.1) == [1.0]


def test_every_epoch_holds_every_example_once() -> None:
    lengths = np.random.default_rng(0).integers(1, 60, 333)
    for epoch in range(3):
        batches = full.epoch_batches(lengths, 16, seed=0, epoch=epoch)
        assert len(batches) == full.steps_per_epoch(333, 16)
        assert sorted(np.concatenate(batches).tolist()) == list(range(333))


def test_epochs_differ_and_seeds_repeat() -> None:
    lengths = np.arange(64)
    first, again, second = (full.epoch_batches(lengths, 8, seed=1, epoch=epoch) for epoch in (0, 0, 1))
    assert [b.tolist() for b in first] == [b.tolist() for b in again]
    assert [b.tolist() for b in first] != [b.tolist() for b in second]


def test_bucketing_leaves_little_padding() -> None:
    lengths = np.random.default_rng(0).geometric(1 / 25, 1_000)

    def padded(batches: list[np.ndarray[tuple[int], np.dtype[np.int64]]]) -> int:
        return sum(len(rows) * int(lengths[rows].max()) for rows in batches)

    plain = [np.arange(start, min(start + 16, 1_000)) for start in range(0, 1_000, 16)]
    assert padded(full.epoch_batches(lengths, 16, seed=0, epoch=0)) < 1.25 * lengths.sum()
    assert padded(plain) > 2 * lengths.sum()


@pytest.mark.parametrize(("loss", "expected"), [(0.7, False), (8.0, False), (60.0, True)])
def test_divergence_is_judged_against_guessing(loss: float, expected: bool) -> None:
    assert Classification(2).has_diverged(loss) is expected


def test_loss_that_is_no_number_has_diverged() -> None:
    assert Classification(2).has_diverged(float("nan"))
    assert Classification(1_000).has_diverged(float("inf"))
