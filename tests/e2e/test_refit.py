"""A run that is asked to refit gives a model away that its user can predict with."""

import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import Serve
from tests.e2e.serving import L3, reviews_csv


def test_a_downloaded_winner_predicts(serve: Serve, models_dir: Path, tmp_path: Path) -> None:
    service = serve(with_models=True)
    dataset = service.upload(reviews_csv())
    stop = {"p_best": 0.5}
    run = service.ended(service.probe(dataset["id"], [L3], 120, strategies=["full"], stop=stop, refit=True))

    assert run["refit"]["status"] == "finished", run["decision"]
    assert run["refit"]["n_examples"] == 120
    assert run["refit"]["artifacts"]
    path = f"/probe-runs/{run['id']}/artifacts"
    for file in run["refit"]["artifacts"]:
        target = tmp_path / file["path"]
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(service.client.get(f"{path}/{file['path']}").content)
        assert target.stat().st_size == file["bytes"]
    done = subprocess.run(
        [sys.executable, "-I", tmp_path / "predict.py", "wonderful acting", "a waste of two hours"],
        capture_output=True,
        text=True,
        check=True,
        env={"HF_HUB_OFFLINE": "1"},
    )
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["good", "bad"]
