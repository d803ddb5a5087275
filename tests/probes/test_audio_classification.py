"""Recordings are probed: by random weights on tones that are easy, and by real weights on real voices."""

import csv
import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app.datasets.examples import FILE_NAME, ExampleWriter
from app.probes.audio_backbones import AudioBackbone, SpeakerBackbone
from app.probes.audio_inputs import heard, varied
from app.probes.backbones import BackboneError, UnloadableModelError
from app.probes.baselines.audio import MFCC
from app.probes.data import write_split
from app.probes.loading import load_model
from app.probes.mel import mel_spectrogram
from app.probes.messages import FeatureReport, TrainingRecipe, TrialSpec
from app.probes.speaker_encoder import SpeakerEncoder, SpeakerFront, loud_enough, window_starts
from app.probes.trial import Trial
from app.tasks.base import CheckedRow
from tests.probes.test_ranker_defects import Listener
from tests.probes.test_real_models import ROOT, model_folder
from tests.probes.tiny import trial_spec
from tests.recordings import RATE, encoded, recording_bytes, tone

RESEMBLYZER = "package-index/resemblyzer"
RECIPE = TrainingRecipe(learning_rate=1e-2, batch_size=8, epochs=5, head_from_features=False)
SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}
WAVE: dict[str, Any] = {
    **SMALL,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
    "vocab_size": 8,
}
LAYER_NORM = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}


def write_wave(folder: Path, kind: str, **settings: Any) -> None:
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**WAVE, **settings)
    getattr(transformers, f"{kind}Model")(config).save_pretrained(folder)


def write_ast(folder: Path) -> None:
    from transformers import ASTConfig, ASTModel

    torch.manual_seed(0)
    ASTModel(ASTConfig(**SMALL, max_length=64, num_mel_bins=32)).save_pretrained(folder)


def write_whisper(folder: Path) -> None:
    from transformers import WhisperConfig, WhisperModel

    torch.manual_seed(0)
    sizes = {f"{half}_{what}": 2 for half in ("encoder", "decoder") for what in ("layers", "attention_heads")}
    ids = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"), 1)
    config = WhisperConfig(
        d_model=32, encoder_ffn_dim=64, decoder_ffn_dim=64, vocab_size=8, suppress_tokens=None, **sizes, **ids
    )
    WhisperModel(config).save_pretrained(folder)


WRITE: dict[str, Callable[[Path], None]] = {
    "wav2vec2": lambda folder: write_wave(folder, "Wav2Vec2"),
    "wav2vec2, norms of layers": lambda folder: write_wave(folder, "Wav2Vec2", **LAYER_NORM),
    "hubert": lambda folder: write_wave(folder, "Hubert"),
    "wavlm": lambda folder: write_wave(folder, "WavLM"),
    "ast": write_ast,
    "whisper": write_whisper,
}


def write_recordings(folder: Path, rows: Sequence[tuple[bytes, str]]) -> None:
    """Contents and labels as a stored data set."""
    (folder / "files").mkdir(parents=True)
    with ExampleWriter(folder / FILE_NAME) as writer:
        for content, label in rows:
            name = f"files/{hashlib.sha256(content).hexdigest()}.wav"
            (folder / name).write_bytes(content)
            writer.add(CheckedRow(name, label))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    write_ast(folder / "model")
    lengths = np.random.default_rng(0).uniform(0.2, 0.5, size=60)
    rows = [(recording_bytes(i % 2, i, seconds=lengths[i]), "lh"[i % 2]) for i in range(60)]
    write_recordings(folder / "data", rows)
    write_split(folder / "split.json", np.arange(40), np.arange(40, 60))
    return folder


def files_of(place: Path) -> list[Path]:
    return sorted((place / "data" / "files").iterdir())


def spec_of(place: Path, work: Path, **changes: Any) -> TrialSpec:
    return replace(trial_spec(place, work, RECIPE), task_type="audio-classification", **changes)


def opened(spec: TrialSpec) -> Trial:
    return Trial(spec, Listener())  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["ast", "wav2vec2"])
def test_a_fine_tune_learns(place: Path, tmp_path: Path, kind: str) -> None:
    WRITE[kind](tmp_path / "model")
    tune = opened(spec_of(place, tmp_path, model_folder=tmp_path / "model"))._opened()
    begun = tune.advance(1, lambda _: None)
    ended = tune.advance(tune.total_steps, lambda _: None)
    assert ended.validation_loss < begun.validation_loss
    assert ended.metric > 0.8


@pytest.mark.parametrize("kind", ["ast", "wav2vec2"])
def test_a_fine_tune_that_is_resumed_is_the_same_to_the_bit(place: Path, tmp_path: Path, kind: str) -> None:
    WRITE[kind](tmp_path / "model")
    spec = spec_of(place, tmp_path, model_folder=tmp_path / "model")
    whole = opened(replace(spec, folder=tmp_path / "a"))._opened().advance(4, lambda _: None)
    np.random.seed(1)  # noqa: NPY002  (a generator that a trial must not draw from)
    opened(spec)._opened().advance(2, lambda _: None)
    resumed = opened(spec)._opened().advance(4, lambda _: None)
    assert (resumed.validation_loss, resumed.metric) == (whole.validation_loss, whole.metric)


