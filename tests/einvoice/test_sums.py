"""What the XML says comes to what the document says, whatever is on it; and the rules see it where it does not."""

from __future__ import annotations

import random
import re
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.domain.invoices import CURRENCIES
from tests.domain.invoices import Invoice as Generated
from tests.einvoice.kinds import issued

import salespipeline as sp
from salespipeline.domain.document import Document, DocumentType
from salespipeline.domain.lines import Tax
from salespipeline.einvoice import Invoice, problems_of, profile_of, terms_of
from salespipeline.einvoice.rules import broken_rules
from salespipeline.einvoice.writing import cii, ubl

etree = pytest.importorskip("lxml.etree", reason="pip install 'salespipeline[einvoice]'")
pytest.importorskip("facturx", reason="pip install 'salespipeline[einvoice]'")

RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"
ISSUED = issued("DE", delivered="2026-11-20")[1]
WRITTEN = [code for code in CURRENCIES if sp.Currency(code).digits <= 2]


def document(dice: random.Random, *, credit: bool = False, currency: str | None = None) -> Document:
    """Return an issued document with generated lines; what is outside the scope of tax stands on no other's invoice."""
    made = Generated(dice)
    while made.currency.digits > 2:
        made = Generated(dice)
    money = made.currency if currency is None else sp.Currency(currency)
    swap = {"O": Tax(category="Z"), "E": Tax(category="E", reason="Article 132"), "AE": Tax(category="AE")}
    lines = tuple(attrs.evolve(line, tax=swap.get(line.tax.category, line.tax)) for line in made.lines)
    charges = tuple(attrs.evolve(one, tax=swap.get(one.tax.category, one.tax)) for one in made.charges)
    if money.digits < made.currency.digits:
        made.discount, charges = None, ()
    type = DocumentType.CREDIT_NOTE if credit else DocumentType.INVOICE
    return attrs.evolve(
        ISSUED, type=type, currency=money, lines=lines, charges=charges, discount=made.discount, exchange=None
    )


def invoice_of(document: Document) -> Invoice:
    return Invoice(
        document=document, seller=document.seller, buyer=document.buyer, date=document.date, due=document.due,
        payment=document.payment_details,
    )  # fmt: skip


def written(document: Document) -> bytes:
    invoice, profile = invoice_of(document), profile_of(document)
    assert problems_of(invoice) == ()
    return cii(terms_of(invoice, profile), profile, name="generated")


def amounts(tree: Any, name: str) -> list[Decimal]:
    return [Decimal(one.text) for one in tree.iter(f"{RAM}{name}")]


