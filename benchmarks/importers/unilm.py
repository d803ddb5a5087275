"""Tables of the UniLM family: documents, image and text, segmentation, speaker verification."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Protocol
from benchmarks.importers.cells import percent, rows
from benchmarks.importers.reading import Reading, Refusal, RefusalReason


@dataclass(frozen=True, slots=True)
class _Table:
    """How one table is read: file, column of the model, and task and metric by column of figures."""

    file: str
    model: str
    columns: dict[str, tuple[str, str]]
    source: str
    scale: float = 1.0  # what `percent` is to be multiplied by: 100 where the table prints fractions
    split: str = "test"
    only: tuple[str, str] = ("", "")  # column and its value in the rows that compare


_FORMS = {"F1": ("funsd", "entity_f1")}
_XFUND = {language: (f"xfund-{language.lower()}", "entity_f1") for language in
          ("ZH", "JA", "ES", "FR", "IT", "DE", "PT")}  # fmt: skip
_CAPTIONS = "initialized checkpoint"
_TABLES = (
    _Table("05_beit__fine_tuning_on_ade20k_semantic_segmentat.csv", _CAPTIONS,
           {"mIoU": ("ade20k", "mean_iou")}, "beit", split="validation"),
    _Table("07_beit2__fine_tuning_on_ade20k_semantic_segmentat.csv", _CAPTIONS,
           {"mIoU": ("ade20k", "mean_iou")}, "beit2", split="validation"),
    _Table("06_beit2__fine_tuning_on_imagenet_1k_image_classif.csv", "weight",
           {"acc@1": ("imagenet-1k", "accuracy")}, "beit2", split="validation"),
    _Table("10_beit3__fine_tuning_on_imagenet_1k_image_classif.csv", _CAPTIONS,
           {"acc@1": ("imagenet-1k", "accuracy")}, "beit3", split="validation"),
    _Table("11_beit3__fine_tuning_on_vqav2_visual_question_ans.csv", _CAPTIONS,
           {"test-dev": ("vqav2", "vqa_accuracy")}, "beit3", split="test-dev",
           only=("resolution", "480x480")),
    _Table("13_beit3__coco_captioning.csv", _CAPTIONS, {"test CIDEr": ("coco-captions", "cider")}, "beit3"),
    _Table("14_beit3__nocaps.csv", _CAPTIONS, {"val CIDEr": ("nocaps", "cider")}, "beit3",
           split="validation"),
    _Table("15_beit3__coco_retrieval.csv", _CAPTIONS,
           {"IR@1": ("MSCOCO/image", "recall_at_1"), "TR@1": ("MSCOCO/text", "recall_at_1")}, "beit3"),
    _Table("16_beit3__flickr30k_retrieval.csv", _CAPTIONS,
           {"IR@1": ("Flickr/image", "recall_at_1"), "TR@1": ("Flickr/text", "recall_at_1")}, "beit3"),
    _Table("69_vlmo__coco.csv", _CAPTIONS,
           {"IR@1": ("MSCOCO/image", "recall_at_1"), "TR@1": ("MSCOCO/text", "recall_at_1")}, "vlmo"),
    _Table("41_layoutlm__funsd_field_level.csv", "Model", _FORMS, "layoutlm", scale=100.0),
    _Table("42_layoutlmv2__funsd_field_level.csv", "Model", _FORMS, "layoutlmv2", scale=100.0),
    _Table("47_layoutxlm__language_specific_finetuning.csv", "Model",
           {"FUNSD": ("funsd", "entity_f1"), **_XFUND}, "layoutxlm", scale=100.0),
    _Table("71_wavlm__speaker_verification.csv", "Model",
           {"Vox1-O": ("voxceleb1-o", "eer"), "Vox1-E": ("voxceleb1-e", "eer"),
            "Vox1-H": ("voxceleb1-h", "eer")}, "wavlm", only=("Fix pre-train", "Yes")),
)  # fmt: skip
_SUITES = {"imagenet-1k": "imagenet", "MSCOCO": "clip-retrieval", "Flickr": "clip-retrieval"}
_RELATIONS = 3
"""The rows after the first three of LayoutXLM's table extract relations; the first three tag entities."""


def read(folder: Path) -> Iterator[Reading | Refusal]:
    """Readings, fine-tuned unless the encoder was held fixed."""
    for table in _TABLES:
        for number, row in enumerate(rows(folder / "readme_unilm" / table.file)):
            column, wanted = table.only
            where = f"{table.source}: {row[table.model]}"
            if column and row[column] != wanted:
                yield Refusal(reason=RefusalReason.NOT_COMPARABLE, row=f"{where}, {row[column]}")
                continue
            if table.model == "weight":  # two rows of this table name the base checkpoint for the large one
                model = f"{row['name'].lower()}-{row['initialized checkpoint'].partition('224_')[2]}"
            else:
                model = row[table.model]
            relations = table.source == "layoutxlm" and number >= _RELATIONS
            for name, (task, metric) in table.columns.items():
                yield _cell(table, model, f"{task}-relations" if relations else task, metric, row[name])


def _cell(table: _Table, model: str, task: str, metric: str, cell: str) -> Reading | Refusal:
    value = percent(cell)
    if value is None:
        return Refusal(reason=RefusalReason.NO_VALUE, row=f"{table.source}: {model}, {task}")
    return Reading(
        model=model,
        suite=_SUITES.get(task.partition("/")[0], "unilm"),
        benchmark=task,
        metric="f1_micro" if task.endswith("-relations") else metric,
        value=value * table.scale,
        protocol=Protocol.FROZEN_HEAD if table.source == "wavlm" else Protocol.FINE_TUNED,
        split=table.split,
        source=table.source,
    )
