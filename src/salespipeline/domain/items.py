"""Predefined items, and sets of them. (SPEC SET-5)"""

from __future__ import annotations

from decimal import Decimal

import attrs

from salespipeline import text
from salespipeline.domain.checks import Checks
from salespipeline.domain.cleaning import cleaned
from salespipeline.domain.lines import Line, Tax
from salespipeline.money import Amount, Currency, Money, decimal

__all__ = ["Item", "Part"]


@attrs.frozen(kw_only=True)
class Part:
    """One component of a set: which item, how many."""

    item_id: str
    quantity: Decimal = Decimal(1)


def _as_parts(value: tuple[Part, ...]) -> tuple[Part, ...]:
    checks = Checks()
    for position, part in enumerate(value):
        if checks.take(decimal, part.quantity, f"parts[{position}].quantity") == 0:
            checks.add(f"parts[{position}].quantity", "range", "a set holds some of each of its items, not 0")
    checks.done()
    return value


@attrs.frozen(kw_only=True)
class Item:
    """A predefined item, with a unique reference; with *parts* it is a set that expands to several lines.

    *price* is the selling price and *cost* the cost price, both excluding tax, in *currency*. (SPEC SET-5)
    """

    id: str
    version: int = 0
    reference: str
    description: str
    group: str = ""
    nominal_code: str = ""
    department_code: str = ""
    price: Decimal = Decimal(0)
    cost: Decimal | None = None
    currency: Currency
    tax: Tax = Tax()
    unit: str = ""
    parts: tuple[Part, ...] = ()
    archived: bool = False

    @property
    def label(self) -> str:
        """The reference."""
        return self.reference

    def checked(self) -> Item:
        """Return the item with clean values, or raise ``Invalid`` with every problem."""
        return cleaned(
            self,
            parts=_as_parts,
            reference=lambda value: text.clean(value, "reference", required=True),
            description=lambda value: text.clean(value, "description", most=5000, lines=True, required=True),
            group=lambda value: text.clean(value, "group"),
            nominal_code=lambda value: text.clean(value, "nominal_code", most=50),
            department_code=lambda value: text.clean(value, "department_code", most=50),
            price=lambda value: decimal(value, "price"),
            cost=lambda value: None if value is None else decimal(value, "cost"),
            currency=Currency,
            tax=lambda value: Tax.of(value, "tax"),
            unit=lambda value: text.clean(value, "unit", most=20),
        )

    def __str__(self) -> str:
        return f"{self.reference} {self.description.splitlines()[0]} ({Money.rounded(self.price, self.currency)})"

    def line(self, quantity: Amount = 1, **changes: object) -> Line:
        """Return a line with this item's values copied; *changes* replace some of them. (SPEC OPP-3)"""
        values: dict[str, object] = {
            "description": self.description,
            "quantity": quantity,
            "unit_price": self.price,
            "cost": self.cost,
            "tax": self.tax,
            "reference": self.reference,
            "unit": self.unit,
            "source": "item",
            "source_id": self.id,
        }
        return Line(**(values | changes))  # type: ignore[arg-type]
