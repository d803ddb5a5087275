"""Archives of recordings become stored data sets; what cannot be read is refused by name."""

from pathlib import Path

import numpy as np
import pytest

from app.api.errors import InvalidRequestError
from app.api.probe_checks import check_task
from app.api.schemas.probe_runs import ProbeRunRequest
from app.datasets import audio
from app.datasets.audio import DamagedRecordingError, RecordingTooLargeError, checked_recording
from app.datasets.columns import ColumnChoices
from app.datasets.errors import DatasetError
from app.datasets.examples import load_examples
from app.datasets.ingest import ingest
from app.datasets.labelled_files import NoClassFoldersError, NoFilesError
from app.datasets.profile import LengthUnit
from app.datasets.row_errors import UnusableValueError
from app.datasets.storage import StoredDataset, dataset_folder
from app.tasks.base import FileFormat
from models_registry.vocabulary import TaskType
from tests.images import image_bytes, write_tar, write_zip
from tests.recordings import class_folders, encoded, recording_bytes, tone


def stored(path: Path, data_dir: Path, **choices: str) -> StoredDataset:
    return ingest(
        path,
        filename=path.name,
        choices=ColumnChoices(**choices),
        task_type=TaskType.AUDIO_CLASSIFICATION,
        project="default",
        data_dir=data_dir,
        max_bytes=10**8,
    )


def test_recordings_are_stored_with_their_classes(tmp_path: Path) -> None:
    found = stored(write_zip(tmp_path / "a.zip", class_folders(6)), tmp_path)
    folder = dataset_folder(tmp_path, found.id)
    examples = load_examples(folder)
    assert examples.label_names == ("high", "low")
    assert all((folder / name).is_file() for name in examples.texts)
    assert found.file_format is FileFormat.ARCHIVE


def test_lengths_are_seconds_and_there_is_no_language(tmp_path: Path) -> None:
    files = {**class_folders(3), "low/long.flac": recording_bytes(0, 9, seconds=2.5, file_format="FLAC")}
    profile = stored(write_tar(tmp_path / "a.tar.gz", files), tmp_path).profile
    assert (profile.languages, profile.length_unit) == ((), LengthUnit.SECONDS)
    assert profile.mean_length == pytest.approx((6 * 0.4 + 2.5) / 7)
    assert profile.max_length == 3


def test_long_recordings_are_told_of_in_seconds(tmp_path: Path) -> None:
    silence = encoded(np.zeros((45 * 4_000, 1), dtype=np.float32), rate=4_000, file_format="FLAC")
    warnings = stored(write_zip(tmp_path / "a.zip", {**class_folders(2), "low/a.flac": silence}), tmp_path)
    assert any("longer than" in w and "first 30" in w for w in warnings.warnings)


def test_copies_are_called_recordings(tmp_path: Path) -> None:
    files = class_folders(10)
    files |= {f"low/copy-{i}.wav": files["low/0.wav"] for i in range(5)}
    found = stored(write_zip(tmp_path / "a.zip", files), tmp_path)
    assert any("repeat an earlier recording" in warning for warning in found.warnings)


def test_a_manifest_names_files_and_labels(tmp_path: Path) -> None:
    table = "audio,digit,other\n" + "".join(f"{i}.wav,{'ab'[i % 2]},{i % 3}\n" for i in range(6))
    files = {f"{i}.wav": recording_bytes(i % 2, i) for i in range(7)}
    path = write_zip(tmp_path / "a.zip", {**files, "labels.csv": table.encode()})
    found = stored(path, tmp_path, label="digit")
    assert found.profile.class_counts == {"a": 3, "b": 3}
    assert any("1 recordings that the manifest does not name" in warning for warning in found.warnings)
    with pytest.raises(UnusableValueError, match="names no recording of the archive"):
        stored(path, tmp_path, text="other", label="digit")


def test_images_are_no_recordings(tmp_path: Path) -> None:
    with pytest.raises(NoFilesError, match=r"no recordings.*WAV, FLAC, OGG and MP3"):
        stored(write_zip(tmp_path / "a.zip", {"low/0.png": image_bytes(0, 0)}), tmp_path)
    with pytest.raises(NoClassFoldersError, match="all recordings lie in one folder"):
        stored(write_zip(tmp_path / "b.zip", {"0.wav": recording_bytes(0, 0)}), tmp_path)


