"""What the API itself refuses; the status of each error stands in `app.problems`.

ApiError
├── InvalidRequestError     faults that only the whole request shows
├── UnknownResourceError    no recommendation, model ... of this id
├── DatasetInUseError       a run that has not ended needs it
├── IdempotencyConflictError  the key was used with another body
├── UnsupportedMediaError   a body of a kind that the route does not read
└── NotReadyError           the service cannot answer yet
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFault:
    """One thing wrong with a request.

    Attributes:
        pointer: JSON pointer (RFC 6901) to it.
        detail: What is wrong, and what would be right.
    """

    pointer: str
    detail: str


class ApiError(Exception):
    """Base of what the API itself refuses."""


class InvalidRequestError(ApiError):
    """A request that is well formed but cannot be carried out.

    Attributes:
        faults: At least one.
    """

    def __init__(self, faults: Iterable[FieldFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{f.pointer}: {f.detail}" for f in self.faults))

    @classmethod
    def at(cls, pointer: str, detail: str) -> "InvalidRequestError":
        """With a single fault."""
        return cls([FieldFault(pointer=pointer, detail=detail)])


class UnknownResourceError(ApiError):
    """Nothing of this kind has this id.

    Attributes:
        kind: What was looked for, in words.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(f"no such {kind}")


class DatasetInUseError(ApiError):
    """A run that has not ended needs the data set."""

    def __init__(self, dataset_id: str) -> None:
        self.dataset_id = dataset_id
        super().__init__(dataset_id)


class IdempotencyConflictError(ApiError):
    """The Idempotency-Key has been used with another body.

    Attributes:
        run_id: What the first body made.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(run_id)


class UnsupportedMediaError(ApiError):
    """A body of a media type that the route does not read.

    Attributes:
        wanted: What it reads.
    """

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        super().__init__(f"send {wanted}")


class NotReadyError(ApiError):
    """The service is starting or its database does not answer."""
