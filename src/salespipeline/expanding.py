"""From lines as they were given to lines: those that name a predefined item stand for its values. (SPEC OPP-3, SET-5, SET-7)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from salespipeline.domain.checks import Checks, suggestion
from salespipeline.domain.items import Item
from salespipeline.domain.lines import Line
from salespipeline.domain.reading import as_lines
from salespipeline.errors import Invalid, Problem, shown
from salespipeline.money import decimal, product
from salespipeline.query import Cmp, Query
from salespipeline.text import fold
from salespipeline.work import Work

__all__ = ["expanded"]


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


def _line(item: Item, currency: str, changes: dict[str, Any]) -> Line:
    if item.currency != currency and "unit_price" not in changes:
        message = f"item {item.reference!r} has a price in {item.currency}, not {currency}: give unit_price="
        raise Invalid(Problem("item", "currency", message))
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
