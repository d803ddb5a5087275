"""What a run would have observed of a recorded task, had it looked at every candidate."""

from app.fitting.recorded_tasks import RecordedTask, Scores
from app.ranking.probe_model import HEAD, SLICE
from app.ranking.probed import Observation


def heads_of(task: RecordedTask) -> tuple[Observation, ...]:
    """Heads on all training examples."""
    return _observed(task, HEAD, 1.0, task.heads[max(task.heads)])


def slices_of(task: RecordedTask, share: float) -> tuple[Observation, ...]:
    """Slices that end nearest to this share of the steps."""
    step = min(task.slices, key=lambda s: abs(s / task.steps - share))
    return _observed(task, SLICE, step / task.steps, task.slices[step])


def _observed(task: RecordedTask, kind: str, share: float, scores: Scores) -> tuple[Observation, ...]:
    values, variances = scores.comparable(task.metric)
    return tuple(
        Observation(candidate=m, kind=kind, share=share, value=float(y), variance=float(v))
        for m, (y, v) in enumerate(zip(values, variances, strict=True))
    )
