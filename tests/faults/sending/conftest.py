"""What the long runs of sending share, and the table that they end with.

``nox -s faults -- sending`` runs all of them at their full size, and each by itself with ``-k``, on both SQL stores:

- ``-k at_a_point``: 50 kills at each of 19 points of the protocol; ``-k any_moment``: 1,000 kills.
- ``-k "before_anything or goes_on"``: 50 kills of who presses, keeps a file or goes on; ``-k upgrade``: 20 in an upgrade.
- ``-k sixteen_workers``: 10,000 documents without faults, and with 3 % of them, 500 kills and 20 crashes of the server.
- ``-k presses``: 16 people press at once, 100 times; ``-k hold``: 5,000 accepted holds and cancels.
- ``-k schedules``: 1,000,000 schedules by chance in the simulator.

``--scale 0.1`` makes any of them a tenth as large.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.faults.sending.killing import Children, Found
from tests.stores.postgres_server import fresh, running, with_options

LEDGER = pytest.StashKey[list[tuple[str, int, Found]]]()


@pytest.fixture
def enter(request: pytest.FixtureRequest) -> Callable[[str, int, Found], None]:
    """Enter a run, how often it was made and what it came to into the table at the end."""
    ledger = request.config.stash.setdefault(LEDGER, [])
    return lambda name, runs, found: ledger.append((name, runs, found))


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server that keeps what it has committed when it crashes."""
    pytest.importorskip("psycopg_pool", reason="pip install 'salespipeline[postgres]'")
    with running(("fsync=off", "full_page_writes=off", "max_connections=200")) as url:  # the machine does not crash
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def faults_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return with_options(request.getfixturevalue("durable_postgres"), workspace=fresh())
    return f"sqlite:///{tmp_path / 'faults.db'}?synchronous=NORMAL"


@pytest.fixture(scope="session")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Children]:
    made = Children(tmp_path_factory.mktemp("children"))
    yield made
    made.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = terminalreporter.config.stash.get(LEDGER, [])
    if not rows:
        return
    heads = ("run", "runs", *Found._fields, "violations")
    lines = [(name, runs, *found, found.violations) for name, runs, found in rows]
    sums = [sum(line[place] for line in lines) for place in range(1, len(heads))]  # type: ignore[misc]
    table = [heads, *lines, ("in all", *sums)]
    widths = [max(len(str(line[place])) for line in table) for place in range(len(heads))]
    terminalreporter.section("sending")
    for line in table:
        name, *figures = [str(value) for value in line]
        terminalreporter.line(
            "  ".join([name.ljust(widths[0]), *(f.rjust(w) for f, w in zip(figures, widths[1:], strict=True))])
        )
