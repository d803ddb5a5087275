"""Where a run's trained model lies, for those that serve and delete it; no torch."""

import shutil
from collections.abc import Iterable
from pathlib import Path

ARTIFACTS = "artifacts"
"""Folder in the data folder; a subfolder a run, by its id."""
FOLDER = "artifacts"
"""Folder in a trial's own, in which it writes."""


def artifact_file(data_dir: Path, run_id: str, path: str) -> Path:
    """A file of a run's trained model. The path must be one that the run names."""
    return data_dir / ARTIFACTS / run_id / path


def explanations_file(data_dir: Path, run_id: str) -> Path:
    """What explains a run's predictions, as JSON without words."""
    return data_dir / "explanations" / f"{run_id}.json"


def delete_artifacts(data_dir: Path, run_ids: Iterable[str]) -> None:
    """The trained models of these runs are gone, and what explains them."""
    for run_id in run_ids:
        explanations_file(data_dir, run_id).unlink(missing_ok=True)
        shutil.rmtree(data_dir / ARTIFACTS / run_id, ignore_errors=True)
