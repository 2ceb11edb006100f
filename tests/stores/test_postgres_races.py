"""Two transactions on PostgreSQL at once: who wins, who is told what, and that nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from tests.stores.postgres_server import blocked

from salespipeline.entries import Catalog, Entry, Field, Kind
from salespipeline.errors import Conflict, Duplicate, ReadOnly, StorageError, Unavailable
from salespipeline.query import Has, Query
from salespipeline.stores.postgres import PostgresStore

Connect = Callable[..., PostgresStore]
CATALOG = Catalog((Kind("deal", (Field("name", str), Field("tags", str, many=True)), unique=(("name",),)),))


def deal(id: str, version: int = 0, **index: object) -> Entry:
    return Entry("deal", id, version, index, f"{id} {version}")


@pytest.fixture
def store(connect: Connect) -> PostgresStore:
    store = connect()
    store.prepare(CATALOG)
    return store


def raced(store: PostgresStore, postgres: str, first: Callable[[Any], None], second: Callable[[Any], None]) -> object:
    """Do *first*, then *second* in another thread, which must wait; commit the first; say what the second met."""

    def behind() -> object:
        try:
            with store.transaction() as tx:
                second(tx)
        except StorageError as error:
            return error
        return None

    with ThreadPoolExecutor(1) as other:
        with store.transaction() as tx:
            first(tx)
            waiting = other.submit(behind)
            blocked(postgres)
        return waiting.result(30)


def test_of_two_who_make_the_same_entry_the_second_conflicts(store: PostgresStore, postgres: str) -> None:
    found = raced(store, postgres, lambda tx: tx.put(deal("a")), lambda tx: tx.put(deal("a")))
    assert type(found) is Conflict


def test_of_two_who_take_the_same_unique_the_second_is_a_duplicate(store: PostgresStore, postgres: str) -> None:
    found = raced(store, postgres, lambda tx: tx.put(deal("a", name="x")), lambda tx: tx.put(deal("b", name="x")))
    assert type(found) is Duplicate
    assert found.fields == ("name",)


def test_who_makes_an_entry_that_breaks_both_conflicts(store: PostgresStore, postgres: str) -> None:
    found = raced(store, postgres, lambda tx: tx.put(deal("a", name="x")), lambda tx: tx.put(deal("a", name="x")))
    assert type(found) is Conflict


def test_of_two_who_change_the_same_entry_the_second_conflicts(store: PostgresStore, postgres: str) -> None:
    with store.transaction() as tx:
        tx.put(deal("a", tags=("old",)))
    found = raced(
        store, postgres, lambda tx: tx.put(deal("a", 1, tags=("one",))), lambda tx: tx.put(deal("a", 1, tags=("two",)))
    )
    assert type(found) is Conflict
    with store.transaction(write=False) as tx:
        assert [(entry.version, entry.index) for entry in tx.scan("deal")] == [(2, {"tags": ("one",)})]


def test_of_two_who_change_to_the_same_unique_the_second_is_a_duplicate_and_may_go_on(
    store: PostgresStore, postgres: str
) -> None:
    with store.transaction() as tx:
        tx.put_many([deal("a", name="a"), deal("b", name="b")])

    def second(tx: Any) -> None:
        with pytest.raises(Duplicate) as caught:
            tx.put(deal("b", 1, name="x"))
        assert caught.value.fields == ("name",)
        assert isinstance(caught.value.__cause__, psycopg.errors.UniqueViolation)
        tx.put(deal("b", 1, name="y"))

    assert raced(store, postgres, lambda tx: tx.put(deal("a", 1, name="x")), second) is None
    with store.transaction(write=False) as tx:
        assert list(tx.columns(Query(kind="deal"), ["name"])) == [("x",), ("y",)]


def test_who_waits_for_one_who_gives_up_goes_on(store: PostgresStore, postgres: str) -> None:
    def second() -> None:
        with store.transaction() as tx:
            tx.put(deal("a", name="x"))
            assert tx.next_number("INV") == 1

    with ThreadPoolExecutor(1) as other:
        with pytest.raises(ZeroDivisionError), store.transaction() as tx:  # noqa: PT012
            tx.put(deal("b", name="x"))
            assert tx.next_number("INV") == 1
            waiting = other.submit(second)
            blocked(postgres)
            raise ZeroDivisionError
        waiting.result(30)
    with store.transaction(write=False) as tx:
        assert [entry.id for entry in tx.scan("deal")] == ["a"]


def test_of_two_who_wait_for_each_other_one_is_told_to_try_again(store: PostgresStore, postgres: str) -> None:
    with store.transaction() as tx:
        tx.put_many([deal("a"), deal("b")])
    barrier = threading.Barrier(2)

    def work(ids: str) -> object:
        try:
            with store.transaction() as tx:
                tx.put(deal(ids[0], 1))
                barrier.wait(30)
                tx.put(deal(ids[1], 1))
        except StorageError as error:
            return error
        return None

    with ThreadPoolExecutor(2) as both:
        found = list(both.map(work, ["ab", "ba"]))
    errors = [error for error in found if error is not None]
    assert len(errors) == 1
    (error,) = errors
    assert isinstance(error, Unavailable)
    assert error.retry
    assert isinstance(error.__cause__, psycopg.errors.DeadlockDetected)
    with store.transaction(write=False) as tx:
        assert [entry.version for entry in tx.scan("deal")] == [2, 2]  # one of them, whole


def test_batches_in_any_order_never_wait_for_each_other_in_a_ring(store: PostgresStore) -> None:
    ids = [f"d{n:02}" for n in range(40)]
    with store.transaction() as tx:
        tx.put_many([deal(id) for id in ids])

    def work(turn: int) -> int:
        done = 0
        for _ in range(10):
            with store.transaction() as tx:
                versions = {id: stored.version for id, stored in tx.get_many("deal", ids).items()}
                try:
                    tx.put_many([deal(id, versions[id]) for id in (ids if turn else reversed(ids))])
                except Conflict:
                    continue
            done += 1
        return done

    with ThreadPoolExecutor(4) as several:
        done = sum(several.map(work, [0, 1, 0, 1]))
    with store.transaction(write=False) as tx:
        versions = {entry.version for entry in tx.scan("deal")}
    assert done
    assert versions == {1 + done}  # each batch as a whole, or not at all


def test_whoever_waits_too_long_is_told_to_try_again(connect: Connect, postgres: str) -> None:
    patient, hasty = connect(), connect(timeout="0.05")
    for store in (patient, hasty):
        store.prepare(CATALOG)
    with patient.transaction() as tx:
        tx.put(deal("a"))
        with ThreadPoolExecutor(1) as other:

            def second() -> None:
                with hasty.transaction() as mine:
                    mine.put(deal("a"))

            error = other.submit(second).exception(30)
    assert isinstance(error, Unavailable)
    assert error.retry


def test_when_every_connection_is_in_use_whoever_waits_too_long_is_told_so(connect: Connect) -> None:
    store = connect(pool="1", timeout="0.05")
    store.prepare(CATALOG)

    def second() -> None:
        with store.transaction():
            pass

    with store.transaction(), ThreadPoolExecutor(1) as other:
        error = other.submit(second).exception(30)
    assert isinstance(error, Unavailable)
    assert "larger pool" in str(error)


def test_numbers_have_no_gap_whoever_gives_up(store: PostgresStore) -> None:
    """SPEC DOC-6: what a rollback gives back is given to the next."""

    def work(turn: int) -> list[int]:
        kept = []
        for n in range(40):
            try:
                with store.transaction() as tx:
                    number = tx.next_number("INV")
                    if (turn + n) % 5 == 0:
                        raise ZeroDivisionError
            except ZeroDivisionError:
                continue
            kept.append(number)
        return kept

    with ThreadPoolExecutor(8) as several:
        numbers = [number for kept in several.map(work, range(8)) for number in kept]
    assert sorted(numbers) == list(range(1, 8 * 32 + 1))


def test_a_reader_sees_what_was_there_when_it_first_asked(store: PostgresStore) -> None:
    with ThreadPoolExecutor(1) as other, store.transaction(write=False) as tx:
        assert tx.get("deal", "b") is None

        def write() -> None:
            with store.transaction() as mine:
                mine.put(deal("a"))

        other.submit(write).result(30)
        assert tx.get("deal", "a") is None
        assert list(tx.find(Query(kind="deal"))) == []
    with store.transaction(write=False) as tx:
        assert tx.get("deal", "a") is not None


def test_many_who_prepare_the_same_schema_at_once_all_succeed(connect: Connect) -> None:
    def work(turn: int) -> int:
        store = connect()
        store.prepare(CATALOG)
        with store.transaction() as tx:
            tx.put(deal(f"d{turn}"))
            return tx.next_number("INV")

    with ThreadPoolExecutor(6) as several:
        assert sorted(several.map(work, range(6))) == [1, 2, 3, 4, 5, 6]


def test_the_same_file_kept_by_many_at_once_is_kept_once(store: PostgresStore) -> None:
    content = [b"quote" * 100_000]
    with ThreadPoolExecutor(6) as several:
        (digest,) = set(several.map(lambda _: store.blobs.keep(content), range(6)))
    assert b"".join(store.blobs.read(digest)) == content[0]


def test_workers_that_claim_at_once_neither_wait_nor_get_the_same(connect: Connect) -> None:
    one, other, reader = connect(), connect(), connect()
    for store in (one, other, reader):
        store.prepare(CATALOG)
    with one.transaction() as tx:
        tx.put_many([deal(f"d{n}", tags=("due",)) for n in range(5)])
    due = Query(kind="deal", where=Has("tags", "due"), limit=2)
    with one.transaction() as tx, other.transaction() as beside:
        assert [stored.id for stored in tx.claim(due)] == ["d0", "d1"]
        assert [stored.id for stored in beside.claim(due)] == ["d2", "d3"]
        with reader.transaction(write=False) as reading:
            assert [stored.id for stored in reading.find(due)] == ["d0", "d1"]
        tx.put(deal("d0", 1))
        beside.put(deal("d2", 1))
    with one.transaction() as tx:
        assert [stored.id for stored in tx.claim(due)] == ["d1", "d3"]
    with one.transaction(write=False) as tx, pytest.raises(ReadOnly):
        tx.claim(due)