@pytest.mark.parametrize("file_format", ["WAV", "WAVEX", "RF64", "FLAC", "OGG", "MP3"])
def test_every_format_is_read_to_its_end(file_format: str) -> None:
    found = checked_recording(recording_bytes(0, 1, seconds=1.0, file_format=file_format), "a")
    assert found.seconds == pytest.approx(1.0, abs=0.1)  # an MP3 is padded to whole frames
    assert found.suffix == audio.SUFFIX_OF_FORMAT[file_format]


@pytest.mark.parametrize("file_format", ["WAV", "FLAC"])
def test_a_cut_recording_is_named(tmp_path: Path, file_format: str) -> None:
    whole = recording_bytes(0, 1, file_format=file_format)
    files = {**class_folders(1), f"low/bad.{file_format.lower()}": whole[: len(whole) // 2]}
    with pytest.raises(DamagedRecordingError, match=r"low/bad\."):
        stored(write_zip(tmp_path / "a.zip", files), tmp_path)
    assert not list((tmp_path / "datasets" / ".incoming").iterdir())


def test_a_wav_of_unknown_length_is_read_as_it_is() -> None:
    raw = bytearray(recording_bytes(0, 1))
    raw[4:8] = raw[40:44] = b"\xff\xff\xff\xff"
    assert checked_recording(bytes(raw), "a").seconds == pytest.approx(0.4)


@pytest.mark.parametrize("n_more", [1, 8])
def test_a_wav_that_counts_its_own_head_is_whole(n_more: int) -> None:
    raw = bytearray(recording_bytes(0, 1))
    raw[4:8] = (len(raw) - 8 + n_more).to_bytes(4, "little")
    assert checked_recording(bytes(raw), "a").seconds == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>not found</html>", "damaged"),
        (b"", "damaged"),
        (b"RIFF", "damaged"),
        (b"fLaC" + bytes(100), "damaged"),
        (encoded(tone(0, 0), file_format="AIFF"), "damaged"),
        (encoded(np.zeros((0, 1), dtype=np.float32)), "holds no sound"),
        (encoded(np.full((9, 1), np.nan, dtype=np.float32), subtype="FLOAT"), "no numbers"),
    ],
)
def test_what_is_no_recording_is_refused_with_the_reason(content: bytes, said: str) -> None:
    with pytest.raises(DamagedRecordingError, match=said) as raised:
        checked_recording(content, "low/0.wav")
    assert "low/0.wav" in raised.value.detail


@pytest.mark.parametrize(
    ("channels", "rate", "said"), [(9, 16_000, "9 channels"), (1, 2_000, "2,000 samples a second")]
)
def test_more_channels_and_other_rates_are_refused(channels: int, rate: int, said: str) -> None:
    with pytest.raises(RecordingTooLargeError, match=said):
        checked_recording(encoded(tone(0, 0, channels=channels), rate=rate), "a.wav")


def test_a_recording_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "MAX_SECONDS", 60)
    silence = encoded(np.zeros((61 * 4_000, 1), dtype=np.float32), rate=4_000, file_format="FLAC")
    with pytest.raises(RecordingTooLargeError, match="longer than 1 minutes"):
        checked_recording(silence, "a.flac")


@pytest.mark.parametrize("file_format", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_flipped_byte_never_ends_in_another_error(file_format: str) -> None:
    whole = recording_bytes(0, 1, file_format=file_format)
    for at in range(0, len(whole), max(len(whole) // 150, 1)):
        raw = bytearray(whole)
        raw[at] ^= 0xFF
        try:
            found = checked_recording(bytes(raw), "a")
        except DatasetError as error:
            assert error.remedy  # noqa: PT017  (it may also be read, where the byte is one of its samples)
        else:
            assert (found.seconds or 0.0) > 0.0


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ({"refit": True}, "/refit", "trained models of recordings"),
        ({"strategies": ["head", "lora"]}, "/strategies/1", "not available for recordings"),
        ({"task": {"metric": "eer"}}, "/task/metric", "accuracy"),
    ],
)
def test_what_is_not_done_with_recordings_is_refused(
    tmp_path: Path, body: dict[str, object], pointer: str, said: str
) -> None:
    found = stored(write_zip(tmp_path / "a.zip", class_folders(6)), tmp_path)
    request = ProbeRunRequest.model_validate({"dataset_id": found.id, **body})
    with pytest.raises(InvalidRequestError) as raised:
        check_task(request, found)
    assert [fault.pointer for fault in raised.value.faults] == [pointer]
    assert said in raised.value.faults[0].detail
