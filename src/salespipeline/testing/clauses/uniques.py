"""U: uniques."""

from __future__ import annotations

import pytest

from salespipeline.errors import Conflict, Duplicate
from salespipeline.ports import Store
from salespipeline.testing.clauses.base import Handle, StoreClauses
from salespipeline.testing.clauses.vocabulary import all_of, deal, delete, found, note, put

__all__ = ["Uniques"]


class Uniques(StoreClauses):
    """Uniques: no two entries of a kind share the values of a unique."""

    def test_u01_a_taken_value_is_refused(self, handle: Handle) -> None:
        """A put of a value that another entry has raises Duplicate and keeps nothing."""
        store = handle()
        put(store, deal("a", reference="R1"))
        with pytest.raises(Duplicate):
            put(store, deal("b", reference="R1", tags=("vip",)))
        assert found(handle()) == "a"

    def test_u02_a_missing_value_is_exempt(self, store: Store) -> None:
        """Any number of entries may lack a field of a unique."""
        put(store, deal("a"), deal("b"), deal("c", area="north"), deal("d", area="north"), deal("e", number=1))
        put(store, deal("f", number=1))
        assert found(store) == "abcdef"

    def test_u03_a_compound_unique_is_compared_as_a_whole(self, store: Store) -> None:
        """A unique of two fields is broken only where both are the same."""
        put(store, deal("a", area="north", number=1))
        put(store, deal("b", area="north", number=2), deal("c", area="south", number=1))
        with pytest.raises(Duplicate):
            put(store, deal("d", area="south", number=1))
        assert found(store) == "abc"

    def test_u04_an_entry_does_not_collide_with_itself(self, store: Store) -> None:
        """An entry can be put again with the unique value that it has."""
        put(store, deal("a", reference="R1", area="north", number=1))
        put(store, deal("a", 1, reference="R1", area="north", number=1, stage="won"))
        assert found(store) == "a"

    def test_u05_a_change_can_collide(self, handle: Handle) -> None:
        """A put that changes an entry to a taken value raises Duplicate and leaves it as it was."""
        store = handle()
        put(store, deal("a", reference="R1"), deal("b", reference="R2", text="old", tags=("vip",)))
        with pytest.raises(Duplicate):
            put(store, deal("b", 1, reference="R1", text="new"))
        entry = all_of(handle())[1]
        assert (entry.version, entry.body) == (1, "old")
        assert dict(entry.index) == {"name": "", "value": 0, "reference": "R2", "tags": ("vip",)}

    def test_u06_a_delete_frees_the_value(self, store: Store) -> None:
        """A delete frees the value at once, for the same transaction as for later ones."""
        put(store, deal("a", reference="R1"), deal("b", reference="R2"))
        with store.transaction() as tx:
            tx.delete("deal", "a", 1)
            tx.put(deal("c", reference="R1"))
        delete(store, "b", 1)
        put(store, deal("d", reference="R2"))
        assert found(store) == "cd"

    def test_u07_a_change_frees_the_value(self, store: Store) -> None:
        """An entry that takes another value, or gives the field up, frees the one it had."""
        put(store, deal("a", reference="R1"), deal("b", reference="R2"))
        with store.transaction() as tx:
            tx.put(deal("a", 1, reference="R3"))
            tx.put(deal("b", 1))
            tx.put(deal("c", reference="R1"))
            tx.put(deal("d", reference="R2"))
        assert found(store) == "abcd"

    def test_u08_a_unique_is_checked_at_put(self, store: Store) -> None:
        """A unique is checked when an entry is put, not when the transaction ends."""
        put(store, deal("a", reference="R1"))
        with store.transaction() as tx:
            with pytest.raises(Duplicate):
                tx.put(deal("b", reference="R1"))
            tx.delete("deal", "a", 1)
        assert found(store) == ""

    def test_u09_text_is_compared_by_code_point(self, store: Store) -> None:
        """Texts that differ in case, in spaces at the end or in normalisation are different values."""
        different = ["r", "R", "r ", " r", "\u00e9", "e\u0301", "ß", "ss", "SS", "1", "01", ""]
        put(store, *[deal(str(place), reference=value) for place, value in enumerate(different)])
        for value in different:
            with pytest.raises(Duplicate):
                put(store, deal("again", reference=value))

    def test_u10_zero_and_the_empty_text_are_values(self, store: Store) -> None:
        """Zero and the empty text are values like others, and not missing."""
        put(store, deal("a", reference="", area="", number=0))
        with pytest.raises(Duplicate):
            put(store, deal("b", reference=""))
        with pytest.raises(Duplicate):
            put(store, deal("b", area="", number=0))

    def test_u11_a_rollback_frees_the_value(self, store: Store) -> None:
        """A value that was taken in a transaction that rolled back is free."""
        with pytest.raises(ZeroDivisionError), store.transaction() as tx:
            tx.put(deal("a", reference="R1"))
            raise ZeroDivisionError
        put(store, deal("b", reference="R1"))
        assert found(store) == "b"

    def test_u12_a_rollback_takes_the_value_back(self, store: Store) -> None:
        """A value that was freed in a transaction that rolled back is taken."""
        put(store, deal("a", reference="R1"))
        with pytest.raises(ZeroDivisionError), store.transaction() as tx:
            tx.delete("deal", "a", 1)
            raise ZeroDivisionError
        with pytest.raises(Duplicate):
            put(store, deal("b", reference="R1"))

    def test_u13_kinds_have_their_own_uniques(self, store: Store) -> None:
        """Entries of different kinds never collide."""
        put(store, deal("a", reference="same"), note("a", slug="same"), note("b", slug="other"))
        with pytest.raises(Duplicate):
            put(store, note("c", slug="same"))
        assert found(store) == "a"

    def test_u14_conflict_wins_over_duplicate(self, store: Store) -> None:
        """Where both the version and a unique are broken, Conflict is raised."""
        put(store, deal("a", reference="R1"), deal("b", reference="R2"))
        for version in (0, 2):
            with pytest.raises(Conflict):
                put(store, deal("b", version, reference="R1"))
        with pytest.raises(Conflict):
            put(store, deal("c", 1, reference="R1"))

    def test_u15_a_batch_is_checked_entry_by_entry(self, handle: Handle) -> None:
        """put_many raises Duplicate where two entries of the batch share a value, and the transaction rolls back."""
        store = handle()
        with pytest.raises(Duplicate), store.transaction() as tx:
            tx.put_many([deal("a", reference="R1"), deal("b", reference="R2"), deal("c", reference="R1")])
        assert found(handle()) == ""

    def test_u16_values_can_be_exchanged_through_nothing(self, store: Store) -> None:
        """Two entries exchange their values in one transaction where one gives its own up first."""
        put(store, deal("a", reference="R1"), deal("b", reference="R2"))
        with store.transaction() as tx:
            tx.put(deal("a", 1))
            tx.put(deal("b", 1, reference="R1"))
            tx.put(deal("a", 2, reference="R2"))
        assert [entry.index["reference"] for entry in all_of(store)] == ["R2", "R1"]
