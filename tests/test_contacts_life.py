"""Parents and sites, ids, contacts on stop, persons who leave, and contacts that are merged. (SPEC OPP-4)"""

from __future__ import annotations

import sys
import warnings

import pytest
from tests.whole import whole

import salespipeline as sp
from salespipeline import maintenance

LINE = sp.Line("Racking, bay", quantity=40, unit_price="210.00", tax="20")


def test_a_contact_is_a_site_of_another_and_never_of_itself(sales):
    contacts = sales.contacts
    leeds = contacts.add("Acme, Leeds", parent="Acme Ltd")
    dock = contacts.add("Acme, Leeds, dock", parent=leeds)
    assert [one.name for one in contacts.where(parent="Acme Ltd")] == []  # by its id, or by the record
    assert [one.name for one in contacts.where(parent=contacts["Acme Ltd"])] == ["Acme, Leeds"]
    before = whole(sales)
    for parent, words in ((dock, "'Acme, Leeds, dock', which is a part of it"), (contacts["Acme Ltd"], "itself")):
        with pytest.raises(sp.Invalid, match=f"'Acme Ltd' cannot be a part of {words}"):
            contacts.edit("Acme Ltd", parent=parent)
    with pytest.raises(sp.Invalid) as caught:
        contacts.edit(leeds, parent="Nobody", email="x")
    assert [one.path for one in caught.value.problems] == ["email", "parent"]
    with pytest.raises(sp.Refused, match="1 contact names it"):
        contacts.delete("Acme Ltd")
    assert whole(sales) == before
    assert contacts.edit(leeds, parent=None).parent_id is None
    contacts.delete("Acme Ltd")


def test_ids_are_checked_where_that_is_wanted(sales):
    wrong = sales.contacts.add("Harlow Foods", ids={"SIREN": "303265046", "VAT": "FR40303265045", "DUNS": "12"})
    (problem,) = sales.contacts.check_ids(wrong)
    assert (problem.path, problem.code) == ("ids.SIREN", "id")
    sales.settings.edit_organisation(ids_checked=True)
    before = whole(sales)
    with pytest.raises(sp.Invalid) as caught:
        sales.contacts.add(
            "X", email="x", ids={"Siret": "123", "VAT": "DE136695977", "TVA": "FR40303265045", "LEI": "a"}
        )
    assert [(one.path, one.message) for one in caught.value.problems][1:] == [
        ("ids.Siret", "'123' is not a Siret: it has another length; look at it again"),
        ("ids.VAT", "'DE136695977' is not a VAT: its check digits do not fit; look at it again"),
        ("ids.LEI", "'a' is not a LEI: its check digits do not fit; look at it again"),
    ]
    assert whole(sales) == before
    right = {"VAT": "DE 136 695 976", "SIREN": "303 265 045", "VAT number": "without a country", "Company no": "7"}
    assert sales.contacts.edit(wrong, ids=right).ids == tuple(right.items())
    assert sales.contacts.edit(wrong.id, note="x").note == "x"


def test_without_the_extra_nothing_is_said_to_be_right(sales, monkeypatch):
    monkeypatch.setitem(sys.modules, "stdnum", None)
    one = sales.contacts.add("Harlow Foods", ids={"SIREN": "303265046"})
    for ask in (lambda: sales.contacts.check_ids(one), lambda: sales.settings.edit_organisation(ids_checked=True)):
        with pytest.raises(sp.Refused, match=r"pip install 'salespipeline\[ids\]'"):
            ask()


