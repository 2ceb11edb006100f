"""W: words."""

from __future__ import annotations

import pytest

from salespipeline.entries import Catalog, Entry, Field, Kind
from salespipeline.ports import Explained, Store
from salespipeline.query import All, AnyOf, Cmp, Linked, Not, Predicate, Query, Words
from salespipeline.testing.clauses.base import Handle, StoreClauses, needs
from salespipeline.testing.clauses.cost import explained
from salespipeline.testing.clauses.vocabulary import CATALOG, counted, deal, delete, found, ids, note, put

__all__ = ["TextWords"]

MANY = 700


def words(*several: str, begins: tuple[str, ...] = ()) -> Predicate:
    """Return the predicate for entries that hold these words."""
    return Words("words", several, begins)


class TextWords(StoreClauses):
    """Words: what a text field holds between blanks is found at once, in the transaction that writes it and after it."""

    @pytest.fixture
    def texts(self, store: Store) -> Store:
        """Return a store with five deals, four of which hold words."""
        put(
            store,
            deal("a", words=" acme cold store ", value=3),
            deal("b", words=" bakery store ", value=2),
            deal("c", words=" \u51b7\u51cd bakery cold storeroom ", value=1),
            deal("d", words=" "),
            deal("e"),
        )
        return store

    def test_w01_each_word_is_there(self, texts: Store) -> None:
        """`Words` finds the entries whose text holds every word, whole and in any order."""
        assert found(texts, words("store")) == "ab"
        assert found(texts, words("store", "cold")) == "a"
        assert found(texts, words("cold", "bakery")) == "c"
        assert found(texts, words("stor")) == ""
        assert found(texts, words("\u51b7\u51cd")) == "c"

    def test_w02_a_beginning_finds_longer_words(self, texts: Store) -> None:
        """A beginning finds every word that begins with it, the word itself too, and no piece from inside one."""
        assert found(texts, words(begins=("store",))) == "abc"
        assert found(texts, words(begins=("storer",))) == "c"
        assert found(texts, words(begins=("room",))) == ""
        assert found(texts, words("cold", begins=("b",))) == "c"
        assert found(texts, words(begins=("a", "s"))) == "a"
        assert found(texts, words(begins=("\u51b7",))) == "c"

    def test_w03_no_words_and_no_text(self, texts: Store) -> None:
        """Asked for no word it finds each entry that has the text; one without it is found by no word, and by `Not`."""
        assert found(texts, words()) == "abcd"
        assert found(texts, Not(words("store"))) == "cde"
        assert found(texts, Not(words())) == "e"

    def test_w04_among_other_conditions(self, texts: Store) -> None:
        """It stands in `All`, `AnyOf` and `Not` like any condition, with an order, a cursor, a limit and a tally."""
        assert found(texts, All((words("store"), Cmp("value", "<", 3)))) == "b"
        assert found(texts, AnyOf((words("acme"), words("bakery")))) == "abc"
        assert found(texts, AnyOf((words("acme"), Cmp("value", "=", 1)))) == "ac"
        assert found(texts, All((words("store"), Not(words("cold"))))) == "b"
        assert found(texts, words(begins=("s",)), order=("value",), limit=2) == "cb"
        assert found(texts, words(begins=("s",)), order=("value",), after=(1, "c"), limit=5) == "ba"
        assert counted(texts, where=words("store")) == [(2,)]

    def test_w05_of_a_linked_kind(self, texts: Store) -> None:
        """It stands in `Linked`, either way, alone and beside words of the entry itself."""
        put(texts, note("a", words=" visit ", text="b"), note("2", words=" visit store ", text="e"))
        to = Linked("id", "note", "text", words("visit"))
        assert found(texts, to) == "be"
        assert found(texts, AnyOf((words("acme"), to))) == "abe"
        assert found(texts, All((AnyOf((words("store"), to)), AnyOf((words("bakery"), to))))) == "be"
        put(texts, deal("f", owner="2"), deal("g", owner="a"))
        assert found(texts, Linked("owner", "note", "id", words("store"))) == "f"
        assert found(texts, Not(AnyOf((words("store"), Linked("owner", "note", "id", words("visit")))))) == "cde"

    def test_w06_what_is_written_is_found_at_once(self, texts: Store) -> None:
        """A transaction finds its own words, and no longer those that it has replaced or deleted."""
        with texts.transaction() as tx:
            tx.put(deal("z", words=" store "))
            tx.put(deal("a", 1, words=" acme shed "))
            tx.delete("deal", "b", 1)
            assert ids(tx, words("store")) == "z"
            assert ids(tx, words("shed")) == "a"
            tx.put(deal("a", 2))
            assert ids(tx, words("shed")) == ""
        assert found(texts, words("store")) == "z"

    def test_w07_what_is_rolled_back_is_not_found(self, texts: Store) -> None:
        """After a rollback the words of before are found, and no others."""

        def spoilt() -> None:
            with texts.transaction() as tx:
                tx.put_many([deal(f"y{place}", words=" store ") for place in range(MANY)])
                tx.put(deal("a", 1, words=" shed "))
                tx.delete("deal", "b", 1)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            spoilt()
        assert found(texts, words("store")) == "ab"
        assert found(texts, words("shed")) == ""

    def test_w08_many_entries_and_many_changes(self, store: Store) -> None:
        """Hundreds that are put, put again and deleted are found by what they hold now, through another handle too."""
        with store.transaction() as tx:
            tx.put_many(deal(f"{place:03}", words=f" all n{place} ") for place in range(MANY))
        for place in range(0, MANY, 7):
            put(store, deal(f"{place:03}", 1, words=f" all m{place} "))
        for place in range(0, MANY, 70):
            delete(store, f"{place:03}", 2)
        assert found(store, words("n1")) == "001"
        assert found(store, words("n7")) == ""
        assert found(store, words("m7")) == "007"
        assert found(store, words("m70")) == ""
        assert counted(store, where=words("all")) == [(MANY - 10,)]
        assert counted(store, where=words("all", begins=("m",))) == [(90,)]

    def test_w09_another_handle_finds_them(self, handle: Handle) -> None:
        """What one handle has written another one finds, and goes on with."""
        one, other = handle(), handle()
        put(one, deal("a", words=" store "))
        assert found(other, words("store")) == "a"
        put(other, deal("a", 1, words=" shed "))
        assert found(one, words("store")) == ""
        assert found(one, words(begins=("sh",))) == "a"

    def test_w10_amended_words(self, texts: Store) -> None:
        """Amending an entry changes its words too."""
        with texts.transaction() as tx:
            tx.amend(deal("a", 1, words=" shed "))
        assert found(texts, words("acme")) == ""
        assert found(texts, words("shed")) == "a"

    def test_w11_declared_later(self, opener: Handle) -> None:
        """Words that are declared later are found in the entries that were there before."""
        plain = Kind("deal", (Field("words", str), Field("value", int)))
        store = opener()
        try:
            store.prepare(Catalog((plain,)))
            entries = (
                Entry("deal", id, 0, {"words": text, "value": 1}, "")
                for id, text in (("a", " store "), ("b", " shed "))
            )
            put(store, *entries)
            store.prepare(CATALOG)
            assert found(store, words("store")) == "a"
            put(store, deal("b", 1, words=" store "))
            assert found(store, words("store")) == "ab"
        finally:
            store.close()

    def test_w12_strange_words(self, store: Store) -> None:
        """Words of every script, very long ones, and those that query languages keep for themselves are words like others."""
        strange = [
            "AND",
            "or",
            "NEAR",
            "\u05e9\u05dc\u05d5\u05dd",
            "\U0001d11e",
            "e\u0301",
            "\ufb01",
            "x" * 5000,
            "x" * 4999 + "y",
        ]
        put(store, *[deal(chr(97 + place), words=f" {word} ") for place, word in enumerate(strange)])
        for place, word in enumerate(strange):
            assert found(store, words(word)) == chr(97 + place), word[:10]
        assert found(store, words("and")) == ""
        assert found(store, words("\u00e9")) == ""
        assert found(store, words(begins=("x" * 4999,))) == "hi"

    @needs("push-down")
    def test_w13_an_index_is_searched(self, store: Store) -> None:
        """Where statements can be looked at, words are looked for in an index, also those of a linked kind."""
        put(store, deal("a", words=" store "))
        with store.transaction() as tx:
            if not isinstance(tx, Explained):
                pytest.skip("the store does not show the statements that it runs")
        both = AnyOf((words("store"), Linked("id", "note", "text", words("store"))))
        for where in (words("store"), words("store", begins=("a",)), both):
            told = explained(store, Query(kind="deal", where=where))
            assert told[0], f"{where} is answered by\n{told[1]}"
