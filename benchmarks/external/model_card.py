"""Model cards of the Hugging Face Hub: the `model-index` of their front matter."""

from collections.abc import Iterator
from pathlib import Path

from huggingface_hub import EvalResult, ModelCard, ModelCardData
from yaml import YAMLError

from benchmarks.external.mteb_results import task_of
from benchmarks.external.record import Record, UnreadableFileError
from benchmarks.external.spelling import task_spelt
from benchmarks.figures import Protocol
from benchmarks.importers.reading import Refusal, RefusalReason
from models_registry.vocabulary import TaskType

_CARDS = ("README.md", "*.md")
_MTEB = "mteb/"
_PROMPTED = frozenset({TaskType.TEXT_GENERATION, TaskType.ZERO_SHOT_IMAGE_CLASSIFICATION})
"""Tasks that cards report without training on them."""


def read_model_cards(path: Path) -> Iterator[Record | Refusal]:
    """Records of one card or of all cards under a folder.

    A card of a folder is named by its place, `<owner>/<model>/README.md`; a single one by its model index.
    """
    if path.is_file():
        yield from _card(path, "")
        return
    cards = sorted({card for form in _CARDS for card in path.rglob(form)})
    if not cards:
        raise UnreadableFileError(path, "no model card (README.md) is in this folder")
    for card in cards:
        yield from _card(card, _placed(card.relative_to(path)))


def _placed(card: Path) -> str:
    """The Hub id that a card's place tells; empty where it tells none."""
    parts = card.parent.parts if card.name == "README.md" else (*card.parent.parts, card.stem)
    if len(parts) == 1 and "--" in parts[0]:
        parts = tuple(parts[0].removeprefix("models--").split("--", 1))
    return "/".join(parts[-2:]) if len(parts) >= 2 else ""


def _card(path: Path, placed: str) -> Iterator[Record | Refusal]:
    try:
        data = ModelCard(path.read_text(encoding="utf-8", errors="replace")).data
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        YAMLError,
    ) as error:  # no YAML, or no model index
        yield Refusal(reason=RefusalReason.UNREADABLE, row=f"{path.name}: {error}")
        return
    if not isinstance(data, ModelCardData) or not data.eval_results:
        yield Refusal(reason=RefusalReason.NO_VALUE, row=f"{placed or path}: no model-index")
        return
    model = placed or str(data.model_name or "")
    for result in data.eval_results:
        yield _record(model, result)


def _record(model: str, result: EvalResult) -> Record | Refusal:
    printed = result.metric_value
    if isinstance(printed, bool) or not isinstance(printed, int | float | str):
        return Refusal(reason=RefusalReason.NO_VALUE, row=f"{model}, {result.dataset_name}, {printed}")
    task_type, protocol = _measured(result)
    config = result.dataset_config
    dataset = result.dataset_type if "/" not in result.dataset_type else result.dataset_name
    is_part = config and config not in {"default", dataset, "plain_text"}
    return Record(
        model=model,
        is_hub_id="/" in model,
        benchmark=f"{dataset}/{config}" if is_part else dataset,
        metric=result.metric_type,
        value=float(printed) if isinstance(printed, int) else printed,
        task=result.task_type,
        task_type=task_type,
        protocol=protocol,
        split=str(result.dataset_split or "test")[:32],
        source=f"https://huggingface.co/{model}" if "/" in model else "",
    )


def _measured(result: EvalResult) -> tuple[TaskType | None, Protocol]:
    if result.dataset_type.lower().startswith(_MTEB):
        return task_of(result.task_type)
    task_type = task_spelt(result.task_type)
    shots = (result.dataset_args or {}).get("num_few_shot")
    prompted = shots is not None or task_type in _PROMPTED
    return task_type, Protocol.ZERO_SHOT if prompted else Protocol.FINE_TUNED
