"""The worker's side of a trial: a child process that is sent commands, watched, and ended when it must be.

Importing this brings in no torch. Everything that a child says is parsed as JSON; nothing is unpickled.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

import app
from app.probes.fork_server import EXIT_STATUS
from app.probes.memory import peak_resident_bytes, resident_bytes
from app.probes.messages import Command, Heartbeat, TrialSpec, decode_result, encode_command
from app.probes.outcomes import Crashed, Diverged, Finished, Outcome, OutOfMemory, TimedOut

LOOK_SECONDS = 0.05
"""How often a child's memory is looked at: a page fault fills about 0.1 GB in that time."""
REPEAT_SECONDS = 0.5
"""How often the last heartbeat is told again while a child is silent, so that a cancelled run ends soon."""
START_SECONDS = 120.0
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ")
KEPT_PREFIXES = ("OMP_", "MKL_", "CUDA_")

OnHeartbeat = Callable[[Heartbeat], None]


class TrialProcessError(Exception):
    """Trials cannot be started on this machine."""


class ForkServerError(TrialProcessError):
    """The process that trials are forked from did not start, or ended."""


class ForkServer:
    """Starts trials in milliseconds. One serves a worker; a context manager; threads may share it.

    Args:
        scratch: Folder in which it makes its own; the system's temporary one by default. What a killed worker
            leaves there is removed with the folder.
    """

    def __init__(self, scratch: Path | None = None) -> None:
        self._scratch = scratch
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._home: Path | None = None
        self._is_ready = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """The server is on its way; its imports take seconds, for which the first trial waits."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._launch()

    def wait_until_ready(self) -> None:
        """The server is ready, started if need be.

        Raises:
            ForkServerError: It ended while starting, or took too long.
        """
        self.start()
        with self._lock:
            self._await_ready()

    def fork(self) -> "Child":
        """A new child that waits for its spec.

        Raises:
            ForkServerError: The server does not start.
        """
        self.start()
        with self._lock:
            control = self._await_ready()
            ours, theirs = socket.socketpair()
            status_read, status_write = os.pipe()
            try:
                socket.send_fds(control, [b"fork"], [theirs.fileno(), status_write])
                answer = control.recv(EXIT_STATUS.size)
            finally:
                theirs.close()
                os.close(status_write)
        if len(answer) < EXIT_STATUS.size:
            ours.close()
            os.close(status_read)
            raise ForkServerError("the fork server ended")
        return Child(struct.unpack("=i", answer)[0], Connection(ours.detach()), status_read)

    def close(self) -> None:
        """The server and all its children have ended."""
        with self._lock:
            if self._control is not None:
                self._control.close()
                self._control = None
            if self._process is not None:
                self._process.kill()
                self._process.wait()
                self._process = None
            if self._home is not None:
                shutil.rmtree(self._home, ignore_errors=True)
                self._home = None

    def _launch(self) -> None:
        self._home = self._home or Path(tempfile.mkdtemp(prefix="advisor-trials-", dir=self._scratch))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.probes.fork_server", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=trial_environment(self._home),
                cwd=self._home,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=(self._home / "stderr.log").open("wb"),
            )
        if self._control is not None:
            self._control.close()
        ours.settimeout(START_SECONDS)
        self._control, self._is_ready = ours, False

    def _await_ready(self) -> socket.socket:
        control = self._control
        if control is None:
            raise ForkServerError("the fork server is closed")
        if not self._is_ready:
            try:
                self._is_ready = control.recv(16) == b"ready"
            except OSError as error:
                raise ForkServerError(str(error)) from error
            if not self._is_ready:
                raise ForkServerError(self._last_words())
        return control

    def _last_words(self) -> str:
        lines = (self._home or Path()).joinpath("stderr.log").read_text(errors="replace").splitlines()
        return lines[-1] if lines else "the fork server ended"


def trial_environment(home: Path) -> dict[str, str]:
    """All that a trial sees of the environment: no proxy, no token, no way to a hub."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT_VARIABLES or name.startswith(KEPT_PREFIXES)
    }
    return kept | {
        "PYTHONPATH": str(Path(app.__file__ or "").absolute().parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_EVALUATE_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "true",
    }


class Child:
    """One forked process and the ways to it."""

    def __init__(self, pid: int, connection: Connection, status_pipe: int) -> None:
        self.pid = pid
        self.connection = connection
        self._status_pipe = status_pipe
        self._exit_code: int | None = None
        self._pidfd = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None

    def send(self, message: bytes) -> None:
        """The message is on its way.

        Raises:
            _GoneError: The process has ended.
        """
        try:
            self.connection.send_bytes(message)
        except OSError as error:
            raise _GoneError from error

    def receive(self) -> bytes:
        """The next message.

        Raises:
            _GoneError: The process has ended.
        """
        try:
            return self.connection.recv_bytes()
        except (EOFError, OSError) as error:
            raise _GoneError from error

    def kill(self) -> int:
        """The process has ended; its exit code, or minus the signal."""
        if self._exit_code is None:
            try:
                if self._pidfd is not None:
                    signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
                else:
                    os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return self.wait()

    def wait(self) -> int:
        """Waits for the process to end; its exit code, or minus the signal. The ways to it are closed."""
        if self._exit_code is None:
            told = os.read(self._status_pipe, EXIT_STATUS.size)
            # Without a word the server itself has ended, and took its children along.
            self._exit_code = EXIT_STATUS.unpack(told)[0] if told else -int(signal.SIGKILL)
            os.close(self._status_pipe)
            if self._pidfd is not None:
                os.close(self._pidfd)
            self.connection.close()
        return self._exit_code


class _GoneError(Exception):
    """A child no longer listens or speaks; whatever a listener of ours raises is another matter."""


class TrialProcess:
    """A trial in its own process.

    What it has trained is on disk, so it may be ended and started at any time.
    """

    def __init__(self, spec: TrialSpec, server: ForkServer) -> None:
        self._spec = spec
        self._server = server
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return None if self._child is None else self._child.pid

    def start(self) -> None:
        """The process runs and knows its spec; nothing happens where it runs already.

        Raises:
            ForkServerError: It cannot be started.
        """
        if self._child is None:
            self._child = self._server.fork()
            with contextlib.suppress(_GoneError):  # the first command will find out
                self._child.send(json.dumps(self._spec.to_json()).encode())

    def run(
        self,
        command: Command,
        *,
        timeout_seconds: float,
        memory_limit_bytes: int,
        on_heartbeat: OnHeartbeat = lambda _: None,
    ) -> Outcome:
        """What came of a command. The process is started where need be, and ended on overrun or crash.

        Args:
            command: What to do.
            timeout_seconds: Wall time after which the process is ended.
            memory_limit_bytes: Resident size at which it is ended.
            on_heartbeat: Told every sign of life, at least twice a second; whatever it raises ends the
                process and reaches the caller.

        Raises:
            ForkServerError: The process cannot be started.
        """
        began = time.monotonic()
        try:
            self.start()
            watch = _Watch(began, timeout_seconds, memory_limit_bytes, on_heartbeat)
            return self._run(command, watch)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """The process has ended."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _run(self, command: Command, watch: "_Watch") -> Outcome:
        child = self._child
        if child is None:  # pragma: no cover
            raise TrialProcessError("the trial was not started")
        try:
            child.send(encode_command(command))
            answer = watch.answer_of(child)
        except _GoneError:
            return self._crashed(watch, child.kill())  # it may have closed its end only
        except _OverrunError as overrun:
            self.close()
            return overrun.outcome
        except (ValueError, KeyError, TypeError):
            return self._crashed(watch, child.kill())  # it speaks another language: no answer can be trusted
        if isinstance(answer, OutOfMemory):
            self.close()
        return answer

    def _crashed(self, watch: "_Watch", exit_code: int) -> Crashed:
        self._child = None
        reason = f"ended by signal {-exit_code}" if exit_code < 0 else f"ended with code {exit_code}"
        return Crashed(
            seconds=watch.seconds, peak_memory_bytes=watch.peak_bytes, exit_code=exit_code, reason=reason
        )


class _OverrunError(Exception):
    """A child used more than it was given."""

    def __init__(self, outcome: OutOfMemory | TimedOut) -> None:
        self.outcome = outcome
        super().__init__(type(outcome).__name__)


class _Watch:
    """Waits for one answer and keeps an eye on time and memory."""

    def __init__(self, began: float, timeout: float, limit_bytes: int, on_heartbeat: OnHeartbeat) -> None:
        self._began = began
        self._timeout = timeout
        self._limit_bytes = limit_bytes
        self._on_heartbeat = on_heartbeat
        self.peak_bytes = 0

    @property
    def seconds(self) -> float:
        """Since the command was sent."""
        return time.monotonic() - self._began

    def answer_of(self, child: Child) -> Outcome:
        """The outcome that the child gives.

        Raises:
            _GoneError: It ended instead.
            _OverrunError: It used too much time or memory.
            ValueError: It said something else.
        """
        last, told = Heartbeat(stage="loading"), 0.0
        while True:
            ready, _, _ = select.select([child.connection], [], [], LOOK_SECONDS)
            self._look(child.pid)
            if ready:
                message: dict[str, Any] = json.loads(child.receive())
                if "heartbeat" not in message:
                    return self._outcome(message)
                last, told = Heartbeat(**message["heartbeat"]), 0.0
            if time.monotonic() - told >= REPEAT_SECONDS:
                told = time.monotonic()
                self._on_heartbeat(last)

    def _look(self, pid: int) -> None:
        self.peak_bytes = max(self.peak_bytes, peak_resident_bytes(pid), resident_bytes(pid))
        if self.peak_bytes > self._limit_bytes:
            raise _OverrunError(self._out_of_memory())
        if self.seconds > self._timeout:
            raise _OverrunError(TimedOut(seconds=self.seconds, peak_memory_bytes=self.peak_bytes))

    def _outcome(self, message: dict[str, Any]) -> Outcome:
        seconds, peak = self.seconds, self.peak_bytes
        if "result" in message:
            result = decode_result(message["result"])
            return Finished(result=result, seconds=seconds, peak_memory_bytes=peak)
        if "diverged" in message:
            return Diverged(seconds=seconds, peak_memory_bytes=peak, step=int(message["diverged"]))
        if "out_of_memory" in message:
            return self._out_of_memory()
        return Crashed(
            seconds=seconds, peak_memory_bytes=peak, exit_code=None, reason=str(message["error"])[:500]
        )

    def _out_of_memory(self) -> OutOfMemory:
        return OutOfMemory(
            seconds=self.seconds, peak_memory_bytes=self.peak_bytes, limit_bytes=self._limit_bytes
        )
