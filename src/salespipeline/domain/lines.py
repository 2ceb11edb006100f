"""Line items: what is offered, at which price, discount and tax. ``totals`` adds them up. (SPEC OPP-3, MON-3)"""

from __future__ import annotations

from decimal import Decimal

import attrs

from salespipeline.domain.checks import Checks
from salespipeline.domain.cleaning import as_category
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.money import EXACT, ROUNDING, Amount, Currency, Money, decimal, product, round_half_up
from salespipeline.text import clean

__all__ = ["CATEGORIES", "Discount", "Line", "Tax", "line_net", "net_amount", "without_tax"]

HUNDRED = Decimal(100)
FINEST = 10  # decimals of a price excluding tax that was entered including it
# The tax categories, by their code in UNTDID 5305. A reduced rate is S too: EN 16931 tells them apart by their percent.
CATEGORIES = {
    "S": "standard or reduced",
    "Z": "zero",
    "E": "exempt",
    "AE": "reverse charge",
    "O": "outside scope",
    "K": "intra-community supply",
    "G": "export",
    "L": "Canary Islands",
    "M": "Ceuta and Melilla",
}
TAXED = frozenset("SLM")
_BY_NAME = {name.replace(" ", "_"): code for code, name in CATEGORIES.items() if code not in TAXED}
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

    *category* is the UNTDID 5305 code that electronic invoices use, one of ``CATEGORIES``; only S bears a tax. *reason*
    is why there is none, such as ``"Article 138 of Directive 2006/112/EC"``.
    """

    percent: Decimal = Decimal(0)
    code: str = ""
    category: str = "S"
    reason: str = ""

    @classmethod
    def of(cls, value: object, path: str = "tax") -> Tax:
        """Read a percentage such as ``"20"`` or ``"20%"``, a category without tax, or a tax rate of the settings.

        >>> Tax.of("8.5%").percent, Tax.of("reverse charge").category
        (Decimal('8.5'), 'AE')
        """
        if hasattr(value, "percent") and hasattr(value, "code") and hasattr(value, "category"):
            found = cls.of(value.percent, path)
            code = clean(value.code, f"{path}.code", most=20)
            reason = clean(getattr(value, "reason", ""), f"{path}.reason", most=500)
            category = as_category(value.category)
            if found.percent and category not in TAXED:
                message = f"{found.percent}% cannot be of the category {category} ({CATEGORIES[category]}): it is 0%"
                raise Invalid(Problem(path, "category", message))
            return attrs.evolve(found, code=code, category=category, reason=reason)
        if isinstance(value, str) and value.strip().replace(" ", "_").lower() in _BY_NAME:
            return cls(category=_BY_NAME[value.strip().replace(" ", "_").lower()])
        if isinstance(value, str):
            value = value.strip().removesuffix("%").rstrip()
        try:
            percent = decimal(value, path)  # type: ignore[arg-type]
        except Invalid as error:
            if error.problems[0].code in ("float", "range"):
                raise
            message = f"{shown(value)} is not a percentage such as '20', nor a code of the settings; a Line takes settings.tax_rates[code]"
            raise Invalid(Problem(path, "tax", message)) from None
        if not 0 <= percent <= HUNDRED:
            raise Invalid(Problem(path, "range", f"a tax is 0 to 100 percent, not {shown(value)}"))
        return cls(percent=percent, category="S" if percent else "Z")


def without_tax(amount: Decimal, percent: Decimal) -> Decimal:
    """Return the price excluding tax of an *amount* that includes it, with up to ten decimals."""
    found = round_half_up(ROUNDING.divide(product(amount, HUNDRED), EXACT.add(HUNDRED, percent)), FINEST)
    plain = found.normalize(EXACT)
    return plain if int(plain.as_tuple().exponent) <= 0 else plain.quantize(Decimal(1), context=EXACT)


@attrs.frozen(order=False, init=False)
class Line:
    """One line: what, how many, at which unit price excluding tax. (SPEC OPP-3)

    ``Line("Racking, bay", quantity=40, unit_price="210.00", tax="20", discount="4%")``. *cost* is internal and
    never printed. *source* is ``free``, ``item`` or ``stock``, and *source_id* the item's id: values are
    copied, so a later change of the catalogue changes no line. *of* is the position, in the document that this one was
    made from, of the line that it takes from. With ``includes_tax=True`` the price and an amount of discount are given
    including tax; they are kept without it, with up to ten decimals. Raises ``Invalid`` with every problem.

    >>> Line("Racking, bay", quantity=2, unit_price="210.00", tax="20").unit_price
    Decimal('210.00')
    >>> print(Line("Racking, bay", quantity=40, unit_price="210.00", discount="4%"))
    40 × Racking, bay at 210.00, less 4%
    >>> line_net(Line("Lamp", quantity=3, unit_price="11.99", tax=19, includes_tax=True), "EUR")
    Money('30.23', 'EUR')
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
    of: int | None = None

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
        of: int | None = None,
        includes_tax: bool = False,
    ) -> None:
        """Check everything; text, ``Decimal`` and ``int`` are taken for numbers, a float never."""
        checks = Checks()
        if source not in ("free", "item", "stock"):
            checks.add("source", "choice", f"a source is 'free', 'item' or 'stock', not {shown(source)}")
        if source_id is not None:
            source_id = checks.take(clean, source_id, "source_id", required=True)
        if of is not None and (type(of) is not int or of < 0):
            checks.add("of", "range", f"the position of a line is a whole number from 0, not {shown(of)}")
        text = checks.take(clean, description, "description", most=5000, lines=True, required=True)
        number = checks.take(decimal, quantity, "quantity")
        price = checks.take(decimal, unit_price, "unit_price")
        reduced = None if discount is None else checks.take(Discount.of, discount)
        rate = checks.take(Tax.of, tax)
        if includes_tax and price is not None and rate is not None:
            price = without_tax(price, rate.percent)
            if reduced is not None and reduced.amount is not None:
                reduced = Discount(amount=without_tax(reduced.amount, rate.percent))
        self.__attrs_init__(
            text,
            number,
            price,
            reduced,
            rate,
            None if cost is None else checks.take(decimal, cost, "cost"),
            checks.take(clean, reference, "reference"),
            checks.take(clean, unit, "unit", most=20),
            source,
            source_id,
            of,
        )
        checks.done()

    def __str__(self) -> str:
        less = f", less {self.discount}" if self.discount is not None else ""
        return f"{self.quantity:f} × {self.description.splitlines()[0]} at {self.unit_price:f}{less}"

    def negated(self) -> Line:
        """Return the line that takes this one back: its net is exactly minus this one's. (SPEC DOC-4)

        >>> line_net(Line("Cable", quantity=3, unit_price="1.15", discount="5%").negated(), "EUR")
        Money('-3.28', 'EUR')
        """
        discount = self.discount
        if discount is not None and discount.amount is not None:
            discount = Discount(amount=EXACT.minus(discount.amount))
        return attrs.evolve(self, quantity=EXACT.minus(self.quantity), discount=discount)


def line_net(line: Line, currency: str) -> Money:
    """Return round(quantity × price − discount). (SPEC MON-3)

    >>> line_net(Line("Cable", quantity=16, unit_price="348.35", discount="4%"), "EUR")
    Money('5350.66', 'EUR')
    """
    currency = Currency(currency)
    return Money(net_amount(line, currency.digits), currency)


def net_amount(line: Line, digits: int) -> Decimal:
    """Return the net of *line* as a bare number: for sums of many."""
    exact = product(line.quantity, line.unit_price)
    if line.discount is not None:
        if line.discount.percent is not None:
            exact = product(exact, EXACT.subtract(HUNDRED, line.discount.percent)).scaleb(-2, context=EXACT)
        elif line.discount.amount is not None:
            exact = EXACT.subtract(exact, line.discount.amount)
    if exact.copy_abs() > LARGEST:  # abs() would round as the host's context says
        raise Invalid(Problem("amount", "range", "the line comes to more than 18 digits"))
    return round_half_up(exact, digits)
