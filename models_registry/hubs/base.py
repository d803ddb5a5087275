"""What every hub offers, and how it fails.

RegistryError
└── HubError(model)
    ├── ModelNotFoundError(model, detail)
    ├── GatedModelError(model)
    ├── HubTimeoutError(model, seconds)
    ├── HubUnavailableError(model, detail)
    ├── UnknownHubError(model, hub)
    └── RefusedModelError(model, ...)         it is there, and policy forbids to read it
        ├── UnsafeWeightsError(model, found, policy)
        ├── HashMismatchError(model, file, expected, actual)
        ├── RemoteCodeError(model, file)
        └── ModelTooLargeError(model, n_bytes, max_bytes)
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from models_registry.entry import ModelEntry
from models_registry.errors import RegistryError

Progress = Callable[[int, int], None]
"""Told (bytes done, bytes in all) while a fetch goes on; the second may be an estimate."""


def no_progress(done_bytes: int, total_bytes: int) -> None:
    """Tells nobody."""


class HubError(RegistryError):
    """A hub could not deliver a model.

    `args` keep the constructor's arguments, so that an error can be sent from one process to another and made
    again there.

    Attributes:
        model: Its name, `hub:id@revision`.
        detail: What happened, for a reader.
    """

    def __init__(self, model: str, detail: str) -> None:
        self.model = model
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.model}: {self.detail}"


class ModelNotFoundError(HubError):
    """The hub has no such model, revision or file."""


class GatedModelError(HubError):
    """The hub gives this model only to accounts that accepted its terms."""

    def __init__(self, model: str) -> None:
        super().__init__(model, "its terms have to be accepted at the hub, and no accepted token was given")


class HubTimeoutError(HubError):
    """The time for the fetch ran out; what was downloaded is kept, and the next fetch goes on from there."""

    def __init__(self, model: str, seconds: float) -> None:
        super().__init__(model, f"not fetched within {seconds:g} s")
        self.seconds = seconds


class HubUnavailableError(HubError):
    """The hub did not answer, or broke off; what was downloaded is kept."""


class UnknownHubError(HubError):
    """No hub has this name, or it has not been configured."""

    def __init__(self, model: str, hub: str) -> None:
        super().__init__(model, f"no hub {hub!r} is configured")
        self.hub = hub


class RefusedModelError(HubError):
    """The model is there, and policy forbids to read it."""


class UnsafeWeightsError(RefusedModelError):
    """The weights are in a form that could run code, or that nothing vouches for.

    Attributes:
        found: Names of the files that were offered.
        policy: What is accepted instead.
    """

    def __init__(self, model: str, found: tuple[str, ...], policy: str) -> None:
        super().__init__(model, f"found {', '.join(found) or 'no weights'}; accepted: {policy}")
        self.found = found
        self.policy = policy


class HashMismatchError(RefusedModelError):
    """A file is not the one that was reviewed."""

    def __init__(self, model: str, file: str, expected: str, actual: str) -> None:
        super().__init__(model, f"{file} has sha256 {actual}, not {expected}")
        self.file = file
        self.expected = expected
        self.actual = actual


class RemoteCodeError(RefusedModelError):
    """The model brings its own code, which is never run."""

    def __init__(self, model: str, file: str) -> None:
        super().__init__(model, f"{file} asks for code of its own (auto_map)")
        self.file = file


class ModelTooLargeError(RefusedModelError):
    """The files exceed the size limit of the hub."""

    def __init__(self, model: str, n_bytes: int, max_bytes: int) -> None:
        super().__init__(model, f"{n_bytes} bytes exceed the limit of {max_bytes}")
        self.n_bytes = n_bytes
        self.max_bytes = max_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedModel:
    """A model whose files lie complete and checked on this machine.

    Attributes:
        folder: Where they lie.
        revision: The revision they are of, resolved to a commit where the hub has commits.
        sha256: Hash of each file, by its path inside the folder.
        n_bytes: Size of all files together.
    """

    folder: Path
    revision: str
    sha256: Mapping[str, str]
    n_bytes: int

    @property
    def files(self) -> tuple[str, ...]:
        """Paths of the files inside the folder, sorted."""
        return tuple(sorted(self.sha256))


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point on the monotonic clock.

    Attributes:
        seconds: The time that was given, for messages.
        at: Reading of the clock when it ends.
    """

    seconds: float
    at: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        """The deadline that ends so many seconds from now."""
        return cls(seconds, time.monotonic() + seconds)

    @property
    def left(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self.at - time.monotonic())

    def check(self, model: str) -> None:
        """Raises HubTimeoutError when no time is left."""
        if self.left <= 0:
            raise HubTimeoutError(model, self.seconds)


class Hub(Protocol):
    """A place that models come from.

    A fetch is atomic: the folder appears complete and checked or not at all, also when several processes
    ask for one model at once. A model that is already there is returned without asking the hub again. After
    a refusal nothing is left behind; after a lost connection or a timeout the part that was downloaded is
    kept out of sight under `.partial`, and the next fetch goes on from there.
    """

    def fetch(
        self, entry: ModelEntry, into: Path, *, deadline: Deadline, progress: Progress = no_progress
    ) -> FetchedModel:
        """Brings the files of a model onto this machine.

        Args:
            entry: Which model.
            into: Root of the cache; the files go to `<into>/<hub>/<id with / as -->/<revision>/`.
            deadline: When to give up.
            progress: Told how far it is.

        Raises:
            HubError: One of its subclasses, see the head of this module.
        """
        ...
