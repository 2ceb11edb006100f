"""An import that is killed wherever it is goes on when it is called again, and comes to the same. (SPEC EXT-5)"""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from tests.assets.make import fill
from tests.stores.postgres_server import fresh, with_options

import salespipeline as sp
from salespipeline import maintenance
from salespipeline.errors import Unfinished
from salespipeline.mail import Memory

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing is killed like this here"),
]

# Killed at a call of the store that is told by its number: before it, so in the middle of a transaction too.
KILLED = """
import os, signal, sys
from salespipeline.exports import loading
from salespipeline.opening import open_store
from salespipeline.catalog import CATALOG
from salespipeline.stores.wrap import Wrapped
from pathlib import Path

loading.AT_ONCE, loading.ENOUGH = 2, 1
export, target, when = sys.argv[1], sys.argv[2], int(sys.argv[3])

class Deadly(Wrapped):
    calls = 0

    def before(self, call):
        self.calls += 1
        if self.calls == when:
            os.kill(os.getpid(), signal.SIGKILL)

store = open_store(target)
store.prepare(CATALOG)
loading.import_from(Path(export), Deadly(store), store.blobs)
"""


def content(path):
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_an_import_that_is_killed_again_and_again_comes_to_an_end(kind, tmp_path, request):
    moments = itertools.count()
    with sp.open(
        "memory:",
        actor="jane",
        mailer=Memory(),
        clock=lambda: datetime(2026, 11, 24, tzinfo=UTC) + timedelta(minutes=next(moments)),
    ) as sales:
        fill(sales)
        maintenance.export(sales, tmp_path / "export")
    url = f"sqlite:///{tmp_path / 'new.db'}"
    if kind == "postgres":
        url = with_options(request.getfixturevalue("postgres"), workspace=fresh())
    kills = 0
    for when in itertools.cycle((9, 30, 23, 26, 24, 25)):  # most of them far enough for some steps more
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(tmp_path / "export"), url, str(when)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        kills += 1
        try:
            sp.open(url).close()
        except Unfinished:
            continue
        assert kills < 2  # only before the first note can anybody open it
    assert kills > 5
    with sp.open(url) as target:
        maintenance.export(target, tmp_path / "again")
        assert maintenance.check(target) == []
    assert content(tmp_path / "again") == content(tmp_path / "export")
    print(f"{kind}: killed {kills} times")
