"""What the benches share: the device as a probe run measures it."""

from pathlib import Path

from app.probes.device_speed import measured_device
from app.probes.trial_process import ForkServer
from app.ranking.devices import Device, device_named

DATA_DIR = Path(".cache/demo/demo")


def this_device() -> Device:
    """This machine's processor, measured or as measured within the day."""
    with ForkServer() as server:
        return measured_device(device_named("cpu"), server, DATA_DIR / "device.json")
