"""What the tests of the API share: a request, and the check of a body against OpenAPI."""

import dataclasses
from typing import Any

import jsonschema

HOTEL: dict[str, Any] = {
    "task": {"description": "情感分析：中文酒店评论，两类"},
    "data": {"n_examples": 6212, "n_classes": 2, "mean_length": 120},
    "budget": {"device": "cpu", "device_memory_gb": 8, "train_hours": 2.0},
}


@dataclasses.dataclass(frozen=True)
class Contract:
    """Checks bodies against the OpenAPI document."""

    document: dict[str, Any]

    def holds(self, body: object, method: str, path: str, status: int) -> None:
        content = self.document["paths"][path][method]["responses"][str(status)]["content"]
        media_type = "application/json" if status < 400 else "application/problem+json"
        schema = {**content[media_type]["schema"], "components": self.document["components"]}
        jsonschema.Draft202012Validator(schema).validate(body)
