"""Line items: what is offered, at which price, discount and tax; and the one way in which they are added up.

Line net = round(quantity × price − discount); tax per rate = round(rate × sum of that rate's nets), once;
total = net + tax. No other sum is ever shown. (SPEC MON-3, EN 16931 BR-CO-10, BR-CO-13 to BR-CO-17)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from operator import itemgetter
from typing import TypeAlias

import attrs

from salespipeline.domain.checks import Checks
from salespipeline.domain.cleaning import as_category
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.money import EXACT, Amount, Currency, Money, decimal, product, round_half_up
from salespipeline.text import clean

__all__ = ["Discount", "Line", "Tax", "TaxTotal", "Totals", "as_lines", "line_net", "net", "totals"]

HUNDRED = Decimal(100)
MOST_LINES = 10_000
LARGEST = 2**63 - 1  # minor units: what a store can index


@attrs.frozen(kw_only=True)
class Discount:
    """A reduction of one line: a percentage of it, or an amount in the currency of the record."""

    percent: Decimal | None = None
    amount: Decimal | None = None

    @classmethod
    def of(cls, value: Discount | Amount, path: str = "discount") -> Discount | None:
        """Read ``"4%"``, or an amount such as ``"12.50"``; nothing, or 0, is no discount.

        >>> Discount.of("4%")
        Discount(percent=Decimal('4'), amount=None)
        """
        if isinstance(value, Discount):
            if (value.percent is None) == (value.amount is None):
                message = f"a discount is a percent or an amount, one of them, not {shown(value)}"
                raise Invalid(Problem(path, "choice", message))
            if value.amount is not None:
                return cls.of(value.amount, path)
            return cls._of_percent(decimal(value.percent, path), path)  # type: ignore[arg-type]
        if isinstance(value, str) and value.rstrip().endswith("%"):
            return cls._of_percent(decimal(value.rstrip()[:-1].rstrip(), path), path)
        amount = decimal(value, path)
        return cls(amount=amount) if amount else None

    @classmethod
    def _of_percent(cls, percent: Decimal, path: str) -> Discount | None:
        if not 0 <= percent <= HUNDRED:
            raise Invalid(Problem(path, "range", f"a discount is 0% to 100%, not {percent}%"))
        return cls(percent=percent) if percent else None

    def __str__(self) -> str:
        return f"{self.percent}%" if self.percent is not None else str(self.amount)


@attrs.frozen(kw_only=True)
class Tax:
    """The tax of a line: a percentage, and, where it came from the settings, its code and category. (SPEC SET-7)

    *category* is the UNTDID 5305 code that electronic invoices use: S standard or reduced, Z zero, E exempt,
    AE reverse charge, O outside scope.
    """

    percent: Decimal = Decimal(0)
    code: str = ""
    category: str = "S"

    @classmethod
    def of(cls, value: object, path: str = "tax") -> Tax:
        """Read a percentage such as ``"20"`` or ``"20%"``, or take over a tax rate of the settings.

        >>> Tax.of("8.5%").percent
        Decimal('8.5')
        """
        if hasattr(value, "percent") and hasattr(value, "code") and hasattr(value, "category"):
            found = cls.of(value.percent, path)
            code = clean(value.code, f"{path}.code", most=20)
            return attrs.evolve(found, code=code, category=as_category(value.category))
        if isinstance(value, str):
            value = value.strip().removesuffix("%").rstrip()
        try:
            percent = decimal(value, path)  # type: ignore[arg-type]
        except Invalid as error:
            if error.problems[0].code in ("float", "range"):
                raise
            message = f"{shown(value)} is not a percentage such as '20'; for a code, pass settings.tax_rates[code]"
            raise Invalid(Problem(path, "tax", message)) from None
        if not 0 <= percent <= HUNDRED:
            raise Invalid(Problem(path, "range", f"a tax is 0 to 100 percent, not {shown(value)}"))
        return cls(percent=percent, category="S" if percent else "Z")


@attrs.frozen(order=False, init=False)
class Line:
    """One line: what, how many, at which unit price excluding tax. (SPEC OPP-3)

    ``Line("Racking, bay", quantity=40, unit_price="210.00", tax="20", discount="4%")``. *cost* is internal and
    never printed. *source* is ``free``, ``item`` or ``stock``, and *source_id* the item's id: values are
    copied, so a later change of the catalogue changes no line. Raises ``Invalid`` with every problem.

    >>> Line("Racking, bay", quantity=2, unit_price="210.00", tax="20").unit_price
    Decimal('210.00')
    """

    description: str
    quantity: Decimal
    unit_price: Decimal
    discount: Discount | None = None
    tax: Tax = Tax()
    cost: Decimal | None = None
    reference: str = ""
    unit: str = ""
    source: str = "free"
    source_id: str | None = None

    def __init__(
        self,
        description: str,
        *,
        unit_price: Amount,
        quantity: Amount = 1,
        discount: Discount | Amount | None = None,
        tax: object = 0,
        cost: Amount | None = None,
        reference: str = "",
        unit: str = "",
        source: str = "free",
        source_id: str | None = None,
    ) -> None:
        """Check everything; text, ``Decimal`` and ``int`` are taken for numbers, a float never."""
        checks = Checks()
        if source not in ("free", "item", "stock"):
            checks.add("source", "choice", f"a source is 'free', 'item' or 'stock', not {shown(source)}")
        if source_id is not None:
            source_id = checks.take(clean, source_id, "source_id", required=True)
        self.__attrs_init__(
            checks.take(clean, description, "description", most=5000, lines=True, required=True),
            checks.take(decimal, quantity, "quantity"),
            checks.take(decimal, unit_price, "unit_price"),
            None if discount is None else checks.take(Discount.of, discount),
            checks.take(Tax.of, tax),
            None if cost is None else checks.take(decimal, cost, "cost"),
            checks.take(clean, reference, "reference"),
            checks.take(clean, unit, "unit", most=20),
            source,
            source_id,
        )
        checks.done()

    def negated(self) -> Line:
        """Return the line that takes this one back: its net is exactly minus this one's. (SPEC DOC-4)

        >>> line_net(Line("Cable", quantity=3, unit_price="1.15", discount="5%").negated(), "EUR")
        Money('-3.28', 'EUR')
        """
        discount = self.discount
        if discount is not None and discount.amount is not None:
            discount = Discount(amount=EXACT.minus(discount.amount))
        return attrs.evolve(self, quantity=EXACT.minus(self.quantity), discount=discount)


@attrs.frozen(kw_only=True)
class TaxTotal:
    """The tax of one rate: rounded once, on the sum of that rate's nets. (SPEC MON-3)"""

    percent: Decimal
    category: str
    code: str
    net: Money
    tax: Money


