"""Search in the full text of opportunities, on every store. (SPEC OPP-10)"""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import salespipeline as sp
from salespipeline import maintenance
from salespipeline.errors import UpgradeNeeded
from salespipeline.words import sought, words

LINE = {"description": "Bay", "unit_price": "100.00"}


@pytest.fixture
def five(sales, clock):
    """Five opportunities called 1 to 5; words stand in every place that is searched."""
    sales.settings.fields.add("opportunity", "site", "Site", "text")
    sales.settings.fields.add("opportunity", "wants", "Wants", "multiple_choice", choices=["Speed", "Best price"])
    sales.contacts.add("Béatrice & Fils", email="achats@fils.example")
    sales.contacts.add_person("Béatrice & Fils", "Zoë Field", email="zoe@fils.example")
    rows = [
        {"subject": "Cold store, Leeds", "note": "Ring the süd gate"},
        {
            "subject": "Racking",
            "contact": "Béatrice & Fils",
            "custom": {"site": "Leeds North", "wants": ["Best price"]},
        },
        {"subject": "Storeroom racking", "reference": "LEEDS-7"},
        {"subject": "冷凍倉庫 の 棚", "contact": "Béatrice & Fils"},
        {"subject": "Leeds Leeds Leeds"},
    ]
    made = []
    for row in rows:
        made.append(sales.opportunities.create(**({"contact": "Acme Ltd", "lines": [LINE]} | row)))
        clock.forward(days=1)
    sales.notes.add(made[2].id, "Crane needed", "The forklift cannot reach; ask Harrogate.")
    sales.notes.add(made[4].id, "Parking", "")
    return sales, [deal.id for deal in made]


def numbers(five, text, **filters):
    sales, ids = five
    found = sales.opportunities.where(search=text, **filters)
    told = "".join(sorted(str(ids.index(deal.id) + 1) for deal in found))
    assert found.count() == len(told)
    return told


FOUND = {
    "subject": ("racking", "23"), "a beginning": ("rack", "23"), "only from the beginning": ("ack", ""),
    "whole but for the last": ("rack leeds", ""), "case and accents": ("SUD Gate", "1"), "the other way round": ("gate süd", "1"),
    "reference": ("LEEDS-7", "3"), "of a reference": ("opp 00002", "2"), "one reference": ("OPP/00004", "5"),
    "the counted": ("opp/00003", "4"),
    "contact": ("beatrice", "24"), "contact and subject": ("beatrice racking", "2"), "mail": ("achats@fils.example", "24"),
    "person": ("zoe fie", "24"), "mail of a person": ("zoe@fils", "24"), "an answer": ("north", "2"), "a choice": ("best", "2"),
    "a note": ("harrogate", "3"), "subject of a note": ("crane", "3"), "a note and the contact": ("acme crane", "3"),
    "a note, a subject and a contact": ("forklift acme storer", "3"),
    "words anywhere": ("leeds", "1235"), "two of them": ("leeds racking", "23"),
    "without blanks": ("冷凍", "4"), "inside a run": ("凍倉", "4"), "one character": ("庫", "4"), "not in that order": ("倉冷", ""),
    "nothing": ("", "12345"), "blanks": ("  ", "12345"), "signs alone": ("%", ""), "unknown": ("xyzzy", ""),
    "quotes": ('"leeds"', "1235"), "operators": ("leeds OR racking", ""), "columns": ("words:leeds", ""),
    "a star": ("le*", "1235"), "near": ("NEAR(leeds racking)", ""), "NUL": ("cold\0store", "1"), "half a character": ("cold\ud800", "1"),
    "right to left": ("\u202eleeds\u202c", "1235"), "combining": ("be\u0301atrice", "24"), "SQL": ("' OR 1=1 --", ""),
    "very long": ("leeds " * 500, "1235"), "very many": (" ".join(f"w{number}" for number in range(500)), ""),
}  # fmt: skip


def test_words_are_found_wherever_they_stand(five):
    for text, expected in FOUND.values():
        assert numbers(five, text) == expected, text


def test_it_stands_beside_other_filters_in_lists_reports_and_bulk_changes(five):
    sales, _ = five
    assert numbers(five, "leeds", subject__contains="rack") == "23"
    assert [row.count for row in sales.reports.pipeline(search="leeds")] == [4]
    assert sales.opportunities.where(search="leeds rack").each().tag("VIP").count("changed") == 2
    assert numbers(five, "leeds", tags="VIP") == "23"
    pages = sales.opportunities.where(search="leeds").order("subject")
    first = pages.page(3)
    assert [deal.subject for deal in (*first, *pages.page(3, after=first.next))] == [
        "Cold store, Leeds", "Leeds Leeds Leeds", "Racking", "Storeroom racking",
    ]  # fmt: skip
    sales.settings.filters.add("Leeds", sales.opportunities.where(search="leeds"))
    assert sales.opportunities.where(saved="Leeds").count() == 4


