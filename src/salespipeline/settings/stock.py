"""``sales.settings.stock``: single pieces, each sold once. (SPEC SET-6)"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Unpack

from salespipeline.arguments import StockItemEdits, StockItemFacts
from salespipeline.domain.settings import Settings
from salespipeline.domain.stock import StockItem
from salespipeline.errors import Invalid, NotFound, Problem, Refused
from salespipeline.expanding import stock_item
from salespipeline.filters import flag, search, words
from salespipeline.listing import Shape
from salespipeline.money import Amount
from salespipeline.query import Query
from salespipeline.settings.goods import Goods
from salespipeline.settings.lists import refuse_unknown
from salespipeline.stock import restocked
from salespipeline.work import Work

__all__ = ["Stock"]


def _row(item: StockItem, _settings: Settings, _names: Mapping[str, str]) -> dict[str, object]:
    return {
        "reference": item.reference,
        "serial": item.serial,
        "description": item.description,
        "price": item.price,
        "cost": item.cost,
        "currency": str(item.currency),
        "tax": item.tax.percent,
        "sold": ", ".join(one.name for one in item.sold),
    }


class Stock(Goods[StockItem]):
    """The pieces in stock; found by id, serial number, or the reference of a single one. (SPEC SET-6)

    A line takes one by ``{"stock": "SN-7"}``, and copies its values. It is sold when an invoice, a delivery note or a
    purchase order with that line is sent, and by no second document: ``mark_sent`` raises ``NotSendable``, and *send all*
    leaves it out.

    >>> stock = sales.settings.stock
    >>> _ = stock.add("LIFT", "Scissor lift", serial="SN-7", price="4200"), stock.add("LIFT", "Scissor lift", serial="SN-8")
    >>> stock.edit("SN-8", price="4400").price, stock.where(sold=False).count()
    (Decimal('4400'), 2)
    >>> first, second = (sales.documents.draft(acme, "invoice", lines=[{"stock": "SN-7"}]) for _ in range(2))
    >>> sales.documents.mark_sent(first).lines[0].description, stock["SN-7"].sold[0].name
    ('Scissor lift (S/N SN-7)', "invoice 'INV/00001'")
    >>> sales.documents.mark_sent(second)
    Traceback (most recent call last):
    salespipeline.errors.NotSendable: unnumbered invoice (...) is not sent: 'LIFT SN-7' is sold by invoice 'INV/00001' already; ...
    >>> [item.serial for item in stock.where(sold=False)], stock.usage("SN-7"), sorted(stock.usages().values())
    (['SN-8'], 1, [0, 1])
    >>> credited = sales.documents.mark_sent(sales.documents.convert(sales.documents["INV/00001"], "credit note"))
    >>> bool(stock.give_back("SN-7").sold), stock.delete("SN-8")
    (False, 0)
    """

    cls = StockItem
    shape = Shape(
        kind="stock_item",
        filters={
            "reference": words("reference"),
            "serial": words("serial"),
            "text": search("text"),
            "sold": flag("sold"),
            "archived": flag("archived"),
        },
        orders={"reference": "reference", "serial": "serial"},
        default="reference",
        row=_row,
        columns=dict.fromkeys(("reference", "serial", "description"), str)
        | {"price": Decimal, "cost": Decimal, "currency": str, "tax": Decimal, "sold": str},
    )
    fixed = {"sold": "documents sell it; give_back() makes it one to be had again"}  # noqa: RUF012

    def add(
        self, reference: str, description: str, *, serial: str = "", price: Amount = 0, **facts: Unpack[StockItemFacts]
    ) -> StockItem:
        """Add a piece; several may share a reference, each with a *serial* of its own. *facts*: cost, currency, tax, unit."""
        refuse_unknown("stock item", StockItem, facts, but=self.fixed)
        with self._sales.work() as work:
            values = {"currency": work.settings.organisation.currency, "price": price, "serial": serial, **facts}
            known = {"reference": reference, "description": description} | self._values(work, values)
            return work.keep(StockItem(id=work.new_id(), **known).checked(), action="added")

    def edit(self, item: StockItem | str, **values: Unpack[StockItemEdits]) -> StockItem:
        """Replace some values; lines made from it before keep theirs. (SPEC OPP-3)"""
        return self._edit(item, values)

    def give_back(self, item: StockItem | str) -> StockItem:
        """Make it one to be had again, once what sold it was cancelled, deleted or credited; else ``Refused``."""
        return self._change(item, lambda one, work: restocked(work, one), "given back")

    def usage(self, item: StockItem | str) -> int:
        """Return by how many documents it is sold: those of one sale, such as its delivery note and its invoice."""
        with self._sales.work(write=False) as work:
            return len(self._named(work, item).sold)

    def usages(self) -> dict[str, int]:
        """Return whether each is sold, 1 or 0, by id: told in one go."""
        with self._sales.work(write=False) as work:
            return {str(id): int(sold or 0) for id, sold in work.columns(Query(kind="stock_item"), ("id", "sold"))}

    def delete(self, item: StockItem | str, *, replacement: StockItem | str | None = None) -> int:
        """Delete it, and return 0: lines made from it keep their values. One that is sold is archived instead."""
        if replacement is not None:
            raise Invalid(
                Problem("replacement", "unknown", "a piece is that piece: lines keep its values, and no other's")
            )
        with self._sales.work() as work:
            record = self._named(work, item)
            if record.sold:
                seen = work.knows("document", record.sold[-1].document_id)
                name = record.sold[-1].name if seen else "a document that you cannot see"
                message = f"stock item {record.label!r} is sold by {name}: archive() it"
                raise Refused(message, record=f"stock item {record.label}", action="delete")
            work.remove(record)
            return 0

    def _standing(self, work: Work, name: str) -> StockItem | None:
        try:
            return stock_item(work, name)
        except Invalid as error:
            (problem,) = error.problems
            if problem.code == "several":
                raise NotFound(problem.message, kind="stock item", key=name) from None
            return None
