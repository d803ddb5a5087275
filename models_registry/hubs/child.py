"""Child processes whose time limit is kept whatever they wait for."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

from models_registry.hubs.base import Deadline

_POLL_SECONDS = 0.2


class ChildTimeoutError(Exception):
    """The child was ended because its time was up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildResult:
    """How a child ended.

    Attributes:
        code: Its exit code; negative when a signal ended it.
        output: All of its standard output.
        errors: All of its standard error.
    """

    code: int
    output: str
    errors: str


def run_child(
    command: list[str],
    *,
    deadline: Deadline,
    stdin: str = "",
    env: dict[str, str] | None = None,
    on_poll: Callable[[], None] = lambda: None,
) -> ChildResult:
    """Runs a command in a session of its own and ends that whole session at the deadline.

    Args:
        command: Program and arguments; no shell is involved.
        deadline: When to end it.
        stdin: Text for its standard input.
        env: Its whole environment; None lets it inherit ours.
        on_poll: Called several times a second while it runs.

    Raises:
        ChildTimeoutError: The deadline came first.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as source:  # communicate() loses input on a timeout
        source.write(stdin)
        source.seek(0)
        child = subprocess.Popen(
            command,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=env,
            start_new_session=True,
        )
    try:
        return _wait(child, deadline, on_poll)
    finally:
        _end_session(child)


def _wait(child: "subprocess.Popen[str]", deadline: Deadline, on_poll: Callable[[], None]) -> ChildResult:
    while True:
        try:
            output, errors = child.communicate(timeout=min(_POLL_SECONDS, deadline.left))
        except subprocess.TimeoutExpired:
            on_poll()
            if deadline.left <= 0:
                raise ChildTimeoutError from None
        else:
            return ChildResult(code=child.returncode, output=output, errors=errors)


def _end_session(child: "subprocess.Popen[str]") -> None:
    if child.poll() is not None:
        return
    os.killpg(child.pid, signal.SIGKILL)  # start_new_session made the child the leader of its own group
    child.wait()
    for stream in (child.stdout, child.stderr):
        if stream is not None:
            stream.close()