def test_whoever_makes_a_document_for_a_contact_on_stop_is_warned(sales, deal):
    quote = sales.documents.draft(deal, "quote")
    acme = sales.contacts.stop("Acme Ltd", "two invoices are overdue")
    assert [one["on_stop"] for one in sales.contacts.where(on_stop=True).to_dicts()] == ["two invoices are overdue"]
    makes = [
        lambda: sales.documents.draft(deal, "quote"),
        lambda: sales.documents.draft(acme, "invoice", lines=[LINE]),
        lambda: sales.documents.duplicate(quote.id),
        lambda: sales.documents.convert(quote.id, "invoice"),
        lambda: sales.documents.revise(sales.documents.mark_sent(quote.id)),
    ]
    for make in makes:
        with pytest.warns(
            sp.OnStop, match=r"contact 'Acme Ltd' is on stop \(two invoices are overdue\), and "
        ) as warned:
            make()
        assert [one.filename for one in warned] == [__file__]  # the line that made it, not one of ours
    number = sales.documents.count()
    with warnings.catch_warnings():
        warnings.simplefilter("error", sp.OnStop)
        with pytest.raises(sp.OnStop) as caught:
            sales.documents.draft(deal, "quote")
    assert (caught.value.contact, caught.value.reason) == ("Acme Ltd", "two invoices are overdue")
    assert sales.documents.count() == number  # where a warning is an error, there is no document
    sales.contacts.release("Acme Ltd")
    sales.documents.draft(deal, "quote")


def test_a_person_who_is_named_is_archived_and_one_who_is_not_goes(sales):
    acme = sales.contacts.add_person("Acme Ltd", "Zoë Field", email="zoe@acme.example")
    acme = sales.contacts.add_person(acme, "Max Roe")
    deal = sales.opportunities.create(contact=acme, person="Zoë Field", subject="Shed", lines=[LINE])
    zoe, max = acme.persons
    left = sales.contacts.remove_person(sales.contacts.remove_person(acme, "max roe"), zoe)
    assert [(one.name, one.archived) for one in left.persons] == [("Zoë Field", True)]
    assert left.staff == ()
    assert sales.opportunities.edit(deal, subject="Barn", person=zoe).person_id == zoe.id  # it keeps whom it has
    with pytest.raises(sp.Invalid, match="Zoë Field has left Acme Ltd: choose another"):
        sales.opportunities.create(contact=left, person="zoe field", subject="x", lines=[LINE])
    with pytest.raises(sp.Invalid, match="nobody called 'Max Roe'"):
        sales.contacts.remove_person(left, "Max Roe")
    with pytest.raises(sp.Invalid, match="a person is needed"):
        sales.contacts.remove_person(left, None)
    assert max.id not in {one.id for one in left.persons}
    assert sales.contacts.restore_person(left, zoe).staff == (zoe,)
    new = sales.contacts.add_person(sales.contacts.remove_person(left.id, zoe), "Zoë Field")
    assert new.person("zoe field").id == new.staff[0].id != zoe.id  # who is there comes before who was


def test_opportunities_are_found_by_a_person_by_id_and_by_name(sales):
    acme = sales.contacts.add_person("Acme Ltd", "Zoë Field")
    harlow = sales.contacts.add_person(sales.contacts.add("Harlow Foods"), "ZOE field")
    harlow = sales.contacts.add_person(harlow, "Zoë Fielding")
    make = sales.opportunities.create
    first = make(contact=acme, person="Zoë Field", subject="1", lines=[LINE])
    second = make(contact=harlow, person="ZOE field", subject="2", lines=[LINE])
    third = make(contact=harlow, person="Zoë Fielding", subject="3", lines=[LINE])
    fourth = make(contact=harlow, subject="4", lines=[LINE])

    def found(**filters):
        return {one.subject for one in sales.opportunities.where(**filters)}

    assert found(person="zoe field") == {"1", "2"}
    assert found(person=first.person_id) == found(person=acme.persons[0]) == {"1"}
    assert found(person__in=["Zoë Field", third.person_id]) == {"1", "2", "3"}
    assert found(person__not="Zoë Field") == {"3", "4"}
    assert found(person=None) == {fourth.subject}
    assert found(person="Nobody") == found(person="?!") == set()
    quote = sales.documents.draft(second, "quote")
    assert [one.id for one in sales.documents.where(person="Zoë Field")] == [quote.id]
    with pytest.raises(sp.Invalid, match="a person, an id or a name is needed, not 7"):
        found(person=7)


@pytest.fixture
def twin(sales) -> object:
    """The same contact, entered once more."""
    made = sales.contacts.add(
        "ACME Limited", email="office@acme.example", phone="0113 496 0001", address="1 Quay", city="Leeds",
        ids={"VAT": "GB123456789"}, note="Entered by Tom.",
    )  # fmt: skip
    return sales.contacts.add_person(sales.contacts.add_person(made, "Zoë Field", phone="0113 496 0002"), "Max Roe")


