"""Recordings all the way: an archive is uploaded, and a real speaker encoder is probed on it."""

import io
import zipfile

import pytest

from tests.e2e.conftest import Serve
from tests.e2e.serving import MODELS_DIR
from tests.recordings import recording_bytes

pytestmark = [pytest.mark.weights, pytest.mark.slow]
RESEMBLYZER = "package-index:resemblyzer"
N_EACH = 30


def tones() -> bytes:
    """Two classes of short recordings in a ZIP."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(2 * N_EACH):
            archive.writestr(f"{('low', 'high')[i % 2]}/{i}.wav", recording_bytes(i % 2, i, seconds=0.3))
    return content.getvalue()


def test_a_speaker_encoder_is_probed_on_an_archive(serve: Serve) -> None:
    if not (MODELS_DIR / "package-index" / "resemblyzer").is_dir():
        pytest.skip("no weights of resemblyzer: `python -m app.probes.weights resemblyzer` fetches them")
    service = serve(with_models=True)
    dataset = service.upload(tones(), task_type="audio-classification")
    strategies = ["head", "full"]
    run = service.ended(service.probe(dataset["id"], [RESEMBLYZER], 60, strategies=strategies))
    assert run["status"] == "succeeded", run["decision"]
    trials = {trial["strategy"]: trial for trial in run["trials"]}
    assert {trial["status"] for trial in trials.values()} <= {"finished", "stopped", "paused"}, trials
    assert trials["head"]["transferability"]["logme"] is not None
    assert [baseline["name"] for baseline in run["baselines"]] == ["majority", "mfcc-logistic"]
    assert run["ranking"][0]["score"]["mean"] > 0.6
