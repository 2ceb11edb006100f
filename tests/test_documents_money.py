"""Discounts, charges, currencies and margins of documents, on every store. (SPEC MON-1 to MON-4, DOC-1, DOC-4)"""

from __future__ import annotations

import random
from datetime import date
from fractions import Fraction

import pytest
from tests.domain.invoices import CURRENCIES, Invoice, check, rounded

import salespipeline as sp
from salespipeline.domain.totals import totals

CARRIAGE = {"description": "Carriage", "amount": "25.00", "tax": "20"}


def test_discount_and_charges_are_kept_copied_and_mirrored(sales, deal):
    quote = sales.documents.draft(deal, "quote", discount="5%", charges=[CARRIAGE])
    # 8400.00 − 420.00 + 25.00 = 8005.00; 20 % of it 1601.00
    kept = sales.documents.get(quote.id)
    assert (str(kept.totals.net), str(kept.total)) == ("8,005.00 GBP", "9,606.00 GBP")
    assert kept.charges == (sp.Charge("Carriage", amount="25.00", tax="20"),)
    invoice = sales.documents.mark_sent(sales.documents.convert(kept, "invoice"))
    assert invoice.total == kept.total
    note = sales.documents.convert(invoice, "credit_note")
    assert (note.totals.net, note.totals.tax, note.total) == (-invoice.totals.net, -invoice.totals.tax, -invoice.total)
    edited = sales.documents.edit(quote.id, discount="400.00", charges=[])
    assert str(edited.total) == "9,600.00 GBP"
    assert str(sales.documents.edit(edited, discount=None).total) == "10,080.00 GBP"
    assert sales.documents.where(total="10080 GBP").count() == 1


def test_every_problem_of_discount_and_charges_is_named(sales, deal):
    with pytest.raises(sp.Invalid) as caught:
        sales.documents.draft(
            deal, "quote", discount="101%", charges=[{"amount": 1}, {"description": "x", "percent": 0.5}, 7]
        )
    assert [(problem.path, problem.code) for problem in caught.value.problems] == [
        ("discount", "range"),
        ("charges[0]", "type"),
        ("charges[1].percent", "float"),
        ("charges[2]", "type"),
    ]
    with pytest.raises(sp.Invalid, match=r"GBP has 2 minor digits, so 1\.005 cannot be charged"):
        sales.documents.draft(deal, "quote", discount="1.005")
    assert sales.documents.count() == 0


def test_another_currency_needs_a_rate_which_is_dated_and_kept(sales, deal):
    with pytest.raises(sp.Invalid, match="give rate="):
        sales.documents.draft(deal, "quote", currency="EUR")
    quote = sales.documents.draft(deal, "quote", currency="EUR", rate="1.1705")
    assert str(quote.lines[0].unit_price) == "245.81"  # 210.00 × 1.1705 = 245.805
    assert str(quote.exchange) == "1 GBP = 1.1705 EUR on 2026-11-24 (given by jane)"
    copies = [sales.documents.duplicate(quote), sales.documents.convert(quote, "invoice")]
    assert [one.exchange for one in copies] == [quote.exchange] * 2  # their prices are converted by it too
    assert sales.documents.convert(quote, "invoice", lines=[sp.Line("x", unit_price=1)]).exchange is None
    bank = sp.ExchangeRate.of("EUR", "USD", "1.08", on=date(2026, 11, 20), source="ECB")
    edited = sales.documents.edit(quote, currency="USD", rate=bank)
    assert (edited.exchange, str(edited.lines[0].unit_price)) == (bank, "265.47")  # 245.81 × 1.08 = 265.4748
    assert sales.documents.get(quote.id).exchange == bank
    with pytest.raises(sp.Invalid, match="the rate is of EUR to USD"):
        sales.documents.draft(deal, "quote", currency="USD", rate=bank)


def test_discount_and_charges_go_over_with_the_rate(sales, deal):
    quote = sales.documents.draft(deal, "quote", discount="100.00", charges=[CARRIAGE])
    other = sales.documents.edit(quote, currency="JPY", rate="190.5")
    assert (str(other.discount.amount), str(other.charges[0].amount)) == ("19050", "4763")  # 25 × 190.5 = 4762.5
    invoice = sales.documents.convert(quote.id, "invoice", currency="EUR", rate="0.0061")
    assert str(invoice.charges[0].amount) == "29.05"  # 4763 × 0.0061 = 29.0543


