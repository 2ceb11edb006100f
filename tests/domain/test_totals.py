"""Discounts and charges of a whole document, tax categories, margins, and the laws of sums. (SPEC MON-1 to MON-3)"""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.invoices import CURRENCIES, Invoice, check, rounded

import salespipeline as sp
from salespipeline.domain.lines import line_net
from salespipeline.domain.totals import margin, totals
from salespipeline.money import allocate


def amounts(found):
    return [str(one.amount) for one in (found.lines, found.discount, found.charges, found.net, found.tax, found.total)]


DESK = sp.Line("Desk", quantity=3, unit_price="100.05", tax="20")
BOOK = sp.Line("Book", quantity=1, unit_price="49.99", tax="0")
TEA = sp.Line("Tea", quantity=2, unit_price="10.25", tax="5")

# Lines, discount, charges; sum of lines, discount, charges, net, tax, total, worked out by hand.
VECTORS = {
    "a percent is rounded on each rate's net": (
        [DESK, BOOK, TEA], "7%", [],
        # 300.15, 49.99, 20.50: 21.01 + 3.50 + 1.44 = 25.95; taxes 55.83 and 0.95
        ["370.64", "25.95", "0.00", "344.69", "56.78", "401.47"],
    ),
    "an amount is split by the nets": (
        [DESK, BOOK, TEA], "10.00", [],
        # 8.10, 1.35, 0.55: nets 292.05, 48.64, 19.95; taxes 58.41 and 1.00
        ["370.64", "10.00", "0.00", "360.64", "59.41", "420.05"],
    ),
    "a charge is taxed at its own rate": (
        [BOOK], None, [sp.Charge("Carriage", amount="8.00", tax="20")],
        ["49.99", "0.00", "8.00", "57.99", "1.60", "59.59"],
    ),
    "a percent of charge is of the lines before the discount": (
        [DESK], "50%", [sp.Charge("Insurance", percent="1.5", tax="20")],
        # 300.15 − 150.08 + 4.50 = 154.57; tax 30.91
        ["300.15", "150.08", "4.50", "154.57", "30.91", "185.48"],
    ),
    "what is negative among positive ones bears no discount": (
        [DESK, sp.Line("Returned", unit_price="-50", tax="5")], "30.00", [],
        # 300.15 − 30.00 at 20 %, −50.00 at 5 %
        ["250.15", "30.00", "0.00", "220.15", "51.53", "271.68"],
    ),
    "nothing but a charge in another category": (
        [sp.Line("Advice", unit_price="500", tax=sp.Tax(category="AE", reason="Article 196"))], None,
        [sp.Charge("Permit", amount="30", tax="outside scope")],
        ["500.00", "0.00", "30.00", "530.00", "0.00", "530.00"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", list(VECTORS))
def test_sums_with_discount_and_charges(name):
    lines, discount, charges, expected = VECTORS[name]
    found = totals(lines, "GBP", discount=None if discount is None else sp.Discount.of(discount), charges=charges)
    assert amounts(found) == expected


@pytest.mark.parametrize(
    ("given", "category"),
    [
        ("20", "S"),
        ("5%", "S"),
        (0, "Z"),
        ("zero", "Z"),
        ("exempt", "E"),
        ("Reverse charge", "AE"),
        ("outside_scope", "O"),
        ("export", "G"),
    ],
)
def test_tax_categories_are_read_by_name(given, category):
    assert sp.Tax.of(given).category == category


@pytest.mark.parametrize("category", ["Z", "E", "AE", "O", "K", "G"])
def test_a_category_without_tax_takes_no_percent(category):
    with pytest.raises(sp.Invalid, match=f"20% cannot be of the category {category}"):
        sp.Line("x", unit_price=1, tax=sp.Tax(percent=Decimal(20), category=category))


def test_two_categories_at_nought_percent_are_two_rows():
    lines = [sp.Line("a", unit_price=1, tax="exempt"), sp.Line("b", unit_price=2, tax="reverse charge")]
    assert [(tax.category, str(tax.net)) for tax in totals(lines, "EUR").taxes] == [
        ("AE", "2.00 EUR"),
        ("E", "1.00 EUR"),
    ]


# Gross price, percent, quantity; net and total of the line.
GROSS = [("9.99", "20", 1, "8.33", "10.00"), ("12.00", "20", 3, "30.00", "36.00"), ("11.99", "19", 3, "30.23", "35.97"),
         ("100", "0", 2, "200.00", "200.00"), ("1.05", "5", 100, "100.00", "105.00")]  # fmt: skip


@pytest.mark.parametrize(("gross", "percent", "quantity", "net", "total"), GROSS)
def test_a_price_may_be_entered_including_tax(gross, percent, quantity, net, total):
    found = totals([sp.Line("x", quantity=quantity, unit_price=gross, tax=percent, includes_tax=True)], "GBP")
    assert (str(found.net.amount), str(found.total.amount)) == (net, total)


def test_an_amount_of_discount_includes_tax_where_the_price_does():
    line = sp.Line("x", unit_price="120", discount="12.00", tax="20", includes_tax=True)
    assert (line.unit_price, line.discount.amount) == (Decimal(100), Decimal(10))


@given(
    st.decimals("0.01", "9999", places=2), st.integers(1, 999), st.sampled_from(["5", "5.5", "7", "8.5", "19", "20", "25"])
)  # fmt: skip
def test_a_total_entered_with_tax_is_met_to_one_unit_of_the_last_place(gross, quantity, percent):
    line = sp.Line("x", quantity=quantity, unit_price=gross, tax=percent, includes_tax=True)
    assert abs(totals([line], "EUR").total.amount - gross * quantity) <= Decimal("0.01")


def test_a_charge_is_an_amount_or_a_percent_and_names_every_problem():
    with pytest.raises(sp.Invalid) as caught:
        sp.Charge("", amount=1.5, percent="200", tax="120")
    found = [(problem.path, problem.code) for problem in caught.value.problems]
    assert found == [
        ("amount", "choice"),
        ("percent", "range"),
        ("description", "empty"),
        ("amount", "float"),
        ("tax", "range"),
    ]


def test_margin_is_of_the_lines_whose_cost_is_known():
    lines = [
        sp.Line("a", quantity=3, unit_price="10", cost="4.335"),
        sp.Line("b", unit_price="70"),
        sp.Line("c", unit_price="-5", cost="-2"),
    ]
    found = margin(lines, "GBP")
    assert (str(found.net), str(found.cost), str(found.amount), str(found.percent)) == (
        "25.00 GBP", "11.01 GBP", "13.99 GBP", "55.96",
    )  # fmt: skip
    assert found.unknown == 1
    assert margin([lines[1]], "GBP").percent is None


def test_a_rate_of_exchange_is_dated_positive_and_rounds_to_the_currency():
    rate = sp.ExchangeRate.of("GBP", "JPY", "190.255", on=date(2026, 11, 24), source="ECB")
    assert str(rate.convert(sp.Money("10.00", "GBP"))) == "1,903 JPY"
    with pytest.raises(sp.Invalid, match="not in GBP"):
        rate.convert(sp.Money("10.00", "EUR"))
    with pytest.raises(sp.Invalid, match="more than 0"):
        sp.ExchangeRate.of("GBP", "JPY", "-1", on=date(2026, 11, 24), source="")


# --- laws, over every currency of ISO 4217 ----------------------------------------------------------------


def invoices(few=8):
    """Yield some generated invoices in every currency of ISO 4217; always the same ones."""
    for currency in CURRENCIES:
        dice = random.Random(currency)
        for _ in range(few):
            yield dice, Invoice(dice, currency)


def summed(one, **changed):
    facts = {"lines": one.lines, "discount": one.discount, "charges": one.charges} | changed
    return totals(facts.pop("lines"), one.currency, **facts)


def test_the_rule_holds_in_every_currency():
    for _, one in invoices(20):
        check(one, summed(one))


def test_the_order_of_lines_and_charges_makes_no_difference_in_any_currency():
    for dice, one in invoices():
        lines, charges = list(one.lines), list(one.charges)
        dice.shuffle(lines)
        dice.shuffle(charges)
        assert summed(one, lines=lines, charges=charges) == summed(one)


def test_a_credit_note_is_minus_its_invoice_in_every_currency():
    for _, one in invoices():
        discount = one.discount
        if discount is not None and discount.amount is not None:
            discount = sp.Discount(amount=-discount.amount)
        lines, charges = [line.negated() for line in one.lines], [charge.negated() for charge in one.charges]
        there, back = summed(one), summed(one, lines=lines, discount=discount, charges=charges)
        for name in ("lines", "discount", "charges", "net", "tax", "total"):
            assert getattr(back, name) == -getattr(there, name), (one.currency, name)
        for here, again in zip(there.taxes, back.taxes, strict=True):
            for name in ("net", "tax", "discount", "charges"):
                assert getattr(again, name) == -getattr(here, name), (one.currency, name)


def test_splitting_a_line_whose_net_is_whole_keeps_the_tax_in_every_currency_and_so_does_merging():
    for dice, one in invoices():
        whole = [
            attrs.evolve(line, quantity=Decimal(1), discount=None, unit_price=line_net(line, one.currency).amount)
            for line in one.lines
        ]
        first = line_net(whole[0], one.currency)
        parts = [attrs.evolve(whole[0], unit_price=part.amount) for part in allocate(first, [1] * dice.randint(2, 9))]
        assert summed(one, lines=[*parts, *whole[1:]]) == summed(one, lines=whole), one.currency


def test_the_net_of_a_line_is_rounded_once_and_is_minus_that_of_its_mirror_in_every_currency():
    for _, one in invoices():
        scale = 10**one.currency.digits
        for line in one.lines:
            exact = Fraction(line.quantity) * Fraction(line.unit_price)
            if line.discount is not None and line.discount.percent is not None:
                exact -= exact * Fraction(line.discount.percent) / 100
            elif line.discount is not None:
                exact -= Fraction(line.discount.amount)
            net = line_net(line, one.currency)
            assert net.minor == rounded(exact * scale), (one.currency, line)
            assert line_net(line.negated(), one.currency) == -net


weights = st.lists(st.decimals(0, 1000, places=3), min_size=1, max_size=8)


@given(st.integers(-(10**12), 10**12), weights, st.sampled_from(CURRENCIES))
def test_the_parts_of_an_allocation_sum_exactly_and_none_is_off_by_a_unit(minor, weights, currency):
    weights = weights if any(weights) else [Decimal(1)]
    total = sp.Money.from_minor(minor, currency)
    parts = allocate(total, weights)
    assert sp.Money.total(parts, currency) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.minor - minor * weight / sum(weights)) < 1
