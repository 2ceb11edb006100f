"""How much memory a streamed read of everything takes, measured in a process of its own."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from _common import Row, limit

MOST = 200  # MB


def peak(path: Path, size: int) -> Row:
    """Iterate over all opportunities of a file, through the façade, in a fresh process."""
    command = [sys.executable, __file__, str(path), str(size)]
    megabytes = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return limit(f"sqlite {size:,}: memory of a streamed read", megabytes, MOST, "MB", f"{MOST} MB")


def main() -> None:
    """Read the file that was named, and print the largest resident size in MB."""
    import salespipeline as sp

    _, path, size = sys.argv
    with sp.open(path) as sales:
        assert sum(1 for _ in sales.opportunities) == int(size)
        with sales.store.transaction(write=False) as tx:
            assert sum(1 for _ in tx.scan("opportunity")) == int(size)
    print(_peak())


def _peak() -> float:
    status = Path("/proc/self/status")
    if status.exists():  # getrusage() counts what the parent held when it forked
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    main()
