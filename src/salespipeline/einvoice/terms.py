"""An invoice or credit note in the business terms of EN 16931: a dict of BT and BG numbers, amounts as text.

The sums are those of the document, never added up anew. A credit note is written with its amounts the other way round: the
document takes back, so its total is below nothing, and EN 16931 says the same with a type code.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import attrs

from salespipeline.domain.document import Document, DocumentType
from salespipeline.domain.facts import Party
from salespipeline.domain.lines import Line, Tax, line_net
from salespipeline.domain.totals import TaxTotal, Totals
from salespipeline.einvoice.parties import country_code, ids_of, party_terms
from salespipeline.einvoice.units import ONE, unit_code
from salespipeline.money import EXACT, ROUNDING, Money, product, round_half_up

__all__ = ["EXTENDED", "PLAIN", "VATEX", "Invoice", "bank", "exact", "profile_of", "terms_of"]

PLAIN, EXTENDED = "en16931", "extended"
FINEST = 6  # decimals of a price; a finer one is written for ten thousand
VATEX = re.compile(r"VATEX-[A-Z]{2}-[A-Z0-9-]{1,20}", re.ASCII)
# Why a category bears no tax, by the list VATEX.
_CODES = {"AE": "VATEX-EU-AE", "K": "VATEX-EU-IC", "G": "VATEX-EU-G", "O": "VATEX-EU-O"}
TAXED = ("S", "Z", "L", "M")  # those with a rate, be it zero, which is no reason to say why
_DISCOUNT = "95"  # UNTDID 5189


@attrs.frozen(kw_only=True)
class Invoice:
    """What an electronic invoice is made of: the document as it was issued, and what it refers to.

    *preceding* are reference, date and type code of earlier invoices: the one that a credit note credits, the deposits that
    an invoice takes off. *words* are those of the document's language for ``discount``, ``credit_note``, and for why a category
    bears no tax, such as ``untaxed_ae``.
    """

    document: Document
    seller: Party
    buyer: Party
    date: dt.date
    due: dt.date | None
    payment: tuple[tuple[str, str], ...]
    legal_notes: tuple[tuple[str, str], ...] = ()
    preceding: tuple[tuple[str, dt.date | None, str], ...] = ()
    words: tuple[tuple[str, str], ...] = ()

    @property
    def credits(self) -> bool:
        """Whether it is a credit note."""
        return self.document.type is DocumentType.CREDIT_NOTE

    @property
    def type_code(self) -> str:
        """The code of UNTDID 1001 (BT-3)."""
        if self.credits:
            return "381"
        return "386" if self.document.takes == "deposit" else "380"

    @property
    def prepaid(self) -> Money:
        """What was paid by the day of issue (BT-113). What comes in later changes no invoice."""
        paid = (one.amount for one in self.document.payments if one.on <= self.date)
        return Money.total(paid, self.document.currency)

    def word(self, key: str) -> str:
        """Return a word in the language of the document."""
        return dict(self.words).get(key, key)


def bank(invoice: Invoice) -> dict[str, str]:
    """Return the payment details by their keys: iban, bic, account_number …"""
    return {key.strip().lower().replace(" ", "_"): value for key, value in invoice.payment}


def exact(number: Decimal) -> str:
    """Return a number as text: every digit that counts, and no more.

    >>> exact(Decimal("40.00")), exact(Decimal("1E+3")), exact(Decimal("-0.50"))
    ('40', '1000', '-0.5')
    """
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if number else "0"


def profile_of(document: Document) -> str:
    """Return ``extended`` where lines of one tax category are without tax for different reasons, else ``en16931``."""
    reasons: dict[str, set[str]] = {}
    for tax in (*(line.tax for line in document.lines), *(charge.tax for charge in document.charges)):
        if tax.category not in TAXED:
            reasons.setdefault(tax.category, set()).add(tax.reason)
    return EXTENDED if any(len(several) > 1 for several in reasons.values()) else PLAIN


def terms_of(invoice: Invoice, profile: str = PLAIN) -> dict[str, Any]:
    """Return a fresh dict of the terms: whoever writes them changes it."""
    document, totals = invoice.document, invoice.document.totals
    sign = -1 if invoice.credits else 1
    taxed = not any(tax.category == "O" for tax in totals.taxes)
    terms: dict[str, Any] = {
        "BT-1": document.reference or "",
        "BT-2": invoice.date,
        "BT-3": invoice.type_code,
        "BT-5": str(document.currency),
        "BT-9": invoice.due,
        "BT-10": ids_of(invoice.buyer).buyer_reference,
        "BT-13": document.customer_reference,
        "BT-72": document.delivered,
        "BG-1": _notes(invoice),
        "BG-3": _preceding(invoice, profile),
        "BG-4": party_terms(invoice.seller, selling=True, taxed=taxed),
        "BG-7": party_terms(invoice.buyer, selling=False, taxed=taxed),
        "BG-20": [],
        "BG-21": [],
        "BG-23": [_tax(one, invoice, sign) for one in totals.taxes],
        "BG-25": [_line(line, place, invoice, sign, profile) for place, line in enumerate(document.lines, start=1)],
        **_process(invoice),
        **_payment(invoice),
    }
    if any(tax.category == "K" for tax in totals.taxes):
        keys = ("name", "addr_l1", "addr_l2", "addr_l3", "postcode", "city", "country_code")
        terms["BG-13"] = {key: terms["BG-7"][key] for key in keys if key in terms["BG-7"]}
    _adjustments(terms, invoice, totals, sign)
    terms |= _sums(invoice, totals, sign)
    return {key: value for key, value in terms.items() if value not in (None, "", [], {})}


def _process(invoice: Invoice) -> dict[str, str]:
    """Return the business process that French platforms ask for: goods and services; M4 where a deposit is taken off."""
    if country_code(invoice.seller.country) != "FR":
        return {}
    return {"BT-23": "M4" if invoice.document.deducts else "M1"}


def _notes(invoice: Invoice) -> list[dict[str, str]]:
    document = invoice.document
    notes = [{"BT-22": text} for text in (document.subject, document.note, document.terms) if text.strip()]
    return notes + [{"BT-21": code, "BT-22": text} for code, text in invoice.legal_notes]


def _preceding(invoice: Invoice, profile: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for reference, date, code in invoice.preceding:
        entry: dict[str, Any] = {"BT-25": reference, "BT-26": date}
        if profile == EXTENDED:
            entry["EXT-FR-FE-02"] = code
        found.append({key: value for key, value in entry.items() if value})
    return found


def _payment(invoice: Invoice) -> dict[str, str]:
    if invoice.credits:
        # Nothing is asked for, and the standard wants to know when an amount is due: it goes with what it credits.
        references = [reference for reference, _, _ in invoice.preceding]
        return {"BT-20": " ".join([invoice.word("credit_note"), *references])}
    details = bank(invoice)
    account = _bare(details.get("iban", "")) or details.get("account_number", "")
    found = {
        "BT-20": details.get("payment_terms", ""),
        "BT-83": details.get("payment_reference", "") or invoice.document.reference or "",
    }
    if account:
        sepa = bool(details.get("iban")) and str(invoice.document.currency) == "EUR"
        found |= {
            "BT-81": "58" if sepa else "30",
            "BT-84": account,
            "BT-85": details.get("account_holder", "") or invoice.seller.name,
            "BT-86": _bare(details.get("bic", "")) if details.get("iban") else "",
        }
    return {key: value for key, value in found.items() if value}


def _bare(text: str) -> str:
    return "".join(text.split()).upper()


def _tax(one: TaxTotal, invoice: Invoice, sign: int) -> dict[str, str]:
    code, words = _exemption(one.category, one.reason, invoice)
    found = {
        "BT-116": _money(one.net, sign),
        "BT-117": _money(one.tax, sign),
        "BT-118": one.category,
        "BT-119": _rate(one.category, one.percent),
        "BT-120": words,
        "BT-121": code,
    }
    return {key: value for key, value in found.items() if value}


def _exemption(category: str, reason: str, invoice: Invoice) -> tuple[str, str]:
    """Return the code and the words of why a category bears no tax; a zero rate is a rate, and needs none."""
    if category in TAXED:
        return "", ""
    code = _CODES.get(category, "")
    words = invoice.word(f"untaxed_{category.lower()}") if code else ""
    if VATEX.fullmatch(reason):
        return reason, words
    return code, reason or words


def _rate(category: str, percent: Decimal) -> str:
    return "" if category == "O" else exact(percent)


def _adjustments(terms: dict[str, Any], invoice: Invoice, totals: Totals, sign: int) -> None:
    """Add the discount of the document and its charges, each with the tax that it is taken at (BG-20, BG-21)."""
    document = invoice.document
    percent = document.discount.percent if document.discount is not None else None
    for tax in totals.taxes:
        if tax.discount:
            base = tax.net + tax.discount - tax.charges if percent is not None else None
            words = invoice.word("discount")
            _adjustment(terms, -tax.discount, sign, words, tax.category, tax.percent, percent, base)
    for charge in document.charges:
        amount = charge.net(totals.lines)
        base = totals.lines if charge.percent is not None else None
        if amount:
            _adjustment(
                terms, amount, sign, charge.description, charge.tax.category, charge.tax.percent, charge.percent, base
            )


def _adjustment(
    terms: dict[str, Any],
    amount: Money,
    sign: int,
    reason: str,
    category: str,
    rate: Decimal,
    percent: Decimal | None = None,
    base: Money | None = None,
) -> None:
    """Add what raises the sum as a charge, and what lowers it as an allowance: neither is ever below nothing."""
    raises = (amount.amount > 0) == (sign > 0)
    entry = {
        "amount": exact_money(abs(amount)),
        "reason": reason,
        "reason_code": "" if raises else _DISCOUNT,
        "vat_category_code": category,
        "vat_rate": _rate(category, rate),
    }
    if percent is not None and base is not None:
        entry |= {"rate": exact(percent), "base_amount": exact_money(abs(base))}
    terms["BG-21" if raises else "BG-20"].append({key: value for key, value in entry.items() if value})


def exact_money(amount: Money) -> str:
    """Return an amount as text, with the digits of its currency."""
    return format(amount.amount, "f")


def _money(amount: Money, sign: int) -> str:
    return exact_money(amount if sign > 0 or not amount else -amount)


def _sums(invoice: Invoice, totals: Totals, sign: int) -> dict[str, str]:
    document = invoice.document
    allowances = _added(invoice, totals, sign, raising=False)
    charges = _added(invoice, totals, sign, raising=True)
    paid = invoice.prepaid
    found = {
        "BT-106": _money(totals.lines, sign),
        "BT-107": exact_money(allowances) if allowances else "",
        "BT-108": exact_money(charges) if charges else "",
        "BT-109": _money(totals.net, sign),
        "BT-110": _money(totals.tax, sign),
        "BT-112": _money(totals.total, sign),
        "BT-113": _money(paid, sign) if paid else "",
        "BT-115": _money(totals.total - paid, sign),
    }
    rate = document.exchange
    if rate is not None and rate.quote == document.currency and rate.base != document.currency:
        home = round_half_up(ROUNDING.divide(totals.tax.amount, rate.rate), rate.base.digits)
        found |= {"BT-6": str(rate.base), "BT-111": _money(Money(home, rate.base), sign)}
    return found


def _added(invoice: Invoice, totals: Totals, sign: int, *, raising: bool) -> Money:
    amounts = [-tax.discount for tax in totals.taxes]
    amounts += [charge.net(totals.lines) for charge in invoice.document.charges]
    wanted = [abs(one) for one in amounts if one and ((one.amount > 0) == (sign > 0)) == raising]
    return Money.total(wanted, invoice.document.currency)


def _line(line: Line, place: int, invoice: Invoice, sign: int, profile: str) -> dict[str, Any]:
    quantity = line.quantity if sign > 0 else EXACT.minus(line.quantity)
    price = line.unit_price
    if price < 0:  # no price is below nothing (BR-27): it is the quantity that takes back
        quantity, price = EXACT.minus(quantity), EXACT.minus(price)
    digits = invoice.document.currency.digits
    gross = Money(round_half_up(product(quantity, price), digits), invoice.document.currency)
    net = line_net(line, invoice.document.currency)
    net = net if sign > 0 else -net
    name, _, rest = line.description.partition("\n")
    code = unit_code(line.unit)
    terms: dict[str, Any] = {
        "BT-126": str(place),
        "BT-129": exact(quantity),
        "BT-130": code or ONE,
        "BT-131": exact_money(net),
        "BT-151": line.tax.category,
        "BT-152": _rate(line.tax.category, line.tax.percent),
        "BT-153": name,
        "BT-154": rest.strip(),
        "BT-155": line.reference,
        **_price(price),
        **_line_exemption(line.tax, invoice, profile),
    }
    if code is None:  # the list has no such unit: nothing is lost if the line says it in words
        terms["BT-127-00"] = [{"BT-127": f"{exact(quantity)} {line.unit}"}]
    if gross != net:
        entry = {"amount": exact_money(abs(gross - net)), "reason": invoice.word("discount")}
        lowers = (gross - net).amount > 0
        if lowers:
            entry["reason_code"] = _DISCOUNT
        percent = line.discount.percent if line.discount is not None else None
        if percent is not None:
            entry |= {"rate": exact(percent), "base_amount": exact_money(abs(gross))}
        terms["BG-27" if lowers else "BG-28"] = [entry]
    return {key: value for key, value in terms.items() if value not in ("", [])}


def _price(price: Decimal) -> dict[str, str]:
    if -int(price.normalize(EXACT).as_tuple().exponent) <= FINEST:
        return {"BT-146": exact(price)}
    return {"BT-146": exact(price.scaleb(4, context=EXACT)), "BT-149": "10000"}


def _line_exemption(tax: Tax, invoice: Invoice, profile: str) -> dict[str, str]:
    if profile != EXTENDED or not tax.reason:
        return {}
    code, words = _exemption(tax.category, tax.reason, invoice)
    return {"EXT-FR-FE-178": words} | ({"EXT-FR-FE-179": code} if VATEX.fullmatch(tax.reason) else {})