def test_it_follows_every_change_in_the_transaction_that_makes_it(five):
    sales, ids = five
    sales.opportunities.edit(ids[0], subject="Cold store, York")
    assert (numbers(five, "leeds"), numbers(five, "york")) == ("235", "1")
    sales.contacts.edit("Béatrice & Fils", name="Renard SA")
    assert (numbers(five, "beatrice"), numbers(five, "renard")) == ("", "24")
    sales.opportunities.edit(ids[3], contact="Acme Ltd")
    assert numbers(five, "renard") == "2"
    sales.opportunities.delete(ids[1])
    assert numbers(five, "renard") == ""
    sales.opportunities.restore(ids[1])
    assert numbers(five, "renard") == "2"
    seen = []

    def spoilt():
        with sales.transaction():
            sales.opportunities.edit(ids[4], subject="Moss Side")
            seen.append(numbers(five, "moss"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        spoilt()
    assert (seen, numbers(five, "moss"), numbers(five, "leeds")) == (["5"], "", "235")


def test_the_best_come_first(five, clock):
    sales, ids = five

    def best(text, **options):
        return "".join(str(ids.index(deal.id) + 1) for deal in sales.opportunities.search(text, **options))

    assert best("leeds-7") == "3"
    assert best("leeds") == "3512"  # the reference begins so; then in the subject, the newest first; then elsewhere
    assert best("leeds rack") == "32"
    assert best("opp/0000") == "5421"
    assert best("leeds", most=2) == "35"
    assert (best(""), best("%"), best("leeds", most=0)) == ("", "", "")
    assert [deal.id for deal in sales.opportunities.where(subject="racking").search("leeds")] == [ids[1]]
    with pytest.raises(sp.Invalid):
        sales.opportunities.search("leeds", most=-1)
    with pytest.raises(sp.Invalid, match="text is needed"):
        sales.opportunities.where(search=7).count()


WORDS = ["leeds", "Léeds", "lee", "cold", "store", "storeroom", "冷凍", "庫", "o'brien", "x-7", "x"]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)


@settings(max_examples=10)
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=6), st.lists(TEXTS, max_size=4))
def test_what_is_found_is_what_the_words_say(sales, texts, searches):
    """A law, on every store: each word that is sought stands in the record or in its contact, the last one may be longer."""
    for deal in sales.opportunities:
        sales.opportunities.delete(deal)
    made = {}
    for at, (subject, name) in enumerate(texts):
        contact = sales.contacts.add(f"{name} n{at}")
        deal = sales.opportunities.create(contact=contact, subject=f"{subject} s", lines=[LINE])
        made[deal.id] = {*words(f"{subject} s {deal.reference}"), *words(contact.name)}
    for search in searches:
        whole, beginnings = sought(search)
        expected = {
            id for id, held in made.items()
            if held.issuperset(whole) and all(any(word.startswith(one) for word in held) for one in beginnings)
        }  # fmt: skip
        assert set(sales.opportunities.where(search=search).ids()) == expected, search


def test_what_is_written_by_other_means_is_found_too(tmp_path, opened):
    """In SQLite triggers see to it, so that a row that somebody changes by hand is found by what it holds then."""
    path = tmp_path / "sales.db"
    sales = opened(f"sqlite:///{path}")
    sales.settings.stages.add("Enquiry")
    sales.contacts.add("Acme Ltd")
    deal = sales.opportunities.create(contact="Acme Ltd", subject="Shed", lines=[LINE])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE opportunity SET words = ' barn '")
    connection.close()
    assert sales.opportunities.where(search="barn").ids() == [deal.id]
    assert sales.opportunities.where(search="shed").ids() == []


def test_where_the_triggers_were_dropped_a_check_says_so_and_vacuum_mends_it(tmp_path, opened):
    path = tmp_path / "sales.db"
    sales = opened(f"sqlite:///{path}")
    sales.settings.stages.add("Enquiry")
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER opportunity__words__docs__new")
    connection.close()
    deal = sales.opportunities.create(contact=sales.contacts.add("Acme Ltd"), subject="Shed", lines=[LINE])
    assert sales.opportunities.search("shed") == []
    assert maintenance.check(sales) == ["1 of opportunity are not found by their words: vacuum makes that index anew"]
    maintenance.vacuum(sales)
    assert (maintenance.check(sales), sales.opportunities.search("shed")) == ([], [deal])


def test_a_file_from_before_there_were_words_is_upgraded_on_request_and_searched(tmp_path):
    """Decision 4: it is refused with what to call, and after that, and a backup, everything in it is found."""
    path = tmp_path / "old.db"
    path.write_bytes(gzip.decompress((Path(__file__).parent / "assets/before/words.db.gz").read_bytes()))
    with pytest.raises(UpgradeNeeded):
        sp.open(path)
    maintenance.upgrade(path, keep=tmp_path / "kept.db")
    assert maintenance.check(path) == []
    with sp.open(path) as sales:
        assert [deal.subject for deal in sales.opportunities.search("lager")] == ["Cold store extension", "Außenlager"]
        assert [deal.subject for deal in sales.opportunities.search("eva ware")] == ["New warehouse, phase 1"]
    maintenance.vacuum(path)
    with sp.open(path) as sales:
        assert [deal.subject for deal in sales.opportunities.search("floor load")] == ["New warehouse, phase 1"]
