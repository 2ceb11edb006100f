"""Who sells and who buys, as documents and electronic invoices need it: towns, countries, electronic addresses, dates."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import salespipeline as sp
from salespipeline.codec import content_digest, plain
from salespipeline.domain.facts import Party
from salespipeline.errors import Invalid
from salespipeline.views import view_of


@pytest.fixture
def url() -> str:
    return "memory:"  # what is tested here is the same on every store


def view(sales: sp.Sales, document: Any) -> Any:
    settings = sales.settings.snapshot
    contact = sales.contacts[document.contact_id]
    return view_of(document, contact, settings, today=settings.day_of(document.created_at))


def draft(sales: sp.Sales, contact: Any, type: str = "invoice", **given: Any) -> Any:
    return sales.documents.draft(contact, type, lines=[sp.Line("Desk", unit_price=100, tax=20)], **given)


@pytest.mark.parametrize(
    ("facts", "locale", "printed"),
    [
        ({"postcode": "75001", "city": "Paris", "country": "FR"}, "en_GB", ("1 Quai", "75001 Paris", "France")),
        ({"postcode": "LS1 4AP", "city": "Leeds", "country": "GB"}, "de_DE", ("1 Quai", "Leeds LS1 4AP", "Vereinigtes Königreich")),
        ({"country": "United Kingdom"}, "fr_FR", ("1 Quai", "United Kingdom")),
        ({"city": "Bern"}, "en_GB", ("1 Quai", "Bern")),
        ({}, "en_GB", ("1 Quai",)),
    ],
)  # fmt: skip
def test_an_address_is_printed_with_its_town_and_country(
    sales: sp.Sales, facts: dict[str, str], locale: str, printed: tuple[str, ...]
) -> None:
    contact = sales.contacts.add("Somebody", address="1 Quai", locale=locale, **facts)
    sales.settings.edit_organisation(address=["1 Quai"], **facts)
    document = draft(sales, contact)
    assert view(sales, document).buyer.address == printed
    assert view(sales, document).seller.address == printed
    sent = sales.documents.mark_sent(document)
    sales.contacts.edit(contact, city="Elsewhere", country="Nowhere")
    assert view(sales, sent).buyer.address == printed


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("0225:123456789_A", "0225:123456789_A"),
        (" 0088 : 4000001123452 ", "0088:4000001123452"),
        ("EM:a@b.example", "EM:a@b.example"),
        ("", ""),
    ],
)
def test_an_electronic_address_has_a_scheme(sales: sp.Sales, given: str, kept: str) -> None:
    assert sales.contacts.add("Somebody", electronic_address=given).electronic_address == kept
    assert sales.settings.edit_organisation(electronic_address=given).electronic_address == kept


@pytest.mark.parametrize(
    "given", ["123456789", "em:a@b.example", "022:5", "0225:", "0225:a b", "０２２５:1", "0225:a\nb"]
)
def test_what_is_no_electronic_address_is_refused(sales: sp.Sales, given: str) -> None:
    with pytest.raises(Invalid) as refused:
        sales.contacts.add("Somebody", electronic_address=given)
    assert refused.value.problems[0].path == "electronic_address"
    with pytest.raises(Invalid):
        sales.settings.edit_organisation(electronic_address=given)


def test_only_a_known_kind_of_electronic_invoice_is_taken(sales: sp.Sales) -> None:
    assert sales.settings.edit_organisation(einvoice="factur-x").einvoice == "factur-x"
    with pytest.raises(Invalid, match="'factur-x'"):
        sales.settings.edit_organisation(einvoice="fax")


def test_the_day_of_supply_and_the_client_s_reference_are_printed_and_locked(sales: sp.Sales) -> None:
    contact = sales.contacts.add("Somebody")
    invoice = draft(sales, contact, delivered="2026-11-20", customer_reference="PO 4711")
    assert invoice.delivered == date(2026, 11, 20)
    assert view(sales, invoice).related == (("delivered", "20 November 2026"), ("customer_reference", "PO 4711"))
    edited = sales.documents.edit(invoice, delivered=None)
    assert view(sales, edited).related == (("customer_reference", "PO 4711"),)
    sent = sales.documents.mark_sent(edited)
    with pytest.raises(sp.errors.NotEditable):
        sales.documents.edit(sent, customer_reference="PO 4712")
    note = sales.documents.convert(sent, "credit note")
    assert note.customer_reference == "PO 4711"


def test_legal_notes_are_printed_on_invoices_alone_and_stay_as_they_were(sales: sp.Sales) -> None:
    notes = {"PMT": "Recovery: 40 €", "AAB": "No discount", "BAR": "B2B"}  # the last one is for platforms alone
    sales.settings.edit_organisation(legal_notes=notes)
    contact = sales.contacts.add("Somebody")
    invoice, quote = draft(sales, contact, terms="Thank you"), draft(sales, contact, "quote", terms="Thank you")
    assert view(sales, invoice).terms == "Thank you\nRecovery: 40 €\nNo discount"
    assert view(sales, quote).terms == "Thank you"
    sent = sales.documents.mark_sent(invoice)
    sales.settings.edit_organisation(legal_notes={})
    assert view(sales, sent).terms == "Thank you\nRecovery: 40 €\nNo discount"
    assert sales.documents.verify(sent)


def test_an_exempt_rate_says_why(sales: sp.Sales) -> None:
    rate = sales.settings.tax_rates.add("EX", "0", category="E", reason="Article 132 (1) (i)")
    assert sp.Line("Course", unit_price=100, tax=rate).tax.reason == "Article 132 (1) (i)"


def test_what_was_kept_before_reads_and_seals_as_it_did(sales: sp.Sales) -> None:
    sent = sales.documents.mark_sent(draft(sales, sales.contacts.add("Somebody", address="1 Quai")))
    known = {"delivered", "customer_reference", "legal_notes"}
    assert known.isdisjoint(plain(sent))
    assert plain(sent)["buyer"] == {"name": "Somebody", "address": ["1 Quai"]}
    assert content_digest(sent) == sent.seal.content
    assert Party(name="Somebody", address=("1 Quai", "France")).country == ""
