"""``import salespipeline`` beside a bare import of attrs, decimal, datetime and enum, each in a fresh process."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from _common import Row, arguments, show

PEER = "import attrs, decimal, datetime, enum"


def seconds(statement: str) -> float:
    """Return the processor's time that a fresh interpreter takes for *statement*, without starting up itself."""
    code = f"import time; start = time.process_time(); {statement}; print(time.process_time() - start)"
    return float(subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout)


HEAVY = ("PIL", "fontTools", "fpdf", "jinja2", "email", "smtplib", "sqlite3", "psycopg")


def main() -> None:
    """See that nothing heavy is loaded, and time both in turns."""
    chosen = arguments(__doc__ or "").parse_args()
    code = f"import sys, salespipeline; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert not loaded.strip(), f"import salespipeline loads {loaded}"
    pairs = [(seconds("import salespipeline"), seconds(PEER)) for _ in range(max(chosen.rounds, 5))]
    ours, peer = (median(times) * 1000 for times in zip(*pairs, strict=True))
    ratio = median([one / other for one, other in pairs])
    show([Row("import", ours, peer, PEER, ratio, "ms", "<= 1.6")], chosen.json)


if __name__ == "__main__":
    main()
