"""One process of the numbering fault: issues numbers in threads, rolls some back, and kills itself now and then.

``python numbering_worker.py URL NAME WRITERS EACH SEED``: every writer goes on from what it has issued already, so that
the process may be started again until it ends by itself.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading

from salespipeline.entries import Catalog, Entry, Field, Kind
from salespipeline.opening import open_store
from salespipeline.ports import Store
from salespipeline.query import Cmp, Count, Query

KIND = Kind("issue", (Field("number", int), Field("writer", str)), unique=(("number",),), paths=(("writer",),))
CATALOG = Catalog((KIND,), format=1)


class RolledBack(Exception):
    """One of the tenth of the transactions that change their mind."""


def issued(store: Store, writer: str) -> int:
    """Return how many numbers *writer* has issued."""
    with store.transaction(write=False) as tx:
        query = Query(kind="issue", where=Cmp("writer", "=", writer))
        ((count,),) = tx.tally(query, (), (Count(),))
    return int(count or 0)


def work(store: Store, writer: str, each: int, draw: random.Random) -> None:
    """Issue until there are *each*."""
    done = issued(store, writer)
    while done < each:
        try:
            with store.transaction() as tx:
                number = tx.next_number("INV")
                maybe_die(draw)
                tx.put(Entry("issue", f"{writer}-{done}", 0, {"number": number, "writer": writer}, "{}"))
                maybe_die(draw)
                if draw.random() < 0.1:
                    raise RolledBack
            done += 1
        except RolledBack:
            pass


def maybe_die(draw: random.Random) -> None:
    """Be killed, once in a few thousand times."""
    if draw.random() < 1 / 4000:
        os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, name: str, writers: int, each: int, seed: int) -> None:
    """Run the writers of this process."""
    store = open_store(url)
    store.prepare(CATALOG)
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(store, f"{name}-{number}", each, random.Random(f"{seed}-{name}-{number}"))
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    if failures:
        raise failures[0]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