def test_frozen_features_beat_the_majority_and_are_kept(place: Path, tmp_path: Path) -> None:
    spec = spec_of(place, tmp_path)
    trial = opened(spec)
    first, baselines = trial._report_features(), trial._run_baselines().scores
    assert isinstance(first, FeatureReport)
    assert [b.name for b in baselines] == ["majority", MFCC]
    assert first.head_metric > baselines[0].metric
    assert baselines[1].metric > 0.9
    assert first.vocabulary == {}
    again = opened(spec)._report_features()
    assert again.pass_seconds == 0.0
    assert (again.head_metric, again.transferability) == (first.head_metric, first.transferability)


@pytest.mark.parametrize("kind", WRITE)
def test_every_layer_is_read_and_padding_is_not(place: Path, tmp_path: Path, kind: str) -> None:
    WRITE[kind](tmp_path / "model")
    backbone = load_model(tmp_path / "model")
    assert isinstance(backbone, AudioBackbone)
    recordings = backbone.read(files_of(place), 30)
    rows = np.argsort(recordings.durations)[[0, -1, 30]]
    with torch.inference_mode():
        together = backbone.encode_layers(recordings.batch(rows))
        alone = backbone.encode_layers(recordings.batch(rows[:1]))
    assert together.shape == (3, 3, backbone.width)
    assert torch.allclose(together[0], alone[0], atol=1e-4)
    assert not torch.allclose(together[0, -1], together[1, -1], atol=1e-3)
    assert len(backbone.layers()) == 2


def test_convolutions_over_samples_stay_as_pretrained(place: Path, tmp_path: Path) -> None:
    WRITE["wav2vec2"](tmp_path / "model")
    before = {n: p.clone() for n, p in load_model(tmp_path / "model").module.named_parameters()}
    tune = opened(spec_of(place, tmp_path, model_folder=tmp_path / "model"))._opened()
    tune.advance(2, lambda _: None)
    changed = {n for n, p in tune.backbone.module.named_parameters() if not torch.equal(p, before[n])}
    assert changed
    assert not any("feature_extractor" in name for name in changed)


def test_what_is_drawn_does_not_hang_on_how_batches_are_cut(place: Path) -> None:
    backbone = load_model(place / "model")
    assert isinstance(backbone, AudioBackbone)
    recordings = backbone.read(files_of(place), 30)
    together = recordings.training_batch(np.array([3, 5]), seed=7).values
    assert torch.equal(together[1], recordings.training_batch(np.array([5]), seed=7).values[0])
    assert not torch.equal(together[1], recordings.training_batch(np.array([5]), seed=8).values[0])
    assert torch.equal(recordings.batch(np.array([5])).values, recordings.batch(np.array([5])).values)


def test_recordings_are_cut_mixed_down_and_resampled(tmp_path: Path) -> None:
    samples = tone(0, 0, seconds=1.0, rate=44_100, channels=2) * np.array([1.0, 0.0], dtype=np.float32)
    (tmp_path / "a.flac").write_bytes(encoded(samples, rate=44_100, file_format="FLAC"))
    found = heard(tmp_path / "a.flac", rate=RATE)
    assert len(found) == RATE
    assert len(heard(tmp_path / "a.flac", rate=RATE, seconds=0.25)) == RATE // 4
    peak = np.abs(np.fft.rfft(found)).argmax()
    assert peak == np.abs(np.fft.rfft(samples[:, 0])).argmax()
    assert np.abs(found).max() == pytest.approx(np.abs(samples[:, 0]).max() / 2, rel=0.1)


def test_what_is_varied_keeps_its_length_and_moves_by_a_tenth_at_most() -> None:
    samples = np.ones(1_000, dtype=np.float32)
    for seed in range(20):
        found = varied(samples, RATE, np.random.default_rng(seed))
        assert len(found) == 1_000
        assert (found == 0.0).sum() <= 100
        assert 0.5 < found.max() < 2.0


def test_spectrograms_are_those_of_librosa() -> None:
    """`librosa` 0.11, `feature.melspectrogram(y=..., sr=16000, n_fft=400, hop_length=160, n_mels=40)`."""
    times = np.arange(8_000) / RATE
    found = mel_spectrogram(np.sin(2 * np.pi * (200.0 + 1_000.0 * times) * times).astype(np.float32))
    assert found.shape == (51, 40)
    golden = (46.990535736, 92.618774414, 102.899902344, 1.139768958)
    assert found[[0, 10, 25, 50], [2, 5, 9, 17]] == pytest.approx(golden, rel=1e-4)


