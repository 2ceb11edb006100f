"""What stands in the way of an electronic invoice, in the words of whoever wrote it: every problem, with the field to mend.

These are the rules of EN 16931 that values can break; those on sums hold by the way in which documents are added up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from salespipeline.domain.lines import CATEGORIES, Tax
from salespipeline.einvoice.france import french, french_problems
from salespipeline.einvoice.parties import Ids, country_code, country_of_vat, ids_of
from salespipeline.einvoice.terms import Invoice, bank
from salespipeline.einvoice.writing import INSTALL
from salespipeline.errors import Problem, shown

__all__ = ["problems_of"]

MOST_TEXT = 1_000_000  # characters in all: a note of ten megabytes is no note, and readers of XML refuse it
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SELLER, _BUYER = "organisation", "contact"


def problems_of(invoice: Invoice) -> tuple[Problem, ...]:
    """Return every problem of *invoice*: none, and it can be written by the rules of EN 16931."""
    found = [
        *_texts(invoice),
        *_parties(invoice),
        *_taxes(invoice),
        *_money(invoice),
        *(french_problems(invoice) if french(invoice) else ()),
    ]
    return tuple(dict.fromkeys(found))


def _texts(invoice: Invoice) -> Iterator[Problem]:
    document = invoice.document
    texts = {
        "reference": document.reference or "",
        "subject": document.subject,
        "note": document.note,
        "terms": document.terms,
        "customer_reference": document.customer_reference,
        **{f"lines[{place}].description": line.description for place, line in enumerate(document.lines)},
        **{f"lines[{place}].reference": line.reference for place, line in enumerate(document.lines)},
        **{f"lines[{place}].unit": line.unit for place, line in enumerate(document.lines)},
        **{f"lines[{place}].tax": line.tax.reason for place, line in enumerate(document.lines)},
        **{f"charges[{place}].description": one.description for place, one in enumerate(document.charges)},
        **{f"charges[{place}].tax": one.tax.reason for place, one in enumerate(document.charges)},
        **{f"organisation.legal_notes.{code}": text for code, text in invoice.legal_notes},
        **{f"organisation.payment.{key}": text for key, text in invoice.payment},
    }
    for path, party in ((_SELLER, invoice.seller), (_BUYER, invoice.buyer)):
        for name in ("name", "person", "postcode", "city", "country", "email", "phone", "electronic_address"):
            texts[f"{path}.{name}"] = getattr(party, name)
        texts |= {f"{path}.address": "\n".join(party.address)}
        texts |= {f"{path}.ids.{key}": value for key, value in party.ids}
    for path, text in texts.items():
        if wrong := _NOT_XML.search(text):
            message = f"character {wrong.start()} is {wrong[0]!a}, which no XML may hold; take it out"
            yield Problem(path, "character", message)
    if (size := sum(map(len, texts.values()))) > MOST_TEXT:
        longest = max(texts, key=lambda path: len(texts[path]))
        message = f"{size:,} characters of text are too many, at most {MOST_TEXT:,} fit; this one is the longest"
        yield Problem(longest, "long", message)


def _parties(invoice: Invoice) -> Iterator[Problem]:
    for path, party, change in (
        (_SELLER, invoice.seller, "settings.edit_organisation(country='FR')"),
        (_BUYER, invoice.buyer, "contacts.edit(…, country='FR')"),
    ):
        who = party.name or f"the {path}"
        if not party.name.strip():
            yield Problem(
                f"{path}.name", "missing", f"the {path} has no name, and an invoice names both (BT-27, BT-44)"
            )
        if not country_code(party.country):
            said = f"{shown(party.country)} is no country that is known" if party.country else "its country is missing"
            message = f"{said}: give {who} the code of ISO 3166, such as {change} (BT-40, BT-55)"
            yield Problem(f"{path}.country", "country", message)
        yield from _ids(path, ids_of(party))
    seller = ids_of(invoice.seller)
    if not (seller.vat or seller.legal[0] or seller.others):
        message = (
            "who sells has no id: settings.edit_organisation(ids={'VAT': 'DE136695976'}), or a 'company_number', a "
            "'SIREN' or a 'SIRET' (BR-CO-26)"
        )
        yield Problem("organisation.ids", "missing", message)


def _ids(path: str, ids: Ids) -> Iterator[Problem]:
    if ids.vat:
        country = country_of_vat(ids.vat)
        if not country_code(country):
            message = f"{shown(ids.vat)} does not begin with the code of a country, such as DE136695976 (BR-CO-09)"
            yield Problem(f"{path}.ids.VAT", "vat", message)
        elif not _valid(country, ids.vat):
            yield Problem(
                f"{path}.ids.VAT",
                "vat",
                f"{shown(ids.vat)} is not a VAT number of {country}: its length or a digit is wrong; mend it",
            )
    for name, value in (("siren", ids.siren), ("siret", ids.siret)):
        if value and not _numbers("FR", name).is_valid(value):
            yield Problem(
                f"{path}.ids.{name.upper()}",
                name,
                f"{shown(value)} is not a {name.upper()}: its check digit is wrong; mend it",
            )
    if ids.siren and ids.siret and not ids.siret.startswith(ids.siren):
        message = f"the SIRET {ids.siret} does not begin with the SIREN {ids.siren}: one of them is another company's"
        yield Problem(f"{path}.ids.SIRET", "siret", message)


def _valid(country: str, vat: str) -> bool:
    """Say whether a VAT number can be one; where a country's numbers are not known, it can."""
    module = _numbers(country, "vat")
    # Some countries write theirs without their code.
    return module is None or bool(module.is_valid(vat)) or bool(module.is_valid(vat[2:]))


