"""How fast consecutive numbers are given: one writer alone, and eight threads that want them at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from _common import Row, limit, race, seconds
from _ours import Ours
from _twins import SqliteTwin

from salespipeline.stores.sqlite import SqliteStore

WRITERS, EACH = 8, 100


def rates(folder: Path, rounds: int) -> Iterator[Row]:
    """Give numbers in SQLite, beside the twin and beside the rate that is asked for."""
    ours = Ours(SqliteStore(folder / "numbers.db", synchronous="NORMAL"), "our SQLite")
    twin = SqliteTwin(folder / "numbers-twin.db")
    twin.run("CREATE TABLE twin_numbers (series TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID")
    yield from race("sqlite: a number and its commit", ours.number, {twin.name: (twin.number, "")}, rounds=rounds)
    yield numbering(ours, "sqlite", 1000)
    twin.close()
    ours.close()


def numbering(ours: Ours, place: str, rate: int) -> Row:
    """Let eight threads want numbers of one series at once; none may be missing. Returns the time for one."""
    given: list[int] = []

    def work() -> None:
        given.extend(ours.number() for _ in range(EACH))

    def everybody() -> None:
        with ThreadPoolExecutor(WRITERS) as pool:
            for done in [pool.submit(work) for _ in range(WRITERS)]:
                done.result()

    first = ours.number() + 1
    each = seconds(everybody, 3) / (WRITERS * EACH)
    assert sorted(given) == list(range(first, first + len(given)))
    return limit(f"{place}: a number, {WRITERS} writers", each * 1e3, 1e3 / rate, "ms", f"1/{rate} s")
