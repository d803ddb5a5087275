"""Image encoders by their authors: ViT, BiT, BEiT and DiT fine-tuned, DINOv2 with a linear head."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import percent, raw_rows, rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason

_SUITES = {"imagenet2012": "imagenet", "imagenet-1k": "imagenet", "imagenet-v2": "imagenet"}
_BIT = {"01_bit_m_r101x3": "BiT-M-R101x3", "02_bit_m_r152x2": "BiT-M-R152x2", "03_bit_m_r50x1": "BiT-M-R50x1"}
_WITH_REGISTERS = ":white_check_mark:"


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings of the five tables."""
    for row in rows(folder / "readme_vit" / "02_available_vit_models.csv"):
        yield _reading(row["model"], row["dataset"], percent(row["dropout=0.0"]), "vit")
    for name, model in _BIT.items():
        for row in rows(folder / "readme_bit" / f"{name}.csv"):
            if row["Ex/cls"] == "full":
                yield _reading(model, row["Dataset"], percent(row["Jax"]), "bit")
    yield from _unilm(folder / "readme_unilm")
    yield from _dinov2(folder / "readme_dinov2" / "03_model_card__evaluation.csv")


def _unilm(folder: Path) -> Iterator[Reading | Refusal]:
    for row in rows(folder / "04_beit__fine_tuning_on_imagenet_1k_image_classif.csv"):
        checkpoint = row["initialized checkpoint"]
        if row["resolution"] == "224x224":
            yield _reading(checkpoint, "imagenet-1k", percent(row["acc@1"]), "beit")
        else:
            reason = RefusalReason.NOT_COMPARABLE  # larger images than the checkpoint's own
            yield Refusal(reason=reason, row=f"beit: {checkpoint}, {row['resolution']}")
    for row in rows(folder / "20_dit__fine_tuning_on_rvl_cdip_document_image_c.csv"):
        yield _reading(row["initialized checkpoint"], "rvl-cdip", percent(row["accuracy"]), "dit")


def _dinov2(path: Path) -> Iterator[Reading | Refusal]:
    for row in list(raw_rows(path))[3:]:
        name = f"{row[0]} with registers" if row[1] == _WITH_REGISTERS else row[0]
        tested = (("imagenet-1k", row[3]), ("imagenet-v2", row[4]), ("inaturalist-2018", row[8]))
        for task, cell in tested:
            yield _reading(name, task, percent(cell), "dinov2", protocol=Protocol.LINEAR_PROBE)


def _reading(
    model: str, task: str, value: float | None, source: str, *, protocol: Protocol = Protocol.FINE_TUNED
) -> Reading | Refusal:
    if value is None:
        return Refusal(reason=RefusalReason.NO_VALUE, row=f"{source}: {model}, {task}")
    suites = {"inaturalist-2018": "inaturalist", "rvl-cdip": "rvl-cdip"}
    suite = (_SUITES | suites).get(task, "cifar")
    split = "test" if suite == "cifar" else "validation"
    return Reading(
        model=model,
        suite=suite,
        benchmark=task,
        value=value,
        protocol=protocol,
        split=split,
        source=source,
    )