def test_rates_are_injected_and_asked_for_by_name(opened, url):
    asked = []

    def bank(base, quote, on):
        asked.append((base, quote, on))
        return sp.ExchangeRate.of(base, quote, "1.17", on=on, source="ECB") if quote == "EUR" else None

    sales = opened(url, rates=bank)
    assert str(sales.exchange_rate("GBP", "EUR")) == "1 GBP = 1.17 EUR on 2026-11-24 (ECB)"
    assert asked == [("GBP", "EUR", date(2026, 11, 24))]
    with pytest.raises(sp.NotFound, match="no rate from GBP to USD"):
        sales.exchange_rate("GBP", "USD")


def test_without_rates_nothing_is_guessed(sales):
    with pytest.raises(sp.OpenError, match="no rates were given"):
        sales.exchange_rate("GBP", "EUR")


def test_the_margin_of_a_document_comes_from_its_costs(sales):
    acme = sales.contacts.where(text="acme").one()
    lines = [sp.Line("Shed", unit_price="950", cost="612.50"), sp.Line("Advice", unit_price="50")]
    quote = sales.documents.draft(acme, "quote", lines=lines)
    assert (str(quote.margin.amount), str(quote.margin.percent), quote.margin.unknown) == ("337.50 GBP", "35.53", 1)


def test_the_pdf_shows_how_the_net_comes_from_the_lines(sales, deal):
    pypdf = pytest.importorskip("pypdf")
    import io

    quote = sales.documents.draft(deal, "quote", discount="5%", charges=[CARRIAGE])
    page = pypdf.PdfReader(io.BytesIO(sales.documents.pdf(quote))).pages[0].extract_text()
    words = " ".join(page.split())
    for shown in (
        "Sum of lines",
        "£8,400.00",
        "Discount 5%",
        "£420.00",
        "Carriage",
        "£25.00",
        "£8,005.00",
        "£9,606.00",
    ):
        assert shown in words


# --- laws, over every currency of ISO 4217 ----------------------------------------------------------------


def test_what_a_deposit_took_in_advance_bears_no_discount_again(sales, deal):
    carriage = CARRIAGE | {"amount": None, "percent": "1"}
    quote = sales.documents.draft(deal, "quote", discount="5%", charges=[carriage])
    assert str(quote.totals.net) == "8,064.00 GBP"  # 8,400.00 − 420.00 + 84.00
    deposit = sales.documents.mark_sent(sales.documents.deposit(quote, "30%"))
    final = sales.documents.convert(quote.id, "invoice", deduct=[deposit])
    assert [str(one.totals.net) for one in (deposit, final)] == ["2,419.20 GBP", "5,644.80 GBP"]
    assert [line.description for line in final.lines] == [
        "Racking, bay",
        "Discount",
        "Deposit 30%, QUO/00001 (INV/00001)",
    ]


def test_the_laws_of_money_hold_for_documents_in_every_currency(opened):
    sales = opened("memory:")
    sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
    acme, desk = sales.contacts.add("Acme Ltd"), sales.documents
    for at, currency in enumerate(CURRENCIES):
        dice = random.Random(currency)
        one = next(one for one in iter(lambda dice=dice, currency=currency: Invoice(dice, currency), None) if asks(one))
        facts = {"currency": currency, "discount": one.discount, "charges": one.charges}
        invoice = desk.mark_sent(desk.draft(acme, "invoice", lines=one.lines, **facts))
        check(one, invoice.totals)
        assert desk.draft(acme, "invoice", lines=one.lines[::-1], **facts).totals == invoice.totals, currency

        credit = desk.mark_sent(desk.convert(invoice, "credit note"))
        there, back = invoice.totals, credit.totals
        assert (back.net, back.tax, back.total) == (-there.net, -there.tax, -there.total), currency
        assert desk[invoice.id].balance == sp.Money.zero(currency)
        if at % 4:  # a deposit is an invoice as well
            continue
        quote = desk.mark_sent(desk.draft(acme, "quote", lines=one.lines, **facts))
        deposit = desk.mark_sent(desk.deposit(quote, "30%"))
        final = desk.convert(quote.id, "invoice", deduct=[deposit])
        assert deposit.totals.net + final.totals.net == quote.totals.net, currency
        shares = [rounded(Fraction(tax.net.minor * 30, 100)) for tax in quote.totals.taxes]
        assert [tax.net.minor for tax in deposit.totals.taxes] == [share for share in shares if share], currency


def asks(one):
    """Whether an invoice asks for money at each of its rates: one that does not is not credited by a mirror."""
    found = totals(one.lines, one.currency, discount=one.discount, charges=one.charges)
    return all(tax.net.amount > 0 for tax in found.taxes)
