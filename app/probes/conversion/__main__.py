"""`python -m app.probes.conversion`: one conversion, asked for as JSON on standard input."""

import importlib
import resource
import sys

from app.probes.conversion.base import Converter
from app.probes.conversion.job import MODULES, Job

_CPU_SECONDS = 600
_FILE_BYTES = 8 * 2**30
_OPEN_FILES = 256


def main() -> None:
    """Converts what standard input asks for; any failure ends the process with its message."""
    job = Job.model_validate_json(sys.stdin.read())
    _limit_resources()
    convert: Converter = importlib.import_module(f"app.probes.conversion.{MODULES[job.converter]}").convert
    job.target.mkdir(parents=True)
    convert(job.parts, job.target, job.entry)


def _limit_resources() -> None:
    """Bounds what damaged weights can make us use; the address space is not bounded, which breaks torch."""
    for kind, limit in (
        (resource.RLIMIT_CPU, _CPU_SECONDS),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (allowed, allowed))


if __name__ == "__main__":
    main()
