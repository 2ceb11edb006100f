"""What a mail template may show: ``template_data``, plain data made from a view, and the list of its names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import zip_longest
from typing import Any

import attrs

from salespipeline.money import Money
from salespipeline.ports import DocumentView, LineView, PartyView, TaxView
from salespipeline.render import formats
from salespipeline.render.filters import characters
from salespipeline.render.labels import label

__all__ = ["PLACEHOLDERS", "Acceptance", "example", "template_data"]

#: Every name, and what it stands for. ``[]`` is an item of a list.
PLACEHOLDERS: dict[str, str] = {
    "locale": "the language of the document, such as `en_GB`",
    "document.type": "`quote`, `pro_forma`, `invoice`, `purchase_order`, `credit_note`, `delivery_note` or "
    "`application_for_payment`",
    "document.type_label": "the type as a word: Quotation, Devis, Angebot",
    "document.reference": "its number; empty while it has none",
    "document.subject": "what it is about",
    "document.date": "its date",
    "document.date_label": "what that date is called",
    "document.due": "the day to pay by, or the last day it is valid; may be missing",
    "document.due_label": "what that day is called",
    "document.net": "the sum without tax, an amount",
    "document.tax": "the tax, an amount",
    "document.total": "what it comes to, an amount",
    "document.total_label": "what that is called",
    "document.currency": "such as `EUR`",
    "document.note": "the note to the client; may have several lines",
    "document.terms": "the terms; may have several lines",
    "document.draft": "whether it is still a draft",
    "document.accept_link": "where the client accepts a quote; missing where there is no such page, see the guide to acceptance",
    "document.accepted_by": "who accepted it; empty while nobody has",
    "document.accepted_on": "the day on which it was accepted; may be missing",
    "document.fingerprint": "the SHA-256 of what was accepted; empty while nobody has",
    "documents[]": "one of the documents of the mail, with the parts of `document`; several only where they leave together",
    "taxes[].percent": "a rate",
    "taxes[].label": "what the tax is called, with its rate: VAT 20%",
    "taxes[].net": "what it is taken of, an amount",
    "taxes[].tax": "the tax at this rate, an amount",
    "lines[].description": "what is sold",
    "lines[].reference": "its item number",
    "lines[].quantity": "how many, a number",
    "lines[].unit": "of what, such as `h` or `pc`",
    "lines[].unit_price": "the price of one, a number",
    "lines[].discount": "what is taken off, such as `5%`; empty without",
    "lines[].net": "what the line comes to after its discount, an amount",
    "payment[].label": "such as Bank or IBAN",
    "payment[].value": "what it is",
    **{
        f"{who}.{part}": words
        for who in ("seller", "buyer")
        for part, words in {
            "name": f"the name of the {who}",
            "person": "the person there",
            "email": "the e-mail address",
            "phone": "the telephone number",
            "website": "the web address",
            "address[]": "a line of the postal address",
            "ids[].label": "such as VAT number",
            "ids[].value": "what it is",
        }.items()
    },
}


@attrs.frozen(kw_only=True)
class Acceptance:
    """What a mail says of the acceptance of one document: where it can be accepted, or who did, when, and what."""

    link: str | None = None
    by: str = ""
    on: date | None = None
    fingerprint: str = ""


NOTHING = Acceptance()


def template_data(
    view: DocumentView, *others: DocumentView, acceptances: Sequence[Acceptance] = (), words: str | None = None
) -> dict[str, object]:
    """Return what a template may show, as plain data; ``PLACEHOLDERS`` says what each name stands for.

    *others* are further documents that leave in the same mail; *acceptances* are those of all of them, in their order.
    Where the *words* of a template are given, what they do not name is left out.
    """
    locale = view.locale
    documents = [
        _document(one, acceptance) for one, acceptance in zip_longest((view, *others), acceptances, fillvalue=NOTHING)
    ]
    rest: dict[str, Callable[[], object]] = {
        "taxes": lambda: _taxes(view, locale),
        "lines": lambda: [_priced(line, locale) for line in view.lines],
        "payment": lambda: _pairs(view.payment, locale),
        "seller": lambda: _party(view.seller, locale),
        "buyer": lambda: _party(view.buyer, locale),
    }
    named = {name: make() for name, make in rest.items() if words is None or name in words}
    return {"locale": locale, "document": documents[0], "documents": documents, **named}


def _taxes(view: DocumentView, locale: str) -> list[dict[str, object]]:
    tax = label("tax", locale)
    return [
        {
            "percent": one.percent,
            "label": f"{tax} {formats.percent(one.percent, locale)}",
            "net": _amount(one.net),
            "tax": _amount(one.tax),
        }
        for one in view.taxes
    ]


def _priced(line: LineView, locale: str) -> dict[str, object]:
    return {
        "description": characters(line.description),
        "reference": _line(line.reference),
        "quantity": line.quantity,
        "unit": _line(line.unit),
        "unit_price": line.unit_price,
        "discount": _discount(line, locale),
        "net": _amount(line.net),
    }


def _document(view: Any, acceptance: Any) -> dict[str, object]:
    locale, type = view.locale, view.type
    return {
        "type": type,
        "type_label": label(type, locale),
        "reference": _line(view.reference),
        "subject": _line(view.subject),
        "date": view.date,
        "date_label": label("date", locale, type),
        "due": view.due,
        "due_label": label("due", locale, type),
        "net": _amount(view.net),
        "tax": _amount(view.tax),
        "total": _amount(view.total),
        "total_label": label("total", locale, type),
        "currency": str(view.total.currency),
        "note": characters(view.note),
        "terms": characters(view.terms),
        "draft": view.draft,
        "accept_link": acceptance.link,
        "accepted_by": _line(acceptance.by),
        "accepted_on": acceptance.on,
        "fingerprint": acceptance.fingerprint,
    }


def _line(text: str) -> str:
    """Return *text* on one line: nothing that a record holds can begin a new one where none belongs."""
    return " ".join(characters(text).split())


def _amount(value: Money) -> dict[str, object]:
    return {"amount": value.amount, "currency": str(value.currency)}


def _discount(line: LineView, locale: str) -> str:
    if line.discount_percent is not None:
        return formats.percent(line.discount_percent, locale)
    return formats.plain_money(line.discount_amount, locale) if line.discount_amount is not None else ""


def _pairs(pairs: tuple[tuple[str, str], ...], locale: str) -> list[dict[str, str]]:
    return [{"label": _line(label(key, locale)), "value": _line(value)} for key, value in pairs]


@lru_cache(maxsize=256)  # the seller is in every mail, and templates change nothing
def _party(party: PartyView, locale: str) -> dict[str, object]:
    return {
        "name": _line(party.name),
        "person": _line(party.person),
        "email": _line(party.email),
        "phone": _line(party.phone),
        "website": _line(party.website),
        "address": [_line(one) for one in party.address],
        "ids": _pairs(party.ids, locale),
    }


@lru_cache(maxsize=1)
def example() -> Mapping[str, object]:
    """Return the data of a document that has everything: what names are checked against."""
    party = PartyView(
        name="Acme Ltd", address=("1 Quay", "Leeds"), person="Alice Moreau", email="alice@acme.example",
        phone="+44 113 496 0000", website="https://acme.example", ids=(("VAT", "GB 123 4567 89"),),
    )  # fmt: skip
    net, tax = Money("100.00", "GBP"), Money("20.00", "GBP")
    line = LineView(description="Survey", quantity=Decimal(1), unit_price=Decimal(100), net=net, unit="h")
    return template_data(
        DocumentView(
            type="quote", reference="QUO/00017", locale="en_GB", seller=party, buyer=party, lines=(line,),
            taxes=(TaxView(percent=Decimal(20), net=net, tax=tax),), net=net, tax=tax, total=net + tax,
            subject="New warehouse", date=date(2026, 11, 2), due=date(2026, 12, 2), note="Thank you.", terms="Net.",
            payment=(("iban", "GB33 BUKB 2020 1555 5555 55"),),
        ),
        acceptances=[
            Acceptance(link="https://sales.example/accept/…", by="Alice Moreau", on=date(2026, 11, 9), fingerprint="9f86d081")
        ],
    )  # fmt: skip
