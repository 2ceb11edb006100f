"""N: numbers, and what carries them and everything else from one store into another."""

from __future__ import annotations

import pytest

from salespipeline.errors import Conflict, Duplicate, ReadOnly
from salespipeline.ports import Portable, Store, Transaction
from salespipeline.query import Has
from salespipeline.testing.clauses.base import Handle, StoreClauses
from salespipeline.testing.clauses.vocabulary import all_of, deal, found, note, numbered, put

__all__ = ["Numbers"]


class Halt(Exception):
    """What a clause raises to leave a transaction."""


class Numbers(StoreClauses):
    """Numbers: 1, 2, 3 … in each series, without a gap and never twice."""

    def test_n01_a_series_begins_with_one(self, store: Store) -> None:
        """A series that nobody has used gives 1, then 2, then 3, in one transaction or in many."""
        with store.transaction() as tx:
            assert [tx.next_number("invoice") for _ in range(3)] == [1, 2, 3]
        assert [numbered(store) for _ in range(3)] == [4, 5, 6]

    def test_n02_series_are_apart(self, store: Store) -> None:
        """Each series counts for itself."""
        assert [numbered(store, series) for series in ("a", "b", "a", "a", "b")] == [1, 1, 2, 3, 2]

    def test_n03_a_rollback_takes_numbers_back(self, store: Store) -> None:
        """A rollback takes the numbers back: the next transaction gets them."""
        assert numbered(store) == 1
        with pytest.raises(Halt), store.transaction() as tx:
            assert [tx.next_number("invoice") for _ in range(5)] == [2, 3, 4, 5, 6]
            raise Halt
        assert numbered(store) == 2

    def test_n04_a_rolled_back_series_begins_again(self, handle: Handle) -> None:
        """A series that was begun in a transaction that rolled back begins with 1."""
        store = handle()
        with pytest.raises(Halt), store.transaction() as tx:
            tx.next_number("invoice")
            raise Halt
        assert numbered(handle()) == 1

    def test_n05_numbers_outlive_the_handle(self, handle: Handle) -> None:
        """A fresh handle goes on where the last one stopped."""
        first = handle()
        assert [numbered(first) for _ in range(3)] == [1, 2, 3]
        first.close()
        assert numbered(handle()) == 4

    def test_n06_handles_share_a_series(self, handle: Handle) -> None:
        """Two handles that take turns never get the same number, nor leave one out."""
        one, other = handle(), handle()
        assert [numbered(store) for store in (one, other, other, one, other)] == [1, 2, 3, 4, 5]

    def test_n07_a_number_and_its_entry_go_together(self, handle: Handle) -> None:
        """A number and the entry that bears it are kept together or not at all."""
        store = handle()
        for fails in (False, True, True, False, True, False):
            try:
                with store.transaction() as tx:
                    number = tx.next_number("invoice")
                    tx.put(deal(str(number), value=number))
                    if fails:
                        raise Halt
            except Halt:
                continue
        assert found(handle()) == "123"

    def test_n08_a_series_may_have_any_name(self, store: Store) -> None:
        """Series are told apart by code point, whatever their names hold."""
        names = ["a", "A", "a ", "é", "e\u0301", "'; DROP TABLE x; --", "%", "_", '"', "", "𝄞", "x" * 500]
        with store.transaction() as tx:
            assert [tx.next_number(name) for name in names] == [1] * len(names)
            assert [tx.next_number(name) for name in names] == [2] * len(names)

    def test_n09_many_numbers_in_one_transaction(self, store: Store) -> None:
        """A thousand numbers of one transaction are the numbers from 1 to 1,000."""
        with store.transaction() as tx:
            assert [tx.next_number("invoice") for _ in range(1000)] == list(range(1, 1001))
        assert numbered(store) == 1001

    def test_n10_deleting_frees_no_number(self, store: Store) -> None:
        """A number is given once, even if the entry that bore it is deleted."""
        with store.transaction() as tx:
            tx.put(deal(str(tx.next_number("invoice"))))
            tx.delete("deal", "1", 1)
        assert numbered(store) == 2

    def test_n11_numbers_are_listed(self, handle: Handle) -> None:
        """Where numbers are listed, each series comes with its last number, by name, as the transaction sees them."""
        store = handle()
        with store.transaction(write=False) as tx:
            assert list(_portable(tx).numbers()) == []
        for series in ("b", "a", "é", "b"):
            numbered(store, series)
        with pytest.raises(Halt), store.transaction() as tx:
            tx.next_number("a")
            assert dict(_portable(tx).numbers()) == {"a": 2, "b": 2, "é": 1}
            raise Halt
        with handle().transaction(write=False) as tx:
            assert list(_portable(tx).numbers()) == [("a", 1), ("b", 2), ("é", 1)]

    def test_n12_a_series_can_be_set(self, handle: Handle) -> None:
        """Where numbers are set, a series goes on behind what was said, unless the transaction rolls back."""
        store = handle()
        with store.transaction() as tx:
            _portable(tx).set_number("invoice", 41)
            tx.next_number("other")
            _portable(tx).set_number("other", 7)
        with pytest.raises(Halt), store.transaction() as tx:
            _portable(tx).set_number("invoice", 99)
            raise Halt
        with store.transaction(write=False) as tx, pytest.raises(ReadOnly):
            _portable(tx).set_number("invoice", 99)
        assert [numbered(handle(), series) for series in ("invoice", "other")] == [42, 8]

    def test_n13_entries_are_loaded_with_their_versions(self, handle: Handle) -> None:
        """Where entries are loaded, each is new and has the version that it carries; what is there is a Conflict."""
        store = handle()
        given = [deal("a", 1, tags=("vip",)), deal("b", 7, value=5, reference="R"), note("n", 3, slug="s")]
        with store.transaction() as tx:
            _portable(tx).load([*given, *(deal(f"m{place:03}", 2, name=f"n{place}") for place in range(100))])
        assert [(one.id, one.version) for one in all_of(handle())[:2]] == [("a", 1), ("b", 7)]
        assert all_of(handle(), "note") == [note("n", 3, slug="s")]
        assert found(handle(), Has("tags", "vip")) == "a"
        put(store, deal("b", 7, reference="R"))
        for wrong, error in ((deal("a", 1), Conflict), (deal("c", 2, reference="R"), Duplicate)):
            with pytest.raises(error), store.transaction() as tx:
                _portable(tx).load([deal("x", 1), wrong])
        assert found(store, limit=3) == "abm000"


def _portable(tx: Transaction) -> Portable:
    if not isinstance(tx, Portable):
        pytest.skip("the store does not offer to be carried into another one")
    return tx
