"""G: tallies, that is groups and their measures."""

from __future__ import annotations

import pytest

from salespipeline.errors import Overflow
from salespipeline.ports import Store
from salespipeline.query import Cmp, Count, Has, Max, Min, Missing, Not, Prefix, Query, Sum
from salespipeline.testing.clauses.base import StoreClauses
from salespipeline.testing.clauses.vocabulary import DEALS, counted, deal, put

__all__ = ["Tallies"]

MOST = 2**63 - 1


class Tallies(StoreClauses):
    """Tallies: groups with exact sums, and a missing value as a group of its own."""

    @pytest.fixture
    def deals(self, store: Store) -> Store:
        """Return a store that holds the eight deals."""
        put(store, *DEALS)
        return store

    def test_g01_without_groups_there_is_one_row(self, deals: Store) -> None:
        """Without groups there is exactly one row, for nothing as well: 0, 0, None, None."""
        measures = (Count(), Sum("value"), Min("value"), Max("value"))
        assert counted(deals, measures=measures) == [(8, 1669, -40, 1000)]
        assert counted(deals, where=Cmp("value", ">", 9999), measures=measures) == [(0, 0, None, None)]

    def test_g02_nothing_has_no_groups(self, store: Store) -> None:
        """With groups, nothing gives no row."""
        assert counted(store, "stage") == []
        assert counted(store, "tags") == []
        assert counted(store, Prefix("closes", 7)) == []

    def test_g03_groups_are_counted(self, deals: Store) -> None:
        """Entries are counted by the value of a field."""
        assert counted(deals, "stage", where=Not(Missing("stage"))) == [("lead", 3), ("quote", 2), ("won", 1)]
        assert counted(deals, "value") == [(-40, 1), (0, 1), (9, 1), (100, 2), (250, 2), (1000, 1)]

    def test_g04_a_missing_value_is_a_group(self, deals: Store) -> None:
        """A missing value is a group of its own, None, which comes first and is not the empty text."""
        assert counted(deals, "stage") == [(None, 2), ("lead", 3), ("quote", 2), ("won", 1)]
        assert counted(deals, "owner") == [(None, 2), ("", 1), ("jane", 3), ("tom", 2)]
        assert counted(deals, "percent") == [(None, 3), (0, 1), (10, 1), (50, 1), (75, 1), (100, 1)]

    def test_g05_sums_pass_over_missing_values(self, deals: Store) -> None:
        """A sum passes over missing values, and the sum of nothing is 0."""
        measures = (Sum("percent"), Sum("value"))
        assert counted(deals, "owner", measures=measures) == [
            (None, 75, 250),
            ("", 0, 100),
            ("jane", 110, 1109),
            ("tom", 50, 210),
        ]

    def test_g06_a_weighted_sum(self, deals: Store) -> None:
        """A sum times another field adds the products of those entries that have both."""
        weighted = (Sum("value", times="percent"),)
        assert counted(deals, measures=weighted) == [(100 * 10 + 250 * 50 + 250 * 75 + 0 + 1000 * 100,)]
        assert counted(deals, "stage", measures=weighted) == [
            (None, 0),
            ("lead", 13500),
            ("quote", 18750),
            ("won", 100000),
        ]
        assert counted(deals, measures=(Sum("value", times="value"),)) == [(1146681,)]

    def test_g07_the_least_and_the_greatest(self, deals: Store) -> None:
        """Min and Max pass over missing values, compare text by code point, and are None where there is none."""
        measures = (Min("closes"), Max("closes"), Min("percent"), Max("name"))
        assert counted(deals, "stage", measures=measures) == [
            (None, "2025-12-31", "2025-12-31", 0, "Élan"),
            ("lead", "2026-01-15", "2026-01-31", 10, "birch"),
            ("quote", "2026-02-01", "2026-02-01", 75, "douglas fir"),
            ("won", "2026-02-28", "2026-02-28", 100, "fir"),
        ]
        assert counted(deals, where=Missing("closes"), measures=measures) == [(None, None, None, "douglas fir")]
        assert counted(deals, measures=(Min("value"), Max("value"))) == [(-40, 1000)]

    def test_g08_an_entry_counts_under_each_of_many_values(self, deals: Store) -> None:
        """Under a many field an entry counts once for each value, and under None where it has none."""
        assert counted(deals, "tags", measures=(Count(), Sum("value"))) == [
            (None, 3, 210),
            ("new", 2, 109),
            ("rush", 1, 1000),
            ("vip", 3, 450),
        ]
        assert counted(deals, "scores") == [(None, 6), (1, 1), (2, 2)]

    def test_g09_many_values_beside_a_field(self, deals: Store) -> None:
        """A many field can stand beside a single one, before or after it."""
        assert counted(deals, "stage", "tags", where=Cmp("stage", "=", "lead")) == [
            ("lead", "new", 1),
            ("lead", "vip", 3),
        ]
        assert counted(deals, "tags", "stage", where=Has("tags", "new")) == [
            ("new", "lead", 1),
            ("new", "quote", 1),
            ("vip", "lead", 1),
        ]

    def test_g10_by_a_prefix(self, deals: Store) -> None:
        """A prefix groups by the first characters of a text: 7 of a date is its month, 4 its year."""
        assert counted(deals, Prefix("closes", 7)) == [(None, 3), ("2025-12", 1), ("2026-01", 2), ("2026-02", 2)]
        assert counted(deals, Prefix("closes", 4)) == [(None, 3), ("2025", 1), ("2026", 4)]

    def test_g11_a_prefix_counts_characters(self, store: Store) -> None:
        """A prefix counts characters, not bytes, and takes a shorter text whole."""
        put(store, *[deal(str(place), name=text) for place, text in enumerate(["", "é", "éa", "éab", "𝄞é", "𝄞éx"])])
        assert counted(store, Prefix("name", 2)) == [("", 1), ("é", 1), ("éa", 2), ("𝄞é", 2)]

    def test_g12_groups_by_two_fields(self, deals: Store) -> None:
        """Groups by two fields come in the order of the first key, then the second."""
        assert counted(deals, "owner", "stage") == [
            (None, None, 1),
            (None, "quote", 1),
            ("", "lead", 1),
            ("jane", "lead", 1),
            ("jane", "quote", 1),
            ("jane", "won", 1),
            ("tom", None, 1),
            ("tom", "lead", 1),
        ]

    def test_g13_keys_are_ordered_by_code_point_and_number(self, store: Store) -> None:
        """Keys come in order: text by code point, integers as numbers."""
        put(store, *[deal(text, stage=text) for text in ("z", "a", "Z", "é", "_", "𝄞", "10", "9")])
        put(store, *[deal(f"n{number}", percent=number) for number in (10, 9, -1)])
        assert [key for key, _ in counted(store, "stage")] == [None, "10", "9", "Z", "_", "a", "z", "é", "𝄞"]
        assert [key for key, _ in counted(store, "percent")] == [None, -1, 9, 10]

    def test_g14_case_and_accents_make_groups(self, store: Store) -> None:
        """Texts that differ in case, accent, normalisation or a space at the end are groups of their own."""
        texts = ["a", "A", "a ", "\u00e1", "a\u0301"]
        put(store, *[deal(str(place), stage=text) for place, text in enumerate(texts)])
        assert counted(store, "stage") == [("A", 1), ("a", 1), ("a ", 1), ("a\u0301", 1), ("\u00e1", 1)]

    def test_g15_order_cursor_and_limit_are_ignored(self, deals: Store) -> None:
        """A tally ignores the order, the cursor and the limit of the query."""
        query = Query(kind="deal", order=("value",), after=(100, "a"), limit=1, descending=True)
        with deals.transaction(write=False) as tx:
            assert list(tx.tally(query, ["owner"], [Count()])) == [(None, 2), ("", 1), ("jane", 3), ("tom", 2)]

    def test_g16_without_measures(self, deals: Store) -> None:
        """Without measures a tally yields the distinct keys, and without keys one empty tuple."""
        assert counted(deals, "stage", measures=()) == [(None,), ("lead",), ("quote",), ("won",)]
        assert counted(deals, measures=()) == [()]

    def test_g17_sums_are_exact(self, store: Store) -> None:
        """Sums are exact where floating point is not, up to 2**63 - 1."""
        put(store, deal("a", value=2**53), deal("b", value=1), deal("c", value=1))
        assert counted(store, measures=(Sum("value"),)) == [(2**53 + 2,)]
        put(store, deal("d", value=MOST - 2**53 - 2))
        ((total,),) = counted(store, measures=(Sum("value"),))
        assert (total, type(total)) == (MOST, int)

    def test_g18_a_sum_that_is_too_large_is_refused(self, store: Store) -> None:
        """A sum that leaves 64 bits, upwards or downwards, raises Overflow and is never rounded."""
        put(store, deal("a", value=MOST, stage="up"), deal("b", value=1, stage="up"))
        put(store, deal("c", value=-MOST - 1, stage="down"), deal("d", value=-1, stage="down"))
        for stage in ("up", "down"):
            with pytest.raises(Overflow):
                counted(store, where=Cmp("stage", "=", stage), measures=(Sum("value"),))
        with pytest.raises(Overflow):
            counted(store, "stage", measures=(Sum("value"),))

    def test_g19_a_product_that_is_too_large_is_refused(self, store: Store) -> None:
        """A weighted sum that leaves 64 bits raises Overflow."""
        put(store, deal("a", value=2**62, percent=2), deal("b", value=1, percent=1, stage="small"))
        with pytest.raises(Overflow):
            counted(store, measures=(Sum("value", times="percent"),))
        small = Cmp("stage", "=", "small")
        assert counted(store, where=small, measures=(Sum("value", times="percent"),)) == [(1,)]

    def test_g20_only_the_result_must_fit(self, store: Store) -> None:
        """A sum whose parts leave 64 bits but whose result does not is given exactly, whatever the order."""
        put(store, deal("a", value=MOST), deal("b", value=MOST), deal("c", value=-MOST), deal("d", value=-MOST + 5))
        assert counted(store, measures=(Sum("value"),)) == [(5,)]
        put(store, deal("e", value=2**62, percent=4, stage="x"), deal("f", value=-(2**62), percent=4, stage="x"))
        weighted = (Sum("value", times="percent"),)
        assert counted(store, where=Cmp("stage", "=", "x"), measures=weighted) == [(0,)]

    def test_g21_an_overflow_ends_nothing(self, store: Store) -> None:
        """After an Overflow the transaction can go on and commit."""
        put(store, deal("a", value=MOST), deal("b", value=MOST))
        with store.transaction() as tx:
            with pytest.raises(Overflow):
                tx.tally(Query(kind="deal"), [], [Sum("value")])
            tx.put(deal("c", value=1))
        assert counted(store) == [(3,)]