def test_contacts_are_merged_with_everything_that_is_there(sales, twin):
    acme = sales.contacts.add_person("Acme Ltd", "ZOE FIELD", email="zoe@acme.example")
    deal = sales.opportunities.create(contact=twin, person="Zoë Field", subject="Shed", lines=[LINE])
    quote = sales.documents.mark_sent(sales.documents.draft(deal, "quote"))
    invoice = sales.documents.draft(deal, "invoice")
    job = sales.jobs.create("Erect it", contact=twin)
    note = sales.notes.add(twin, "Hours", "Till four.")
    site = sales.contacts.add("Acme, Leeds", parent=twin)
    plan = sales.contacts.plan_merge(acme, twin)
    assert [(one.field, one.kept, one.other) for one in plan.differences] == [
        ("name", "Acme Ltd", "ACME Limited"),
        ("email", "buyer@acme.example", "office@acme.example"),
    ]
    assert plan.moves == {"note": 1, "contact": 1, "opportunity": 1, "job": 1, "document": 2}
    kept = plan.choose(email="other").run()
    assert (kept.id, kept.name, kept.email, kept.phone) == (acme.id, "Acme Ltd", "office@acme.example", "0113 496 0001")
    assert (kept.address, kept.city, kept.ids, kept.note) == (("1 Quay",), "Leeds", twin.ids, "Entered by Tom.")
    assert [(one.name, one.email, one.phone) for one in kept.persons] == [
        ("ZOE FIELD", "zoe@acme.example", "0113 496 0002"),
        ("Max Roe", "", ""),
    ]
    zoe = kept.persons[0]
    assert sales.opportunities[deal.id].contact_id == kept.id
    assert sales.opportunities[deal.id].person_id == sales.documents[invoice.id].person_id == zoe.id
    assert (sales.jobs[job.id].contact_id, sales.notes[note.id].record_id) == (kept.id, kept.id)
    assert sales.contacts[site.id].parent_id == kept.id
    sent = sales.documents[quote.id]
    assert (sent.contact_id, sent.client_id, sent.seal) == (twin.id, kept.id, quote.seal)
    assert sales.documents.verify(sent)
    assert {one.id for one in sales.documents.where(contact=kept)} == {quote.id, invoice.id}
    assert {one.id for one in sales.documents.where(person=zoe)} == {quote.id, invoice.id}
    assert sales.contacts["ACME Limited"] == sales.contacts[twin.id] == kept
    assert sales.opportunities.create(contact=twin, subject="Late", lines=[LINE]).contact_id == kept.id
    assert [one.action for one in sales.contacts.history(twin.id)][-1] == "merged into another"
    assert maintenance.check(sales) == []


def test_a_contact_that_goes_into_its_own_site_or_that_is_on_stop(sales, twin):
    acme = sales.contacts["Acme Ltd"]
    site = sales.contacts.edit(twin, parent=acme)
    sales.contacts.stop(acme, "overdue")
    kept = sales.contacts.merge(site.id, acme.id)
    assert (kept.parent_id, kept.stopped, kept.stop_reason) == (None, True, "overdue")
    above = sales.contacts.add("Group")
    below = sales.contacts.add("Below", parent=kept)
    odd = sales.contacts.add("Odd", parent=below)
    assert sales.contacts.merge(kept.id, odd).parent_id is None  # what was below it does not come to stand above
    sites = sales.contacts.add("Twice", parent=above)
    assert sales.contacts.merge(kept.id, sites).parent_id == above.id
    with pytest.raises(sp.Invalid, match="a contact has no amounts"):
        sales.contacts.merge(above, below, rate="2")


def test_ids_that_differ_are_chosen_one_by_one(sales, twin):
    acme = sales.contacts.edit("Acme Ltd", ids={"VAT": "GB987654321", "EORI": "GB1"})
    plan = sales.contacts.plan_merge(acme, twin)
    assert dict(plan.result.ids) == {"VAT": "GB987654321", "EORI": "GB1"}
    assert dict(plan.choose({"ids.VAT": "other"}).result.ids) == {"VAT": "GB123456789", "EORI": "GB1"}
