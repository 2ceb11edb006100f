"""T: transactions."""

from __future__ import annotations

import pytest

from salespipeline.errors import Conflict, Duplicate, ReadOnly, StorageError, TransactionOpen
from salespipeline.ports import Store
from salespipeline.query import Cmp, Count, Has, Query
from salespipeline.testing.clauses.base import Handle, StoreClauses
from salespipeline.testing.clauses.vocabulary import all_of, body, deal, found, ids, kept, put

__all__ = ["Transactions"]

EVERY_DEAL = Query(kind="deal")


class Halt(Exception):
    """What a clause raises to leave a transaction."""


class Transactions(StoreClauses):
    """Transactions: all or nothing, and one's own writes at once."""

    def test_t01_a_clean_exit_commits(self, handle: Handle) -> None:
        """A clean exit commits: a fresh handle reads what was put."""
        put(handle(), deal("a", text="kept"))
        stored = kept(handle(), "a")
        assert stored is not None
        assert (stored.id, stored.version, stored.body) == ("a", 1, "kept")

    def test_t02_an_exception_takes_puts_back(self, handle: Handle) -> None:
        """An exception rolls back every entry that was put."""
        store = handle()
        with pytest.raises(Halt), store.transaction() as tx:
            tx.put(deal("a", tags=("vip",)))
            tx.put(deal("b"))
            raise Halt
        assert found(store) == ""
        assert found(handle()) == ""
        assert found(handle(), Has("tags", "vip")) == ""

    def test_t03_an_exception_propagates_unchanged(self, store: Store) -> None:
        """The exception that ends a transaction propagates unchanged: the very same object."""
        halt = Halt("as it was")
        with pytest.raises(Halt) as caught, store.transaction() as tx:
            tx.put(deal("a"))
            raise halt
        assert caught.value is halt

    def test_t04_a_rollback_brings_back_what_was_deleted(self, handle: Handle) -> None:
        """A rollback brings back a deleted entry with its version, body and index."""
        store = handle()
        before = deal("a", text="old", name="Ash", tags=("vip",), reference="R1")
        put(store, before)
        with pytest.raises(Halt), store.transaction() as tx:
            tx.delete("deal", "a", 1)
            raise Halt
        (entry,) = all_of(handle())
        assert (entry.id, entry.version, entry.body) == ("a", 1, "old")
        assert dict(entry.index) == dict(before.index)

    def test_t05_a_rollback_restores_what_was_changed(self, handle: Handle) -> None:
        """A rollback restores the version, the body and the index of a changed entry."""
        store = handle()
        put(store, deal("a", text="old", name="Ash", stage="lead", tags=("vip", "new")))
        with pytest.raises(Halt), store.transaction() as tx:
            tx.put(deal("a", 1, text="new", name="Birch", owner="tom", tags=("rush",)))
            raise Halt
        (entry,) = all_of(handle())
        assert (entry.version, entry.body) == (1, "old")
        assert dict(entry.index) == {"name": "Ash", "value": 0, "stage": "lead", "tags": ("new", "vip")}

    def test_t06_a_transaction_reads_its_own_puts(self, store: Store) -> None:
        """Inside, every way of reading sees what was put before."""
        with store.transaction() as tx:
            tx.put(deal("a", name="Ash", tags=("vip",)))
            stored = tx.get("deal", "a")
            assert stored is not None
            assert stored.version == 1
            assert list(tx.get_many("deal", ["a", "b"])) == ["a"]
            assert ids(tx, Has("tags", "vip")) == "a"
            assert list(tx.columns(EVERY_DEAL, ["name"])) == [("Ash",)]
            assert list(tx.tally(EVERY_DEAL, ["tags"], [Count()])) == [("vip", 1)]
            assert [entry.id for entry in tx.scan("deal")] == ["a"]

    def test_t07_a_transaction_reads_its_own_deletes(self, store: Store) -> None:
        """Inside, no way of reading sees what was deleted before."""
        put(store, deal("a", tags=("vip",)))
        with store.transaction() as tx:
            tx.delete("deal", "a", 1)
            assert tx.get("deal", "a") is None
            assert tx.get_many("deal", ["a"]) == {}
            assert ids(tx) == ""
            assert list(tx.tally(EVERY_DEAL, ["tags"], [Count()])) == []
            assert list(tx.scan("deal")) == []

    def test_t08_transactions_do_not_nest(self, handle: Handle) -> None:
        """A second transaction in the same thread raises TransactionOpen and leaves the first as it is."""
        store = handle()
        for write in (True, False):
            with store.transaction() as tx:
                tx.put(deal(f"a{write:d}"))
                with pytest.raises(TransactionOpen), store.transaction(write=write):
                    pytest.fail("a second transaction was opened")
                tx.put(deal(f"b{write:d}"))
        with store.transaction(write=False) as tx, pytest.raises(TransactionOpen), store.transaction():
            pytest.fail("a second transaction was opened")
        assert found(handle()) == "a0a1b0b1"

    def test_t09_a_reading_transaction_writes_nothing(self, store: Store) -> None:
        """With write=False, put, put_many, delete and next_number raise ReadOnly and change nothing."""
        put(store, deal("a"))
        with store.transaction(write=False) as tx:
            with pytest.raises(ReadOnly):
                tx.put(deal("b"))
            with pytest.raises(ReadOnly):
                tx.put_many([deal("c")])
            with pytest.raises(ReadOnly):
                tx.delete("deal", "a", 1)
            with pytest.raises(ReadOnly):
                tx.next_number("invoice")
        assert found(store) == "a"
        with store.transaction() as tx:
            assert tx.next_number("invoice") == 1

    def test_t10_a_transaction_that_ended_is_over(self, handle: Handle) -> None:
        """A transaction that is used after its end raises StorageError and does nothing."""
        store = handle()
        with store.transaction() as tx:
            tx.put(deal("a"))
        with pytest.raises(StorageError):
            tx.put(deal("b"))
        with pytest.raises(StorageError):
            tx.get("deal", "a")
        with pytest.raises(StorageError):
            list(tx.find(EVERY_DEAL))
        with pytest.raises(StorageError):
            tx.next_number("invoice")
        assert found(handle()) == "a"

    def test_t11_a_refused_put_leaves_the_transaction_going(self, handle: Handle) -> None:
        """A put or delete that is refused changes nothing, and the transaction can go on and commit."""
        store = handle()
        put(store, deal("a", reference="R1"))
        with store.transaction() as tx:
            tx.put(deal("b"))
            with pytest.raises(Conflict):
                tx.put(deal("a", 7, text="stale", tags=("vip",)))
            with pytest.raises(Conflict):
                tx.put(deal("a", text="again"))
            with pytest.raises(Duplicate):
                tx.put(deal("c", reference="R1", tags=("vip",)))
            with pytest.raises(Conflict):
                tx.delete("deal", "a", 2)
            tx.put(deal("d"))
        fresh = handle()
        assert found(fresh) == "abd"
        assert found(fresh, Has("tags", "vip")) == ""
        stored = kept(fresh, "a")
        assert stored is not None
        assert stored.body == body("a")

    def test_t12_put_many_puts_one_after_the_other(self, handle: Handle) -> None:
        """put_many takes any iterable and puts each entry as put does, in that order."""
        store = handle()
        with store.transaction() as tx:
            tx.put_many(iter([deal("a"), deal("b"), deal("a", 1, text="second")]))
            with pytest.raises(Conflict):
                tx.put_many([deal("b", 5)])
            tx.put_many([])
        assert [(entry.id, entry.version) for entry in all_of(handle())] == [("a", 2), ("b", 1)]

    def test_t13_an_interrupt_rolls_back_too(self, handle: Handle) -> None:
        """Anything that is raised rolls back: a keyboard interrupt as well as an error."""
        store = handle()
        for interrupt in (KeyboardInterrupt, SystemExit, GeneratorExit):
            with pytest.raises(interrupt), store.transaction() as tx:
                tx.put(deal("a"))
                raise interrupt
        assert found(handle()) == ""

    def test_t14_a_transaction_begins_where_its_block_does(self, handle: Handle) -> None:
        """A transaction that is made but not entered holds nothing and does nothing."""
        store = handle()
        idle = store.transaction()
        put(store, deal("a"))
        put(handle(), deal("b"))
        del idle
        assert found(store) == "ab"

    def test_t15_an_entry_can_be_put_often_in_one_transaction(self, handle: Handle) -> None:
        """Each put of an entry in one transaction counts its version up by one."""
        store = handle()
        with store.transaction() as tx:
            for version in range(5):
                tx.put(deal("a", version, text=str(version), value=version, tags=(f"t{version}",)))
        (entry,) = all_of(handle())
        assert (entry.version, entry.body) == (5, "4")
        assert dict(entry.index) == {"name": "", "value": 4, "tags": ("t4",)}

    def test_t16_put_and_delete_in_one_transaction(self, handle: Handle) -> None:
        """An entry that is put and deleted leaves nothing; one that is deleted and put again is new."""
        store = handle()
        put(store, deal("b", tags=("old",)))
        with store.transaction() as tx:
            tx.put(deal("a", reference="R1", tags=("vip",)))
            tx.delete("deal", "a", 1)
            tx.delete("deal", "b", 1)
            tx.put(deal("b", text="new"))
        (entry,) = all_of(handle())
        assert (entry.id, entry.version, entry.body) == ("b", 1, "new")
        assert dict(entry.index) == {"name": "", "value": 0}

    def test_t17_a_handle_survives_a_rollback(self, handle: Handle) -> None:
        """After a rollback the handle goes on as if the transaction had never been."""
        store = handle()
        for _ in range(3):
            with pytest.raises(Halt), store.transaction() as tx:
                tx.put(deal("a"))
                tx.next_number("invoice")
                raise Halt
        with store.transaction() as tx:
            tx.put(deal("a"))
            assert tx.next_number("invoice") == 1
        assert found(handle()) == "a"

    def test_t18_what_find_yields_is_fixed_when_called(self, store: Store) -> None:
        """Writing while the results of find are read changes neither what is yielded nor how much."""
        put(store, *[deal(f"{number:03}", value=number) for number in range(100)])
        with store.transaction() as tx:
            seen = []
            for stored in tx.find(Query(kind="deal", where=Cmp("value", ">=", 0), order=("value",))):
                seen.append((stored.id, stored.version))
                tx.put(deal(stored.id, stored.version, value=int(stored.id) + 1000))
        assert seen == [(f"{number:03}", 1) for number in range(100)]

    def test_t19_what_scan_yields_is_fixed_when_called(self, store: Store) -> None:
        """Writing while the results of scan are read changes neither what is yielded nor how much."""
        put(store, *[deal(f"{number:03}", tags=("old",)) for number in range(1200)])
        with store.transaction() as tx:
            seen = []
            for entry in tx.scan("deal"):
                seen.append((entry.id, entry.version, entry.index["tags"]))
                tx.put(deal(entry.id, 1, tags=("new",)))
                tx.put(deal("z" + entry.id))
        assert seen == [(id, 1, ("old",)) for id in sorted(f"{number:03}" for number in range(1200))]

    def test_t20_what_columns_and_tally_yield_is_fixed_when_called(self, store: Store) -> None:
        """Writing before the results of columns and tally are read does not change them."""
        put(store, deal("a", value=1, stage="lead"), deal("b", value=2, stage="won"))
        with store.transaction() as tx:
            columns = tx.columns(EVERY_DEAL, ["id", "value"])
            tally = tx.tally(EVERY_DEAL, ["stage"], [Count()])
            tx.put(deal("a", 1, value=9, stage="won"))
            tx.delete("deal", "b", 1)
            assert list(columns) == [("a", 1), ("b", 2)]
            assert list(tally) == [("lead", 1), ("won", 1)]
