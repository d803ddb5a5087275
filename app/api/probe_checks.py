"""What `POST /probe-run` may ask for, checked before anything is stored."""

from collections.abc import Sequence

from app.api.errors import FieldFault, InvalidRequestError
from app.api.schemas.probe_runs import DEFAULT_STRATEGIES, ProbeRunRequest
from app.datasets.storage import StoredDataset
from app.exclusions import Exclusion
from app.naming import Naming
from app.ranking.candidates import CandidateTable
from app.ranking.devices import device_named
from app.ranking.probe_model import load_probe_model
from app.ranking.recipe import suits
from app.tasks.base import ColumnRole
from app.tasks.catalogue import TASKS
from app.tasks.targets import AVERAGED, EXPLAINED, Target
from models_registry.entry import ModelEntry, WeightsFormat
from models_registry.vocabulary import Modality, Strategy, TaskType

ONE_DEVICE = frozenset({"cpu", "mps"})
TAKEN_AWAY = frozenset({Modality.TEXT, Modality.IMAGE})
"""Of which trained models are written with a program that predicts."""


def resolve(names: Sequence[str], naming: Naming) -> tuple[ModelEntry, ...]:
    """The models that these names mean, each once.

    Raises:
        InvalidRequestError: One means none, or several.
    """
    found = [naming.find(name) for name in names]
    faults = [
        FieldFault(pointer=f"/candidates/{i}", detail=detail)
        for i, detail in enumerate(found)
        if isinstance(detail, str)
    ]
    if faults:
        raise InvalidRequestError(faults)
    return tuple(entry for entry in found if not isinstance(entry, str))


def check_plain(request: ProbeRunRequest, max_seconds: float) -> None:
    """Pass what can be told without looking anything up.

    Raises:
        InvalidRequestError: Something in it is not available, or beyond its limit.
    """
    faults = []
    if request.webhook_url is not None:
        detail = "webhooks: not available yet; follow GET /probe-runs/{id}/events instead"
        faults.append(FieldFault(pointer="/webhook_url", detail=detail))
    if request.budget.seconds > max_seconds:
        detail = f"at most {max_seconds:g} seconds (ADVISOR_MAX_PROBE_SECONDS)"
        faults.append(FieldFault(pointer="/budget/seconds", detail=detail))
    if request.budget.n_devices > 1 and device_named(request.budget.device).name in ONE_DEVICE:
        detail = f"{request.budget.device} is one device: name a card, or leave n_devices out"
        faults.append(FieldFault(pointer="/budget/n_devices", detail=detail))
    supported = [*DEFAULT_STRATEGIES, *load_probe_model().adapted]
    faults += [
        FieldFault(
            pointer=f"/strategies/{i}", detail=f"{s}: not available yet; choose from {', '.join(supported)}"
        )
        for i, s in enumerate(request.strategies)
        if s not in supported
    ]
    if faults:
        raise InvalidRequestError(faults)


def check_task(request: ProbeRunRequest, stored: StoredDataset) -> None:
    """Pass a task that is the data set's, in a metric of it.

    Raises:
        InvalidRequestError: It is another one.
    """
    task = request.task
    faults = []
    if task.type not in {None, stored.task_type}:
        detail = f"the data set is labelled for {stored.task_type}; leave the type out"
        faults.append(FieldFault(pointer="/task/type", detail=detail))
    modality, noun = TASKS[stored.task_type].modality, TASKS[stored.task_type].noun
    if request.refit and modality not in TAKEN_AWAY:
        detail = f"trained models of {noun}s are not written yet; leave it false"
        faults.append(FieldFault(pointer="/refit", detail=detail))
    if modality is not Modality.TEXT:
        faults += _not_of_files(request, noun)
    if TASKS[stored.task_type].target is Target.TEXT:
        faults += _not_of_writers(request)
    if request.ensemble and TASKS[stored.task_type].target not in AVERAGED:
        detail = f"predictions of {stored.task_type} by several models have no mean; leave it false"
        faults.append(FieldFault(pointer="/ensemble", detail=detail))
    if request.explain and (TASKS[stored.task_type].target not in EXPLAINED or modality not in TAKEN_AWAY):
        detail = f"predictions of {stored.task_type} are not explained; leave it false"
        faults.append(FieldFault(pointer="/explain", detail=detail))
    metrics = TASKS[stored.task_type].probed_metrics
    if task.metric is not None and task.metric not in metrics:
        detail = f"{stored.task_type} is measured by one of: {', '.join(metrics)}"
        faults.append(FieldFault(pointer="/task/metric", detail=detail))
    if faults:
        raise InvalidRequestError(faults)


