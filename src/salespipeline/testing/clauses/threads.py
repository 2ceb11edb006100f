"""C: several threads."""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial

from salespipeline.entries import Stored
from salespipeline.errors import Conflict, Duplicate, StorageError
from salespipeline.ports import Store
from salespipeline.query import Count, Query, Sum
from salespipeline.testing.clauses.base import Handle, StoreClauses, needs
from salespipeline.testing.clauses.racing import EVERY_DEAL, Halt, add_one, trying
from salespipeline.testing.clauses.together import PATIENCE, together
from salespipeline.testing.clauses.vocabulary import (
    all_of,
    counted,
    deal,
    delete,
    found,
    kept,
    numbered,
    put,
)

__all__ = ["Threads"]


class Threads(StoreClauses):
    """Threads: nothing is lost, torn or given twice, and everyone gets a turn."""

    def test_c13_a_handle_for_each_thread(self, handle: Handle) -> None:
        """Four threads with a handle each, which read, change and put again, lose nothing."""
        stores = [handle() for _ in range(4)]
        put(stores[0], deal("a", text="0"))

        def work(store: Store) -> None:
            for _ in range(15):
                trying(lambda: add_one(store))

        assert together(*[lambda store=store: work(store) for store in stores]) == [None] * 4
        assert kept(stores[0], "a") == Stored("a", 61, "60")

    @needs("threads")
    def test_c14_threads_share_a_handle(self, store: Store) -> None:
        """Four threads that share a handle, and read, change and put again, lose nothing."""
        put(store, deal("a", text="0"))

        def work() -> None:
            for _ in range(15):
                trying(lambda: add_one(store))

        assert together(*[work] * 4) == [None] * 4
        assert kept(store, "a") == Stored("a", 61, "60")

    @needs("threads")
    @needs("reads-while-writing")
    def test_c15_a_threads_transaction_is_its_own(self, store: Store) -> None:
        """What one thread writes, another thread of the same handle does not see before the commit."""
        with store.transaction() as tx:
            tx.put(deal("a"))
            (seen,) = together(lambda: found(store))
            assert seen == ""
        (seen,) = together(lambda: found(store))
        assert seen == "a"

    @needs("threads")
    def test_c16_numbers_have_no_gap(self, store: Store) -> None:
        """Numbers that threads take, every third of them rolled back, have neither a gap nor a repeat."""
        taken: list[int] = []

        def take(fails: bool) -> None:
            try:
                with store.transaction() as tx:
                    number = tx.next_number("invoice")
                    if fails:
                        raise Halt
            except Halt:
                return
            taken.append(number)

        def work() -> None:
            for turn in range(24):
                trying(partial(take, turn % 3 == 0))

        assert together(*[work] * 4) == [None] * 4
        assert sorted(taken) == list(range(1, 65))

    @needs("threads")
    def test_c17_a_unique_has_one_winner(self, store: Store) -> None:
        """Of threads that claim the same unique value, exactly one gets it and the others get Duplicate."""
        for claim in range(10):
            got = together(
                *[
                    lambda place=place, claim=claim: put(store, deal(f"{claim}-{place}", reference=f"R{claim}"))
                    for place in range(4)
                ]
            )
            assert Counter(map(type, got)) == {type(None): 1, Duplicate: 3}
        assert counted(store) == [(10,)]

    @needs("threads")
    def test_c18_a_creation_has_one_winner(self, store: Store) -> None:
        """Of threads that make the same id, exactly one does and the others get Conflict."""
        for claim in range(10):
            got = together(*[lambda claim=claim: put(store, deal(f"{claim}"))] * 4)
            assert Counter(map(type, got)) == {type(None): 1, Conflict: 3}
        assert [entry.version for entry in all_of(store)] == [1] * 10

    @needs("threads")
    def test_c19_a_writer_waits_for_its_turn(self, handle: Handle) -> None:
        """A writer that comes while another writes waits, and then sees what that one committed."""
        one, other = handle(), handle()
        begun, coming = threading.Event(), threading.Event()

        def first() -> int:
            with one.transaction() as tx:
                number = tx.next_number("invoice")
                begun.set()
                assert coming.wait(PATIENCE)
                return number

        def second() -> int:
            assert begun.wait(PATIENCE)
            coming.set()
            return numbered(other)

        assert together(first, second) == [1, 2]

    @needs("threads")
    @needs("reads-while-writing")
    def test_c20_every_view_is_consistent(self, store: Store) -> None:
        """While threads move value from deal to deal, every reading transaction finds the same total."""
        put(store, *[deal(str(place), text="100", value=100) for place in range(5)])
        done = threading.Event()

        def move(turn: int) -> None:
            source, target = str(turn % 5), str((turn * 3 + 1) % 5)
            if source == target:
                return
            with store.transaction() as tx:
                for id, change in sorted([(source, -turn), (target, turn)]):
                    stored = tx.get("deal", id)
                    assert stored is not None
                    value = int(stored.body) + change
                    tx.put(deal(id, stored.version, text=str(value), value=value))

        def work(start: int) -> None:
            for turn in range(start, 40, 2):
                trying(partial(move, turn))

        def write() -> list[object]:
            try:
                return together(lambda: work(0), lambda: work(1))
            finally:
                done.set()

        def read() -> set[object]:
            totals: set[object] = set()
            while not done.is_set():
                with store.transaction(write=False) as tx:
                    totals.update(tx.tally(EVERY_DEAL, [], [Count(), Sum("value")]))
                    totals.add((5, sum(int(row[0] or 0) for row in tx.columns(EVERY_DEAL, ["value"]))))
            return totals

        results = together(write, read)
        assert results[0] == [None, None]
        assert results[1] <= {(5, 500)}
        assert counted(store, measures=(Sum("value"),)) == [(500,)]

    @needs("threads")
    @needs("reads-while-writing")
    def test_c21_a_batch_is_seen_whole_or_not_at_all(self, handle: Handle) -> None:
        """A batch of entries that one thread puts, others see whole or not at all."""
        store, other = handle(), handle()
        done = threading.Event()

        def write() -> None:
            try:
                for batch in range(12):
                    with store.transaction() as tx:
                        tx.put_many([deal(f"{batch:02}{place:02}", tags=("x",)) for place in range(20)])
            finally:
                done.set()

        def read() -> set[object]:
            seen: set[object] = set()
            while not done.is_set():
                with other.transaction(write=False) as tx:
                    seen.add(len(list(tx.find(EVERY_DEAL))) % 20)
                    seen.update(count % 20 for _, count in tx.tally(EVERY_DEAL, ["tags"], [Count()]))  # type: ignore[operator]
            return seen

        results = together(write, read)
        assert results[0] is None
        assert results[1] <= {0}
        assert counted(store) == [(240,)]

    @needs("threads")
    def test_c22_a_failure_frees_the_others(self, store: Store) -> None:
        """A transaction that fails in one thread leaves nothing that another would wait for."""

        def fail() -> None:
            with store.transaction() as tx:
                tx.put(deal("a", reference="R1"))
                tx.next_number("invoice")
                raise Halt

        for turn in range(10):
            got = together(fail, partial(put, store, deal(f"b{turn}")), fail)
            assert [type(one) for one in got] == [Halt, type(None), Halt]
        assert counted(store) == [(10,)]
        assert numbered(store) == 1

    @needs("threads")
    def test_c23_pages_while_others_write(self, store: Store) -> None:
        """Whoever pages while others insert and delete gets each entry that was there all the time exactly once."""
        put(store, *[deal(f"{place:03}", value=place % 10) for place in range(60)])
        done = threading.Event()

        def disturb() -> None:
            try:
                for turn in range(30):
                    put(store, deal(f"x{turn}", value=turn % 10))
                    delete(store, f"x{turn}", 1)
            finally:
                done.set()

        def page() -> list[list[str]]:
            lists: list[list[str]] = []
            while not lists or not done.is_set():
                got: list[tuple[object, ...]] = []
                after = None
                while True:
                    query = Query(kind="deal", order=("value",), limit=7, after=after)
                    with store.transaction(write=False) as tx:
                        rows = list(tx.columns(query, ["value", "id"]))
                    if not rows:
                        break
                    got += rows
                    after = tuple(value for value in rows[-1] if value is not None)
                lists.append([str(id) for _, id in got if not str(id).startswith("x")])
            return lists

        results = together(disturb, page)
        assert results[0] is None
        expected = [f"{place:03}" for place in sorted(range(60), key=lambda place: (place % 10, place))]
        assert all(ids == expected for ids in results[1])

    @needs("threads")
    def test_c24_closing_while_another_thread_writes(self, handle: Handle) -> None:
        """Closing a handle while another thread is in a transaction: that one is kept whole or not at all."""
        store = handle()
        begun, closed = threading.Event(), threading.Event()

        def write() -> bool:
            try:
                with store.transaction() as tx:
                    tx.put(deal("a"))
                    begun.set()
                    assert closed.wait(PATIENCE)
                    tx.put(deal("b"))
            except StorageError:
                return False
            return True

        def close() -> None:
            assert begun.wait(PATIENCE)
            try:
                store.close()
            finally:
                closed.set()

        results = together(write, close)
        assert results[1] is None or isinstance(results[1], StorageError)
        assert found(handle()) == ("ab" if results[0] else "")

    @needs("threads")
    def test_c25_a_thread_may_nest_nothing_but_others_go_on(self, store: Store) -> None:
        """That transactions do not nest holds for each thread: another one may open its own reading transaction."""
        with store.transaction(write=False) as tx:
            (seen,) = together(lambda: found(store))
            assert seen == ""
            assert tx.get("deal", "a") is None
