"""What this machine's processor can do, measured once a day: how fast it trains, and in which precision.

A processor with bfloat16 products (AVX512-BF16, AMX) trains 1.6 times as fast with them or better; one that
emulates them is slower. So the precision is measured, not guessed.
"""

import json
import os
import platform
import secrets
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from app.probes.messages import BRAIN, SINGLE, MeasureSpeed, SpeedReport, TrialSpec
from app.probes.outcomes import Finished
from app.probes.trial_process import ForkServer, TrialProcess
from app.ranking.devices import Device

LEAST_GAIN = 1.2
"""Times as fast that bfloat16 must be to be used."""
TRAINING_SHARE = 0.9
"""Of the speed of a layer alone, what a whole fine-tune reaches: input vectors, padding, optimiser."""
KEPT_SECONDS = 86_400.0
TIMEOUT_SECONDS = 30.0
MEMORY_BYTES = 2**31


def measured_device(device: Device, server: ForkServer, cache: Path) -> Device:
    """A CPU with this machine's speed and the better precision; other devices as they are.

    Args:
        device: As asked for.
        server: Starts the trial that measures.
        cache: File that keeps what was measured, for a day.
    """
    if device.name != "cpu":
        return device
    machine = _machine()
    flops = _kept(cache, machine)
    if flops is None:
        flops = measure(server)
        if flops is None:
            return device
        _keep(cache, machine, flops)
    precision = BRAIN if flops[BRAIN] > LEAST_GAIN * flops[SINGLE] else SINGLE
    rate = TRAINING_SHARE * flops[precision]
    return replace(device, flops=rate / device.train_efficiency, precision=precision)


def measure(server: ForkServer) -> Mapping[str, float] | None:
    """Operations a second of an encoder layer by precision, from a trial of its own; None where it failed."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        spec = TrialSpec(
            trial_id="speed",
            model_name="speed",
            model_folder=None,
            strategy="head",
            dataset_folder=home,
            dataset_id="speed",
            split_file=home / "split.json",
            folder=home,
            feature_cache_folder=home,
            feature_cache_bytes=0,
            n_threads=os.cpu_count() or 1,
        )
        trial = TrialProcess(spec, server)
        try:
            outcome = trial.run(
                MeasureSpeed(), timeout_seconds=TIMEOUT_SECONDS, memory_limit_bytes=MEMORY_BYTES
            )
        finally:
            trial.close()
    match outcome:
        case Finished(result=SpeedReport(flops=flops)):
            return flops
        case _:
            return None


def _machine() -> str:
    """Whatever decides the speed, as far as it can be told."""
    return f"{_processor()} x {os.cpu_count()}, torch {version('torch')}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    # The model's name may be cut short on a rented machine; its instructions tell more.
    kept = ("model name", "flags", "Features")
    return " ".join(dict.fromkeys(line.partition(":")[2].strip() for line in lines if line.startswith(kept)))


def _kept(cache: Path, machine: str) -> Mapping[str, float] | None:
    try:
        raw = json.loads(cache.read_text(encoding="utf-8"))
        is_valid = raw["machine"] == machine and 0.0 <= time.time() - raw["measured_at"] < KEPT_SECONDS
        return {name: float(raw["flops"][name]) for name in (SINGLE, BRAIN)} if is_valid else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(cache: Path, machine: str, flops: Mapping[str, float]) -> None:
    cache.parent.mkdir(parents=True, exist_ok=True)
    scratch = cache.with_name(f".{cache.name}-{secrets.token_hex(4)}")
    scratch.write_text(json.dumps({"machine": machine, "measured_at": time.time(), "flops": dict(flops)}))
    scratch.replace(cache)
