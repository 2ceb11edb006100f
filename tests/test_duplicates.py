"""Duplicates are suggested, with a score and the reasons, and found by what records share. (SPEC OPP-8)"""

from __future__ import annotations

import attrs
import pytest

import salespipeline as sp
from salespipeline.domain.likeness import alike_contacts, alike_deals, close, core, marks

LINE = sp.Line("Racking, bay", quantity=40, unit_price="210.00", tax="20")


def pairs(found):
    return [(one.record.name, one.other.name, one.score) for one in found]


def test_contacts_that_share_what_few_have_are_suggested(sales):
    contacts = sales.contacts
    contacts.add("ACME Limited", phone="0113 496 0001")
    contacts.add("Harlow Foods", email="zoe@harlow.example", ids={"VAT": "GB 123 4567 89"})
    contacts.add("Harlow Group", email="office@harlow.example", ids={"VAT": "GB123456789"})
    contacts.add("Ackroyd & Sons", phone="+44 113 496 0001")
    contacts.add("Somebody else", email="somebody@gmail.com")
    contacts.add("Another one", email="another@gmail.com")
    assert pairs(contacts.duplicates()) == [
        ("Harlow Foods", "Harlow Group", 95),
        ("Acme Ltd", "ACME Limited", 65),
        ("ACME Limited", "Ackroyd & Sons", 60),
    ]
    best = contacts.duplicates("harlow foods")
    assert [one.reasons for one in best] == [("the same VAT 'GB 123 4567 89'", "the same domain harlow.example")]
    assert contacts.duplicates("Somebody else", least=1) == []
    assert pairs(contacts.duplicates(limit=1)) == [("Harlow Foods", "Harlow Group", 95)]
    assert pairs(contacts.duplicates(least=70)) == [("Harlow Foods", "Harlow Group", 95)]


def test_before_one_is_added_it_can_be_asked_who_is_there(sales):
    assert pairs(sales.contacts.like("Acme", email="BUYER@acme.example")) == [("Acme", "Acme Ltd", 95)]
    assert sales.contacts.like("Nobody") == []
    with pytest.raises(sp.Invalid, match="'x' is not an e-mail address"):
        sales.contacts.like("Acme", email="x")
    assert sales.contacts.count() == 1


@pytest.mark.parametrize(
    ("one", "other", "least"),
    [
        ("Müßig Lagertechnik GmbH", "MUSSIG Lagertechnik", 65),
        ("S.A.R.L. Dupont et Fils", "Dupont Fils SARL", 65),
        ("Warehouse Systems Ltd", "Warehose Systems Ltd", 45),
        ("The Brewing Co.", "Brewing Company", 65),
    ],
)
def test_names_are_compared_as_people_read_them(sales, one, other, least):
    first, second = sales.contacts.add(one), sales.contacts.add(other)
    (found,) = sales.contacts.duplicates(second, least=40)
    assert (found.other, found.score) == (first, least)


def test_a_site_with_another_id_is_less_likely_the_same(sales):
    one = sales.contacts.add("Harlow Foods", ids={"VAT": "GB123456789"})
    two = sales.contacts.add("Harlow Foods", ids={"vat": "GB987654321"})
    found = alike_contacts(one, two)
    assert (found.score, found.reasons) == (32, ("the same name", "but ids that differ"))


def test_what_many_have_in_common_says_nothing(sales):
    for number in range(25):
        sales.contacts.add(
            f"Franchise {number} of Leeds", email=f"shop{number}@franchise.example", phone="0113 496 0002"
        )
    assert sales.contacts.duplicates(least=1) == []


def test_opportunities_of_one_contact_with_close_subjects_are_suggested(sales, deal, clock):
    make = sales.opportunities.create
    clock.forward(days=40)
    close_one = make(contact="Acme Ltd", subject="New warehouses", lines=[LINE])
    make(contact="Acme Ltd", subject="Loading bay", lines=[sp.Line("Door", unit_price="950")])
    make(contact=sales.contacts.add("Harlow Foods"), subject="New warehouse", lines=[sp.Line("x", unit_price="1")])
    found = sales.opportunities.duplicates()
    assert [(one.record, one.other, one.score) for one in found] == [(deal, close_one, 78)]
    assert found[0].reasons == (
        "the same contact",
        "subjects that are close, 'New warehouse' and 'New warehouses'",
        "the same lines",
    )
    assert [one.other for one in sales.opportunities.duplicates(close_one.reference)] == [deal]
    assert str(found[0]).startswith("78: 'OPP/00001' and 'OPP/00002': the same contact, ")


def test_opportunities_of_contacts_that_are_alike_are_suggested(sales, deal):
    twin = sales.contacts.add("ACME Limited", email="buyer@acme.example")
    other = sales.opportunities.create(contact=twin, subject="Warehouse, new", lines=[LINE])
    for found in (sales.opportunities.duplicates(), sales.opportunities.duplicates(deal)):
        assert {found[0].record.id, found[0].other.id} == {deal.id, other.id}
        assert found[0].score == 83
        assert found[0].reasons[0].startswith("contacts that are alike (95: the same name, ")


def test_a_second_phase_is_another_sale(sales, deal):
    later = attrs.evolve(deal, id="2", subject="New warehouse, phase 2", lines=(LINE, LINE))
    first = attrs.evolve(deal, subject="New warehouse, phase 1")
    assert alike_deals(first, later).score < 60
    assert alike_deals(first, attrs.evolve(later, subject="Roof")).score == 0


def test_many_alike_are_compared_with_their_neighbours_only(sales, clock):
    for _ in range(30):
        sales.opportunities.create(contact="Acme Ltd", subject="Monthly order", lines=[LINE])
        clock.forward(days=30)
    found = sales.opportunities.duplicates(limit=1000)
    assert len(found) == sum(min(number, 5) for number in range(30))


def test_what_is_asked_is_checked(sales):
    for wrong in ({"least": 0}, {"least": "high"}, {"limit": 0}, {"limit": True}):
        with pytest.raises(sp.Invalid, match=next(iter(wrong))):
            sales.contacts.duplicates(**wrong)
        with pytest.raises(sp.Invalid, match=next(iter(wrong))):
            sales.opportunities.duplicates(**wrong)
    with pytest.raises(sp.NotFound):
        sales.contacts.duplicates("Nobody")


def test_words_are_what_is_left_of_names():
    assert core("Ltd") == "ltd"  # better than nothing at all
    assert close("", "x") == 0.0
    assert close("Phase 1 of the warehouse", "Phase 2 of the warehouse") < 0.82


def test_marks_tell_what_is_shared(sales):
    harlow = sales.contacts.add(
        "Harlow Foods",
        email="Zoe@Harlow.example",
        phone="+44 (0)113 496 0001 ext. 7",
        website="https://www.harlow.example/x",
    )
    assert list(marks(harlow)) == [
        "name:harlowfoods", "head:harlow", "tail:wfoods", "mail:zoe@harlow.example", "host:harlow.example", "tel:134960001",
    ]  # fmt: skip
