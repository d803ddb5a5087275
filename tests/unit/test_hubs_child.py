"""Child processes and their deadlines."""

import sys
import time
from pathlib import Path

import pytest

from models_registry.hubs.base import Deadline
from models_registry.hubs.child import ChildTimeoutError, run_child

FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}")
time.sleep(600)
"""


class WhenWritten(Deadline):
    """A deadline that comes when a file is there."""

    path: Path

    @property
    def left(self) -> float:
        return 0.0 if self.path.is_file() and self.path.read_text() else 60.0


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_output_errors_and_code_are_returned() -> None:
    program = "import sys; print(sys.stdin.read()); print('no', file=sys.stderr); sys.exit(3)"
    result = run_child([sys.executable, "-c", program], deadline=Deadline.after(60), stdin="yes")
    assert (result.code, result.output, result.errors) == (3, "yes\n", "no\n")


def test_input_larger_than_a_pipe_arrives_whole() -> None:
    program = "import sys, time; time.sleep(0.5); print(len(sys.stdin.read()))"
    result = run_child([sys.executable, "-c", program], deadline=Deadline.after(60), stdin="x" * 300_000)
    assert result.output == "300000\n"


def test_at_the_deadline_the_child_and_its_children_end(tmp_path: Path) -> None:
    deadline = WhenWritten(0.0, 0.0)
    object.__setattr__(deadline, "path", tmp_path / "pids")
    with pytest.raises(ChildTimeoutError):
        run_child([sys.executable, "-c", FAMILY, str(tmp_path / "pids")], deadline=deadline)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    for _ in range(100):
        if not any(map(is_running, pids)):
            break
        time.sleep(0.05)
    assert [pid for pid in pids if is_running(pid)] == []


def test_the_environment_is_replaced_not_added_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADVISOR_SECRET_FOR_TEST", "1")
    program = "import os; print('ADVISOR_SECRET_FOR_TEST' in os.environ)"
    result = run_child([sys.executable, "-c", program], deadline=Deadline.after(60), env={})
    assert result.output == "False\n"
