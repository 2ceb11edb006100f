"""D: claims, for workers that share a queue."""

from __future__ import annotations

import threading
from functools import partial

from salespipeline.ports import Store, Transaction
from salespipeline.query import Cmp, Query
from salespipeline.testing.clauses.base import Handle, StoreClauses
from salespipeline.testing.clauses.racing import EVERY_DEAL, Halt, trying
from salespipeline.testing.clauses.together import PATIENCE, together
from salespipeline.testing.clauses.vocabulary import DEALS, all_of, deal, put

__all__ = ["Claims"]

QUEUED = Cmp("stage", "=", "queued")


def queue(store: Store, size: int) -> None:
    """Put deals that wait for a worker, the last one first in turn."""
    put(store, *[deal(f"{place:02}", value=size - place, stage="queued") for place in range(size)])


def take(tx: Transaction, worker: str, limit: int = 1) -> list[str]:
    """Claim some deals that wait, put them as the worker's, and return their ids."""
    claimed = list(tx.claim(Query(kind="deal", where=QUEUED, order=("value",), limit=limit)))
    for stored in claimed:
        tx.put(deal(stored.id, stored.version, stage="taken", owner=worker))
    return [stored.id for stored in claimed]


class Claims(StoreClauses):
    """Claims: what one worker has claimed, no other one gets."""

    def test_d01_a_claim_is_a_query(self, store: Store) -> None:
        """Where nobody else writes, claim yields what find yields: the same entries, order and page."""
        put(store, *DEALS)
        queries = (
            EVERY_DEAL,
            Query(kind="deal", where=Cmp("stage", "=", "lead"), order=("value",), descending=True, limit=2),
            Query(kind="deal", order=("name",), after=("Cedar", "c"), limit=3),
            Query(kind="note"),
        )
        for query in queries:
            with store.transaction() as tx:
                assert list(tx.claim(query)) == list(tx.find(query))

    def test_d02_what_was_claimed_can_be_put(self, handle: Handle) -> None:
        """What a transaction has claimed it can put in the version that it was given, and its own writes are seen."""
        store = handle()
        queue(store, 3)
        with store.transaction() as tx:
            assert take(tx, "jane", 2) == ["02", "01"]
            assert take(tx, "jane", 2) == ["00"]
            assert take(tx, "jane", 2) == []
        assert {entry.version for entry in all_of(handle())} == {2}

    def test_d03_a_claim_ends_with_its_transaction(self, handle: Handle) -> None:
        """What was claimed and not put, or put and rolled back, is there for whoever claims next."""
        store, other = handle(), handle()
        queue(store, 2)
        with store.transaction() as tx:
            assert [stored.id for stored in tx.claim(EVERY_DEAL)] == ["00", "01"]
        try:
            with store.transaction() as tx:
                assert take(tx, "jane", 2) == ["01", "00"]
                raise Halt
        except Halt:
            pass
        with other.transaction() as tx:
            assert take(tx, "tom", 2) == ["01", "00"]

    def test_d04_workers_claim_different_entries(self, handle: Handle) -> None:
        """Whoever claims while another transaction holds a claim gets others at once, or waits for it: never the same."""
        one, other = handle(), handle()
        queue(one, 4)
        begun, coming = threading.Event(), threading.Event()

        def first() -> list[str]:
            with one.transaction() as tx:
                taken = take(tx, "jane", 2)
                begun.set()
                assert coming.wait(PATIENCE)
                return taken

        def second() -> list[str]:
            assert begun.wait(PATIENCE)
            coming.set()
            with other.transaction() as tx:
                return take(tx, "tom", 3)

        assert together(first, second) == [["03", "02"], ["01", "00"]]

    def test_d05_each_entry_is_taken_once(self, handle: Handle) -> None:
        """Four workers that empty a queue, one entry at a time, take each entry exactly once."""
        stores = [handle() for _ in range(4)]
        queue(stores[0], 40)

        def work(store: Store, worker: str) -> list[str]:
            mine: list[str] = []

            def one() -> list[str]:
                with store.transaction() as tx:
                    return take(tx, worker)

            taken: list[str] = []
            while True:
                trying(lambda: taken.__setitem__(slice(None), one()))
                if not taken:
                    return mine
                mine += taken

        results = together(*[partial(work, store, str(number)) for number, store in enumerate(stores)])
        assert sorted(id for taken in results for id in taken) == [f"{place:02}" for place in range(40)]
        assert {(entry.version, entry.index["stage"]) for entry in all_of(stores[0])} == {(2, "taken")}
