"""R: preparing and reopening."""

from __future__ import annotations

import gc
import threading
import warnings
from pathlib import Path

import attrs
import pytest

from salespipeline.entries import Catalog, Entry, Field, Kind, Scalar, Stored
from salespipeline.errors import Duplicate, NewerFormat, StorageError, StoreClosed, TransactionOpen, UpgradeNeeded
from salespipeline.ports import Store
from salespipeline.query import Cmp, Count, Has, Missing, Query
from salespipeline.testing.clauses.base import Handle, StoreClauses
from salespipeline.testing.clauses.vocabulary import (
    CATALOG,
    DEAL,
    NOTE,
    all_of,
    body,
    deal,
    found,
    kept,
    note,
    numbered,
    put,
)

__all__ = ["Preparing"]


def wider(*fields: Field, unique: tuple[tuple[str, ...], ...] = (), paths: tuple[tuple[str, ...], ...] = ()) -> Catalog:
    """Return the catalog with more fields, uniques and paths for deals."""
    kind = Kind("deal", DEAL.fields + fields, DEAL.unique + unique, DEAL.paths + paths)
    return Catalog((kind, NOTE))


class Preparing(StoreClauses):
    """Preparing and reopening: room is only ever added, and what was kept stays."""

    def test_r01_preparing_again_changes_nothing(self, handle: Handle) -> None:
        """Preparing the same catalog again, on this handle or another, changes nothing."""
        store = handle()
        put(store, deal("a", reference="R1", tags=("vip",)))
        before = all_of(store)
        for again in (store, handle(), handle()):
            again.prepare(CATALOG)
            assert all_of(again) == before

    def test_r02_a_kind_must_be_prepared(self, handle: Handle) -> None:
        """Reading or writing a kind that was never prepared raises StorageError."""
        with handle().transaction() as tx:
            for attempt in (
                lambda: tx.get("invoice", "a"),
                lambda: tx.put(Entry("invoice", "a", 0, {}, "")),
                lambda: tx.delete("invoice", "a", 1),
                lambda: list(tx.scan("invoice")),
                lambda: list(tx.find(Query(kind="invoice"))),
                lambda: list(tx.columns(Query(kind="invoice"), ["id"])),
                lambda: list(tx.tally(Query(kind="invoice"), [], [Count()])),
                lambda: tx.get_many("invoice", ["a"]),
            ):
                with pytest.raises(StorageError):
                    attempt()

    def test_r03_what_was_kept_is_there_after_reopening(self, handle: Handle) -> None:
        """Entries, versions, indexes and numbers are there when every handle was closed and one is opened again."""
        store = handle()
        put(store, deal("a", stage="lead", tags=("vip", "new"), text="first"), note("a", slug="s"))
        put(store, deal("a", 1, stage="won", tags=("vip",), text="second"))
        assert numbered(store) == 1
        store.close()
        again = handle()
        (entry,) = all_of(again)
        assert (entry.id, entry.version, entry.body) == ("a", 2, "second")
        assert dict(entry.index) == {"name": "", "value": 0, "stage": "won", "tags": ("vip",)}
        assert kept(again, "a", "note") == Stored("a", 1, body("a"))
        assert numbered(again) == 2
        with pytest.raises(Duplicate):
            put(again, note("b", slug="s"))

    def test_r04_a_kind_can_be_added(self, handle: Handle, opener: Handle) -> None:
        """A kind that a later catalog adds can be used, and the others are as they were."""
        put(handle(), deal("a"))
        store = opener()
        store.prepare(Catalog((DEAL, NOTE, Kind("invoice", (Field("due", str, sortable=True),)))))
        put(store, Entry("invoice", "i", 0, {"due": "2026-01-31"}, ""))
        assert [entry.id for entry in all_of(store, "invoice")] == ["i"]
        assert found(store) == "a"
        store.close()

    def test_r05_a_field_can_be_added(self, handle: Handle, opener: Handle) -> None:
        """A field that a later catalog adds is missing in older entries and can be queried at once."""
        put(handle(), deal("a"))
        store = opener()
        store.prepare(wider(Field("region", str), Field("labels", str, many=True)))
        put(store, deal("b", region="north", labels=("x", "y")))
        assert found(store, Missing("region")) == "a"
        assert found(store, Cmp("region", "=", "north")) == "b"
        assert found(store, Missing("labels")) == "a"
        assert found(store, Has("labels", "y")) == "b"
        put(store, deal("a", 1, region="south"))
        assert found(store, Cmp("region", ">", "")) == "ab"
        store.close()

    def test_r06_a_sortable_field_can_be_added(self, handle: Handle, opener: Handle) -> None:
        """A sortable field that a later catalog adds holds 0 or the empty text in older entries."""
        put(handle(), deal("a"), deal("b", value=5))
        store = opener()
        store.prepare(wider(Field("rank", int, sortable=True), Field("city", str, sortable=True)))
        put(store, deal("c", rank=-1, city="Leeds"), deal("d", rank=1, city=""))
        assert found(store, order=("rank",)) == "cabd"
        assert found(store, order=("city", "value"), descending=True) == "cbda"
        assert found(store, Cmp("rank", "=", 0)) == "ab"
        store.close()

    def test_r07_a_unique_can_be_added(self, handle: Handle, opener: Handle) -> None:
        """A unique that a later catalog adds is enforced from then on, for older entries too."""
        put(handle(), deal("a", stage="lead"), deal("b"), deal("c"))
        store = opener()
        store.prepare(wider(unique=(("stage",),)))
        with pytest.raises(Duplicate):
            put(store, deal("d", stage="lead"))
        put(store, deal("d", stage="won"))
        assert found(store) == "abcd"
        store.close()

    def test_r08_a_unique_that_is_broken_already_is_refused(self, handle: Handle, opener: Handle) -> None:
        """A unique that older entries break raises StorageError, and what is kept stays as it is."""
        put(handle(), deal("a", stage="lead"), deal("b", stage="lead"))
        store = opener()
        with pytest.raises(StorageError):
            store.prepare(wider(Field("region", str), unique=(("stage",),)))
        store.close()
        again = handle()
        put(again, deal("c", stage="lead"))
        assert found(again, Cmp("stage", "=", "lead")) == "abc"

    def test_r09_a_path_can_be_added(self, handle: Handle, opener: Handle) -> None:
        """A path that a later catalog adds changes no answer."""
        put(handle(), *[deal(id, value=value, percent=5) for id, value in zip("abc", (3, 1, 2), strict=True)])
        store = opener()
        store.prepare(wider(paths=(("percent", "value"), ("tags",), ("closes",))))
        assert found(store, Cmp("percent", "=", 5), order=("value",)) == "bca"
        store.close()

    def test_r10_a_field_keeps_its_meaning(self, handle: Handle, opener: Handle) -> None:
        """A catalog that changes the type of a kept field, or makes it many or single, raises StorageError."""
        put(handle(), deal("a", stage="lead", tags=("vip",)))
        for changed in (Field("stage", int), Field("stage", str, many=True), Field("tags", str)):
            fields = tuple(changed if field.name == changed.name else field for field in DEAL.fields)
            store = opener()
            with pytest.raises(StorageError):
                store.prepare(Catalog((Kind("deal", fields), NOTE)))
            store.close()
        assert found(handle(), Has("tags", "vip")) == "a"

    def test_r11_an_older_catalog_can_still_write(self, handle: Handle, opener: Handle) -> None:
        """A catalog that knows fewer fields and kinds can be prepared; its entries simply lack the others."""
        put(handle(), deal("a", stage="lead"))
        store = opener()
        store.prepare(Catalog((Kind("deal", (Field("stage", str),)),)))
        put(store, Entry("deal", "b", 0, {"stage": "won"}, ""))
        assert found(store, Cmp("stage", ">", "")) == "ab"
        store.close()

    def test_r12_a_newer_format_is_refused(self, opener: Handle) -> None:
        """Entries that a program with a higher format wrote are refused with NewerFormat."""
        newer = opener()
        newer.prepare(attrs.evolve(CATALOG, format=3))
        put(newer, deal("a"))
        newer.close()
        older = opener()
        with pytest.raises(NewerFormat):
            older.prepare(CATALOG)
        older.close()
        again = opener()
        again.prepare(attrs.evolve(CATALOG, format=3))
        assert found(again) == "a"
        again.close()

    def test_r20_an_older_format_is_upgraded_only_on_demand(self, opener: Handle) -> None:
        """Entries in a lower format are refused with UpgradeNeeded, until prepare is told to upgrade; then for good."""
        older = opener()
        older.prepare(CATALOG)
        put(older, deal("a"))
        older.close()
        store = opener()
        with pytest.raises(UpgradeNeeded):
            store.prepare(attrs.evolve(CATALOG, format=2))
        store.prepare(attrs.evolve(CATALOG, format=2), upgrade=True)
        assert found(store) == "a"
        store.close()
        again = opener()
        again.prepare(attrs.evolve(CATALOG, format=2))
        with pytest.raises(NewerFormat):
            again.prepare(CATALOG, upgrade=True)
        assert found(again) == "a"
        again.close()

    def test_r13_names_are_plain(self, opener: Handle) -> None:
        """A catalog with a name that could not name a table or a column everywhere raises StorageError."""
        store = opener()
        for kind in (
            Kind("Deal"),
            Kind("deal; drop"),
            Kind(""),
            Kind("a" * 64),
            Kind("deal", (Field("Stage", str),)),
            Kind("deal", (Field("id", str),)),
            Kind("deal", (Field("stage", str), Field("stage", str))),
            Kind("deal", unique=(("nothing",),)),
            Kind("deal", (Field("tags", str, many=True),), unique=(("tags",),)),
            Kind("deal", (Field("tags", str, many=True, sortable=True),)),
        ):
            with pytest.raises(StorageError):
                store.prepare(Catalog((kind,)))
        store.close()

    def test_r14_words_of_sql_are_names(self, opener: Handle) -> None:
        """Kinds and fields may be called like words that databases reserve."""
        words = ("select", "order", "group", "table", "index", "from", "user", "value", "rowid", "limit", "values")
        fields = tuple(Field(word, str, sortable=True) for word in words)
        kind = Kind("where", (*fields, Field("join", str, many=True)), (("order", "group"),), (("select", "from"),))
        store = opener()
        store.prepare(Catalog((kind,)))
        index: dict[str, Scalar | tuple[Scalar, ...]] = {word: word for word in words}
        put(store, Entry("where", "a", 0, index | {"join": ("on",)}, ""))
        with store.transaction(write=False) as tx:
            query = Query(kind="where", where=Has("join", "on"), order=("order", "rowid"))
            assert list(tx.columns(query, words)) == [words]
            assert list(tx.tally(query, ["group", "join"], [Count()])) == [("group", "on", 1)]
        store.close()

    def test_r15_preparing_inside_a_transaction_is_refused(self, store: Store) -> None:
        """Prepare inside a transaction of the same thread raises TransactionOpen."""
        with store.transaction() as tx:
            tx.put(deal("a"))
            with pytest.raises(TransactionOpen):
                store.prepare(CATALOG)
        assert found(store) == "a"

    def test_r16_handles_go_on_when_another_prepares(self, handle: Handle, opener: Handle) -> None:
        """A handle that was prepared before another one added fields goes on reading and writing."""
        old = handle()
        put(old, deal("a", tags=("vip",)))
        new = opener()
        new.prepare(wider(Field("region", str), Field("labels", str, many=True), paths=(("region",),)))
        put(new, deal("b", region="north", labels=("x",)))
        put(old, deal("c"))
        put(old, deal("a", 1, stage="won"))
        assert found(old) == "abc"
        assert found(new, order=("value",)) == "abc"
        new.close()

    def test_r17_closing_twice_is_fine(self, handle: Handle) -> None:
        """Close can be called again."""
        store = handle()
        store.close()
        store.close()

    def test_r18_a_closed_handle_is_closed(self, handle: Handle) -> None:
        """A closed handle raises StoreClosed for everything, and the data is there for others."""
        store = handle()
        put(store, deal("a"))
        store.close()
        for write in (True, False):
            with pytest.raises(StoreClosed), store.transaction(write=write):
                pytest.fail("a closed handle was used")
        with pytest.raises(StoreClosed):
            store.prepare(CATALOG)
        assert found(handle()) == "a"

    def test_r21_closing_gives_back_what_was_open(self, handle: Handle) -> None:
        """A handle that was used and closed leaves no file, no connection and no thread behind."""
        with warnings.catch_warnings():  # what others in this process have left behind is not for this clause
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        counts = []
        for place in range(6):
            store = handle()
            put(store, deal(str(place)))
            assert found(store) == "012345"[: place + 1]
            store.close()
            counts.append(remaining())
        assert counts[-1] <= counts[1]  # what all handles share may stay

    def test_r19_a_broken_preparation_adds_nothing(self, handle: Handle, opener: Handle) -> None:
        """A preparation that is refused adds no kind and no field, not even those before the fault."""
        put(handle(), deal("a", stage="lead"), deal("b", stage="lead"))
        store = opener()
        store.prepare(CATALOG)
        with pytest.raises(StorageError):
            store.prepare(Catalog((Kind("invoice"), *wider(unique=(("stage",),)).kinds)))
        with pytest.raises(StorageError), store.transaction() as tx:
            tx.get("invoice", "a")
        store.prepare(Catalog((Kind("invoice", (Field("due", int),)), DEAL, NOTE)))
        put(store, Entry("invoice", "a", 0, {"due": 7}, ""))
        store.close()


def remaining() -> int:
    """Return how many files are open, where that can be told, and how many threads live."""
    gc.collect()
    folder = Path("/dev/fd")
    return threading.active_count() + (len(list(folder.iterdir())) if folder.exists() else 0)