@pytest.mark.parametrize(
    ("n_samples", "starts"),
    [(1, [0]), (26_000, [0]), (37_120, [0, 77]), (70_000, [0, 77, 154, 231, 308])],
)
def test_windows_are_those_of_resemblyzer(n_samples: int, starts: list[int]) -> None:
    """`VoiceEncoder.compute_partial_slices(n_samples, rate=1.3, min_coverage=0.75)`."""
    assert window_starts(n_samples) == starts


def test_silence_and_a_single_sample_are_read() -> None:
    for samples in (np.zeros(1, dtype=np.float32), np.zeros(RATE, dtype=np.float32)):
        found = SpeakerFront().prepared(samples)
        assert found.values.shape == (1, 160, 40)
        assert np.isfinite(found.values).all()
    quiet = loud_enough(tone(0, 0)[:, 0] * np.float32(1e-3))
    assert float(np.mean(quiet**2)) == pytest.approx(1e-3, rel=1e-3)


def test_a_speaker_encoder_computes_in_single_precision_whatever_is_asked() -> None:
    torch.manual_seed(0)
    network, windows = SpeakerEncoder(), torch.rand(2, 2, 160, 40)
    mask = torch.tensor([[1, 1], [1, 0]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        halved = network(windows, mask)
    assert torch.allclose(halved, network(windows, mask), atol=1e-6)
    alone = network(windows[1:, :1], mask[1:, :1])
    assert torch.allclose(halved[1], alone[0], atol=1e-6)


def test_weights_that_are_not_a_speaker_encoder_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    (tmp_path / "config.json").write_text('{"model_type": "resemblyzer"}')
    save_file({"linear.weight": torch.zeros(2, 2)}, tmp_path / "model.safetensors")
    with pytest.raises(UnloadableModelError, match="not the weights of resemblyzer"):
        load_model(tmp_path)


def test_models_of_recordings_take_no_adapters(place: Path) -> None:
    from peft import LoraConfig

    with pytest.raises(BackboneError, match="models of recordings"):
        load_model(place / "model").add_adapters(LoraConfig())


def spoken(folder: Path, column: str, n_train: int, n_test: int) -> None:
    """So many spoken digits of each part, with their digit or their speaker."""
    shared = Path(os.environ.get("ADVISOR_SHARED_DIR", ROOT.parent / "shared"))
    source = shared / "data" / "tasks" / "free_spoken_digits"
    if not source.exists():
        pytest.skip(f"no development data in {shared}")
    rows = []
    for part, n in (("train", n_train), ("test", n_test)):
        with (source / f"{part}.csv").open(encoding="utf-8", newline="") as file:
            found = list(csv.DictReader(file))
        chosen = np.random.default_rng(0).permutation(len(found))[:n]
        rows += [((source / found[i]["path"]).read_bytes(), found[i][column]) for i in chosen]
    write_recordings(folder / "data", rows)
    write_split(folder / "split.json", np.arange(n_train), np.arange(n_train, n_train + n_test))


@pytest.mark.weights
@pytest.mark.slow
def test_a_voice_is_encoded_as_by_resemblyzer(tmp_path: Path) -> None:
    """`embed_utterance(normalize_volume(wav, -30, increase_only=True))` of `resemblyzer` 0.1.4."""
    backbone = load_model(model_folder(RESEMBLYZER))
    assert isinstance(backbone, SpeakerBackbone)
    (tmp_path / "a.wav").write_bytes(encoded(tone(0, 3, seconds=3.0), subtype="FLOAT"))
    with torch.inference_mode():
        found = backbone.encode_layers(backbone.read([tmp_path / "a.wav"], 30).batch(np.array([0])))
    assert found.shape == (1, 4, 256)
    assert float(found[0, -1].norm()) == pytest.approx(1.0, abs=1e-5)
    golden = (0.14624526, 0.1443961, 0.15757519, 0.18119754, 0.12351675, 0.11127904)
    assert found[0, -1, [10, 12, 15, 17, 18, 21]].numpy() == pytest.approx(golden, abs=1e-4)


@pytest.mark.weights
@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(("column", "least", "margin"), [("speaker", 0.9, 0.5), ("label", 0.5, 0.4)])
def test_a_pretrained_speaker_encoder_beats_a_random_one(
    tmp_path: Path, column: str, least: float, margin: float
) -> None:
    from safetensors.torch import save_file

    weights, place = model_folder(RESEMBLYZER), tmp_path / "place"
    spoken(place, column, 120, 60)
    torch.manual_seed(0)
    (place / "random").mkdir()
    shutil.copyfile(weights / "config.json", place / "random" / "config.json")
    save_file(SpeakerEncoder().state_dict(), place / "random" / "model.safetensors")
    scores = {}
    for name, folder in (("pretrained", weights), ("random", place / "random")):
        spec = spec_of(place, tmp_path / name, model_folder=folder, model_name=name)
        scores[name] = opened(spec)._report_features().head_metric
    majority = opened(spec)._run_baselines().scores[0].metric
    assert scores["pretrained"] > max(least, majority + 0.3)
    assert scores["pretrained"] > scores["random"] + margin
