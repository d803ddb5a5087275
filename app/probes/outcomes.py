"""What came of a command that a worker gave to a trial."""

from dataclasses import dataclass

from app.probes.messages import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The command was carried out.

    Attributes:
        result: What it gave.
        seconds: Wall time from the command to its answer.
        peak_memory_bytes: Largest resident size of the trial while it ran.
    """

    result: Result
    seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfMemory:
    """The trial outgrew its limit, or the system refused it memory; it was ended."""

    seconds: float
    peak_memory_bytes: int
    limit_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Diverged:
    """The loss became infinite, undefined or absurd."""

    seconds: float
    peak_memory_bytes: int
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedOut:
    """The command took longer than it was given; the trial was ended."""

    seconds: float
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Crashed:
    """The trial failed.

    Attributes:
        exit_code: Its code, or minus the signal that ended it; None where it goes on after an error.
        reason: Type and place of the error, never the user's data.
    """

    seconds: float
    peak_memory_bytes: int
    exit_code: int | None
    reason: str


Outcome = Finished | OutOfMemory | Diverged | TimedOut | Crashed
