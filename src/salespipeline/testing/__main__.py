"""``python -m salespipeline.testing URL``: hold a store to the contract, and print what it can do."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from salespipeline.errors import SalesPipelineError

_DESCRIPTION = """\
Hold the store at URL to the storage contract, and print what it can do. That takes a minute or two.

Nothing that is there is touched: every clause gets new data of its own, which is removed again. For memory: that is
memory, for sqlite:///x.db a temporary folder beside x.db, which must not exist, for postgresql://... a schema with a
name of its own in that database, and for other schemes what their packages say (entry points in the group
salespipeline.testing), or else a temporary folder beside the path.
"""
_EPILOG = """\
exit codes:
  0  every clause passed, or speaks of what the store says that it lacks
  1  a clause failed
  2  the store could not be tested at all: a wrong URL, something in the way, a package that is missing
  130  it was stopped by Ctrl-C

examples:
  python -m salespipeline.testing memory:
  python -m salespipeline.testing sqlite:///x.db --only C,X
  python -m salespipeline.testing postgresql://user@localhost/scratch --json
  python -m salespipeline.testing --contract > docs/storage-contract.md
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m salespipeline.testing", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=raw
    )
    parser.add_argument("url", nargs="?", metavar="URL", help="where the store is")
    parser.add_argument("--only", default="", metavar="IDS", help="clauses and families, such as T-01,C,X")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--no-speed", action="store_true", help="do not measure how fast the store is")
    parser.add_argument(
        "--contract", action="store_true", help="print the contract itself, as Markdown, and do nothing"
    )
    options = parser.parse_args(arguments)
    try:
        from salespipeline.testing import running
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("salespipeline"):
            raise
        return _refused(f"the suite needs {error.name}: pip install 'salespipeline[testing]'")
    if options.contract:
        from salespipeline.testing.contract import written

        sys.stdout.write(written())
        return 0
    if options.url is None:
        parser.error("say which store: a URL such as memory: or sqlite:///x.db")
    only = options.only.replace(",", " ").split()
    terminal = sys.stderr if sys.stderr.isatty() else None

    def progress(far: str) -> None:
        if terminal is not None:
            terminal.write(f"\r{far}\033[K")
            terminal.flush()

    try:
        report = running.examined(options.url, only, timed=not options.no_speed, progress=progress)
    except (SalesPipelineError, LookupError, TypeError) as error:
        progress("")
        return _refused(str(error))
    except KeyboardInterrupt:
        progress("")
        return _refused("stopped: what was made for the clauses is removed again", code=130)
    progress("")
    from salespipeline.testing import table

    sys.stdout.write(json.dumps(report.plain(), indent=2) + "\n" if options.json else table.table(report))
    return 1 if report.of("failed") else 0


def _refused(why: str, code: int = 2) -> int:
    sys.stderr.write(f"{why}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
