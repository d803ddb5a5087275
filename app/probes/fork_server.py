"""The process that trials are forked from: it has imported torch and its kin, and run nothing.

`python -m app.probes.fork_server FD` serves the socket of that number. Each message on it is a request for a
child and carries two descriptors: the child's end of its connection, and the pipe on which its end is told.
The answer is the child's process id. Python's own fork server is not used: it runs the parent's `__main__`
again in every child, and unpickles.
"""

import ctypes
import importlib
import os
import resource
import select
import signal
import socket
import struct
import sys
from multiprocessing.connection import Connection
from types import FrameType

PRELOADED = (
    "torch",
    "transformers",
    "peft",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.covariance",
    "sklearn.feature_extraction.text",
    "threadpoolctl",
    "app.probes.trial",
)
N_DESCRIPTORS = 2
EXIT_STATUS = struct.Struct("=i")
"""A child's exit code, or minus the signal that ended it."""
MOST_FILE_BYTES = 16 * 2**30
_PR_SET_PDEATHSIG = 1


def main(descriptor: int) -> None:
    """Forks a child on every request until the other side is gone."""
    control = socket.socket(fileno=descriptor)
    _preload()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, _note)
    control.send(b"ready")
    pipes: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control.fileno(), wake_read], [], [])
        if wake_read in ready:
            os.read(wake_read, 512)
            _report_ended(pipes)
        if control.fileno() in ready:
            message, descriptors, _, _ = socket.recv_fds(control, 16, N_DESCRIPTORS)
            if not message:
                return
            connection, pipe = descriptors
            pid = os.fork()
            if pid == 0:
                _close(control.fileno(), wake_read, wake_write, pipe, *pipes.values())
                _become_trial(connection)
            pipes[pid] = pipe
            os.close(connection)
            control.send(struct.pack("=i", pid))


def _preload() -> None:
    import transformers  # its modules are lazy: naming the classes imports them

    for name in PRELOADED:
        importlib.import_module(name)
    for name in ("AutoModel", "AutoTokenizer", "BertModel", "PreTrainedTokenizerFast"):
        getattr(transformers, name)
    from app.probes import metrics

    metrics.preload()


def _note(_signal: int, _frame: FrameType | None) -> None:
    """A handler must be there for the wake-up descriptor to be written to."""


def _report_ended(pipes: dict[int, int]) -> None:
    while pipes:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        pipe = pipes.pop(pid)
        try:
            os.write(pipe, EXIT_STATUS.pack(os.waitstatus_to_exitcode(status)))
        except BrokenPipeError:  # nobody waits for it any more
            pass
        finally:
            os.close(pipe)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _become_trial(connection: int) -> None:
    """The child: never returns to the server's loop."""
    code = 1
    try:
        _restrict()
        from app.probes.trial import serve

        serve(Connection(connection))
        code = 0
    finally:
        os._exit(code)


def _restrict() -> None:
    """A session of its own, ended with the server; no core file, no endless file.

    The environment is the server's, which began with little. Address space is not limited: torch reserves far
    more than it uses, so the worker watches the resident size instead.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) == 0 and os.getppid() == 1:
        os._exit(1)  # the server ended before it could take this child along
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE_BYTES, MOST_FILE_BYTES))


if __name__ == "__main__":
    main(int(sys.argv[1]))
