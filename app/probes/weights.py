"""Weights ready to load: fetched from their hub and, where they ship in another format, converted once.

`python -m app.probes.weights --models-dir FOLDER` fetches the text models of the demonstration.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import yaml

import app
from app.probes.conversion.job import MODULES, Job
from models_registry.entry import ModelEntry, WeightsFormat
from models_registry.hubs import Deadline, Hub, HubError, hub_for
from models_registry.hubs.base import (
    FetchedModel,
    HubTimeoutError,
    Progress,
    RefusedModelError,
    UnsafeWeightsError,
    no_progress,
)
from models_registry.hubs.cache import claimed, discard, model_folder, publish, published
from models_registry.hubs.child import ChildTimeoutError, run_child
from models_registry.hubs.policy import SAFE_POLICY, check_folder

DEMO_MODELS = (
    "sentence-transformers/all-MiniLM-L6-v2",
    "sentence-transformers/paraphrase-MiniLM-L3-v2",
    "intfloat/multilingual-e5-small",
    "dleemiller/word-llama-l2-supercat",
)
"""Ids of the text models that ship in packages and can be probed on any machine."""

ITEM_NETWORK = "item-network"
"""The converter of networks over items, which are trained from scratch (`app.probes.item_networks`)."""
DEFAULT_SECONDS = 600.0
_SOURCES = ".sources"
_ENTRIES = Path(sys.modules[ModelEntry.__module__].__file__ or "").with_name("entries") / "packages.yaml"


class ConversionError(RefusedModelError):
    """Weights could not be turned into safetensors; `detail` says why."""


def ensure_weights(
    entry: ModelEntry,
    models_dir: Path,
    *,
    hubs: Callable[[ModelEntry], Hub] = hub_for,
    seconds: float = DEFAULT_SECONDS,
    progress: Progress = no_progress,
) -> Path:
    """The folder of a model in safetensors on this machine, fetched and converted when it was not there.

    Args:
        entry: The model.
        models_dir: Root of the cache.
        hubs: Gives the hub of an entry.
        seconds: Time for the download and the conversion together.
        progress: Told how far the download is.

    Raises:
        HubError: It could not be fetched, was refused, or could not be converted (ConversionError).
    """
    models_dir = models_dir.absolute()
    deadline = Deadline.after(seconds)
    if entry.weights.format is WeightsFormat.NONE:
        return _shape(entry, models_dir)
    if entry.weights.converter is None:
        return hubs(entry).fetch(entry, models_dir, deadline=deadline, progress=progress).folder
    folder = model_folder(models_dir, entry)
    if published(folder) is None:
        _check_convertible(entry)
        parts = hubs(entry).fetch(entry, models_dir / _SOURCES, deadline=deadline, progress=progress)
        try:
            _convert_once(entry, models_dir, parts, deadline)
        except RefusedModelError:
            discard(models_dir, parts.folder)
            raise
        discard(models_dir, parts.folder)
    return folder


def _shape(entry: ModelEntry, models_dir: Path) -> Path:
    """The folder of a network that has no weights: its configuration, as its entry describes it."""
    if entry.weights.converter != ITEM_NETWORK or entry.max_length is None:
        raise ConversionError(entry.name, "it has no weights, and there is no network of its kind here")
    config = {
        "model_type": entry.family,
        "width": entry.embedding_width,
        "n_layers": entry.n_layers,
        "max_length": entry.max_length,
    }
    folder = model_folder(models_dir, entry)
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f".config-{os.getpid()}"
    scratch.write_text(json.dumps(config, indent=1), encoding="utf-8")
    scratch.replace(folder / "config.json")
    return folder


def _check_convertible(entry: ModelEntry) -> None:
    if entry.weights.converter not in MODULES:
        raise ConversionError(entry.name, f"no converter {entry.weights.converter!r}")
    if not entry.weights.packages:
        raise UnsafeWeightsError(
            entry.name, (entry.weights.format,), f"{SAFE_POLICY}, or packages with pinned hashes"
        )


def _convert_once(entry: ModelEntry, models_dir: Path, parts: FetchedModel, deadline: Deadline) -> None:
    folder = model_folder(models_dir, entry)
    with claimed(models_dir, folder, entry.name, deadline) as scratch:
        if published(folder) is not None:
            return
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.parent.mkdir(parents=True, exist_ok=True)
        _run_conversion(entry, parts.folder, scratch, deadline)
        check_folder(entry.name, scratch)
        facts: dict[str, object] = {
            "source": entry.key,
            "converter": entry.weights.converter,
            "packages": [package.model_dump() for package in entry.weights.packages],
            "source_sha256": dict(parts.sha256),
        }
        publish(models_dir, scratch, folder, revision=entry.revision, facts=facts)


def _run_conversion(entry: ModelEntry, parts: Path, target: Path, deadline: Deadline) -> None:
    """Runs the converter in a process without our environment: damaged weights end that process, not us."""
    job = Job(converter=entry.weights.converter or "", parts=parts, target=target, entry=entry)
    root = Path(app.__file__ or "").absolute().parents[1]
    env = {
        "PYTHONPATH": str(root),
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(target.with_name(".hf")),
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "app.probes.conversion"]
    try:
        result = run_child(command, deadline=deadline, stdin=job.model_dump_json(), env=env)
    except ChildTimeoutError:
        raise HubTimeoutError(entry.name, deadline.seconds) from None
    finally:
        shutil.rmtree(env["HF_HOME"], ignore_errors=True)
    if result.code != 0:
        last = (result.errors.strip().splitlines() or [f"ended with code {result.code}"])[-1]
        raise ConversionError(entry.name, last)


def packaged_entries() -> dict[str, ModelEntry]:
    """The entries whose weights ship in packages, by id."""
    rows = yaml.safe_load(_ENTRIES.read_text(encoding="utf-8"))
    return {entry.id: entry for entry in map(ModelEntry.model_validate, rows)}


def prefetch(ids: Iterable[str], models_dir: Path, *, say: Callable[[str], None]) -> None:
    """The named models lie ready; one line is said for each.

    Raises:
        HubError: One could not be fetched; those before it stay.
    """
    entries = packaged_entries()
    wanted = [entries[model_id] for model_id in ids]
    for number, entry in enumerate(wanted, start=1):
        folder = ensure_weights(entry, models_dir)
        n_bytes = sum(path.stat().st_size for path in folder.iterdir())
        say(f"[{number}/{len(wanted)}] {entry.id}: {n_bytes / 1e6:.1f} MB ready")


def main() -> int:
    """Fetches the models of the demonstration, or those that are named."""
    parser = argparse.ArgumentParser(
        description="Fetch and convert pretrained weights that ship in packages."
    )
    parser.add_argument(
        "ids", nargs="*", default=list(DEMO_MODELS), help="ids of models; default: the text models"
    )
    parser.add_argument("--models-dir", type=Path, required=True, help="folder of the weights")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.ids) - packaged_entries().keys())
    if unknown:
        parser.error(f"no packaged model is called {', '.join(unknown)}")
    say = partial(print, flush=True)
    try:
        prefetch(arguments.ids, arguments.models_dir, say=say)
    except HubError as error:
        say(f"failed: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