def check_sums(document: Document, content: bytes) -> None:
    """Add up the XML anew, by the rules BR-CO-10 to BR-CO-17, and compare it with the document."""
    tree, totals = etree.fromstring(content), document.totals
    sign = -1 if document.type is DocumentType.CREDIT_NOTE else 1
    sums = next(tree.iter(f"{RAM}SpecifiedTradeSettlementHeaderMonetarySummation"))
    header = {one.tag.removeprefix(RAM): Decimal(one.text) for one in sums}
    nets = [
        Decimal(one.findtext(f".//{RAM}LineTotalAmount")) for one in tree.iter(f"{RAM}IncludedSupplyChainTradeLineItem")
    ]
    settlement = next(tree.iter(f"{RAM}ApplicableHeaderTradeSettlement"))
    taxes = settlement.findall(f"{RAM}ApplicableTradeTax")
    adjusted = {"true": Decimal(0), "false": Decimal(0)}
    for one in settlement.findall(f"{RAM}SpecifiedTradeAllowanceCharge"):
        amount = Decimal(one.findtext(f"{RAM}ActualAmount"))
        assert amount > 0
        adjusted["".join(one.find(f"{RAM}ChargeIndicator").itertext()).strip()] += amount
    assert header["LineTotalAmount"] == sum(nets) == sign * totals.lines.amount
    assert header.get("ChargeTotalAmount", 0) == adjusted["true"]
    assert header.get("AllowanceTotalAmount", 0) == adjusted["false"]
    assert header["TaxBasisTotalAmount"] == sum(nets) - adjusted["false"] + adjusted["true"] == sign * totals.net.amount
    found = [Decimal(one.findtext(f"{RAM}CalculatedAmount")) for one in taxes]
    bases = [Decimal(one.findtext(f"{RAM}BasisAmount")) for one in taxes]
    assert header["TaxTotalAmount"] == sum(found) == sign * totals.tax.amount
    assert sum(bases) == header["TaxBasisTotalAmount"]
    assert (
        header["GrandTotalAmount"]
        == header["TaxBasisTotalAmount"] + header["TaxTotalAmount"]
        == sign * totals.total.amount
    )
    assert header["DuePayableAmount"] == header["GrandTotalAmount"]
    for place, line in enumerate(tree.iter(f"{RAM}IncludedSupplyChainTradeLineItem")):
        price = Decimal(line.findtext(f".//{RAM}ChargeAmount"))
        basis = Decimal(line.findtext(f".//{RAM}BasisQuantity") or 1)
        quantity = Decimal(line.findtext(f".//{RAM}BilledQuantity"))
        exact = quantity * price / basis
        assert price >= 0
        assert exact == sign * document.lines[place].quantity * document.lines[place].unit_price
    assert not any("E" in one.text for one in tree.iter() if one.tag.endswith(("Amount", "Quantity")))


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.booleans())
def test_the_xml_comes_to_what_the_document_comes_to(seed: int, credit: bool) -> None:
    one = document(random.Random(seed), credit=credit)
    check_sums(one, written(one))


@pytest.mark.parametrize("code", WRITTEN)
def test_it_does_in_every_currency_of_two_decimals_or_fewer(code: str) -> None:
    one = document(random.Random(code), currency=code)
    check_sums(one, written(one))


@pytest.mark.parametrize("seed", range(12))
def test_generated_ones_break_no_rule(seed: int) -> None:
    pytest.importorskip("saxonche", reason="pip install 'salespipeline[einvoice-rules]'")
    one = document(random.Random(seed), credit=bool(seed % 3 == 0), currency="EUR" if seed % 2 else None)
    assert [broken.rule for broken in broken_rules(written(one), profile_of(one))] == []
    file = ubl(terms_of(invoice_of(one)), "en16931", name="generated")
    assert [broken.rule for broken in broken_rules(file, "ubl")] == []


# --- the rules can see ------------------------------------------------------------------------------------

SPOILT = {
    "BR-CO-15": (rb"<ram:GrandTotalAmount>\d+", b"<ram:GrandTotalAmount>99999"),
    "BR-CO-14": (rb"<ram:TaxTotalAmount currencyID=\"EUR\">\d+", b'<ram:TaxTotalAmount currencyID="EUR">88888'),
    "BR-CO-13": (rb"<ram:TaxBasisTotalAmount>\d+", b"<ram:TaxBasisTotalAmount>77777"),
    "BR-S-02": (rb"<ram:SpecifiedTaxRegistration>.*?</ram:SpecifiedTaxRegistration>", b""),
    "BR-27": (rb"<ram:ChargeAmount>", b"<ram:ChargeAmount>-"),
    "BR-FR-05_BT-22_PMT": (rb">PMT<", b">AAI<"),
    "BR-FR-10_BT-30": (rb"<ram:ID schemeID=\"0002\">404833048</ram:ID>", b'<ram:ID schemeID="0002">40483304</ram:ID>'),
}  # fmt: skip


@pytest.mark.parametrize("rule", SPOILT)
def test_the_rules_see_what_was_spoilt(rule: str) -> None:
    pytest.importorskip("saxonche", reason="pip install 'salespipeline[einvoice-rules]'")
    sales, invoice = issued("FR")
    content = sales.documents.einvoice(invoice, "cii").content
    spoilt = re.sub(*SPOILT[rule], content, flags=re.DOTALL)
    assert spoilt != content
    assert rule in [broken.rule for broken in broken_rules(spoilt, "en16931", french=True)]
    assert broken_rules(content, "en16931", french=True) == []