def _numbers(country: str, name: str) -> Any:
    """Return what python-stdnum knows of these numbers; nothing is looked up on the network."""
    return _stdnum("util").get_cc_module(country, name)


def _stdnum(name: str) -> Any:
    try:
        return import_module(f"stdnum.{name}")
    except ImportError as error:
        raise ImportError(INSTALL) from error


def _taxes(invoice: Invoice) -> Iterator[Problem]:
    document, totals = invoice.document, invoice.document.totals
    seller, buyer = ids_of(invoice.seller), ids_of(invoice.buyer)
    categories = {tax.category for tax in totals.taxes}
    for path, tax in _taxed(invoice):
        if tax.category == "S" and not tax.percent:
            message = "0% is no standard rate: take the category of why there is none, such as tax='zero' or 'exempt'"
            yield Problem(path, "category", f"{message} (BR-S-05)")
        if tax.category == "E" and not tax.reason:
            message = (
                "an exempt line says why: settings.tax_rates.add('EX', '0', category='E', reason='Article 132 …'), and "
                "take that rate (BR-E-10)"
            )
            yield Problem(path, "reason", message)
    bare = categories - {"O"}
    if "O" in categories and bare:
        kinds = ", ".join(CATEGORIES[one] for one in sorted(bare))
        message = f"lines outside the scope of tax stand on an invoice of their own, not beside {kinds} (BR-O-11)"
        yield Problem("lines", "mixed", message)
    if bare and not (seller.vat or (seller.tax_number and not bare & {"AE", "K", "G"})):
        kinds = ", ".join(CATEGORIES[one] for one in sorted(bare))
        message = f"{kinds} needs the VAT number of who sells: settings.edit_organisation(ids={{'VAT': '…'}}) (BR-S-02)"
        yield Problem("organisation.ids.VAT", "missing", message)
    if "AE" in categories and not (buyer.vat or buyer.legal[0]):
        message = "reverse charge needs the client's VAT number: contacts.edit(…, ids={'VAT': '…'}) (BR-AE-02)"
        yield Problem("contact.ids.VAT", "missing", message)
    if "K" in categories:
        if not buyer.vat:
            message = "an intra-community supply needs the client's VAT number: contacts.edit(…, ids={'VAT': '…'})"
            yield Problem("contact.ids.VAT", "missing", f"{message} (BR-IC-02)")
        if document.delivered is None:
            message = "an intra-community supply needs the day of supply: documents.edit(…, delivered='2026-11-20')"
            yield Problem("delivered", "missing", f"{message} (BR-IC-11)")


def _taxed(invoice: Invoice) -> Iterator[tuple[str, Tax]]:
    yield from ((f"lines[{place}].tax", line.tax) for place, line in enumerate(invoice.document.lines))
    yield from ((f"charges[{place}].tax", one.tax) for place, one in enumerate(invoice.document.charges))


def _money(invoice: Invoice) -> Iterator[Problem]:
    currency = invoice.document.currency
    if currency.digits > 2:
        message = f"{currency} has {currency.digits} decimals, and EN 16931 writes amounts with two (BR-DEC-09)"
        yield Problem("currency", "digits", f"{message}: invoice in another currency, or send the plain PDF")
    number = bank(invoice).get("iban", "")
    if number and not _stdnum("iban").is_valid(number, check_country=False):
        message = f"{shown(number)} is not an IBAN; mend it with settings.edit_organisation(payment={{'iban': '…'}})"
        yield Problem("organisation.payment.iban", "iban", message)
