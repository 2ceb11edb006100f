"""H: hostile text and sizes."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import pytest

from salespipeline.entries import Entry, Stored
from salespipeline.errors import StorageError
from salespipeline.ports import Store, Transaction
from salespipeline.query import Cmp, Contains, Count, Has, OneOf, Predicate, Query
from salespipeline.testing.clauses.base import Handle, StoreClauses, needs
from salespipeline.testing.clauses.vocabulary import all_of, counted, deal, found, ids, kept, note, put, same

__all__ = ["HOSTILE", "Hostile"]

HOSTILE = (
    "",
    " ",
    " leading and trailing ",
    "tab\tline\nfeed\rreturn\r\nboth\x0b\x0c\x1c\x85\u2028\u2029",
    "caf\u00e9",
    "cafe\u0301",
    "\u212b\u00c5A\u030a",
    "\ufeffbyte order mark",
    "\u202eright to left\u202c",
    "שלום عالم हिन्दी 日本語 한국어",
    "👩\u200d👩\u200d👧\u200d👦 🏳\ufe0f\u200d🌈 𝄞 \U0010ffff",
    "\u0001\u0002\u001f\u007f\u0080",
    "'; DROP TABLE deal; --",
    '"double" `back` [square] {curly} $1 :name @name ?1 %s %(x)s',
    "\\ \\n \\u0041 \\x00",
    "100% a_b *?",
    "null NULL None nan true 0",
    "<script>&amp;</script>",
    "../../etc/passwd",
    "İıſßẞﬁ",
)


def refused(store: Store, entry: Entry) -> None:
    """Assert that *entry* is refused with StorageError, leaves nothing, and lets the transaction go on."""
    with store.transaction() as tx:
        with pytest.raises(StorageError):
            tx.put(entry)
        assert ids(tx) == ""


class Hostile(StoreClauses):
    """Hostile text and sizes: what is kept comes back untouched, and what cannot be kept is refused."""

    def test_h01_a_body_comes_back_untouched(self, handle: Handle) -> None:
        """A body comes back character by character: no normalisation, no trimming, no other line ends."""
        put(handle(), *[deal(f"{place:02}", text=text) for place, text in enumerate(HOSTILE)])
        assert [entry.body for entry in all_of(handle())] == list(HOSTILE)
        with handle().transaction(write=False) as tx:
            assert [stored.body for stored in tx.find(Query(kind="deal"))] == list(HOSTILE)

    def test_h02_a_body_need_not_be_json(self, store: Store) -> None:
        """A body is opaque: JSON is not laid out anew, and what is no JSON is kept as well."""
        for place, text in enumerate(('{"b": 1,  "a": 1.0, "a": 2}', "[1e400]", "not json", '"\\u00e9"')):
            put(store, deal(str(place), text=text))
            assert kept(store, str(place)) == Stored(str(place), 1, text)

    def test_h03_an_id_may_be_any_text(self, handle: Handle) -> None:
        """Any text that is not empty can be an id, and ids differ where a code point differs."""
        names = [name for name in HOSTILE if name] + ["A", "a", "a ", "x" * 500]
        put(handle(), *[deal(name, text=str(place)) for place, name in enumerate(names)])
        store = handle()
        for place, name in enumerate(names):
            assert kept(store, name) == Stored(name, 1, str(place))
        assert [entry.id for entry in all_of(store)] == sorted(names)
        with store.transaction(write=False) as tx:
            assert set(tx.get_many("deal", names)) == set(names)

    def test_h04_an_index_may_hold_any_text(self, handle: Handle) -> None:
        """Any text in an index can be found by itself, and by nothing that only looks like it."""
        put(handle(), *[deal(chr(97 + place), name=text, stage=text) for place, text in enumerate(HOSTILE)])
        store = handle()
        for place, text in enumerate(HOSTILE):
            for where in (Cmp("name", "=", text), OneOf("stage", (text, "other"))):
                assert found(store, where) == chr(97 + place)
            if len(text) > 1:
                assert chr(97 + place) in found(store, Contains("name", text))
        assert sorted(HOSTILE) == [key for key, _ in counted(store, "stage")]

    def test_h05_many_values_may_be_any_text(self, handle: Handle) -> None:
        """Any text can be one of many values, the empty one too; they come back sorted by code point."""
        put(handle(), deal("a", tags=HOSTILE), deal("b", tags=("other",)))
        store = handle()
        for text in HOSTILE:
            assert found(store, Has("tags", text)) == "a"
        assert all_of(store)[0].index["tags"] == tuple(sorted(HOSTILE))
        assert [key for key, _ in counted(store, "tags")] == sorted((*HOSTILE, "other"))

    def test_h06_a_value_counts_once(self, store: Store) -> None:
        """A value that is given twice in a many field is held once."""
        put(store, deal("a", tags=("vip", "new", "vip")))
        assert counted(store, "tags") == [("new", 1), ("vip", 1)]
        assert all_of(store)[0].index["tags"] == ("new", "vip")

    def test_h07_an_empty_tuple_is_no_value(self, store: Store) -> None:
        """An empty tuple in a many field is the same as no field: scan does not give it back."""
        put(store, deal("a", tags=(), scores=()))
        assert dict(all_of(store)[0].index) == {"name": "", "value": 0}
        assert counted(store, "tags") == [(None, 1)]

    def test_h08_a_nul_is_refused(self, store: Store) -> None:
        """A NUL character in an id, a body or an index is refused with StorageError."""
        for entry in (
            deal("a\0b"),
            deal("\0"),
            deal("a", text="a\0b"),
            deal("a", name="a\0"),
            deal("a", tags=("x", "\0")),
        ):
            refused(store, entry)

    def test_h09_a_lone_surrogate_is_refused(self, store: Store) -> None:
        """A lone surrogate in an id, a body or an index is refused with StorageError."""
        for entry in (
            deal("a\ud800"),
            deal("a", text="\udfff"),
            deal("a", stage="\ud800\ud800"),
            deal("a", tags=("x", "\udc00")),
        ):
            refused(store, entry)

    def test_h10_a_wide_integer_is_refused(self, store: Store) -> None:
        """An integer that does not fit 64 bits is refused with StorageError, wherever it stands."""
        for number in (2**63, -(2**63) - 1, 10**40):
            indexes: list[dict[str, Any]] = [{"value": number}, {"percent": number}, {"scores": (1, number)}]
            for index in indexes:
                refused(store, Entry("deal", "a", 0, {"name": "", "value": 0, **index}, ""))

    def test_h11_a_wrong_type_is_refused(self, store: Store) -> None:
        """A value of another type than declared is refused with StorageError: no float, bool, bytes or None."""
        wrong: list[Any] = [1.5, 1.0, True, None, b"x", ("x",), ["x"]]
        for value in wrong:
            for name in ("value", "percent", "name", "stage"):
                refused(store, Entry("deal", "a", 0, {"name": "", "value": 0, name: value}, ""))
        for value in ("x", 1, ("x", 1), ["x"], (None,), ((),)):
            refused(store, Entry("deal", "a", 0, {"name": "", "value": 0, "tags": value}, ""))  # type: ignore[dict-item]
        refused(store, deal("a", percent="5"))
        refused(store, deal("a", stage=5))
        refused(store, deal("a", scores=(True,)))

    def test_h12_an_undeclared_field_is_refused(self, store: Store) -> None:
        """An index with a field that the catalog does not declare is refused with StorageError."""
        for name in ("colour", "id", "body", "name; --", ""):
            refused(store, Entry("deal", "a", 0, {"name": "", "value": 0, name: "x"}, ""))
        with store.transaction() as tx, pytest.raises(StorageError):
            tx.put(note("a", stage="lead"))

    def test_h13_a_sortable_field_must_be_there(self, store: Store) -> None:
        """An entry without one of its sortable fields is refused with StorageError."""
        indexes: list[Mapping[str, Any]] = [{}, {"name": "x"}, {"value": 1}]
        for index in indexes:
            refused(store, Entry("deal", "a", 0, index, ""))

    def test_h14_an_empty_id_is_refused(self, store: Store) -> None:
        """An empty id is refused with StorageError."""
        refused(store, deal(""))

    def test_h15_looking_for_the_impossible_finds_nothing(self, store: Store) -> None:
        """Looking for what can never be kept finds nothing, or raises StorageError and nothing else."""
        put(store, deal("a", name="x", stage="x", tags=("x",)), deal("x\ufffd", name="x\ufffd"))
        impossible: tuple[str, ...] = ("x\0", "\0", "x\ud800")
        for text in impossible:
            wheres: tuple[Predicate, ...] = (
                Cmp("name", "=", text),
                OneOf("stage", (text,)),
                Has("tags", text),
                Contains("name", text),
                OneOf("stage", (text, *map(str, range(500)))),
            )
            for where in wheres:
                with contextlib.suppress(StorageError):
                    assert found(store, where) == ""
            with contextlib.suppress(StorageError):
                assert kept(store, text) is None
        assert found(store, order=("value",)) == "ax\ufffd"

    def test_h16_a_body_of_some_size(self, handle: Handle) -> None:
        """A body of 300,000 characters comes back whole."""
        text = "é𝄞x" * 100_000
        put(handle(), deal("a", text=text))
        stored = kept(handle(), "a")
        assert stored is not None
        assert same(stored.body, text)

    @needs("large")
    def test_h17_a_large_body(self, handle: Handle) -> None:
        """A body of sixteen million characters comes back whole."""
        text = "0123456789abcdef" * 1_000_000
        put(handle(), deal("a", text=text))
        stored = kept(handle(), "a")
        assert stored is not None
        assert same(stored.body, text)

    def test_h18_long_values(self, store: Store) -> None:
        """Texts of 2,000 characters in an index are compared to their last character."""
        long = "x" * 1999
        put(store, deal("a", name=long + "a"), deal("b", name=long + "b"), deal("c", tags=(long + "a", long + "b")))
        assert found(store, Cmp("name", "=", long + "b")) == "b"
        assert found(store, Cmp("name", ">", long + "a")) == "b"
        assert found(store, Has("tags", long + "b")) == "c"
        assert found(store, Contains("name", "xa")) == "a"

    def test_h19_a_thousand_tags(self, store: Store) -> None:
        """An entry may hold a thousand values in a many field."""
        tags = tuple(f"t{number:04}" for number in range(1000))
        put(store, deal("a", tags=tags), deal("b", tags=tags[:1]))
        assert all_of(store)[0].index["tags"] == tags
        assert found(store, Has("tags", "t0999")) == "a"
        assert counted(store, where=Has("tags", "t0000"), measures=(Count(),)) == [(2,)]

    def test_h20_thousands_of_entries_in_one_transaction(self, handle: Handle) -> None:
        """Five thousand entries can be put in one transaction and read in another."""
        with handle().transaction() as tx:
            tx.put_many(deal(f"{number:04}", value=number, tags=("x",)) for number in range(5000))
        store = handle()
        assert counted(store, "tags") == [("x", 5000)]
        with store.transaction(write=False) as tx:
            assert len(tx.get_many("deal", [f"{number:04}" for number in range(-10, 5000)])) == 5000
            assert sum(1 for _ in tx.scan("deal")) == 5000

    def test_h21_what_is_refused_leaves_what_was_there(self, store: Store) -> None:
        """A change that is refused for its content leaves the entry as it was."""
        put(store, deal("a", text="kept", tags=("vip",)))
        with store.transaction() as tx:
            for entry in (deal("a", 1, text="\0"), deal("a", 1, tags=("ok", "\0")), deal("a", 1, value=2**63)):
                with pytest.raises(StorageError):
                    tx.put(entry)
        (entry,) = all_of(store)
        assert entry == Entry("deal", "a", 1, {"name": "", "value": 0, "tags": ("vip",)}, "kept")

    def test_h22_what_is_given_may_change_afterwards(self, store: Store) -> None:
        """A store keeps the values, not the mapping: changing it after the put changes nothing kept."""
        index: dict[str, Any] = {"name": "x", "value": 1, "tags": ("vip",)}
        with store.transaction() as tx:
            tx.put(Entry("deal", "a", 0, index, ""))
            index["name"], index["tags"] = "y", ()
            index["stage"] = "late"
        assert dict(all_of(store)[0].index) == {"name": "x", "value": 1, "tags": ("vip",)}
        given_back(store)
        assert dict(all_of(store)[0].index) == {"name": "x", "value": 1, "tags": ("vip",)}


def given_back(store: Store) -> None:
    """Change what scan gave back, where that is possible."""
    with store.transaction(write=False) as tx:
        changing(next(tx.scan("deal")), tx)


def changing(entry: Entry, tx: Transaction) -> None:
    """Change the index of *entry* in place, if it can be changed."""
    index: Any = entry.index
    try:
        index["name"] = "changed"
    except TypeError:
        assert tx.get("deal", entry.id) is not None
