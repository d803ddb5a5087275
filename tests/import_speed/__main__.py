"""`python -m tests.import_speed [--rows N]`: how fast `advisor import` is, and how much memory it takes."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.import_speed.corpus import write_corpus

MEBIBYTE = 1 << 20
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One import: seconds, peak resident memory of its process, and what it reported."""

    seconds: float
    peak_mib: float
    outcome: dict[str, int]


def measure(corpus: Path, data: Path) -> Measured:
    """Import a corpus in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "app.cli",
        "import",
        "modellens",
        str(corpus),
        "--data",
        str(data),
        "--json",
    ]
    began = time.monotonic()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = time.monotonic() - began
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _RSS_UNIT / MEBIBYTE
    return Measured(seconds=seconds, peak_mib=peak, outcome=json.loads(done.stdout))


def main() -> None:
    """Make a corpus, import it twice, print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_800_000)
    n_rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        corpus, data = Path(folder) / "corpus.csv", Path(folder) / "data"
        write_corpus(corpus, n_rows)
        sys.stdout.write(f"{n_rows:,} rows, {corpus.stat().st_size / MEBIBYTE:,.0f} MiB\n")
        for name in ("first import", "same file again"):
            m = measure(corpus, data)
            sys.stdout.write(
                f"{name:16} {m.seconds:7.1f} s {n_rows / m.seconds:10,.0f} rows/s  peak {m.peak_mib:5.0f} MiB"
                f"  {m.outcome['inserted']:,} new, {m.outcome['unchanged']:,} held already\n"
            )
        size = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
        sys.stdout.write(f"database {size / MEBIBYTE:,.0f} MiB\n")


if __name__ == "__main__":
    main()
