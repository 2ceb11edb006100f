"""Rates of exchange: dated, with their source, and kept on the record that was converted by them. (SPEC OPP-1, MON-4)"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import attrs

from salespipeline.errors import Invalid, Problem, shown
from salespipeline.money import Amount, Currency, Money, decimal, product, round_half_up
from salespipeline.text import clean

__all__ = ["ExchangeRate"]


@attrs.frozen(kw_only=True)
class ExchangeRate:
    """1 *base* was *rate* *quote* on that day, says *source*.

    >>> rate = ExchangeRate.of("GBP", "EUR", "1.17", on=date(2026, 11, 24), source="ECB")
    >>> print(rate)
    1 GBP = 1.17 EUR on 2026-11-24 (ECB)
    >>> rate.convert(Money("10.01", "GBP"))
    Money('11.71', 'EUR')
    """

    base: Currency
    quote: Currency
    rate: Decimal
    on: date
    source: str

    @classmethod
    def of(cls, base: str, quote: str, rate: Amount, *, on: date, source: str) -> ExchangeRate:
        """Check every part; a rate is more than 0."""
        number = decimal(rate, "rate")
        if number <= 0:
            raise Invalid(Problem("rate", "range", f"a rate is more than 0, not {shown(str(number))}"))
        where = clean(source, "source", most=200)
        return cls(base=Currency(base), quote=Currency(quote), rate=number, on=on, source=where)

    def convert(self, amount: Money) -> Money:
        """Return *amount*, which is in *base*, in *quote*, rounded to its minor unit."""
        amount = Money.of(amount, self.base)
        return Money.rounded(round_half_up(product(amount.amount, self.rate), self.quote.digits), self.quote)

    def __str__(self) -> str:
        return f"1 {self.base} = {self.rate} {self.quote} on {self.on}" + (f" ({self.source})" if self.source else "")