@attrs.frozen(kw_only=True)
class Totals:
    """What a list of lines comes to."""

    net: Money
    tax: Money
    total: Money
    taxes: tuple[TaxTotal, ...]


def line_net(line: Line, currency: str) -> Money:
    """Return round(quantity × price − discount). (SPEC MON-3)

    >>> line_net(Line("Cable", quantity=16, unit_price="348.35", discount="4%"), "EUR")
    Money('5350.66', 'EUR')
    """
    currency = Currency(currency)
    return Money(_net(line, currency.digits), currency)


def _net(line: Line, digits: int) -> Decimal:
    exact = product(line.quantity, line.unit_price)
    if line.discount is not None:
        if line.discount.percent is not None:
            exact = product(exact, EXACT.subtract(HUNDRED, line.discount.percent)).scaleb(-2, context=EXACT)
        elif line.discount.amount is not None:
            exact = EXACT.subtract(exact, line.discount.amount)
    if exact.copy_abs() > LARGEST:  # abs() would round as the host's context says
        raise Invalid(Problem("amount", "range", "the line comes to more than 18 digits"))
    return round_half_up(exact, digits)


def net(lines: Iterable[Line], currency: str) -> Money:
    """Return the ``net`` of the totals of *lines*, without the taxes.

    >>> net([Line("a", unit_price="55.55", tax=23), Line("b", unit_price="11.11")], "EUR")
    Money('66.66', 'EUR')
    """
    currency = Currency(currency)
    digits = currency.digits
    return Money(reduce(EXACT.add, [_net(line, digits) for line in lines], Decimal(0)), currency)


def totals(lines: Iterable[Line], currency: str) -> Totals:
    """Add *lines* up. Their order makes no difference. (SPEC MON-3)

    >>> result = totals([Line("a", unit_price="55.55", tax=23), Line("b", unit_price="11.11", tax=23)], "EUR")
    >>> str(result.net), str(result.tax), str(result.total)
    ('66.66 EUR', '15.33 EUR', '81.99 EUR')
    """
    currency = Currency(currency)
    digits = currency.digits
    # Bare numbers until the sums stand: a Money a line costs more than the arithmetic.
    rates: dict[tuple[Decimal, str], tuple[Decimal, set[str]]] = {}
    for line in lines:
        rate = line.tax.percent, line.tax.category
        sum_, codes = rates.get(rate, (Decimal(0), set()))
        rates[rate] = EXACT.add(sum_, _net(line, digits)), codes
        codes.add(line.tax.code)
    taxes = tuple(
        TaxTotal(
            percent=percent,
            category=category,
            code=", ".join(sorted(codes - {""})),  # one tax per category and rate, whatever codes lead to it
            net=Money(sum_, currency),
            tax=Money(round_half_up(product(sum_, percent).scaleb(-2, context=EXACT), digits), currency),
        )
        for (percent, category), (sum_, codes) in sorted(rates.items(), key=itemgetter(0))
    )
    net = Money.total((rate.net for rate in taxes), currency)
    tax = Money.total((rate.tax for rate in taxes), currency)
    return Totals(net=net, tax=tax, total=net + tax, taxes=taxes)


Expand: TypeAlias = Callable[[Mapping[str, object]], Sequence[Line]]


def as_lines(
    given: object, checks: Checks, currency: str | None, path: str = "lines", *, expand: Expand | None = None
) -> tuple[Line, ...]:
    """Return *given* as lines, keeping every problem: each is a ``Line`` or a mapping of its arguments.

    *expand* turns a mapping that names an ``item`` into the lines that it stands for.
    """
    if isinstance(given, str | bytes | Mapping | Line) or not isinstance(given, Iterable):
        checks.add(path, "type", f"a list of lines is needed, not {shown(given)}")
        return ()
    lines: list[Line] = []
    for position, item in enumerate(given):
        where = f"{path}[{position}]"
        if max(position, len(lines)) >= MOST_LINES:
            checks.add(path, "range", f"at most {MOST_LINES:,} lines; split the record")
            break
        if isinstance(item, Line):
            lines.append(item)
        elif isinstance(item, Mapping):
            try:
                lines += expand(item) if expand is not None and "item" in item else [Line(**item)]
            except Invalid as error:
                checks.within(where, error)
            except TypeError as error:
                checks.add(where, "type", str(error).replace("Line.__init__() ", ""))
        else:
            checks.add(where, "type", f"a Line, or a mapping of its values, is needed, not {shown(item)}")
    if currency is not None and not checks.problems:
        try:
            if abs(totals(lines, currency).total.minor) > LARGEST:
                checks.add(path, "range", "the total has more than 18 digits")
        except Invalid as error:
            checks.within(path, error)
    return tuple(lines)
