"""How much memory a process holds, as the kernel counts it."""

from pathlib import Path

import psutil


def resident_bytes(pid: int) -> int:
    """Resident size now; 0 where the process is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def peak_resident_bytes(pid: int) -> int:
    """Largest resident size since the process began; 0 where it is gone.

    Linux keeps the high-water mark, which also shows what came and went between two looks; elsewhere this is
    the size now. Pages shared with the fork server count, since the process would need them alone, too.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return resident_bytes(pid)
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0  # a process that has ended but was not waited for has no such line
