"""C: two handles on the same data."""

from __future__ import annotations

import pytest

from salespipeline.entries import Stored
from salespipeline.errors import Conflict, Duplicate
from salespipeline.ports import Transaction
from salespipeline.query import Count, Query, Sum
from salespipeline.testing.clauses.base import Handle, StoreClauses, needs
from salespipeline.testing.clauses.racing import EVERY_DEAL, Halt, add_one
from salespipeline.testing.clauses.vocabulary import (
    DEALS,
    body,
    counted,
    deal,
    delete,
    found,
    kept,
    note,
    numbered,
    put,
)

__all__ = ["Handles"]


class Handles(StoreClauses):
    """Two handles on the same data: what one commits the other sees, and never half of it."""

    def test_c01_a_commit_is_seen_at_once(self, handle: Handle) -> None:
        """What one handle commits, another that was open before sees in its next transaction."""
        one, other = handle(), handle()
        assert found(other) == ""
        put(one, deal("a", tags=("vip",)))
        assert kept(other, "a") == Stored("a", 1, body("a"))
        delete(other, "a", 1)
        assert kept(one, "a") is None
        assert counted(one, "tags") == []

    @needs("reads-while-writing")
    def test_c02_what_is_not_committed_is_not_seen(self, handle: Handle) -> None:
        """What a transaction has written, no other handle sees before it commits, whichever way it reads."""
        one, other = handle(), handle()
        put(one, deal("a", text="old", tags=("old",)), deal("b"))
        with one.transaction() as tx:
            tx.put(deal("a", 1, text="new", tags=("new",)))
            tx.delete("deal", "b", 1)
            tx.put(deal("c"))
            with other.transaction(write=False) as view:
                assert view.get("deal", "a") == Stored("a", 1, "old")
                assert list(view.get_many("deal", "abc")) == ["a", "b"]
                assert [stored.body for stored in view.find(EVERY_DEAL)] == ["old", body("b")]
                assert list(view.columns(EVERY_DEAL, ["id"])) == [("a",), ("b",)]
                assert list(view.tally(EVERY_DEAL, ["tags"], [Count()])) == [(None, 1), ("old", 1)]
                assert [entry.index.get("tags") for entry in view.scan("deal")] == [("old",), None]
        assert found(other) == "ac"

    @needs("reads-while-writing")
    def test_c03_what_is_rolled_back_was_never_seen(self, handle: Handle) -> None:
        """What a transaction rolls back, no other handle has ever seen."""
        one, other = handle(), handle()
        with pytest.raises(Halt), one.transaction() as tx:
            tx.put(deal("a"))
            assert found(other) == ""
            raise Halt
        assert found(other) == ""

    @needs("reads-while-writing")
    def test_c04_a_reading_transaction_is_one_view(self, handle: Handle) -> None:
        """A reading transaction sees the same from its first read to its end, whatever others commit meanwhile."""
        one, other = handle(), handle()
        put(one, *DEALS)

        def seen(tx: Transaction) -> list[object]:
            return [
                tx.get("deal", "a"),
                tx.get("deal", "z"),
                list(tx.find(Query(kind="deal", order=("value",)))),
                list(tx.columns(EVERY_DEAL, ["name", "owner"])),
                list(tx.tally(EVERY_DEAL, ["tags"], [Count(), Sum("value")])),
                list(tx.scan("deal")),
                list(tx.scan("note")),
            ]

        with one.transaction(write=False) as tx:
            before = seen(tx)
            with other.transaction() as change:
                change.put(deal("a", 1, text="changed", name="zz", value=7, tags=("rush",)))
                change.delete("deal", "b", 1)
                change.put(deal("z", value=1))
                change.put(note("n"))
            assert seen(tx) == before
            delete(other, "z", 1)
            put(other, deal("b"))
            assert seen(tx) == before
        assert found(one, order=("value",)) == "ebgadhcf"

    @needs("reads-while-writing")
    def test_c05_a_reader_does_not_hold_up_a_writer(self, handle: Handle) -> None:
        """A writer commits while another handle reads, and whoever begins to read then sees it."""
        one, other = handle(), handle()
        with one.transaction(write=False) as tx:
            assert tx.get("deal", "a") is None
            put(other, deal("a"))
            assert numbered(other) == 1
            assert found(other) == "a"
            assert tx.get("deal", "a") is None
        assert found(one) == "a"

    def test_c06_the_second_change_is_refused(self, handle: Handle) -> None:
        """Of two handles that read the same version, the first to put wins and the second gets Conflict."""
        one, other = handle(), handle()
        put(one, deal("a"))
        first, second = kept(one, "a"), kept(other, "a")
        assert first is not None
        assert second is not None
        put(one, deal("a", first.version, text="first"))
        with pytest.raises(Conflict):
            put(other, deal("a", second.version, text="second"))
        assert kept(other, "a") == Stored("a", 2, "first")

    def test_c07_the_second_creation_is_refused(self, handle: Handle) -> None:
        """Of two handles that make the same id, the second gets Conflict."""
        one, other = handle(), handle()
        assert kept(one, "a") is kept(other, "a") is None
        put(other, deal("a", text="first"))
        with pytest.raises(Conflict):
            put(one, deal("a", text="second"))
        assert kept(one, "a") == Stored("a", 1, "first")

    def test_c08_uniques_hold_between_handles(self, handle: Handle) -> None:
        """A unique that one handle took is taken for every other, until it is freed."""
        one, other = handle(), handle()
        put(one, deal("a", reference="R1"))
        with pytest.raises(Duplicate):
            put(other, deal("b", reference="R1"))
        put(one, deal("a", 1))
        put(other, deal("b", reference="R1"))
        with pytest.raises(Duplicate):
            put(one, deal("a", 2, reference="R1"))

    def test_c09_a_change_of_what_is_gone_is_refused(self, handle: Handle) -> None:
        """A put or a delete of what another handle deleted or changed meanwhile gets Conflict."""
        one, other = handle(), handle()
        put(one, deal("a"), deal("b"))
        delete(one, "a", 1)
        put(one, deal("b", 1))
        with pytest.raises(Conflict):
            put(other, deal("a", 1))
        for id in "ab":
            with pytest.raises(Conflict):
                delete(other, id, 1)
        assert kept(other, "b") == Stored("b", 2, body("b"))

    def test_c10_numbers_that_were_taken_back_go_to_others(self, handle: Handle) -> None:
        """A number that one handle took and rolled back is the next that another gets."""
        one, other = handle(), handle()
        assert numbered(one) == 1
        with pytest.raises(Halt), one.transaction() as tx:
            assert tx.next_number("invoice") == 2
            raise Halt
        assert [numbered(other), numbered(one)] == [2, 3]

    def test_c11_closing_a_handle_leaves_the_others(self, handle: Handle) -> None:
        """Closing one handle changes nothing for another, not even in the middle of its transaction."""
        one, other = handle(), handle()
        put(one, deal("a"))
        with other.transaction() as tx:
            tx.put(deal("b"))
            one.close()
            tx.put(deal("c"))
        assert found(other) == "abc"

    def test_c12_handles_take_turns(self, handle: Handle) -> None:
        """Two handles that change the same entry in turn build on each other's version."""
        stores = (handle(), handle())
        put(stores[0], deal("a", text="0"))
        for turn in range(20):
            add_one(stores[turn % 2])
        assert kept(stores[0], "a") == Stored("a", 21, "20")
