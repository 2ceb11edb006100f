"""Stock items: single pieces, each sold once. (SPEC SET-6)

A piece is sold by the document that moves it, when that is sent. The documents of one sale share it: the delivery note and
the invoice that were made from the same quote, and the revisions of each. Whatever else has it among its lines is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from salespipeline import text
from salespipeline.domain.cleaning import cleaned
from salespipeline.domain.document import Document, DocumentType
from salespipeline.domain.lines import Line, Tax
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.money import Amount, Currency, Money, decimal

__all__ = ["SELLING", "Sold", "StockItem", "pieces"]

#: The types that move stock when they are sent; the others offer it, ask for money, or take it back.
SELLING = frozenset({DocumentType.INVOICE, DocumentType.DELIVERY_NOTE, DocumentType.PURCHASE_ORDER})


@attrs.frozen(kw_only=True)
class Sold:
    """By which document a piece was sold; *origins* are the documents that its sale began with, *root* its first revision."""

    document_id: str
    name: str
    type: DocumentType
    root: str
    origins: tuple[str, ...]
    at: datetime
    by: str

    def shares(self, document: Document, origins: Iterable[str]) -> bool:
        """Whether *document* is of this sale: a revision of it, or of another type from the same origin."""
        if document.id == self.document_id:
            return True
        if document.type is self.type:
            return self.root == (document.root_id or document.id)
        return not set(self.origins).isdisjoint(origins)


@attrs.frozen(kw_only=True)
class StockItem:
    """One piece, known by its reference and its serial number. *price* and *cost* exclude tax, in *currency*. (SPEC SET-6)

    *sold* says by which documents it was; nothing while it is to be had.
    """

    id: str
    version: int = 0
    reference: str
    serial: str = ""
    description: str
    price: Decimal = Decimal(0)
    cost: Decimal | None = None
    currency: Currency
    tax: Tax = Tax()
    unit: str = ""
    sold: tuple[Sold, ...] = ()
    archived: bool = False

    @property
    def label(self) -> str:
        """The reference, with the serial number."""
        return f"{self.reference} {self.serial}".rstrip()

    def checked(self) -> StockItem:
        """Return the item with clean values, or raise ``Invalid`` with every problem."""
        return cleaned(
            self,
            reference=lambda value: text.clean(value, "reference", required=True),
            serial=lambda value: text.clean(value, "serial"),
            description=lambda value: text.clean(value, "description", most=5000, lines=True, required=True),
            price=lambda value: decimal(value, "price"),
            cost=lambda value: None if value is None else decimal(value, "cost"),
            currency=Currency,
            tax=lambda value: Tax.of(value, "tax"),
            unit=lambda value: text.clean(value, "unit", most=20),
        )

    def __str__(self) -> str:
        price = Money.rounded(self.price, self.currency)
        return f"{self.label} {self.description.splitlines()[0]} ({price}{', sold' if self.sold else ''})"

    def line(self, quantity: Amount = 1, **changes: object) -> Line:
        """Return a line with its values copied, which names the serial number; it is one piece. (SPEC OPP-3)"""
        if decimal(quantity, "quantity") != 1:
            message = f"{self.label!r} is one piece, not {shown(quantity)}: name another one on a line of its own"
            raise Invalid(Problem("quantity", "stock", message))
        serial = f" (S/N {self.serial})" if self.serial else ""
        values: dict[str, object] = {
            "description": self.description + serial,
            "unit_price": self.price,
            "cost": self.cost,
            "tax": self.tax,
            "reference": self.reference,
            "unit": self.unit,
            "source": "stock",
            "source_id": self.id,
        }
        return Line(**(values | changes))  # type: ignore[arg-type]


def pieces(document: Document) -> Mapping[str, Decimal]:
    """Return how many of each stock item *document* sells, by id; what it takes off again is not sold."""
    if document.type not in SELLING:
        return {}
    found: dict[str, Decimal] = {}
    for line in document.lines:
        if line.source == "stock" and line.source_id is not None:
            found[line.source_id] = found.get(line.source_id, Decimal(0)) + line.quantity
    return {id: number for id, number in found.items() if number > 0}
