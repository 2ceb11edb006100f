"""Many threads in many processes hammer one store: every change is kept, every view is whole, nobody is told to wait.

``python hammering.py URL NAME THREADS EACH`` is one of the processes.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

from salespipeline.entries import Catalog, Entry, Field, Kind
from salespipeline.opening import open_store
from salespipeline.ports import Store
from salespipeline.query import Count, Max, Query

CATALOG = Catalog(
    (
        Kind("total", (Field("value", int),)),
        Kind("blow", (Field("number", int, sortable=True), Field("who", str, many=True)), unique=(("number",),)),
    )
)
BLOWS = Query(kind="blow")


def strike(store: Store, who: str) -> None:
    """Take a number, which makes others wait; put an entry under it, and the total that is read plus one."""
    with store.transaction() as tx:
        number = tx.next_number("blow")
        stored = tx.get("total", "all")
        value = int(stored.body) + 1 if stored else 1
        tx.put(Entry("total", "all", stored.version if stored else 0, {"value": value}, str(value)))
        tx.put(Entry("blow", f"{who}-{value}", 0, {"number": number, "who": (who, "somebody")}, "{}"))


def look(store: Store) -> None:
    """Count what one view shows: entries, numbers and the total agree in every one."""
    with store.transaction(write=False) as tx:
        stored = tx.get("total", "all")
        ((count, last),) = tx.tally(BLOWS, (), (Count(), Max("number")))
    value = int(stored.body) if stored else 0
    if (count, last or 0) != (value, value):
        raise AssertionError(f"a view shows {count} entries, the last number {last} and the total {value}")


def hammer(url: str, name: str, threads: int, each: int) -> None:
    """Strike *each* times in every one of *threads*, and look in between. Whatever is refused is raised."""
    store = open_store(url)
    store.prepare(CATALOG)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(each):
                strike(store, f"{name}-{number}")
                if turn % 5 == number % 5:
                    look(store)
        except BaseException as error:  # noqa: BLE001 - it is raised below
            failures.append(error)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    store.close()
    if failures:
        raise failures[0]


def hammered(url: str, processes: int, threads: int, each: int) -> None:
    """Let *processes* hammer, and check that nothing was lost, given twice or refused."""
    command = [sys.executable, str(Path(__file__)), url]
    running = [
        subprocess.Popen([*command, str(name), str(threads), str(each)], stderr=subprocess.PIPE, text=True)
        for name in range(processes)
    ]
    failed = list(_errors(running))
    assert not failed, failed[0]
    total = processes * threads * each
    store = open_store(url)
    store.prepare(CATALOG)
    look(store)
    with store.transaction(write=False) as tx:
        entries = list(tx.scan("blow"))
        kept = tx.get("total", "all")
    store.close()
    assert sorted(entry.index["number"] for entry in entries) == list(range(1, total + 1))
    assert all(len(entry.index["who"]) == 2 for entry in entries)  # type: ignore[arg-type]
    assert (kept.version, kept.body) == (total, str(total))  # type: ignore[union-attr]


def _errors(running: Iterable[subprocess.Popen[str]]) -> Iterable[str]:
    for process in running:
        _, errors = process.communicate(timeout=600)
        if process.returncode:
            yield errors


if __name__ == "__main__":
    hammer(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
