"""P: predicates."""

from __future__ import annotations

import pytest
from hypothesis import given

from salespipeline.entries import Entry
from salespipeline.ports import Store
from salespipeline.query import (
    EVERYTHING,
    All,
    AnyOf,
    Cmp,
    Contains,
    Has,
    HasBetween,
    Linked,
    Missing,
    Not,
    OneOf,
    Op,
    Predicate,
    Query,
    matches,
    starts_with,
)
from salespipeline.testing.clauses.base import StoreClauses
from salespipeline.testing.clauses.vocabulary import DEALS, all_of, counted, deal, found, note, put
from salespipeline.testing.strategies import CALM, indexes, predicates

__all__ = ["Predicates"]


class Predicates(StoreClauses):
    """Predicates: two-valued, by code point and whole numbers, and exactly what ``matches`` says."""

    @pytest.fixture
    def deals(self, store: Store) -> Store:
        """Return a store that holds the eight deals."""
        put(store, *DEALS)
        return store

    def test_p01_equal(self, deals: Store) -> None:
        """`=` finds the entries whose field has that very value."""
        assert found(deals, Cmp("value", "=", 250)) == "bc"
        assert found(deals, Cmp("name", "=", "Ash")) == "ah"
        assert found(deals, Cmp("name", "=", "ash")) == ""
        assert found(deals, Cmp("name", "=", "")) == "g"
        assert found(deals, Cmp("owner", "=", "")) == "h"

    def test_p02_less(self, deals: Store) -> None:
        """`<` leaves the value itself out, `<=` takes it in."""
        assert found(deals, Cmp("value", "<", 100)) == "deg"
        assert found(deals, Cmp("value", "<=", 100)) == "adegh"
        assert found(deals, Cmp("closes", "<", "2026-01-31")) == "ae"
        assert found(deals, Cmp("closes", "<=", "2026-01-31")) == "abe"

    def test_p03_greater(self, deals: Store) -> None:
        """`>` leaves the value itself out, `>=` takes it in."""
        assert found(deals, Cmp("value", ">", 250)) == "f"
        assert found(deals, Cmp("value", ">=", 250)) == "bcf"
        assert found(deals, Cmp("closes", ">", "2026-01-31")) == "cf"
        assert found(deals, Cmp("closes", ">=", "2026-01-31")) == "bcf"

    def test_p04_a_comparison_with_a_missing_value_is_false(self, deals: Store) -> None:
        """A comparison with a missing value is false, whichever way it points."""
        operators: tuple[Op, ...] = ("=", "<", "<=", ">", ">=")
        put(deals, deal("z"))
        for operator in operators:
            assert "z" not in found(deals, Cmp("percent", operator, 0))
            assert "z" not in found(deals, Cmp("stage", operator, ""))

    def test_p05_not_of_a_false_comparison_is_true(self, deals: Store) -> None:
        """`Not` of a comparison finds also the entries whose field is missing."""
        assert found(deals, Not(Cmp("stage", "=", "lead"))) == "cdefg"
        assert found(deals, Not(Cmp("percent", ">", 10))) == "adegh"
        assert found(deals, Not(OneOf("owner", ("jane", "tom")))) == "cgh"
        assert found(deals, Not(Contains("stage", "e"))) == "efg"

    def test_p06_one_of(self, deals: Store) -> None:
        """`OneOf` finds the entries whose field has one of the values, each once."""
        assert found(deals, OneOf("stage", ("lead", "won", "lead", "lost"))) == "abfh"
        assert found(deals, OneOf("value", (9, 1000, 7))) == "df"
        assert found(deals, OneOf("owner", ("", "tom"))) == "beh"

    def test_p07_one_of_nothing(self, deals: Store) -> None:
        """`OneOf` without values finds nothing, and its `Not` everything."""
        assert found(deals, OneOf("stage", ())) == ""
        assert found(deals, Not(OneOf("stage", ()))) == "abcdefgh"

    def test_p08_one_of_very_many(self, deals: Store) -> None:
        """`OneOf` takes tens of thousands of values."""
        numbers = tuple(range(-50, 40_000))
        assert found(deals, OneOf("value", numbers)) == "abcdefgh"
        assert found(deals, OneOf("stage", (*map(str, numbers), "won"))) == "f"
        assert found(deals, Not(OneOf("percent", numbers))) == "dgh"

    def test_p09_missing(self, deals: Store) -> None:
        """`Missing` finds the entries without the field; zero and the empty text are not missing."""
        assert found(deals, Missing("percent")) == "dgh"
        assert found(deals, Not(Missing("percent"))) == "abcef"
        assert found(deals, Missing("owner")) == "cg"

    def test_p10_missing_of_many(self, deals: Store) -> None:
        """`Missing` of a many field finds the entries that hold no value of it, the empty tuple included."""
        put(deals, deal("z", tags=()))
        assert found(deals, Missing("tags")) == "cegz"
        assert found(deals, Not(Missing("tags"))) == "abdfh"
        assert found(deals, Missing("scores")) == "bcefghz"

    def test_p11_has(self, deals: Store) -> None:
        """`Has` finds the entries that hold the value among others."""
        assert found(deals, Has("tags", "vip")) == "abh"
        assert found(deals, Has("tags", "VIP")) == ""
        assert found(deals, Has("scores", 2)) == "ad"
        assert found(deals, Not(Has("tags", "vip"))) == "cdefg"

    def test_p12_has_both(self, deals: Store) -> None:
        """Two `Has` in an `All` ask for both values in one entry, in an `AnyOf` for either."""
        both = (Has("tags", "vip"), Has("tags", "new"))
        assert found(deals, All(both)) == "a"
        assert found(deals, AnyOf(both)) == "abdh"
        assert found(deals, Not(AnyOf(both))) == "cefg"

    def test_p13_contains(self, deals: Store) -> None:
        """`Contains` finds the needle anywhere in the text; upper and lower case differ."""
        assert found(deals, Contains("name", "ir")) == "bdf"
        assert found(deals, Contains("name", "fir")) == "df"
        assert found(deals, Contains("name", "A")) == "ah"
        assert found(deals, Contains("name", "a")) == "cde"
        assert found(deals, Contains("name", "É")) == "e"
        assert found(deals, Contains("name", "é")) == ""

    def test_p14_contains_has_no_wild_cards(self, store: Store) -> None:
        """No character of a needle is a wild card or an escape."""
        texts = ["50%", "50 percent", "a_b", "axb", "back\\slash", "a*b", "a?b", "[ab]", "it's", 'say "x"']
        put(store, *[deal(str(place), name=text) for place, text in enumerate(texts)])
        for needle, expected in {
            "%": "0", "_": "2", "\\": "4", "*": "5", "?": "6", "[": "7", "'": "8", '"': "9", "50": "01", "a_": "2"
        }.items():  # fmt: skip
            assert found(store, Contains("name", needle)) == expected

    def test_p15_contains_nothing(self, deals: Store) -> None:
        """Every text contains the empty needle, and a missing one does not."""
        assert found(deals, Contains("name", "")) == "abcdefgh"
        assert found(deals, Contains("owner", "")) == "abdefh"

    def test_p16_all_and_any_of_nothing(self, deals: Store) -> None:
        """`All` of nothing is true, `AnyOf` of nothing is false."""
        assert found(deals, All(())) == "abcdefgh"
        assert found(deals, AnyOf(())) == ""
        assert found(deals, Not(All(()))) == ""
        assert found(deals, Not(AnyOf(()))) == "abcdefgh"
        assert found(deals, All((AnyOf(()), EVERYTHING))) == ""

    def test_p17_not_inside_and_outside(self, deals: Store) -> None:
        """`Not` of `All` and of `AnyOf` is true where a part speaks of a missing value and so is false."""
        stage, percent = Cmp("stage", "=", "lead"), Cmp("percent", ">=", 50)
        assert found(deals, Not(All((stage, percent)))) == "acdefgh"
        assert found(deals, Not(AnyOf((stage, percent)))) == "deg"
        assert found(deals, All((Not(stage), Not(percent)))) == "deg"
        assert found(deals, Not(Not(stage))) == "abh"
        assert found(deals, Not(Not(Not(percent)))) == "adegh"

    def test_p18_text_is_ordered_by_code_point(self, store: Store) -> None:
        """Texts compare by code point: capitals first, accents after z, and the astral planes last."""
        texts = ["", " ", "!", "0", "10", "9", "A", "Z", "_", "a", "a ", "aa", "z", "É", "é", "\ufb01", "\ufffd", "𝄞"]
        put(store, *[deal(chr(97 + place), name=text) for place, text in enumerate(texts)])
        for place, text in enumerate(texts):
            smaller = "".join(chr(97 + before) for before in range(place))
            assert found(store, Cmp("name", "<", text)) == smaller, text
            assert found(store, Cmp("name", "<=", text)) == smaller + chr(97 + place), text

    def test_p19_integers_are_whole_and_wide(self, store: Store) -> None:
        """Integers compare exactly over the whole signed 64-bit range."""
        values = [-(2**63), -(2**63) + 1, -(2**53) - 1, -1, 0, 9, 10, 2**53, 2**53 + 1, 2**63 - 2, 2**63 - 1]
        put(store, *[deal(chr(97 + place), value=value) for place, value in enumerate(values)])
        for place, value in enumerate(values):
            assert found(store, Cmp("value", "=", value)) == chr(97 + place)
            assert found(store, Cmp("value", "<", value)) == "abcdefghijk"[:place]
            assert found(store, OneOf("value", (value,))) == chr(97 + place)

    def test_p20_a_prefix_is_a_range(self, store: Store) -> None:
        """The range that `starts_with` makes finds every text with the prefix, whatever follows it."""
        texts = ["quo", "quo/1", "quo/𝄞", "quo/\uffff", "Quo/1", "quop", "qu", "quo\U0010fffe"]
        put(store, *[deal(str(place), name=text) for place, text in enumerate(texts)])
        assert found(store, starts_with("name", "quo")) == "012357"
        assert found(store, starts_with("name", "quo/")) == "123"
        assert found(store, starts_with("name", "")) == "01234567"
        assert found(store, starts_with("stage", "")) == ""

    def test_p21_two_hundred_conditions(self, deals: Store) -> None:
        """A predicate of two hundred conditions, wide or deep, is answered."""
        wide = AnyOf(tuple(Cmp("value", "=", number) for number in range(100, 299)))
        assert found(deals, wide) == "abch"
        deep: Predicate = Cmp("stage", "=", "lead")
        for _ in range(198):
            deep = Not(deep)
        assert found(deals, deep) == "abh"
        nested: Predicate = Cmp("value", "=", 9)
        for number in range(66):
            nested = All((AnyOf((nested, Cmp("value", "=", number))),))
        assert found(deals, nested) == "dg"

    def test_p22_fields_of_one_name_in_two_conditions(self, deals: Store) -> None:
        """Several conditions on one field hold together: a range, a contradiction, a hole."""
        assert found(deals, All((Cmp("value", ">", 9), Cmp("value", "<", 1000)))) == "abch"
        assert found(deals, All((Cmp("value", ">", 250), Cmp("value", "<", 250)))) == ""
        assert found(deals, All((Cmp("stage", "=", "lead"), Cmp("stage", "=", "won")))) == ""
        assert found(deals, All((Cmp("value", ">=", 9), Not(Cmp("value", "=", 100)), Cmp("value", "<", 260)))) == "bcd"

    def test_p23_any_predicate_means_what_matches_says(self, store: Store) -> None:
        """Whatever the predicate, an entry is found exactly where `matches` says so."""
        put(store, *[Entry("deal", f"{place:02}", 0, index, "") for place, index in enumerate(indexes())])
        entries = all_of(store)

        @CALM
        @given(predicates())
        def means_what_matches_says(predicate: Predicate) -> None:
            expected = [entry.id for entry in entries if matches(predicate, entry.index, entry.id)]
            with store.transaction(write=False) as tx:
                assert [stored.id for stored in tx.find(Query(kind="deal", where=predicate))] == expected

        means_what_matches_says()

    def test_p24_has_between(self, deals: Store) -> None:
        """`HasBetween` finds the entries that hold a value within its bounds, the upper one left out."""
        assert found(deals, HasBetween("tags", "new", "vip")) == "adf"
        assert found(deals, HasBetween("tags", "new", "vip\1")) == "abdfh"
        assert found(deals, HasBetween("tags", "o", "r")) == ""
        assert found(deals, HasBetween("tags", "vip", "new")) == ""
        assert found(deals, Not(HasBetween("tags", "rush", "z"))) == "cdeg"

    def test_p25_one_of_the_ids(self, deals: Store) -> None:
        """`OneOf` of `id` finds the entries with these ids, and its `Not` the others."""
        assert found(deals, OneOf("id", ("h", "a", "x", "a"))) == "ah"
        assert found(deals, Not(OneOf("id", ("a", "b")))) == "cdefgh"
        assert found(deals, All((OneOf("id", ("a", "b", "c")), Cmp("value", "=", 250)))) == "bc"
        assert found(deals, OneOf("id", tuple(map(str, range(5000))))) == ""
        assert found(deals, OneOf("id", ("c", "f", "g")), order=("value",), descending=True, limit=2) == "fc"

    def test_p26_linked_from_another_kind(self, deals: Store) -> None:
        """`Linked` finds the entries that an entry of another kind names, where it satisfies the condition."""
        put(deals, note("1", text="a", slug="s1"), note("2", text="a"), note("3", text="c", slug="s3"), note("4"))
        anything = Linked("id", "note", "text", EVERYTHING)
        assert found(deals, anything) == "ac"
        assert found(deals, Not(anything)) == "bdefgh"
        assert found(deals, Linked("id", "note", "text", Missing("slug"))) == "a"
        assert found(deals, Linked("id", "note", "text", Cmp("slug", ">", "s1"))) == "c"
        assert found(deals, All((anything, Cmp("value", "=", 250))), order=("name",)) == "c"
        assert found(deals, AnyOf((anything, Cmp("stage", "=", "won"))), order=("value",), descending=True) == "fca"
        assert counted(deals, "stage", where=anything) == [("lead", 1), ("quote", 1)]

    def test_p27_linked_to_another_kind(self, deals: Store) -> None:
        """`Linked` finds the entries that name an entry of another kind; who names none is linked to none."""
        put(deals, note("jane", text="North"), note("tom", text="South"))
        north = Linked("owner", "note", "id", Contains("text", "or"))
        assert found(deals, north) == "adf"
        assert found(deals, Not(north)) == "bcegh"
        assert found(deals, Linked("owner", "note", "id", OneOf("id", ("tom",)))) == "be"
        assert found(deals, Linked("owner", "note", "slug", EVERYTHING)) == ""
        assert counted(deals, where=AnyOf((north, Cmp("name", "=", "")))) == [(4,)]

    def test_p28_linked_within_its_kind(self, deals: Store) -> None:
        """`Linked` may name its own kind, and a link reads what its own transaction wrote."""
        with deals.transaction() as tx:
            tx.put(deal("z", owner="c", stage="won"))
            where = Linked("id", "deal", "owner", Cmp("stage", "=", "won"))
            assert [stored.id for stored in tx.find(Query(kind="deal", where=where))] == ["c"]
            tx.delete("deal", "z", 1)
            assert list(tx.find(Query(kind="deal", where=where))) == []
