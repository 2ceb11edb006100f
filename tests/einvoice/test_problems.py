"""What stands in the way of an electronic invoice is told before a number is used, all of it, with the field to mend."""

from __future__ import annotations

import sys
from datetime import date
from typing import Any

import attrs
import pytest
from tests.einvoice.kinds import BUYERS, issued, line, pipeline

import salespipeline as sp
from salespipeline.domain.document import Document
from salespipeline.domain.lines import Tax

pytest.importorskip("facturx", reason="pip install 'salespipeline[einvoice]'")


def draft(
    seller: str = "FR", buyer: str = "", *, org: Any = None, of: Any = None, type: str = "invoice", **given: Any
) -> Any:
    sales = pipeline(seller, **org or {})
    contact = sales.contacts.add("Client", **BUYERS[buyer or seller] | (of or {}))
    given.setdefault("lines", [line()])
    return sales, sales.documents.draft(contact, type, **given)


# What is wrong, and every problem that there is then: where, and which.
WRONG: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "no name of who sells": ({"org": {"name": ""}}, [("organisation.name", "missing")]),
    "no country of who sells": ({"seller": "DE", "org": {"country": ""}}, [("organisation.country", "country")]),
    "a country that nobody knows": ({"of": {"country": "Atlantis"}}, [("contact.country", "country")]),
    "no id of who sells": (
        {"seller": "DE", "org": {"ids": {}}}, [("organisation.ids", "missing"), ("organisation.ids.VAT", "missing")],
    ),
    "a VAT number with a slip": ({"of": {"ids": {"VAT": "FR44732829321", "SIREN": "732829320"}}}, [("contact.ids.VAT", "vat")]),
    "a VAT number of no country": (
        {"seller": "DE", "org": {"ids": {"VAT": "QQ12", "company_number": "1"}}}, [("organisation.ids.VAT", "vat")],
    ),
    "a SIREN with a slip": ({"of": {"ids": {"SIREN": "732829321"}}}, [("contact.ids.SIREN", "siren")]),
    "a SIRET of another company": (
        {"of": {"ids": {"SIREN": "732829320", "SIRET": "40483304800022"}}}, [("contact.ids.SIRET", "siret")],
    ),
    "an IBAN with a slip": (
        {"org": {"payment": {"iban": "FR14 2004 1010 0505 0001 3M02 607"}}}, [("organisation.payment.iban", "iban")],
    ),
    "no VAT number for a standard rate": (
        {"seller": "DE", "org": {"ids": {"company number": "HRB 1"}}}, [("organisation.ids.VAT", "missing")],
    ),
    "exempt, and nobody says why": ({"lines": [line(tax="exempt"), line()]}, [("lines[0].tax", "reason")]),
    "a standard rate of nothing": ({"lines": [line(tax=Tax(code="T0"))]}, [("lines[0].tax", "category")]),
    "reverse charge for nobody in particular": (
        {"seller": "DE", "of": {"ids": {}}, "lines": [line(tax="reverse charge")]}, [("contact.ids.VAT", "missing")],
    ),
    "an intra-community supply, half told": (
        {"seller": "DE", "of": {"ids": {}}, "lines": [line(tax="intra-community supply")]},
        [("contact.ids.VAT", "missing"), ("delivered", "missing")],
    ),
    "outside the scope beside taxed": ({"lines": [line(), line(tax="outside scope")]}, [("lines", "mixed")]),
    "a currency of three decimals": (
        {"seller": "DE", "currency": "KWD", "lines": [line("1.234", tax=19)]}, [("currency", "digits")],
    ),
    "no SIREN": (
        {"org": {"ids": {"VAT": "FR83404833048"}, "electronic_address": "0225:404833048"}},
        [("organisation.ids.SIREN", "missing")],
    ),
    "no electronic address": ({"of": {"ids": {"VAT": "FR44732829320"}}}, [("contact.electronic_address", "missing")]),
    "an e-mail where French platforms take none": ({"buyer": "GB"}, [("contact.electronic_address", "signs")]),
    "no legal notes": (
        {"org": {"legal_notes": {"PMT": "40 €"}}},
        [("organisation.legal_notes.PMD", "missing"), ("organisation.legal_notes.AAB", "missing")],
    ),
    "a legal note twice": (
        {"org": {"legal_notes": [("PMT", "40 €"), ("PMT", "50 €"), ("PMD", "x"), ("AAB", "y")]}},
        [("organisation.legal_notes.PMT", "missing")],
    ),
    "dollars without the tax in euros": ({"currency": "USD"}, [("currency", "currency")]),
    "a credit note of no invoice": ({"type": "credit note", "lines": [line(quantity=-1)]}, [("source", "missing")]),
    "to be paid before it is written": ({"due": "2026-11-23"}, [("due", "range")]),
    "a rate that is not French": ({"lines": [line(tax="19")]}, [("lines[0].tax", "rate")]),
    "a category that is not French": (
        {"lines": [line(tax=Tax.of(attrs.evolve(Tax(), category="L")))]}, [("lines[0].tax", "category")],
    ),
    "a charge at a rate that is not French": (
        {"charges": [{"description": "Port", "amount": 5, "tax": 19}]}, [("charges[0].tax", "rate")],
    ),
    "too fine a quantity": ({"lines": [line(quantity="1.00001")]}, [("lines[0].quantity", "digits")]),
    "too fine a price": ({"lines": [line("0.12345678901")]}, [("lines[0].unit_price", "digits")]),
    "several at once": (
        {"org": {"country": "FR", "ids": {"SIREN": "1"}, "legal_notes": {}}, "of": {"country": "", "ids": {}, "email": ""}},
        [("contact.country", "country"), ("organisation.ids.SIREN", "siren"), ("organisation.ids.VAT", "missing"),
         ("contact.electronic_address", "missing"),
         ("organisation.legal_notes.PMT", "missing"), ("organisation.legal_notes.PMD", "missing"),
         ("organisation.legal_notes.AAB", "missing")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_every_problem_is_told_of_a_draft(what: str) -> None:
    facts, wanted = WRONG[what]
    sales, document = draft(**facts)
    found = sales.documents.einvoice_problems(document)
    assert sorted((one.path, one.code) for one in found) == sorted(wanted)
    assert all(len(one.message) > 30 for one in found)
    assert sales.documents[document.id] == document  # nothing was kept, and no number used
    assert sales.documents.verify_numbers() == []


def test_the_number_of_a_series_is_looked_at_before_it_is_used() -> None:
    sales, document = draft()
    sales.settings.series.add("Factures", "invoice", prefix="FACTURE N° ")
    document = sales.documents.draft(sales.contacts["Client"], "invoice", lines=[line()])
    (problem,) = sales.documents.einvoice_problems(document)
    assert (problem.path, problem.code) == ("reference", "reference")
    assert "'FACTURE N°1'" in problem.message


def test_an_issued_one_with_problems_is_refused_with_all_of_them() -> None:
    sales, document = issued("DE", org={"country": ""}, of={"country": ""})
    with pytest.raises(sp.Invalid) as refused:
        sales.documents.einvoice(document)
    assert [one.path for one in refused.value.problems] == ["organisation.country", "contact.country", "document"]
    assert refused.value.record == "invoice 'INV/00001'"


def test_what_was_not_known_when_it_was_issued_is_taken_from_what_is_known_now() -> None:
    sales, document = issued(
        "DE", org={"country": "", "electronic_address": ""}, of={"country": "", "electronic_address": ""}
    )
    sales.settings.edit_organisation(country="DE", electronic_address="0088:1", name="Another name")
    sales.contacts.edit("Client DE", country="AT", electronic_address="0088:2", name="Another client")
    xml = sales.documents.einvoice(document.id, "cii").content.decode()
    for said in (">DE</ram:CountryID>", ">AT</ram:CountryID>", '"0088">1<', '"0088">2<', ">Client DE<", "Möwe GmbH"):
        assert said in xml
    assert "Another" not in xml


def test_marking_sent_uses_no_number_where_factur_x_is_wanted_and_something_is_missing() -> None:
    sales, document = draft(org={"einvoice": "factur-x"}, of={"country": ""})
    with pytest.raises(sp.Invalid, match="country"):
        sales.documents.mark_sent(document)
    assert not sales.documents[document.id].sent
    sales.contacts.edit("Client", country="FR")
    assert sales.documents.mark_sent(document).reference == "INV/00001"
    quote = sales.documents.draft(sales.contacts.add("Nobody in particular"), "quote", lines=[line()])
    assert sales.documents.mark_sent(quote).sent


def test_what_is_no_invoice_is_refused() -> None:
    sales, quote = issued(type="quote")
    for ask in (sales.documents.einvoice, sales.documents.einvoice_problems):
        with pytest.raises(sp.NotAllowed, match="invoices and credit notes"):
            ask(quote)


def test_a_draft_has_no_electronic_invoice_yet() -> None:
    sales, document = draft()
    with pytest.raises(sp.NotAllowed, match="einvoice_problems"):
        sales.documents.einvoice(document)


@pytest.mark.parametrize("format", ["xrechnung", "", None, 1, "PDF"])
def test_an_unknown_format_is_refused(format: Any) -> None:
    sales, document = issued()
    with pytest.raises(sp.Invalid, match="facturx, cii, ubl"):
        sales.documents.einvoice(document, format)


def odd(document: Document, **changes: Any) -> Any:
    from salespipeline.einvoice import Invoice, problems_of

    document = attrs.evolve(document, **changes)
    return problems_of(
        Invoice(document=document, seller=document.seller, buyer=document.buyer, date=date(2026, 11, 24),
                due=document.due, payment=document.payment_details, legal_notes=document.legal_notes)
    )  # fmt: skip


@pytest.mark.parametrize("character", ["\x00", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_a_character_that_no_xml_may_hold_is_told(character: str) -> None:
    _, document = issued()
    (problem,) = odd(document, note=f"ab{character}c")
    assert (problem.path, problem.code) == ("note", "character")
    assert "character 2" in problem.message
    (problem,) = odd(document, buyer=attrs.evolve(document.buyer, name=f"Acme{character}"))
    assert problem.path == "contact.name"


@pytest.mark.parametrize("package", ["facturx", "stdnum"])
def test_what_is_not_installed_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sales, document = issued()
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r"pip install 'salespipeline\[einvoice\]'"):
        sales.documents.einvoice(document, "cii")


def test_ten_megabytes_of_text_are_too_many() -> None:
    _, document = issued()
    (problem,) = odd(document, note="x" * 10_000_000)
    assert (problem.path, problem.code) == ("note", "long")


def test_a_country_s_name_is_understood_in_three_languages() -> None:
    from salespipeline.einvoice.parties import country_code

    names = {
        "FR": ["FR", "fr", "France", "Frankreich"],
        "GB": ["United Kingdom", "UK", "Vereinigtes Königreich"],
        "": ["", "EU", "ZZ", "XK", "Narnia"],
    }
    for code, several in names.items():
        assert {country_code(name) for name in several} == {code}
