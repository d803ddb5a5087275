"""States of a run and of a trial, and which may follow which."""

from enum import StrEnum


class RunStatus(StrEnum):
    """A probe run as a whole."""

    QUEUED = "queued"
    RUNNING = "running"  # leased by a worker; a lost lease is taken over without leaving this state
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self in {RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED}


class TrialStatus(StrEnum):
    """One arm of a run: a model under one strategy."""

    WAITING = "waiting"  # not begun
    RUNNING = "running"  # a slice of it is at work
    PAUSED = "paused"  # has finished slices and may get more
    STOPPED = "stopped"  # dropped: it cannot win, or the budget is spent
    FINISHED = "finished"  # trained to its end
    OUT_OF_MEMORY = "out_of_memory"
    DIVERGED = "diverged"
    TIMED_OUT = "timed_out"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether it gets no more slices."""
        return self not in {TrialStatus.WAITING, TrialStatus.RUNNING, TrialStatus.PAUSED}
