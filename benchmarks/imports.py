"""``import salespipeline`` beside a bare import of attrs, decimal, datetime and enum, each in a fresh process."""

from __future__ import annotations

import subprocess
import sys
import time

from _common import arguments, row, show

PEER = "import attrs, decimal, datetime, enum"


def seconds(statement: str) -> float:
    """Return how long a fresh interpreter takes for *statement*, without starting up itself."""
    code = f"import time; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
    return float(subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout)


HEAVY = ("PIL", "fontTools", "fpdf", "jinja2", "email", "smtplib", "sqlite3", "psycopg")


def main() -> None:
    """See that nothing heavy is loaded, and time both in turns."""
    chosen = arguments(__doc__ or "").parse_args()
    code = f"import sys, salespipeline; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert not loaded.strip(), f"import salespipeline loads {loaded}"
    ours = peer = float("inf")
    end = time.monotonic() + 60
    for _ in range(max(chosen.rounds, 5)):
        peer = min(peer, seconds(PEER))
        ours = min(ours, seconds("import salespipeline"))
        if time.monotonic() > end:
            break
    show([row("import", ours * 1000, peer * 1000, peer_name=PEER, unit="ms", goal="<= 1.6")], chosen.json)


if __name__ == "__main__":
    main()
