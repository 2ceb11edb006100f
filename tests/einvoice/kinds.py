"""Invoices and credit notes of many kinds, each issued on a pipeline of its own, for every test of what is made of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import salespipeline as sp
from salespipeline.domain.document import Document
from salespipeline.domain.lines import Tax
from salespipeline.exchange import ExchangeRate
from salespipeline.mail import Memory

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SELLERS: Mapping[str, dict[str, Any]] = {
    "FR": {
        "name": "Menuiserie du Quai SARL", "address": ["1 quai de la Loire"], "postcode": "44000", "city": "Nantes",
        "country": "FR", "currency": "EUR", "locale": "fr_FR", "time_zone": "Europe/Paris", "email": "compta@quai.example",
        "phone": "+33 2 40 00 00 00", "ids": {"VAT": "FR 83 404 833 048", "SIRET": "404 833 048 00022"},
        "payment": {"iban": "FR14 2004 1010 0505 0001 3M02 606", "bic": "PSSTFRPPXXX"},
        "legal_notes": {
            "PMT": "Indemnité forfaitaire pour frais de recouvrement : 40 €",
            "PMD": "Pénalités de retard : trois fois le taux d’intérêt légal",
            "AAB": "Pas d’escompte pour paiement anticipé",
        },
    },
    "DE": {
        "name": "Tischlerei Möwe GmbH", "address": ["Hafenstraße 7", "Hof links"], "postcode": "20359", "city": "Hamburg",
        "country": "Deutschland", "currency": "EUR", "locale": "de_DE", "time_zone": "Europe/Berlin",
        "email": "rechnung@moewe.example", "phone": "+49 40 000000", "electronic_address": "EM:rechnung@moewe.example",
        "ids": {"VAT": "DE136695976", "Steuernummer": "12/345/67890", "company number": "HRB 12345"},
        "payment": {"iban": "DE89 3704 0044 0532 0130 00", "bic": "COBADEFFXXX", "account_holder": "Möwe GmbH"},
    },
    "GB": {
        "name": "Northgate Ltd", "address": ["1 Quay"], "postcode": "LS1 4AP", "city": "Leeds", "country": "GB",
        "currency": "GBP", "locale": "en_GB", "time_zone": "Europe/London", "email": "sales@northgate.example",
        "ids": {"VAT": "980780684", "company_number": "01234567"},
        "payment": {"sort_code": "20-00-00", "account_number": "55779911", "payment_terms": "Within 30 days"},
    },
}  # fmt: skip
BUYERS: Mapping[str, dict[str, Any]] = {
    "FR": {"address": ["5 rue du Port"], "postcode": "69001", "city": "Lyon", "country": "France",
           "ids": {"TVA": "FR44732829320", "SIREN": "732 829 320"}},
    "DE": {"address": ["Markt 1"], "postcode": "10115", "city": "Berlin", "country": "DE", "email": "ap@kunde.example",
           "ids": {"VAT": "DE 811 569 869"}, "electronic_address": "9930:DE811569869"},
    "GB": {"address": ["2 High Street"], "postcode": "YO1 7HH", "city": "York", "country": "United Kingdom",
           "email": "buyer@acme.example"},
    "US": {"address": ["350 Fifth Avenue"], "postcode": "NY 10118", "city": "New York", "country": "US",
           "electronic_address": "0060:123456789"},
}  # fmt: skip


def pipeline(seller: str = "FR", /, **facts: Any) -> sp.Sales:
    """Return a pipeline of a seller there."""
    counter = itertools.count(1)
    sales = sp.open("memory:", actor="jane", mailer=Memory(), clock=lambda: NOW, ids=lambda: f"id{next(counter):08d}")
    sales.settings.edit_organisation(**SELLERS[seller] | facts)
    return sales


def line(price: Any = "100.00", quantity: Any = 1, tax: Any = "20", **facts: Any) -> sp.Line:
    return sp.Line(facts.pop("description", "Table en chêne"), unit_price=price, quantity=quantity, tax=tax, **facts)


def issued(
    seller: str = "FR", buyer: str = "", *, type: str = "invoice", of: dict[str, Any] | None = None,
    org: dict[str, Any] | None = None, who: dict[str, Any] | None = None, **given: Any,
) -> tuple[sp.Sales, Document]:  # fmt: skip
    """Return a pipeline and an issued document; *of* are facts of the contact, *org* of the organisation."""
    sales = pipeline(seller, **org or {})
    buyer = buyer or seller
    contact = sales.contacts.add(f"Client {buyer}", **BUYERS[buyer] | (of or {}))
    if who:
        contact = sales.contacts.add_person(contact, **who)
        given["person"] = who["name"]
    given.setdefault("lines", [line()])
    return sales, sales.documents.mark_sent(sales.documents.draft(contact, type, **given))


def credited(quantities: dict[int, Any] | None = None, **given: Any) -> tuple[sp.Sales, Document]:
    sales, invoice = issued(**given)
    return sales, sales.documents.mark_sent(sales.documents.convert(invoice, "credit note", quantities=quantities))


def deposit(final: bool, share: str = "30%", seller: str = "FR", **given: Any) -> tuple[sp.Sales, Document]:
    sales, quote = issued(seller, type="quote", **given)
    first = sales.documents.mark_sent(sales.documents.deposit(quote, share))
    if not final:
        return sales, first
    return sales, sales.documents.mark_sent(sales.documents.convert(quote.id, "invoice", deduct=[first]))


def paid_at_once() -> tuple[sp.Sales, Document]:
    sales, invoice = issued("DE", lines=[line("100.00", tax=19)])
    return sales, sales.documents.pay(invoice, "50 EUR", on=date(2026, 11, 24), note="cash")


def exempt(reason: str, **facts: Any) -> Any:
    return Tax.of(Tax(category="E", reason=reason, **facts))


def in_dollars() -> tuple[sp.Sales, Document]:
    rate = ExchangeRate.of("EUR", "USD", "1.0821", on=date(2026, 11, 23), source="ECB")
    sales, quote = issued(type="quote", lines=[line("100.00"), line("19.99", 3)])
    copy = sales.documents.draft(sales.contacts["Client FR"], "invoice", lines=list(quote.lines))
    return sales, sales.documents.mark_sent(sales.documents.edit(copy, currency="USD", rate=rate))


def in_dollars_credited() -> tuple[sp.Sales, Document]:
    sales, invoice = in_dollars()
    return sales, sales.documents.mark_sent(sales.documents.convert(invoice, "credit note"))


def merged() -> tuple[sp.Sales, Document]:
    sales = pipeline("DE")
    contact = sales.contacts.add("Client DE", **BUYERS["DE"])
    drafts = [
        sales.documents.draft(contact, "invoice", lines=[line(price, tax=19)], discount="3%") for price in ("10", "20")
    ]
    return sales, sales.documents.mark_sent(sales.documents.consolidate(drafts))


THREE = [
    line("210.00", 40, description="Rayonnage, travée"), line("45.00", "7.5", tax="10", unit="h", description="Pose"),
    line("12.50", 3, tax="5.5", description="Livre"),
]  # fmt: skip
MANY = [
    line(f"{price}.{price % 100:02}", price % 7 + 1, tax=("20", "10", "5.5", "2.1")[price % 4])
    for price in range(1, 101)
]

Kind = Callable[[], tuple[sp.Sales, Document]]
KINDS: dict[str, Kind] = {
    "one line": lambda: issued(),
    "three rates": lambda: issued(lines=THREE),
    "a hundred lines": lambda: issued(lines=MANY),
    "discount on a line": lambda: issued(lines=[line("348.35", 16, discount="4%"), line("9.99", 2, discount="1.50")]),
    "discount as an amount": lambda: issued(lines=THREE, discount="100.00"),
    "discount in percent": lambda: issued(lines=THREE, discount="7.5%"),
    "charge": lambda: issued(lines=THREE, charges=[{"description": "Port", "amount": "25.00", "tax": "20"}]),
    "charge in percent": lambda: issued(charges=[{"description": "Assurance", "percent": "1.5", "tax": "20"}]),
    "charge at a rate of its own": lambda: issued(charges=[{"description": "Port", "amount": "8", "tax": "10"}]),
    "charge and discount": lambda: issued(
        lines=THREE, discount="5%", charges=[{"description": "Port", "amount": "25", "tax": "20"}]
    ),
    "rebate as a charge below nothing": lambda: issued(charges=[{"description": "Geste", "amount": "-5", "tax": "20"}]),
    "price below nothing": lambda: issued(lines=[line("100"), line("-30", description="Remise")]),
    "quantity below nothing": lambda: issued(lines=[line("100", 3), line("100", -1, description="Retour")]),
    "quantity below nothing with a discount": lambda: issued(
        lines=[line("100", 3, discount="10%"), line("100", -1, discount="10%", description="Retour")]
    ),
    "sum below nothing": lambda: issued("DE", lines=[line("-250.00", tax=19)]),
    "free sample": lambda: issued(lines=[line("0"), line("10")]),
    "nothing to pay": lambda: issued(lines=[line("100", discount="100%")]),
    "fine price": lambda: issued(lines=[line("0.0123456789", 10000)]),
    "price including tax": lambda: issued(lines=[line("11.99", 3, includes_tax=True)]),
    "units": lambda: issued(
        lines=[line(unit=unit) for unit in ("h", "jour", "kg", "m²", "forfait", "sac", "KWH", "paire")]
    ),
    "several lines of text": lambda: issued(
        lines=[line(description="Table\nen chêne massif\n200 × 100 cm", reference="T-200")]
    ),
    "notes": lambda: issued(subject="Travaux", note="Merci <&> « à bientôt »\n\tet \u202fencore", terms="Net \u20ac \U0001f4a1"),
    "order and day of supply": lambda: issued(customer_reference="PO 4711", delivered="2026-11-20"),
    "person": lambda: issued(who={"name": "Zoë Field", "email": "zoe@client.example", "phone": "+33 1 00 00 00 00"}),
    "deposit": lambda: deposit(final=False, lines=THREE),
    "final invoice after a deposit": lambda: deposit(final=True, lines=THREE),
    "final German invoice after a deposit": lambda: deposit(final=True, share="500.00", seller="DE", lines=[line("1999", tax=19)]),
    "credit note in full": lambda: credited(lines=THREE),
    "credit note in part": lambda: credited({0: 10, 1: "2.5"}, lines=THREE),
    "credit note with discount and charge": lambda: credited(
        lines=THREE, discount="5%", charges=[{"description": "Port", "amount": "25", "tax": "20"}]
    ),
    "credit note with an amount of discount": lambda: credited(lines=THREE, discount="33.33"),
    "credit note of mixed signs": lambda: credited(lines=[line("100", 3), line("-30"), line("5", -2)]),
    "credit note on its own": lambda: issued("DE", type="credit note", lines=[line("50", -2, tax=19)]),
    "exempt": lambda: issued(lines=[line(tax=exempt("Article 261 D du CGI"))]),
    "exempt by a code": lambda: issued(lines=[line(tax=exempt("VATEX-EU-132-1I"))]),
    "exempt beside taxed": lambda: issued(lines=[line(), line(tax=exempt("Article 261 D du CGI"))]),
    "exempt for two reasons": lambda: issued(
        lines=[line(tax=exempt("Article 261 D du CGI")), line(tax=exempt("VATEX-EU-132-1I"))]
    ),
    "exempt, credited": lambda: credited(lines=[line(tax=exempt("Article 261 D du CGI"))]),
    "zero rate for two reasons": lambda: issued(
        "GB", lines=[line(tax="zero"), line(tax=Tax.of(Tax(category="Z", reason="Children's clothes")))]
    ),
    "zero rate": lambda: issued("GB", lines=[line("12.50", 4, tax="zero")]),
    "reverse charge": lambda: issued("DE", lines=[line(tax="reverse charge")]),
    "reverse charge abroad": lambda: issued("FR", "DE", lines=[line(tax="reverse charge")]),
    "intra-community supply": lambda: issued("FR", "DE", lines=[line(tax="intra-community supply")], delivered="2026-11-20"),
    "export": lambda: issued("FR", "US", lines=[line(tax="export")]),
    "outside the scope": lambda: issued("FR", lines=[line(tax="outside scope")]),
    "outside the scope, with a charge": lambda: issued(
        "DE", lines=[line(tax="outside scope")], discount="10%",
        charges=[{"description": "Porto", "amount": "5", "tax": "outside scope"}],
    ),
    "pounds": lambda: issued("GB", lines=THREE),
    "yen": lambda: issued("DE", currency="JPY", lines=[line("1005", 3, tax=19), line("4.5", 3, tax=7)], discount="3%"),
    "dollars with the tax in euros": in_dollars,
    "dollars, credited": in_dollars_credited,
    "paid at once": paid_at_once,
    "German": lambda: issued("DE", lines=[line("599.99", tax=19), line("12.30", 7, tax=7)]),
    "authority with a routing id": lambda: issued("DE", of={"ids": {"Leitweg-ID": "991-33333TEST-33"}}, lines=[line(tax=19)]),
    "no bank account": lambda: issued("DE", org={"payment": {}}, lines=[line(tax=19)]),
    "tax number alone": lambda: issued(
        "DE", org={"ids": {"Steuernummer": "12/345/67890", "company number": "HRB 1"}}, lines=[line(tax=19)]
    ),
    "private client": lambda: issued("DE", of={"ids": {}, "electronic_address": "", "email": ""}, lines=[line(tax=19)]),
    "several as one": merged,
    "goods of a location number": lambda: issued("DE", of={"ids": {"GLN": "4000001123452", "VAT": "DE811569869"}}, lines=[line(tax=19)]),
}  # fmt: skip
