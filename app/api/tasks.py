"""`/tasks`."""

from fastapi import APIRouter
from starlette.responses import Response

from app.api.dependencies import json_response
from app.api.schemas.catalogue import TaskList
from app.tasks.base import TaskDefinition
from app.tasks.catalogue import TASKS

router = APIRouter(tags=["catalogue"])


@router.get(
    "/tasks",
    operation_id="list_tasks",
    summary="Task types, metrics and data formats",
    response_model=TaskList,
)
async def list_tasks() -> Response:
    """Every task type that `/recommend` knows; `can_probe` says whether `/probe-run` knows it too."""
    return json_response({"items": [_task(definition) for definition in TASKS.values()]})


def _task(definition: TaskDefinition) -> dict[str, object]:
    return {
        "type": definition.task_type.value,
        "title": definition.title,
        "modality": definition.modality.value,
        "metrics": list(definition.metrics),
        "data": definition.data,
        "formats": [file_format.value for file_format in definition.formats],
        "columns": [
            {
                "role": rule.role.value,
                "description": rule.description,
                "required": rule.required,
                "names": list(rule.names),
            }
            for rule in definition.columns
        ],
        "can_probe": definition.can_probe,
    }
