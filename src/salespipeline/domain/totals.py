"""The one way in which lines, discounts and charges are added up. (SPEC MON-3, EN 16931 BR-CO-10 to BR-CO-17)

Line net = round(quantity × price − discount). The base of a tax = the sum of the nets of its lines − its part of the
document's discount + its charges. Tax per rate = round(rate × base), once. Total = net + tax. No other sum is ever
shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import reduce
from operator import itemgetter

import attrs

from salespipeline.domain.checks import Checks
from salespipeline.domain.lines import HUNDRED, Discount, Line, Tax, net_amount
from salespipeline.money import EXACT, Amount, Currency, Money, allocate, decimal, product, round_half_up
from salespipeline.text import clean

__all__ = ["Charge", "Margin", "TaxTotal", "Totals", "margin", "net", "totals"]

_Rate = tuple[Decimal, str]


@attrs.frozen(init=False)
class Charge:
    """What a document charges beside its lines, such as carriage: an amount, or a percentage of the lines' net.

    >>> Charge("Carriage", amount="25.00", tax="20").amount, Charge("Insurance", percent="1.5", tax=20).percent
    (Decimal('25.00'), Decimal('1.5'))
    >>> carriage = Charge("Carriage", amount="25.00", tax=20)
    >>> carriage.negated().amount, carriage.converted(Decimal("1.17"), Currency("EUR")).amount
    (Decimal('-25.00'), Decimal('29.25'))
    >>> Charge("Insurance", percent="1.5").net(Money("99.00", "GBP"))
    Money('1.49', 'GBP')
    """

    description: str
    amount: Decimal | None = None
    percent: Decimal | None = None
    tax: Tax = Tax()

    def __init__(
        self, description: str, *, amount: Amount | None = None, percent: Amount | None = None, tax: object = 0
    ) -> None:
        """Check everything; exactly one of *amount* and *percent* is given."""
        checks = Checks()
        if (amount is None) == (percent is None):
            checks.add("amount", "choice", "a charge is an amount or a percent: give one of them")
        share = None if percent is None else checks.take(decimal, percent, "percent")
        if share is not None and not 0 <= share <= HUNDRED:
            checks.add("percent", "range", f"a charge is 0 to 100 percent, not {share}")
        self.__attrs_init__(
            checks.take(clean, description, "description", most=500, required=True),
            None if amount is None else checks.take(decimal, amount, "amount"),
            share,
            checks.take(Tax.of, tax),
        )
        checks.done()

    def negated(self) -> Charge:
        """Return the charge that takes this one back; a percentage is of lines that are negated themselves."""
        return self if self.amount is None else attrs.evolve(self, amount=EXACT.minus(self.amount))

    def converted(self, factor: Decimal, currency: Currency) -> Charge:
        """Return it with its amount × *factor*, rounded to *currency*."""
        if self.amount is None:
            return self
        return attrs.evolve(self, amount=round_half_up(product(self.amount, factor), currency.digits))

    def net(self, of: Money) -> Money:
        """Return what it comes to beside lines whose net is *of*."""
        if self.amount is not None:
            return Money(self.amount, of.currency)
        return _percent(of, self.percent or Decimal(0))


@attrs.frozen(kw_only=True)
class TaxTotal:
    """The tax of one rate: rounded once, on the sum of that rate's nets. (SPEC MON-3)

    *net* is the base: its lines, less *discount*, its part of the document's discount, plus *charges*.
    """

    percent: Decimal
    category: str
    code: str
    net: Money
    tax: Money
    discount: Money
    charges: Money
    reason: str = ""


@attrs.frozen(kw_only=True)
class Totals:
    """What a document comes to: *net* is *lines* − *discount* + *charges*, *total* is *net* + *tax*."""

    net: Money
    tax: Money
    total: Money
    taxes: tuple[TaxTotal, ...]
    lines: Money
    discount: Money
    charges: Money


def net(lines: Iterable[Line], currency: str) -> Money:
    """Return the ``net`` of the totals of *lines*, without the taxes.

    >>> net([Line("a", unit_price="55.55", tax=23), Line("b", unit_price="11.11")], "EUR")
    Money('66.66', 'EUR')
    """
    currency = Currency(currency)
    digits = currency.digits
    return Money(reduce(EXACT.add, [net_amount(line, digits) for line in lines], Decimal(0)), currency)


def totals(
    lines: Iterable[Line], currency: str, *, discount: Discount | None = None, charges: Sequence[Charge] = ()
) -> Totals:
    """Add up *lines* and *charges*, less *discount*. Their order makes no difference. (SPEC MON-3)

    A percentage of discount is rounded on each rate's net; an amount is split over the rates by their nets, so that
    the parts sum to it exactly.

    >>> result = totals([Line("a", unit_price="55.55", tax=23), Line("b", unit_price="11.11", tax=23)], "EUR")
    >>> str(result.net), str(result.tax), str(result.total)
    ('66.66 EUR', '15.33 EUR', '81.99 EUR')
    >>> lines = [Line("Desk", unit_price="100", tax=20), Line("Book", unit_price="50", tax=0)]
    >>> result = totals(lines, "GBP", discount=Discount.of("10%"), charges=[Charge("Carriage", amount=8, tax=20)])
    >>> [(str(tax.percent), str(tax.net), str(tax.tax)) for tax in result.taxes]
    [('0', '45.00 GBP', '0.00 GBP'), ('20', '98.00 GBP', '19.60 GBP')]
    """
    currency = Currency(currency)
    digits = currency.digits
    # Bare numbers until the sums stand: a Money a line costs more than the arithmetic.
    rates: dict[_Rate, Decimal] = {}
    named: dict[_Rate, set[tuple[str, str]]] = {}
    for line in lines:
        tax = line.tax
        rate = tax.percent, tax.category
        rates[rate] = EXACT.add(rates.get(rate, Decimal(0)), net_amount(line, digits))
        named.setdefault(rate, set()).add((tax.code, tax.reason))
    bases = {rate: Money._exact(rates[rate], currency) for rate in sorted(rates)}
    zero = Money.zero(currency)
    whole = Money.total(bases.values(), currency)
    taken = _taken(bases, discount, whole) if discount is not None else {}
    added: dict[_Rate, Money] = {}
    for charge in charges:
        rate = charge.tax.percent, charge.tax.category
        added[rate] = added.get(rate, zero) + charge.net(whole)
        named.setdefault(rate, set()).add((charge.tax.code, charge.tax.reason))
    taxes = []
    for rate, names in sorted(named.items(), key=itemgetter(0)):
        base = bases.get(rate, zero)
        if taken or added:
            base = base - taken.get(rate, zero) + added.get(rate, zero)
        taxes.append(
            TaxTotal(
                percent=rate[0],
                category=rate[1],
                code=_joined(code for code, _ in names),  # one tax per category and rate, whatever codes lead to it
                reason=_joined(reason for _, reason in names),
                net=base,
                tax=_percent(base, rate[0]),
                discount=taken.get(rate, zero),
                charges=added.get(rate, zero),
            )
        )
    net = Money.total((one.net for one in taxes), currency)
    owed = Money.total((one.tax for one in taxes), currency)
    return Totals(
        net=net,
        tax=owed,
        total=net + owed,
        taxes=tuple(taxes),
        lines=whole,
        discount=Money.total(taken.values(), currency) if taken else zero,
        charges=Money.total(added.values(), currency) if added else zero,
    )


def _joined(words: Iterable[str]) -> str:
    return ", ".join(sorted(set(words) - {""}))


def _percent(of: Money, percent: Decimal) -> Money:
    exact = product(of.amount, percent).scaleb(-2, context=EXACT)
    return Money(round_half_up(exact, of.currency.digits), of.currency)


def _taken(bases: dict[_Rate, Money], discount: Discount, whole: Money) -> dict[_Rate, Money]:
    """Return the part of *discount* that each rate bears."""
    if discount.percent is not None:
        percent = discount.percent
        return {rate: _percent(base, percent) for rate, base in bases.items()}
    amount = Money(discount.amount or 0, whole.currency)
    # By the nets that have the sign of the whole: what is negative among positive ones bears none of it.
    weights = [base.minor if whole.amount >= 0 else -base.minor for base in bases.values()]
    weights = [max(weight, 0) for weight in weights]
    if not any(weights):
        weights = [1] + [0] * (len(weights) - 1)
    return dict(zip(bases, allocate(amount, weights), strict=True)) if bases else {}


@attrs.frozen(kw_only=True)
class Margin:
    """What is left of *net* when *cost* is paid. *unknown* is the number of lines without a cost: they are left out."""

    net: Money
    cost: Money
    unknown: int = 0

    @property
    def amount(self) -> Money:
        """The net less the cost."""
        return self.net - self.cost

    @property
    def percent(self) -> Decimal | None:
        """The margin in percent of the net, with two decimals; ``None`` where the net is nothing."""
        if not self.net:
            return None
        return round_half_up(Decimal(self.amount.minor * 10_000) / Decimal(self.net.minor), 0).scaleb(-2)


def margin(lines: Iterable[Line], currency: str, *, discount: Discount | None = None) -> Margin:
    """Return what *lines* earn; each cost is rounded as a line's net is. (SPEC OPP-3)

    >>> lines = [Line("Desk", quantity=2, unit_price=100, cost=60), Line("Advice", unit_price=50)]
    >>> found = margin(lines, "GBP", discount=Discount.of("10%"))
    >>> str(found.net), str(found.cost), str(found.amount), str(found.percent), found.unknown
    ('180.00 GBP', '120.00 GBP', '60.00 GBP', '33.33', 1)
    """
    lines, currency = tuple(lines), Currency(currency)
    known = [line for line in lines if line.cost is not None]
    costs = [round_half_up(product(line.quantity, line.cost), currency.digits) for line in known]  # type: ignore[arg-type]
    whole = totals(lines, currency, discount=discount)
    earned = net(known, currency)
    if whole.discount and len(known) < len(lines):
        weights = [abs(net(group, currency).minor) for group in (known, [one for one in lines if one.cost is None])]
        share = allocate(whole.discount, weights)[0] if any(weights) else Money.zero(currency)
    else:
        share = whole.discount if known else Money.zero(currency)
    cost = Money(reduce(EXACT.add, costs, Decimal(0)), currency)
    return Margin(net=earned - share, cost=cost, unknown=len(lines) - len(known))
