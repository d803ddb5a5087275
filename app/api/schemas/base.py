"""What all request models share: nothing unknown, nothing infinite, null means not given."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.ranking.devices import UnknownDeviceError, device_named
from benchmarks.metrics import METRICS, UnknownMetricError, metric_named


class RequestModel(BaseModel):
    """A request body or a part of one."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _null_is_not_given(cls, data: Any) -> Any:  # noqa: ANN401  (pydantic hands over whatever was sent)
        if isinstance(data, dict):
            return {name: value for name, value in data.items() if value is not None}
        return data


class ResponseModel(BaseModel):
    """A response body or a part of one: documents and checks, never serialises."""

    model_config = ConfigDict(extra="forbid")


def _without_nul(text: str) -> str:
    # PostgreSQL stores no NUL in text, and no name, label or description needs one.
    if "\x00" in text:
        raise PydanticCustomError("nul_character", "must not contain a NUL character")
    return text


def _primary_language(code: str) -> str:
    return code.replace("_", "-").split("-")[0].lower()


def _known_metric(name: str) -> str:
    try:
        return metric_named(name).name
    except UnknownMetricError:
        known = ", ".join(METRICS)
        raise PydanticCustomError(
            "unknown_metric", "no such metric; the names are {known}", {"known": known}
        ) from None


def _known_device(name: str) -> str:
    try:
        device_named(name)
    except UnknownDeviceError as error:
        known = ", ".join(error.known)
        raise PydanticCustomError(
            "unknown_device", "no such device; the names are {known}", {"known": known}
        ) from None
    return name


SafeText = Annotated[str, AfterValidator(_without_nul)]
Name = Annotated[SafeText, Field(min_length=1, max_length=300)]
LanguageCode = Annotated[
    str, Field(pattern=r"^[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*$"), AfterValidator(_primary_language)
]
MetricName = Annotated[SafeText, Field(min_length=1, max_length=80), AfterValidator(_known_metric)]
DeviceName = Annotated[SafeText, Field(min_length=1, max_length=80), AfterValidator(_known_device)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Amount = Annotated[float, Field(ge=0, le=1e12)]
