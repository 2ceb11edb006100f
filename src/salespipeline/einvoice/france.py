"""What French platforms ask beyond EN 16931, of whoever sells from France (the rules BR-FR of the CTC schematron)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from salespipeline.einvoice.parties import country_code, electronic_address, ids_of
from salespipeline.einvoice.terms import Invoice
from salespipeline.errors import Problem, shown
from salespipeline.money import EXACT

__all__ = ["french", "french_problems"]

_REFERENCE = re.compile(r"[A-Za-z0-9+\-_/]{1,35}", re.ASCII)
_ADDRESS = re.compile(r"[A-Za-z0-9+\-_.]{1,125}", re.ASCII)
_NOTES = {
    "PMT": "the 40 € for the costs of recovery",
    "PMD": "the penalties for late payment",
    "AAB": "the discount for early payment, or that there is none",
}
_RATES = frozenset(
    map(
        Decimal, ["0", "0.9", "1.05", "1.75", "2.1", "5.5", "7", "8.5", "9.2", "9.6", "10", "13", "19.6", "20", "20.6"]
    )  # BR-FR-16
)


def french(invoice: Invoice) -> bool:
    """Say whether the rules of French platforms hold: whether it is sold from France."""
    return country_code(invoice.seller.country) == "FR"


def french_problems(invoice: Invoice) -> Iterator[Problem]:
    """Yield what French platforms would refuse."""
    document = invoice.document
    if document.reference is not None and not _REFERENCE.fullmatch(document.reference):
        message = (
            f"{shown(document.reference)} is not a number that French platforms take: at most 35 letters, digits and "
            "+ - _ /; give the series another prefix or pattern with settings.series (BR-FR-01, BR-FR-02)"
        )
        yield Problem("reference", "reference", message)
    if not ids_of(invoice.seller).legal[1]:
        message = "who sells from France needs a SIREN: settings.edit_organisation(ids={'SIREN': '…'}) (BR-FR-10)"
        yield Problem("organisation.ids.SIREN", "missing", message)
    for path, party, call in (
        ("organisation", invoice.seller, "settings.edit_organisation"),
        ("contact", invoice.buyer, "contacts.edit"),
    ):
        address = electronic_address(party, ids_of(party))[1]
        if not _ADDRESS.fullmatch(address):
            said = (
                f"{shown(address)} holds other signs than letters, digits and + - _ ." if address else "it is missing"
            )
            message = (
                f"French platforms need an electronic address, and {said}: {call}(electronic_address='0225:…'), or a "
                "SIREN among the ids (BR-FR-12, BR-FR-13, BR-FR-23)"
            )
            yield Problem(f"{path}.electronic_address", "missing" if not address else "signs", message)
    given = [code for code, _ in invoice.legal_notes]
    for code, what in _NOTES.items():
        if given.count(code) != 1:
            message = f"a French invoice states {what}, once: settings.edit_organisation(legal_notes={{'{code}': '…'}}) (BR-FR-05)"
            yield Problem(f"organisation.legal_notes.{code}", "missing", message)
    if str(document.currency) != "EUR" and (document.exchange is None or str(document.exchange.base) != "EUR"):
        message = (
            f"in {document.currency}, the tax is stated in EUR too: draft the invoice in EUR, and convert it with "
            "currency= and a rate= that is kept (BR-FR-CO-12)"
        )
        yield Problem("currency", "currency", message)
    if invoice.credits and not any(date is not None for _, date, _ in invoice.preceding):
        message = (
            "a French credit note names its invoice: make it from that, by documents.convert(invoice, 'credit note')"
        )
        yield Problem("source", "missing", f"{message} (BR-FR-CO-05)")
    if invoice.due is not None and invoice.due < invoice.date and invoice.type_code == "380":
        message = f"it is to be paid by {invoice.due}, before its own date, {invoice.date}: edit due= (BR-FR-CO-07)"
        yield Problem("due", "range", message)
    yield from _numbers(invoice)


def _numbers(invoice: Invoice) -> Iterator[Problem]:
    document = invoice.document
    for place, line in enumerate(document.lines):
        for name, value, most in (("quantity", line.quantity, 4), ("unit_price", line.unit_price, 10)):
            if _decimals(value) > most:
                message = f"{value} has more than {most} decimals, which French platforms refuse (BR-FR-DEC): round it"
                yield Problem(f"lines[{place}].{name}", "digits", message)
    taxes = [(f"lines[{place}].tax", line.tax) for place, line in enumerate(document.lines)]
    taxes += [(f"charges[{place}].tax", charge.tax) for place, charge in enumerate(document.charges)]
    for path, tax in taxes:
        if tax.category in ("L", "M"):
            yield Problem(path, "category", f"the tax category {tax.category} is not one of France (BR-FR-15)")
        elif tax.percent not in _RATES:
            rates = ", ".join(str(one) for one in sorted(_RATES))
            yield Problem(path, "rate", f"{tax.percent}% is no rate of French VAT; those are {rates} (BR-FR-16)")


def _decimals(value: Decimal) -> int:
    return -int(value.normalize(EXACT).as_tuple().exponent) if value else 0
