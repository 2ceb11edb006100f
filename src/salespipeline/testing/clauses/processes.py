"""X: several processes and killed processes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from salespipeline.entries import Entry, Stored
from salespipeline.errors import Conflict, Duplicate
from salespipeline.ports import Store
from salespipeline.query import EVERYTHING, Cmp, Count, Has, Query, Sum
from salespipeline.testing.clauses.base import Handle, StoreClauses, needs
from salespipeline.testing.clauses.racing import Halt, add_one, trying
from salespipeline.testing.clauses.together import child, result_of_process, together
from salespipeline.testing.clauses.vocabulary import (
    CATALOG,
    all_of,
    body,
    counted,
    deal,
    delete,
    found,
    kept,
    numbered,
    put,
)

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["Processes"]


class Processes(StoreClauses):
    """Processes: nothing is lost between them, and one that is killed leaves nothing half done."""

    @pytest.fixture
    def fresh(self, opener: Handle) -> Handle:
        """Return what opens a prepared handle in whatever process calls it, and prepare the data here."""

        def fresh() -> Store:
            store = opener()
            store.prepare(CATALOG)
            return store

        fresh().close()  # no handle of this process is open when the others are forked
        return fresh

    @needs("second-process")
    def test_x01_another_process_sees_what_was_kept(self, fresh: Handle) -> None:
        """What one process kept, entry, index and number, another reads and goes on from."""

        def write() -> int:
            store = fresh()
            put(store, deal("a", tags=("vip",), text="é𝄞"))
            number = numbered(store)
            store.close()
            return number

        def read() -> tuple[Stored | None, str, int]:
            store = fresh()
            return kept(store, "a"), found(store, Has("tags", "vip")), numbered(store)

        assert result_of_process(write) == 1
        assert result_of_process(read) == (Stored("a", 1, "é𝄞"), "a", 2)

    @needs("second-process")
    def test_x02_a_handle_sees_what_another_process_commits(self, handle: Handle, fresh: Handle) -> None:
        """A handle that is open sees in its next transaction what another process has committed."""

        def work(line: Connection) -> None:
            line.recv()
            store = fresh()
            put(store, deal("a"))
            line.send("put")
            line.recv()
            delete(store, "a", 1)
            store.close()

        with child(work) as process:
            store = handle()
            assert found(store) == ""
            process.say("put")
            assert process.hear() == "put"
            assert found(store) == "a"
            process.say("delete")
            process.result()
            assert found(store) == ""

    @needs("second-process")
    def test_x03_processes_lose_no_change(self, fresh: Handle) -> None:
        """Four processes that read, change and put the same entry lose nothing."""
        store = fresh()
        put(store, deal("a", text="0"))
        store.close()

        def work(_: Connection) -> None:
            mine = fresh()
            for _turn in range(15):
                trying(lambda: add_one(mine))
            mine.close()

        with ExitStack() as stack:
            for process in [stack.enter_context(child(work)) for _ in range(4)]:
                process.result()
        assert kept(fresh(), "a") == Stored("a", 61, "60")

    @needs("second-process")
    def test_x04_numbers_of_processes_have_no_gap(self, fresh: Handle) -> None:
        """Numbers that processes take, every third of them rolled back, have neither a gap nor a repeat."""

        def work(_: Connection) -> list[int]:
            store, taken = fresh(), []
            for turn in range(24):
                with suppress(Halt), store.transaction() as tx:
                    number = tx.next_number("invoice")
                    if turn % 3 == 0:
                        raise Halt
                if turn % 3:
                    taken.append(number)
            store.close()
            return taken

        with ExitStack() as stack:
            processes = [stack.enter_context(child(work)) for _ in range(4)]
            taken = [process.result() for process in processes]
        assert sorted(itertools.chain(*taken)) == list(range(1, 65))

    @needs("second-process")
    def test_x05_a_unique_has_one_winner_among_processes(self, fresh: Handle) -> None:
        """Of processes that claim the same unique values, each value goes to exactly one."""

        def work(name: str) -> Callable[[Connection], int]:
            def claim(_: Connection) -> int:
                store, won = fresh(), 0
                for turn in range(20):
                    with suppress(Duplicate):
                        put(store, deal(f"{name}{turn}", reference=f"R{turn}"))
                        won += 1
                store.close()
                return won

            return claim

        with ExitStack() as stack:
            processes = [stack.enter_context(child(work(name))) for name in "abc"]
            assert sum(process.result() for process in processes) == 20
        assert counted(fresh()) == [(20,)]

    @needs("second-process")
    def test_x06_a_creation_has_one_winner_among_processes(self, fresh: Handle) -> None:
        """Of processes that make the same ids, each id is made by exactly one."""

        def work(_: Connection) -> int:
            store, won = fresh(), 0
            for turn in range(20):
                with suppress(Conflict):
                    put(store, deal(f"{turn:02}"))
                    won += 1
            store.close()
            return won

        with ExitStack() as stack:
            processes = [stack.enter_context(child(work)) for _ in range(3)]
            assert sum(process.result() for process in processes) == 20
        assert [entry.version for entry in all_of(fresh())] == [1] * 20

    @needs("second-process")
    def test_x07_a_killed_process_leaves_nothing_half_done(self, fresh: Handle) -> None:
        """Of a process that is killed inside a transaction nothing is kept, and nobody has to wait for it."""
        store = fresh()
        put(store, deal("old", text="old", tags=("old",)))
        store.close()

        def work(line: Connection) -> None:
            mine = fresh()
            put(mine, deal("whole"))
            with mine.transaction() as tx:
                tx.put(deal("a", reference="R1", tags=("vip",)))
                tx.put(deal("old", 1, text="new", tags=("new",)))
                tx.next_number("invoice")
                line.send("written")
                line.recv()

        with child(work) as process:
            assert process.hear() == "written"
            process.kill()
        store = fresh()
        assert [(entry.id, entry.version, entry.body) for entry in all_of(store)] == [
            ("old", 1, "old"),
            ("whole", 1, body("whole")),
        ]
        assert counted(store, "tags") == [(None, 1), ("old", 1)]
        assert numbered(store) == 1
        put(store, deal("b", reference="R1"))
        store.close()

    @needs("second-process")
    def test_x08_what_was_committed_survives_a_kill(self, fresh: Handle) -> None:
        """What a process committed is kept, if it is killed the moment after."""

        def work(line: Connection) -> None:
            store = fresh()
            put(store, deal("a", tags=("vip",)))
            line.send(numbered(store))
            line.recv()

        with child(work) as process:
            assert process.hear() == 1
            process.kill()
        store = fresh()
        assert found(store, Has("tags", "vip")) == "a"
        assert numbered(store) == 2
        store.close()

    @needs("second-process")
    def test_x09_batches_are_whole_whenever_a_process_is_killed(self, fresh: Handle) -> None:
        """Whenever a process is killed, each of its batches is there whole, with its number, or not at all."""

        def work(line: Connection) -> None:
            store = fresh()
            while True:
                with store.transaction() as tx:
                    batch = tx.next_number("batch")
                    entries = [deal(f"{batch:05}-{place}", value=batch, tags=("x",)) for place in range(10)]
                    tx.put_many(entries[:3])
                    line.send(None)  # this may be its last word
                    tx.put_many(entries[3:])
                line.send(batch)

        confirmed = 0
        for round_ in range(5):
            with child(work) as process:
                for _ in range(round_ * 3 + 1):
                    confirmed = process.hear() or confirmed
                process.kill()
            store = fresh()
            batches = counted(store, "value", measures=(Count(), Sum("value")))
            assert [(number, 10, number * 10) for number in range(1, len(batches) + 1)] == batches
            assert counted(store, "tags") == [("x", 10 * len(batches))][: len(batches)]
            assert len(batches) >= confirmed
            assert numbered(store, "batch") == len(batches) + 1
            with store.transaction() as tx:
                tx.put_many(
                    [deal(f"{len(batches) + 1:05}-{n}", value=len(batches) + 1, tags=("x",)) for n in range(10)]
                )
            store.close()

    @needs("second-process")
    @needs("reads-while-writing")
    def test_x10_a_view_is_not_disturbed_by_another_process(self, handle: Handle, fresh: Handle) -> None:
        """A reading transaction sees the same to its end, whatever another process commits or has not committed."""

        def work(line: Connection) -> None:
            line.recv()
            store = fresh()
            with store.transaction() as tx:
                tx.put(deal("b"))
                line.send("written")
                line.recv()
            line.send("committed")
            line.recv()
            store.close()

        with child(work) as process:
            store = handle()
            put(store, deal("a"))
            process.say("write")
            assert process.hear() == "written"
            assert found(store) == "a"
            with store.transaction(write=False) as tx:
                assert list(tx.tally(Query(kind="deal"), [], [Count()])) == [(1,)]
                process.say("commit")
                assert process.hear() == "committed"
                assert tx.get("deal", "b") is None
                assert list(tx.tally(Query(kind="deal"), [], [Count()])) == [(1,)]
            assert found(store) == "ab"
            process.say("end")
            process.result()

    @needs("second-process")
    def test_x11_processes_prepare_at_once(self, opener: Handle) -> None:
        """Several processes that open and prepare new data at the same time all succeed."""

        def work(line: Connection) -> str:
            line.recv()
            store = opener()
            store.prepare(CATALOG)
            put(store, deal(str(line.recv())))
            store.close()
            return "done"

        with ExitStack() as stack:
            processes = [stack.enter_context(child(work)) for _ in range(4)]
            for place, process in enumerate(processes):
                process.say("prepare")
                process.say(place)
            assert [process.result() for process in processes] == ["done"] * 4
        store = opener()
        store.prepare(CATALOG)
        assert found(store) == "0123"
        store.close()

    @needs("second-process")
    @needs("threads")
    def test_x12_threads_in_processes_lose_nothing(self, fresh: Handle) -> None:
        """Threads of several processes, each changing, making and numbering, lose nothing and find nobody busy."""
        store = fresh()
        put(store, deal("a", text="0"))
        store.close()

        def work(name: str) -> Callable[[Connection], list[object]]:
            def many(_: Connection) -> list[object]:
                mine = fresh()

                def turns(thread: int) -> None:
                    for turn in range(8):
                        while True:
                            try:
                                add_one(mine)
                                break
                            except Conflict:
                                continue
                        with mine.transaction() as tx:
                            tx.put(deal(f"{name}{thread}{turn}", number=tx.next_number("deal"), area="x"))

                results = together(*[lambda thread=thread: turns(thread) for thread in range(3)])
                mine.close()
                return results

            return many

        with ExitStack() as stack:
            processes = [stack.enter_context(child(work(name))) for name in "pqr"]
            assert [process.result() for process in processes] == [[None] * 3] * 3
        store = fresh()
        assert kept(store, "a") == Stored("a", 73, "72")
        with store.transaction(write=False) as tx:
            rows = tx.columns(Query(kind="deal", where=Cmp("area", "=", "x")), ["number"])
            assert sorted(number for (number,) in rows) == list(range(1, 73))  # type: ignore[type-var]
        store.close()

    @needs("second-process")
    def test_x15_versions_hold_between_processes(self, handle: Handle, fresh: Handle) -> None:
        """A put with a version that another process has counted up gets Conflict, and so does its delete."""

        def work(line: Connection) -> None:
            line.recv()
            store = fresh()
            put(store, deal("a", 1, text="theirs"))
            store.close()

        with child(work) as process:
            store = handle()
            put(store, deal("a"))
            process.say("change")
            process.result()
            with pytest.raises(Conflict):
                put(store, deal("a", 1, text="mine"))
            with pytest.raises(Conflict):
                delete(store, "a", 1)
            assert kept(store, "a") == Stored("a", 2, "theirs")

    @needs("second-process")
    def test_x16_scan_and_find_agree_beside_a_writer(self, handle: Handle, fresh: Handle) -> None:
        """While another process writes, scan and find of one reading transaction tell the same."""

        def work(line: Connection) -> None:
            line.recv()
            store = fresh()
            for turn in range(40):
                put(store, deal(f"{turn:02}", tags=("x",)))
            store.close()

        with child(work) as process:
            store = handle()
            process.say("write")
            for _ in range(20):
                with store.transaction(write=False) as tx:
                    scanned: list[Entry] = list(tx.scan("deal"))
                    listed = [stored.id for stored in tx.find(Query(kind="deal", where=EVERYTHING))]
                    tagged = [stored.id for stored in tx.find(Query(kind="deal", where=Has("tags", "x")))]
                assert [entry.id for entry in scanned] == listed == tagged
            process.result()
            assert counted(store) == [(40,)]
