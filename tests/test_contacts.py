"""Contacts and persons, and finding one while typing. (SPEC OPP-4)"""

from __future__ import annotations

import pytest
from tests.whole import whole

import salespipeline as sp
from salespipeline import text
from salespipeline.query import Query
from salespipeline.suggesting import inside

NAMES = [
    "Café Zürich",
    "CAFE Zurzach",
    "Großhandel Straße",
    "O’Neill & Søn",
    "The Café",
    "Łódź Works",
    "Zürich Re",
    "100% Foods",
    "Under_Line",
]


@pytest.fixture
def many(sales):
    for name in NAMES:
        sales.contacts.add(name)
    sales.contacts.add_person("Zürich Re", "Renée Café")
    return sales


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("caf", []),
        ("", []),
        ("   ca ", []),
        ("cafe", ["Café Zürich", "CAFE Zurzach", "The Café", "Zürich Re"]),  # those that begin with it come first
        ("CAFÉ Z", ["Café Zürich", "CAFE Zurzach"]),
        ("zürich", ["Zürich Re", "Café Zürich"]),
        ("strasse", ["Großhandel Straße"]),
        ("son", []),
        ("& søn", ["O’Neill & Søn"]),
        ("lodz", ["Łódź Works"]),
        ("100%", ["100% Foods"]),
        ("00%x", []),
        ("r_li", ["Under_Line"]),
        ("renee", ["Zürich Re"]),
        ("nothing", []),
    ],
)
def test_suggestions_from_the_fourth_character_in_any_case_and_accent(many, typed, expected):
    assert [contact.name for contact in many.contacts.suggest(typed)] == expected


def test_what_is_typed_is_looked_up_and_not_searched_for(many):
    sales = many
    if not hasattr(sales.store.transaction(write=False), "explain"):
        pytest.skip("runs no statements")
    with sales.work(write=False) as work:
        for typed in ("zuri", "buyer@", "straße", "cafe z"):
            (first, *_) = inside(work, text.fold(typed), {})
            explained = work.tx.explain(Query(kind="contact", where=first, order=("name",), limit=10))
            assert explained.indexed, explained.words
    assert [one.name for one in sales.contacts.suggest("buyer@acme")] == ["Acme Ltd"]


def test_suggestions_are_limited_and_the_number_of_characters_is_configurable(many):
    assert [contact.name for contact in many.contacts.suggest("cafe", limit=2)] == ["Café Zürich", "CAFE Zurzach"]
    many.settings.edit_organisation(typed_characters=2)
    assert many.acting("tom").contacts.suggest("zü")[0].name == "Zürich Re"
    for wrong in (0, 21, "4", True):
        with pytest.raises(sp.Invalid, match="typed_characters"):
            many.settings.edit_organisation(typed_characters=wrong)
    with pytest.raises(sp.Invalid, match="what was typed is text, not None"):
        many.contacts.suggest(None)
    assert many.contacts.suggest("x" * 10_000_000) == []


def test_a_person_is_mended_in_place_and_every_problem_is_named(sales):
    acme = sales.contacts.add_person("Acme Ltd", "Zoe Feild", role="buyer")
    deal = sales.opportunities.create(
        contact=acme, subject="Shed", lines=[sp.Line("x", unit_price=1)], person="zoe feild"
    )
    acme = sales.contacts.edit_person(acme, "zoe feild", name="Zoë Field", email="zoe@acme.example")
    assert [(one.id, one.name, one.email, one.role) for one in acme.persons] == [
        (deal.person_id, "Zoë Field", "zoe@acme.example", "buyer")
    ]
    before = whole(sales)
    with pytest.raises(sp.Invalid) as caught:
        sales.contacts.edit_person(acme, "Zoë Field", name="", email="x", role="a\0", age=7)
    assert [one.path for one in caught.value.problems] == ["name", "email", "role", "age"]
    with pytest.raises(sp.Invalid, match="did you mean 'Zoë Field'"):
        sales.contacts.edit_person(acme, "Zoë Fields", name="Z")
    with pytest.raises(sp.Invalid) as caught:
        sales.contacts.add_person(acme, "", phone="call me", role="a\nb")
    assert [one.path for one in caught.value.problems] == ["name", "phone", "role"]
    assert whole(sales) == before


def test_a_contact_may_be_made_on_the_spot_and_two_of_a_name_are_told_apart(sales):
    made = sales.contacts.add("Harlow Foods", phone="+44 113 496 0001", ids={"VAT": "GB123"}, address="1 Quay\nLeeds")
    assert (made.address, made.ids) == (("1 Quay", "Leeds"), (("VAT", "GB123"),))
    twin = sales.contacts.add("HARLOW foods")
    with pytest.raises(sp.NotFound, match="more than one contact is called"):
        sales.contacts.get("harlow foods")
    assert sales.contacts[twin.id] == twin


def test_a_contact_in_use_is_not_deleted(sales, deal):
    before = whole(sales)
    with pytest.raises(sp.Refused, match="1 opportunity names it"):
        sales.contacts.delete("Acme Ltd")
    assert whole(sales) == before
    sales.opportunities.delete(deal)
    sales.contacts.delete("Acme Ltd")
    assert len(sales.contacts) == 0


def test_lists_of_contacts_are_filtered_and_sorted(many):
    assert [one.name for one in many.contacts.where(name__startswith="caf")] == ["Café Zürich", "CAFE Zurzach"]
    assert [one.name for one in many.contacts.where(text="renee")] == ["Zürich Re"]
    assert many.contacts.where(email="buyer@acme.example").one().name == "Acme Ltd"
    assert [one.name for one in many.contacts.order("-name")][-1] == "100% Foods"
