"""From lines as they were given to lines: those that name a predefined item stand for its values. (SPEC OPP-3, SET-5, SET-7)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from salespipeline.domain.checks import Checks, suggestion
from salespipeline.domain.items import Item
from salespipeline.domain.lines import Line
from salespipeline.domain.reading import as_lines
from salespipeline.domain.stock import StockItem
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.money import decimal, product
from salespipeline.query import Cmp, Query
from salespipeline.text import fold
from salespipeline.work import Work

__all__ = ["expanded", "stock_item"]


def expanded(work: Work, given: dict[str, Any], checks: Checks, currency: str) -> None:
    """Replace the lines in *given* by ``Line`` values, keeping every problem.

    A set of items becomes several, and a tax may be named by the code of its rate. *currency* is that of the record,
    unless *given* says another; an item in another one needs a price.
    """
    if "lines" in given:
        wanted = str(given.get("currency") or currency)
        given["lines"] = as_lines(given["lines"], checks, None, expand=lambda line: _lines(work, line, wanted))


def _lines(work: Work, line: Mapping[str, object], currency: str) -> list[Line]:
    changes: dict[str, Any] = {name: value for name, value in line.items() if name != "item"}
    tax = changes.get("tax")
    if isinstance(tax, str) and tax[:1000] in work.settings.tax_rates:
        rates = work.settings.tax_rates
        changes["tax"] = rates[rates.chosen(tax, "tax")]
    if "stock" in line:
        if "item" in line:
            raise Invalid(Problem("stock", "choice", "a line is of an item or of a stock item, one of them"))
        return [_piece(work, changes, currency)]
    if "item" not in line:
        return [Line(**changes)]
    item = _item(work, line["item"])
    if not item.parts:
        return [_line(item, currency, changes)]
    if refused := sorted(str(name) for name in changes.keys() - {"quantity"}):
        message = (
            f"{item.reference!r} is a set: it takes a quantity, and no {', '.join(refused)}; add its items one by one"
        )
        raise Invalid(Problem("item", "set", message))
    times = decimal(changes.get("quantity", 1), "quantity")
    parts = work.get_many(Item, [part.item_id for part in item.parts])
    return [_line(parts[part.item_id], currency, {"quantity": product(part.quantity, times)}) for part in item.parts]


def _piece(work: Work, changes: dict[str, Any], currency: str) -> Line:
    found = stock_item(work, changes.pop("stock"))
    why = f"sold by {found.sold[-1].name}" if found.sold else "archived" if found.archived else ""
    if why:
        message = f"stock item {found.label!r} is {why}: offer another one; settings.stock.where(sold=False) lists them"
        raise Invalid(Problem("stock", "sold" if found.sold else "archived", message))
    return _line(found, currency, changes)


def stock_item(work: Work, given: object) -> StockItem:
    """Return the stock item that was *given*: itself, its id, its serial number, or the reference of a single one."""
    name = given.id if isinstance(given, StockItem) else given
    if not isinstance(name, str) or not 0 < len(name) <= 1000:
        message = f"the serial number or reference of a stock item is needed, not {shown(name)}"
        raise Invalid(Problem("stock", "type", message))
    found = work.get(StockItem, name)
    for field in ("serial", "reference"):
        if found is not None:
            break
        query = Query(kind="stock_item", where=Cmp(field, "=", fold(name)), limit=2)
        several = list(work.find(query))
        if len(several) > 1:
            message = f"more than one stock item has the {field} {shown(name)}: say the serial number, or an id"
            raise Invalid(Problem("stock", "several", message))
        found = several[0] if several else None
    if found is None:
        known = work.columns(Query(kind="stock_item", order=("reference",), limit=500), ("reference", "serial"))
        hint = suggestion(name, [str(one).upper() for row in known for one in row if one])
        raise Invalid(
            Problem("stock", "unknown", f"no stock item has the serial number or reference {shown(name)}: {hint}")
        )
    return found


def _line(item: Item | StockItem, currency: str, changes: dict[str, Any]) -> Line:
    if item.currency != currency and "unit_price" not in changes:
        message = f"item {item.label!r} has a price in {item.currency}, not {currency}: give unit_price="
        raise Invalid(Problem("item" if isinstance(item, Item) else "stock", "currency", message))
    if item.currency != currency:
        changes = {"cost": None} | changes  # nor is its cost in this currency
    return item.line(**changes)


def _item(work: Work, given: object) -> Item:
    name = given.id if isinstance(given, Item) else given
    if not isinstance(name, str) or not 0 < len(name) <= 1000:
        raise Invalid(Problem("item", "type", f"the reference of an item is needed, not {shown(name)}"))
    item = work.get(Item, name)
    if item is None:
        item = next(work.find(Query(kind="item", where=Cmp("reference", "=", fold(name)), limit=1)), None)
    if item is None:
        known = work.columns(Query(kind="item", order=("reference",), limit=500), ("reference",))
        hint = suggestion(name, [str(row[0]).upper() for row in known])
        raise Invalid(Problem("item", "unknown", f"no item has the reference {shown(name)}: {hint}"))
    if item.archived:
        message = f"item {item.reference!r} is archived: restore it with settings.items.edit(…, archived=False)"
        raise Invalid(Problem("item", "archived", message))
    return item
