"""Generated invoices, and the rule of their sums written a second time with whole numbers and fractions."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction

import salespipeline as sp
from salespipeline._iso4217 import DIGITS
from salespipeline.domain.totals import Totals

TAXES = [
    *(sp.Tax(percent=Decimal(percent)) for percent in ("20", "5", "19", "7", "5.5", "8.5", "2.1", "25")),
    *(sp.Tax(category=category) for category in ("Z", "E", "AE", "O")),
]
CURRENCIES = sorted(DIGITS)


class Invoice:
    """One generated invoice: nobody checks its amounts before they are added up."""

    def __init__(self, dice: random.Random, currency: str | None = None) -> None:
        self.currency = sp.Currency(currency or dice.choice(CURRENCIES))
        digits = self.currency.digits
        taxes = dice.sample(TAXES, dice.randint(1, 3))
        self.lines = tuple(self._line(dice, taxes, digits) for _ in range(dice.randint(1, 5)))
        self.discount = self._discount(dice, digits) if dice.random() < 0.4 else None
        self.charges = tuple(self._charge(dice, taxes, digits) for _ in range(dice.choice((0, 0, 0, 1, 2))))

    def _line(self, dice: random.Random, taxes: list[sp.Tax], digits: int) -> sp.Line:
        quantity = Decimal(dice.randint(1, 9999)).scaleb(-dice.choice((0, 0, 1, 3)))
        price = Decimal(dice.randint(-200_000, 999_999)).scaleb(-dice.choice((digits, digits, 4)))
        discount = self._discount(dice, digits) if dice.random() < 0.3 else None
        return sp.Line("x", quantity=quantity, unit_price=price, discount=discount, tax=dice.choice(taxes))

    @staticmethod
    def _discount(dice: random.Random, digits: int) -> sp.Discount:
        if dice.random() < 0.5:
            return sp.Discount(percent=Decimal(dice.randint(1, 1000)).scaleb(-1))
        return sp.Discount(amount=Decimal(dice.randint(1, 5000)).scaleb(-digits))

    @staticmethod
    def _charge(dice: random.Random, taxes: list[sp.Tax], digits: int) -> sp.Charge:
        tax = dice.choice([*taxes, *TAXES[:2]])
        if dice.random() < 0.5:
            return sp.Charge("c", percent=Decimal(dice.randint(1, 300)).scaleb(-1), tax=tax)
        return sp.Charge("c", amount=Decimal(dice.randint(0, 9000)).scaleb(-digits), tax=tax)


def rounded(exact: Fraction) -> int:
    """Round half away from zero to a whole number of minor units. (SPEC MON-2)"""
    whole = (2 * abs(exact).numerator + exact.denominator) // (2 * exact.denominator)
    return whole if exact >= 0 else -whole


def check(invoice: Invoice, found: Totals) -> None:
    """Hold *found* to the rule of EN 16931, in minor units. (SPEC MON-3)"""
    scale = 10**invoice.currency.digits
    nets: dict[tuple[Decimal, str], int] = {}
    for line in invoice.lines:
        exact = Fraction(line.quantity) * Fraction(line.unit_price)
        if line.discount is not None and line.discount.percent is not None:
            exact -= exact * Fraction(line.discount.percent) / 100
        elif line.discount is not None:
            exact -= Fraction(line.discount.amount)
        key = line.tax.percent, line.tax.category
        nets[key] = nets.get(key, 0) + rounded(exact * scale)
    whole = sum(nets.values())
    charges: dict[tuple[Decimal, str], int] = {}
    for charge in invoice.charges:
        share = Fraction(charge.amount) * scale if charge.amount is not None else whole * Fraction(charge.percent) / 100
        key = charge.tax.percent, charge.tax.category
        charges[key] = charges.get(key, 0) + rounded(share)
    discount = 0
    taxed = 0
    for tax in found.taxes:
        key = tax.percent, tax.category
        if invoice.discount is not None and invoice.discount.percent is not None:
            assert tax.discount.minor == rounded(nets.get(key, 0) * Fraction(invoice.discount.percent) / 100)
        discount += tax.discount.minor
        assert tax.charges.minor == charges.get(key, 0)
        assert tax.net.minor == nets.get(key, 0) - tax.discount.minor + tax.charges.minor
        assert tax.tax.minor == rounded(tax.net.minor * Fraction(tax.percent) / 100)
        taxed += tax.tax.minor
    if invoice.discount is not None and invoice.discount.amount is not None:
        assert discount == invoice.discount.amount * scale
    assert {(tax.percent, tax.category) for tax in found.taxes} == nets.keys() | charges.keys()
    assert (found.lines.minor, found.discount.minor, found.charges.minor) == (whole, discount, sum(charges.values()))
    assert found.net.minor == whole - discount + sum(charges.values())
    assert found.tax.minor == taxed
    assert found.total.minor == found.net.minor + taxed
