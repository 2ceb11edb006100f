"""Which words a text holds, and which are sought."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salespipeline.entries import Field, Kind
from salespipeline.query import Query, Words, check, matches
from salespipeline.words import LONGEST, holding, sought, words

KIND = Kind("deal", (Field("words", str),), texts=("words",))

TEXTS = {
    "Straße ÉTÉ": ("strasse", "ete"),
    "O'Brien & Co.": ("o", "brien", "co"),
    "OPP/00017-R1": ("opp", "00017", "r1"),
    "jane@acme.example": ("jane", "acme", "example"),
    "ware\u00adhouse zero\u200bwidth": ("warehouse", "zerowidth"),
    "\u202eevil\u202c \u200fright": ("evil", "right"),
    "e\u0301te\u0301 \u00e9t\u00e9": ("ete",),
    "null\0byte": ("null", "byte"),
    "\ud800half": ("half",),
    "ｆｕｌｌ　ｗｉｄｔｈ ﬁne": ("full", "width", "fine"),
    "हिन्दी": ("हिनदी",),
    "שלום עולם": ("שלום", "עולם"),
    "冷凍倉庫 Leeds": ("冷凍", "凍倉", "倉庫", "庫", "leeds"),
    "abc東京9": ("abc", "東京", "京", "9"),
    "ﾄｳｷｮｳ": ("トウ", "ウキ", "キョ", "ョウ", "ウ"),
    "คลังสินค้า": ("คล", "ลั", "ัง", "งส", "สิ", "ิน", "นค", "คา", "า"),
    "!?% _ --": (),
    "": (),
}


def test_a_text_holds_the_words_that_people_see():
    for text, expected in TEXTS.items():
        assert words(text) == expected, text


SOUGHT = {
    "new ware": (("new",), ("ware",)),
    "Ware": ((), ("ware",)),
    '"acme" OR NEAR(x*)': (("acme", "or", "near"), ("x",)),
    "words : col* ^a -b (": (("words", "col", "a"), ("b",)),
    "冷凍倉庫": (("冷凍", "凍倉", "倉庫"), ()),
    "庫 leeds": ((), ("庫", "leeds")),
    "' ; DROP TABLE opportunity; --": (("drop", "table"), ("opportunity",)),
    "": ((), ()),
    "\0": ((), ()),
}


def test_what_is_sought_are_words_and_the_beginning_of_the_last():
    for text, expected in SOUGHT.items():
        assert sought(text) == expected, text


def test_a_long_word_and_a_long_search_are_cut_where_both_sides_cut_them():
    long = "x" * 1000
    assert words(long) == (long[:LONGEST],) == sought(long)[1]
    assert len(sought("a b c d e f g h i j k l m n o p q r s t u v w x y z")[0]) == 19
    assert len(holding([" ".join(f"w{number}" for number in range(20_000))]).split()) == 5000


@given(st.text(max_size=40))
def test_a_text_is_found_by_itself_and_by_what_it_begins_with(text):
    """A law: whatever the text, a search for it finds it, and every word that is sought is one that a store may be asked."""
    index = {"words": holding([text])}
    asked = Words("words", *sought(text))
    check(Query(kind="deal", where=asked), KIND)
    assert matches(asked, index)


@given(st.text(alphabet="abé東京 ー1ß\u0301", max_size=12), st.integers(0, 12))
def test_a_text_half_typed_is_found(text, at):
    """A law: with the last word half typed, the text is still found."""
    assert matches(Words("words", *sought(text[:at])), {"words": holding([text])})


@pytest.mark.parametrize("word", ["", "a b", 'a"', "a*", "a\0", "a-b", "a\n", "a\u00a0b"])
def test_what_is_no_word_is_refused_before_a_store_sees_it(word):
    from salespipeline.errors import Invalid

    for asked in (Words("words", (word,)), Words("words", (), (word,))):
        with pytest.raises(Invalid, match="is no word"):
            check(Query(kind="deal", where=asked), KIND)
    with pytest.raises(Invalid, match="holds no words"):
        check(Query(kind="deal", where=Words("words", ("a",))), Kind("deal", (Field("words", str),)))
