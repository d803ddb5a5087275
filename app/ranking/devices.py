"""What compute devices can do, from their makers' data sheets."""

from dataclasses import dataclass
from functools import lru_cache

GIB = 2**30


class UnknownDeviceError(ValueError):
    """No device of this name is known.

    Attributes:
        name: What was asked for.
        known: Names that are known.
    """

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        self.name = name
        self.known = known
        super().__init__(f"unknown device {name!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One compute device.

    Attributes:
        name: As the maker writes it, or `cpu`, `cuda`, `mps`.
        flops: Peak floating-point operations a second at the precision used for training.
        train_efficiency: Share of the peak that fine-tuning small models reaches.
        memory_bytes: Memory of one device.
        watts: Power under load.
        launch_seconds: Overhead of one layer's kernels, which bounds latency from below.
        precision: Precision of training there.
        runtime_bytes: Memory that the framework takes before the first weight.
    """

    name: str
    flops: float
    train_efficiency: float
    memory_bytes: float
    watts: float
    launch_seconds: float
    precision: str
    runtime_bytes: float


def _card(name: str, tflops: float, gigabytes: float, watts: float, precision: str = "fp16") -> Device:
    return Device(
        name=name,
        flops=tflops * 1e12,
        # 30-40 % is what well-tuned fine-tuning of BERT-sized encoders reaches on tensor cores; see
        # the throughput tables of the NVIDIA DeepLearningExamples BERT page.
        train_efficiency=0.3,
        memory_bytes=gigabytes * 1e9,
        watts=watts,
        launch_seconds=1.2e-4,  # about a dozen kernels a layer at 10 microseconds each
        precision=precision,
        runtime_bytes=0.6 * GIB,
    )


_CPU = Device(
    name="cpu",
    # Two AVX2 cores: MiniLM-L6 at 25 tokens trains at 2.96 steps of 16 a second (75 GFLOPS of a
    # 240 GFLOPS peak), measured with torch 2.13. More cores are more devices.
    flops=240e9,
    train_efficiency=0.31,
    memory_bytes=8e9,
    watts=35.0,
    launch_seconds=1.5e-4,
    precision="fp32",
    runtime_bytes=0.5 * GIB,
)
_MPS = Device(
    name="mps",
    flops=2.6e12,  # Apple M1, 8 GPU cores, fp32
    train_efficiency=0.3,
    memory_bytes=8e9,
    watts=15.0,
    launch_seconds=3e-4,
    precision="fp32",
    runtime_bytes=0.5 * GIB,
)
# Dense tensor-core peak at fp16 or bf16 with fp32 accumulation, memory and board power, from NVIDIA's
# data sheets of each card.
_CARDS = (
    _card("NVIDIA T4", 65, 16, 70),
    _card("NVIDIA P100", 18.7, 16, 250),
    _card("NVIDIA V100", 125, 16, 300),
    _card("NVIDIA A10", 125, 24, 150, "bf16"),
    _card("NVIDIA A10G", 70, 24, 300, "bf16"),
    _card("NVIDIA L4", 121, 24, 72, "bf16"),
    _card("NVIDIA L40S", 362, 48, 350, "bf16"),
    _card("NVIDIA A100", 312, 40, 400, "bf16"),
    _card("NVIDIA A100 80GB", 312, 80, 400, "bf16"),
    _card("NVIDIA H100", 989, 80, 700, "bf16"),
    _card("NVIDIA H200", 989, 141, 700, "bf16"),
    _card("NVIDIA RTX 2080 Ti", 53.8, 11, 250),
    _card("NVIDIA RTX 3060", 25.6, 12, 170, "bf16"),
    _card("NVIDIA RTX 3090", 71, 24, 350, "bf16"),
    _card("NVIDIA RTX 4090", 165, 24, 450, "bf16"),
    _card("NVIDIA GTX 1080 Ti", 11.3, 11, 250, "fp32"),
)
_DEVICES = {"cpu": _CPU, "mps": _MPS} | {card.name.lower(): card for card in _CARDS}
GENERIC_CARD = "nvidia t4"
"""What `cuda` means where no card is named: the smallest that clouds rent out, so that costs err upwards."""


@lru_cache(maxsize=1_024)
def device_named(name: str) -> Device:
    """The device of this name; the maker's name and `GeForce`, `Tesla` may be left out.

    Raises:
        UnknownDeviceError: No such device.
    """
    wanted = " ".join(
        w for w in name.lower().replace("-", " ").split() if w not in {"nvidia", "geforce", "tesla"}
    )
    if wanted in {"cuda", "gpu"}:
        return _DEVICES[GENERIC_CARD]
    for key, device in _DEVICES.items():
        if wanted and wanted.replace(" ", "") == key.removeprefix("nvidia ").replace(" ", ""):
            return device
    raise UnknownDeviceError(name, (*tuple(d.name for d in _DEVICES.values()), "cuda"))
