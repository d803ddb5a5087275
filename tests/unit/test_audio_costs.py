"""What recordings cost follows from how long they are."""

import pytest

from app.datasets.profile import MAX_SECONDS
from app.probes.footprint import places
from app.probes.planning import kept_length
from app.probes.work_costs import pass_seconds
from app.question import ASSUMED_SECONDS, workload
from app.ranking.candidates import FRAMES_A_SECOND, CandidateTable
from app.ranking.devices import device_named
from app.task_profile.profile import TaskProfile
from models_registry.entry import Architecture
from models_registry.vocabulary import Modality, TaskType
from tests.factories import make_entry

AUDIO = TaskProfile(task_type=TaskType.AUDIO_CLASSIFICATION, modality=Modality.AUDIO)
SPEECH = make_entry(
    "org/speech",
    architecture=Architecture.SPEECH_ENCODER,
    modality=Modality.AUDIO,
    task_types=(TaskType.AUDIO_CLASSIFICATION,),
    languages=(),
    max_length=None,
    forward_flops=1e10,
    flops_unit="second",
)
WINDOWED = SPEECH.model_copy(update={"id": "org/windowed", "window_seconds": 30.0})
TABLE = CandidateTable((SPEECH, WINDOWED))


def seconds_of(length: float) -> list[float]:
    found: list[float] = pass_seconds(TABLE, length, device_named("cpu")).tolist()
    return found


def test_a_pass_costs_as_long_as_the_recording_is() -> None:
    (short, _), (long, _) = seconds_of(1.0), seconds_of(10.0)
    assert long == pytest.approx(10 * short)


def test_a_window_costs_the_same_whatever_is_in_it() -> None:
    (_, short), (plain, long) = seconds_of(1.0), seconds_of(10.0)
    assert short == long > plain


def test_what_is_cut_off_costs_nothing() -> None:
    assert seconds_of(MAX_SECONDS) == seconds_of(10.0 * MAX_SECONDS)


def test_the_mean_length_is_in_seconds_and_one_is_assumed_where_none_is_known() -> None:
    assert workload(AUDIO).tokens == ASSUMED_SECONDS
    known = TaskProfile(
        task_type=TaskType.AUDIO_CLASSIFICATION, modality=Modality.AUDIO, mean_length=1.5, languages=("zh",)
    )
    assert workload(known).tokens == 1.5


@pytest.mark.parametrize(("p95", "kept"), [(0.2, 1), (3.2, 4), (400.0, MAX_SECONDS)])
def test_whole_seconds_are_kept(p95: float, kept: int) -> None:
    assert kept_length(AUDIO, p95) == kept


def test_memory_is_of_frames() -> None:
    assert places(SPEECH, 4) == 4 * FRAMES_A_SECOND
    assert places(WINDOWED, 4) == 30 * FRAMES_A_SECOND
