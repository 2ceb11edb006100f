"""V: versions."""

from __future__ import annotations

import pytest

from salespipeline.entries import Stored
from salespipeline.errors import Conflict, Duplicate, ReadOnly
from salespipeline.ports import Store
from salespipeline.query import Cmp, Count, Has, Missing, Not, Query
from salespipeline.testing.clauses.base import Handle, StoreClauses
from salespipeline.testing.clauses.vocabulary import all_of, body, counted, deal, delete, found, kept, note, put

__all__ = ["Versions"]


class Versions(StoreClauses):
    """Versions: whoever writes says which version was read, and nobody's change is lost."""

    def test_v01_the_first_version_is_one(self, handle: Handle) -> None:
        """An entry that is put with version 0 is kept as version 1."""
        put(handle(), deal("a"))
        assert kept(handle(), "a") == Stored("a", 1, body("a"))

    def test_v02_a_put_counts_the_version_up(self, handle: Handle) -> None:
        """An entry that is put with the kept version is kept as the next one, with its new body."""
        store = handle()
        for version in range(3):
            put(store, deal("a", version, text=f"body {version}"))
        assert kept(handle(), "a") == Stored("a", 3, "body 2")

    def test_v03_an_older_version_is_refused(self, handle: Handle) -> None:
        """A put with an older version raises Conflict and changes nothing."""
        store = handle()
        put(store, deal("a", text="first"))
        put(store, deal("a", 1, text="second", stage="won"))
        with pytest.raises(Conflict):
            put(store, deal("a", 1, text="stale", stage="lead"))
        assert kept(handle(), "a") == Stored("a", 2, "second")
        assert found(handle(), Cmp("stage", "=", "won")) == "a"

    def test_v04_a_newer_version_is_refused(self, store: Store) -> None:
        """A put with a version that was never kept raises Conflict and changes nothing."""
        put(store, deal("a", text="first"))
        with pytest.raises(Conflict):
            put(store, deal("a", 2, text="from the future"))
        assert kept(store, "a") == Stored("a", 1, "first")

    def test_v05_an_entry_is_made_once(self, store: Store) -> None:
        """A put with version 0 where the entry exists raises Conflict and changes nothing."""
        put(store, deal("a", text="first"))
        with pytest.raises(Conflict):
            put(store, deal("a", text="again"))
        assert kept(store, "a") == Stored("a", 1, "first")

    def test_v06_what_is_not_there_cannot_be_changed(self, store: Store) -> None:
        """A put with a version where no entry exists raises Conflict and makes none."""
        with pytest.raises(Conflict):
            put(store, deal("a", 1))
        assert kept(store, "a") is None

    def test_v07_a_delete_removes_the_version_that_was_read(self, handle: Handle) -> None:
        """A delete with the kept version removes the entry."""
        store = handle()
        put(store, deal("a"), deal("b"))
        delete(store, "a", 1)
        assert kept(handle(), "a") is None
        assert found(handle()) == "b"

    def test_v08_a_delete_with_another_version_is_refused(self, store: Store) -> None:
        """A delete with an older, newer or zero version raises Conflict and removes nothing."""
        put(store, deal("a"))
        put(store, deal("a", 1))
        for version in (0, 1, 3):
            with pytest.raises(Conflict):
                delete(store, "a", version)
        assert kept(store, "a") == Stored("a", 2, body("a"))

    def test_v09_what_is_not_there_cannot_be_deleted(self, store: Store) -> None:
        """A delete where no entry exists raises Conflict, whatever the version."""
        for version in (0, 1):
            with pytest.raises(Conflict):
                delete(store, "a", version)

    def test_v10_a_deleted_entry_can_be_made_again(self, store: Store) -> None:
        """After a delete the id is free: the next entry begins with version 1."""
        put(store, deal("a"))
        put(store, deal("a", 1))
        delete(store, "a", 2)
        with pytest.raises(Conflict):
            put(store, deal("a", 2))
        put(store, deal("a", text="reborn"))
        assert kept(store, "a") == Stored("a", 1, "reborn")

    def test_v11_kinds_are_apart(self, store: Store) -> None:
        """The same id in two kinds names two entries."""
        put(store, deal("a", text="deal"), note("a"))
        put(store, note("a", 1))
        assert kept(store, "a") == Stored("a", 1, "deal")
        assert kept(store, "a", "note") == Stored("a", 2, body("a"))
        delete(store, "a", 1)
        assert kept(store, "a", "note") == Stored("a", 2, body("a"))

    def test_v12_a_put_replaces_the_whole_index(self, handle: Handle) -> None:
        """A put replaces the whole index: a field that is not given again is missing."""
        store = handle()
        put(store, deal("a", stage="lead", percent=10, owner="jane"))
        put(store, deal("a", 1, stage="won"))
        (entry,) = all_of(handle())
        assert dict(entry.index) == {"name": "", "value": 0, "stage": "won"}
        assert found(store, Missing("owner")) == "a"
        assert found(store, Cmp("percent", "=", 10)) == ""

    def test_v13_a_put_replaces_many_values(self, handle: Handle) -> None:
        """A put replaces all values of a many field: those not given again are gone."""
        store = handle()
        put(store, deal("a", tags=("vip", "new"), scores=(1, 2)))
        put(store, deal("a", 1, tags=("new", "rush")))
        (entry,) = all_of(handle())
        assert dict(entry.index) == {"name": "", "value": 0, "tags": ("new", "rush")}
        assert found(store, Has("tags", "vip")) == ""
        assert found(store, Missing("scores")) == "a"
        assert counted(store, "tags") == [("new", 1), ("rush", 1)]

    def test_v14_a_delete_takes_the_index_along(self, handle: Handle) -> None:
        """A delete removes the index as well: an entry made again under the id has none of the old values."""
        store = handle()
        put(store, deal("a", stage="lead", tags=("vip",)))
        delete(store, "a", 1)
        assert counted(store, "tags") == []
        put(store, deal("a"))
        assert found(handle(), Has("tags", "vip")) == ""
        assert found(handle(), Not(Missing("stage"))) == ""
        assert counted(handle(), "tags") == [(None, 1)]

    def test_v15_every_read_tells_the_same(self, store: Store) -> None:
        """get, get_many, find and scan agree on id, version and body."""
        put(store, deal("a", text="α"), deal("b"))
        put(store, deal("a", 1, text="β"))
        with store.transaction(write=False) as tx:
            expected = Stored("a", 2, "β")
            assert tx.get("deal", "a") == expected
            assert tx.get_many("deal", ["b", "a", "a", "zz"]) == {"a": expected, "b": Stored("b", 1, body("b"))}
            assert next(tx.find(Query(kind="deal"))) == expected
            entry = next(tx.scan("deal"))
            assert Stored(entry.id, entry.version, entry.body) == expected

    def test_v17_an_amendment_keeps_the_version(self, handle: Handle) -> None:
        """Amend replaces the body and the whole index of the version that was read, which stays its version."""
        store = handle()
        put(store, deal("a", stage="lead", tags=("vip",), text="first"))
        put(store, deal("a", 1, stage="lead", tags=("vip", "new"), text="second"))
        with store.transaction() as tx:
            tx.amend(deal("a", 2, owner="jane", tags=("new",), text="anew"))
            assert tx.get("deal", "a") == Stored("a", 2, "anew")
        (entry,) = all_of(handle())
        assert (entry.version, entry.body) == (2, "anew")
        assert dict(entry.index) == {"name": "", "value": 0, "owner": "jane", "tags": ("new",)}
        assert found(handle(), Has("tags", "vip")) == ""
        put(store, deal("a", 2))

    def test_v18_an_amendment_of_another_version_is_refused(self, store: Store) -> None:
        """Amend raises Conflict where another version is kept, or none, and changes nothing."""
        put(store, deal("a", text="first"))
        put(store, deal("a", 1, text="second"))
        for entry in (deal("a"), deal("a", 1), deal("a", 3), deal("b"), deal("b", 1)):
            with pytest.raises(Conflict), store.transaction() as tx:
                tx.amend(entry)
        assert [(entry.id, entry.version, entry.body) for entry in all_of(store)] == [("a", 2, "second")]

    def test_v19_an_amendment_that_is_refused_changes_nothing(self, store: Store) -> None:
        """Amend raises Duplicate for a taken unique and ReadOnly in a reading transaction, and changes nothing."""
        put(store, deal("a", reference="R1"), deal("b", reference="R2", tags=("vip",), text="kept"))
        put(store, deal("b", 1, reference="R2", tags=("vip",), text="kept"))
        with store.transaction() as tx, pytest.raises(Duplicate):
            tx.amend(deal("b", 2, reference="R1"))
        with store.transaction(write=False) as tx, pytest.raises(ReadOnly):
            tx.amend(deal("b", 2))
        entry = all_of(store)[1]
        assert (entry.version, entry.body, entry.index["tags"]) == (2, "kept", ("vip",))
        assert found(store, Cmp("reference", "=", "R2")) == "b"

    def test_v16_a_conflict_leaves_the_index_alone(self, store: Store) -> None:
        """A put that is refused changes no index field, no many value and no count."""
        put(store, deal("a", stage="lead", tags=("vip",)))
        with pytest.raises(Conflict):
            put(store, deal("a", 4, stage="won", tags=("rush",)))
        assert counted(store, "stage", "tags", measures=(Count(),)) == [("lead", "vip", 1)]
