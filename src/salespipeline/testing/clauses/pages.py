"""Q: order and pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salespipeline.entries import Entry, Scalar
from salespipeline.ports import Store
from salespipeline.query import All, Cmp, Has, Not, OneOf, Query, matches
from salespipeline.stores.base import sort_key
from salespipeline.testing.clauses.base import Handle, StoreClauses
from salespipeline.testing.clauses.vocabulary import DEALS, all_of, deal, delete, found, put
from salespipeline.testing.strategies import CALM, indexes, queries

__all__ = ["Pages", "paged"]


def paged(store: Store, query: Query, size: int) -> list[tuple[Scalar, ...]]:
    """Read *query* page by page, each in a transaction of its own; return the sort values and id of each entry."""
    pages: list[tuple[Scalar, ...]] = []
    names = [*query.order, "id"]
    while True:
        after = pages[-1] if pages else None
        page = Query(
            kind=query.kind,
            where=query.where,
            order=query.order,
            descending=query.descending,
            after=after,
            limit=size,
        )
        with store.transaction(write=False) as tx:
            rows = [tuple(value for value in row if value is not None) for row in tx.columns(page, names)]
        if not rows:
            return pages
        pages += rows


class Pages(StoreClauses):
    """Order and pages: a total order, and pages that neither repeat nor skip."""

    @pytest.fixture
    def deals(self, store: Store) -> Store:
        """Return a store that holds the eight deals."""
        put(store, *reversed(DEALS))
        return store

    def test_q01_without_an_order_by_id(self, deals: Store) -> None:
        """Without an order, entries come by id, and descending the other way round."""
        assert found(deals) == "abcdefgh"
        assert found(deals, descending=True) == "hgfedcba"

    def test_q02_by_a_field_and_then_by_id(self, deals: Store) -> None:
        """By a field, entries that are equal in it come by id."""
        assert found(deals, order=("value",)) == "egdahbcf"
        assert found(deals, order=("name",)) == "gahcbdfe"

    def test_q03_descending_turns_everything_round(self, deals: Store) -> None:
        """Descending is the exact reverse: ties by id are reversed as well."""
        assert found(deals, order=("value",), descending=True) == "fcbhadge"
        assert found(deals, order=("name",), descending=True) == "efdbchag"

    def test_q04_by_two_fields(self, deals: Store) -> None:
        """By two fields, the second decides where the first is equal, and the id where both are."""
        put(deals, deal("i", name="Ash", value=7))
        assert found(deals, order=("name", "value")) == "giahcbdfe"
        assert found(deals, order=("value", "name")) == "egidahcbf"
        assert found(deals, order=("name", "value"), descending=True) == "efdbchaig"

    def test_q05_ids_are_ordered_by_code_point(self, store: Store) -> None:
        """Ids that break a tie are ordered by code point."""
        names = ["10", "9", "A", "a", "z", "é", "\uffee", "𝄞"]
        put(store, *[deal(id) for id in reversed(names)])
        assert found(store, order=("value",)) == "".join(names)
        assert found(store) == "".join(names)

    def test_q06_a_limit(self, deals: Store) -> None:
        """A limit cuts the result off; 0 gives nothing, and one that is too large all there is."""
        assert found(deals, order=("value",), limit=3) == "egd"
        assert found(deals, order=("value",), limit=0) == ""
        assert found(deals, order=("value",), limit=1000) == "egdahbcf"
        assert found(deals, limit=2, descending=True) == "hg"

    def test_q07_a_page_begins_behind_its_cursor(self, deals: Store) -> None:
        """A page begins behind the entry that the cursor names, and does not repeat it."""
        assert found(deals, order=("value",), after=(9, "d")) == "ahbcf"
        assert found(deals, order=("value",), after=(9, "d"), limit=2) == "ah"
        assert found(deals, after=("c",)) == "defgh"
        assert found(deals, order=("value",), after=(1000, "f")) == ""

    def test_q08_a_cursor_between_ties(self, deals: Store) -> None:
        """A page that ends between entries with equal values goes on with the next of them."""
        assert found(deals, order=("value",), after=(100, "a"), limit=1) == "h"
        assert found(deals, order=("name",), after=("Ash", "a"), limit=2) == "hc"
        assert found(deals, order=("value",), after=(250, "c"), descending=True, limit=2) == "bh"

    def test_q09_a_descending_page(self, deals: Store) -> None:
        """A descending page goes on downwards, by value and by id."""
        assert found(deals, order=("value",), descending=True, after=(100, "h")) == "adge"
        assert found(deals, descending=True, after=("d",)) == "cba"

    def test_q10_a_cursor_need_not_name_an_entry(self, deals: Store) -> None:
        """A cursor is a place, not an entry: nothing need be kept there."""
        assert found(deals, order=("value",), after=(100, "b")) == "hbcf"
        assert found(deals, order=("value",), after=(50, "")) == "ahbcf"
        assert found(deals, order=("name",), after=("Birch", "x")) == "cbdfe"
        assert found(deals, after=("bb",)) == "cdefgh"

    def test_q11_pages_of_any_size_make_the_whole(self, deals: Store) -> None:
        """Pages of any size, put together, are the whole list, each entry once and in order."""
        for order in ((), ("value",), ("name",), ("name", "value")):
            for descending in (False, True):
                query = Query(kind="deal", order=order, descending=descending)
                whole = paged(deals, query, 100)
                assert len(whole) == 8
                for size in (1, 2, 3, 5, 8):
                    assert paged(deals, query, size) == whole

    def test_q12_what_is_put_between_pages_changes_nothing_else(self, deals: Store) -> None:
        """Entries put before the cursor, between two pages, cause neither a repeat nor a skip."""
        assert found(deals, order=("value",), limit=3) == "egd"
        put(deals, deal("x", value=-100), deal("y", value=1), deal("aa", value=9))
        assert found(deals, order=("value",), after=(9, "d"), limit=3) == "ahb"
        put(deals, deal("z", value=300))
        assert found(deals, order=("value",), after=(250, "b"), limit=3) == "czf"

    def test_q13_what_is_deleted_between_pages_changes_nothing_else(self, deals: Store) -> None:
        """Entries deleted between two pages, the cursor's own included, cause neither a repeat nor a skip."""
        assert found(deals, order=("value",), limit=3) == "egd"
        delete(deals, "e", 1)
        delete(deals, "d", 1)
        assert found(deals, order=("value",), after=(9, "d"), limit=3) == "ahb"

    def test_q14_pages_of_a_selection(self, deals: Store) -> None:
        """Order, cursor and limit work on what the predicate selects."""
        lead = Cmp("stage", "=", "lead")
        assert found(deals, lead, order=("value",)) == "ahb"
        assert found(deals, lead, order=("value",), after=(100, "a"), limit=1) == "h"
        assert found(deals, Not(lead), order=("value",), descending=True, limit=2) == "fc"
        assert found(deals, lead, order=("value",), descending=True, limit=1) == "b"
        assert found(deals, Cmp("stage", "=", "won"), limit=1) == "f"
        assert found(deals, Has("tags", "vip"), order=("name",), after=("Ash", "h")) == "b"
        assert found(deals, OneOf("owner", ("jane", "tom")), order=("value",), after=(100, "a")) == "bf"

    def test_q15_a_cursor_inside_a_range(self, deals: Store) -> None:
        """A cursor and a range on the same field both hold, whichever is narrower."""
        within = All((Cmp("value", ">=", 9), Cmp("value", "<=", 250)))
        assert found(deals, within, order=("value",)) == "dahbc"
        assert found(deals, within, order=("value",), after=(-5, "")) == "dahbc"
        assert found(deals, within, order=("value",), after=(100, "a")) == "hbc"
        assert found(deals, within, order=("value",), after=(250, "c")) == ""
        assert found(deals, within, order=("value",), after=(100, "a"), descending=True) == "d"
        assert found(deals, within, order=("value",), after=(5000, ""), descending=True) == "cbhad"
        assert found(deals, Cmp("value", ">", 100), order=("value",), after=(100, "z")) == "bcf"
        assert found(deals, Cmp("value", "<", 100), order=("value",), after=(100, "z"), descending=True) == "dge"

    def test_q16_columns(self, deals: Store) -> None:
        """Columns yields the fields that are asked for, in the order of the query, and None where one is missing."""
        query = Query(kind="deal", order=("value",), limit=3)
        with deals.transaction(write=False) as tx:
            assert list(tx.columns(query, ["id", "owner", "value"])) == [
                ("e", "tom", -40),
                ("g", None, 0),
                ("d", "jane", 9),
            ]
            assert list(tx.columns(query, ["value", "value"])) == [(-40, -40), (0, 0), (9, 9)]
            assert list(tx.columns(query, [])) == [(), (), ()]

    def test_q17_columns_take_a_cursor(self, deals: Store) -> None:
        """Columns selects, orders and cuts off as find does."""
        query = Query(kind="deal", where=Cmp("stage", "=", "lead"), order=("name",), descending=True, after=("b", "z"))
        with deals.transaction(write=False) as tx:
            assert list(tx.columns(query, ["id", "stage"])) == [("h", "lead"), ("a", "lead")]

    def test_q18_a_list_without_a_limit_is_whole(self, handle: Handle) -> None:
        """Without a limit every entry comes, however many there are."""
        put(handle(), *[deal(f"{number:04}", value=number % 7) for number in range(3000)])
        with handle().transaction(write=False) as tx:
            got = [stored.id for stored in tx.find(Query(kind="deal", order=("value",)))]
        assert got == [f"{number:04}" for number in sorted(range(3000), key=lambda number: (number % 7, number))]

    def test_q19_scan_is_by_id(self, deals: Store) -> None:
        """Scan yields every entry of the kind by id, with its version and its whole index."""
        assert [entry.id for entry in all_of(deals)] == list("abcdefgh")
        for entry, expected in zip(all_of(deals), DEALS, strict=True):
            several = {name: tuple(sorted(value)) for name, value in expected.index.items() if isinstance(value, tuple)}
            assert dict(entry.index) == dict(expected.index) | several
            assert (entry.kind, entry.version, entry.body) == ("deal", 1, expected.body)

    def test_q20_changes_move_an_entry(self, deals: Store) -> None:
        """An entry that is changed stands where its new values put it, and only there."""
        put(deals, deal("f", 1, value=-1000, name="zz"))
        assert found(deals, order=("value",)) == "fegdahbc"
        assert found(deals, order=("name",)) == "gahcbdfe"
        assert found(deals, order=("value",), after=(-1000, "f"), limit=1) == "e"

    def test_q21_any_query_finds_what_its_definition_says(self, store: Store) -> None:
        """Whatever the query, find yields what the definition of its order, cursor and limit says."""
        put(store, *[Entry("deal", f"{place:02}", 0, index, "") for place, index in enumerate(indexes())])
        entries = all_of(store)

        @CALM
        @given(queries(st.sampled_from([f"{place:02}" for place in range(40)])))
        def finds_what_is_defined(query: Query) -> None:
            key = sort_key(query.order)
            picked = [entry for entry in entries if matches(query.where, entry.index, entry.id)]
            picked.sort(key=key, reverse=query.descending)
            after = query.after
            if after is not None:
                picked = [entry for entry in picked if (key(entry) < after if query.descending else key(entry) > after)]
            with store.transaction(write=False) as tx:
                got = [stored.id for stored in tx.find(query)]
            assert got == [entry.id for entry in picked][: query.limit]

        finds_what_is_defined()