def _not_of_files(request: ProbeRunRequest, noun: str) -> list[FieldFault]:
    """What is done with models of texts only."""
    return [
        FieldFault(
            pointer=f"/strategies/{i}",
            detail=f"{s}: not available for {noun}s yet; choose from {', '.join(DEFAULT_STRATEGIES)}",
        )
        for i, s in enumerate(request.strategies)
        if s not in DEFAULT_STRATEGIES
    ]


def _not_of_writers(request: ProbeRunRequest) -> list[FieldFault]:
    """What is not done with models that write."""
    faults = [
        FieldFault(
            pointer=f"/strategies/{i}",
            detail="prefix: not available for texts that are written; choose lora, or another one",
        )
        for i, strategy in enumerate(request.strategies)
        if strategy is Strategy.PREFIX
    ]
    if request.refit:
        detail = "trained models that write are not written out yet; leave it false"
        faults.append(FieldFault(pointer="/refit", detail=detail))
    return faults


def check_candidates(
    entries: Sequence[ModelEntry], task_type: TaskType, strategies: Sequence[Strategy]
) -> None:
    """Pass models that can be loaded and fine-tuned for this task.

    Raises:
        InvalidRequestError: One cannot.
    """
    probeable = CandidateTable(entries).can_be_probed if entries else ()
    faults = []
    for i, (entry, can) in enumerate(zip(entries, probeable, strict=True)):
        if not can:
            detail = (
                f"its weights are {entry.weights.format}, which is not loaded here: "
                "choose a model whose weights are safetensors"
            )
            faults.append(FieldFault(pointer=f"/candidates/{i}", detail=detail))
        elif task_type not in entry.task_types:
            able = ", ".join(entry.task_types)
            detail = f"cannot be fine-tuned for {task_type}; it can for {able}"
            faults.append(FieldFault(pointer=f"/candidates/{i}", detail=detail))
        elif not any(suits(entry, s, is_paired=TASKS[task_type].is_paired) for s in strategies):
            is_pretrained = entry.weights.format is not WeightsFormat.NONE
            what, remedy = ("word vectors have", "head") if is_pretrained else ("no weights have", "full")
            detail = f"{what} nothing that {', '.join(strategies)} trains: add {remedy}"
            faults.append(FieldFault(pointer=f"/candidates/{i}", detail=detail))
    if faults:
        raise InvalidRequestError(faults)


def check_readable(entries: Sequence[ModelEntry], stored: StoredDataset) -> None:
    """Pass models that find in the data what they read.

    Raises:
        InvalidRequestError: One does not.
    """
    if TASKS[stored.task_type].modality is not Modality.INTERACTIONS or ColumnRole.TEXT in stored.columns:
        return
    detail = "reads items by their titles, and the data set has no column of them: upload it with text_column"
    faults = [
        FieldFault(pointer=f"/candidates/{i}", detail=detail)
        for i, entry in enumerate(entries)
        if entry.modality is Modality.TEXT
    ]
    if faults:
        raise InvalidRequestError(faults)


def check_rules(named: Sequence[ModelEntry], exclusions: Sequence[Exclusion]) -> None:
    """Pass models that no rule leaves out for this data, such as that they read its language.

    Raises:
        InvalidRequestError: One is left out.
    """
    broken = {e.model: e for e in exclusions}
    faults = [
        FieldFault(
            pointer=f"/candidates/{i}",
            detail=f"left out by the rule {e.rule.value}: the model has {e.needed}, the data {e.available}",
        )
        for i, entry in enumerate(named)
        if (e := broken.get(entry.name)) is not None
    ]
    if faults:
        raise InvalidRequestError(faults)
