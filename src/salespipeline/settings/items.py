"""``sales.settings.items``: the predefined items. (SPEC SET-5)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Unpack

import attrs

from salespipeline.arguments import ItemEdits, ItemFacts
from salespipeline.collection import Collection
from salespipeline.domain.checks import Checks
from salespipeline.domain.items import Item, Part
from salespipeline.domain.lines import Tax
from salespipeline.domain.settings import Settings
from salespipeline.errors import Refused, shown
from salespipeline.filters import flag, search, words
from salespipeline.listing import Shape
from salespipeline.money import Amount, decimal
from salespipeline.query import Has
from salespipeline.settings.lists import refuse_unknown
from salespipeline.work import Work

__all__ = ["Items"]


def _item_row(item: Item, _settings: Settings, _names: Mapping[str, str]) -> dict[str, object]:
    return {
        "reference": item.reference,
        "description": item.description,
        "group": item.group,
        "price": item.price,
        "cost": item.cost,
        "currency": str(item.currency),
        "tax": item.tax.percent,
    }


class Items(Collection[Item]):
    """The predefined items, and sets of them; found by id or reference. (SPEC SET-5)

    >>> items = sales.settings.items
    >>> _ = items.add("BAY", "Racking, bay", price="210"), items.add("FIT", "Installation, per bay", price="45")
    >>> _ = items.edit("FIT", price="48.50"), items.add("KIT", "Bay, installed", parts=[("BAY", 1), ("FIT", 1)])
    >>> sales.opportunities.edit(deal, lines=[{"item": "KIT", "quantity": 4}]).value
    Money('1034.00', 'GBP')
    >>> items.delete("KIT")
    """

    cls = Item
    shape = Shape(
        kind="item",
        filters={
            "reference": words("reference"),
            "group": words("group"),
            "text": search("text"),
            "archived": flag("archived"),
        },
        orders={"reference": "reference", "group": "group"},
        default="reference",
        row=_item_row,
        columns=dict.fromkeys(("reference", "description", "group"), str)
        | {"price": Decimal, "cost": Decimal, "currency": str, "tax": Decimal},
    )

    def add(
        self,
        reference: str,
        description: str,
        *,
        price: Amount = 0,
        parts: Iterable[tuple[Item | str, Amount]] = (),
        **facts: Unpack[ItemFacts],
    ) -> Item:
        """Add an item. *facts*: cost, currency, tax, group, unit, nominal_code, department_code.

        *parts* make it a set: pairs of an item's reference and a quantity.
        """
        refuse_unknown("item", Item, facts, but={})
        with self._sales.work() as work:
            values = {"currency": work.settings.organisation.currency, "price": price, "parts": parts, **facts}
            item = Item(id=work.new_id(), reference=reference, description=description, **self._values(work, values))
            return work.keep(item.checked(), action="added")

    def edit(self, item: Item | str, **values: Unpack[ItemEdits]) -> Item:
        """Replace some values; lines made from it before keep theirs. (SPEC OPP-3)"""
        refuse_unknown("item", Item, values, but={})
        return self._change(
            item, lambda before, work: attrs.evolve(before, **self._values(work, values, before)).checked(), "edited"
        )

    def _values(self, work: Work, given: Mapping[str, Any], before: Item | None = None) -> dict[str, Any]:
        values = dict(given)
        tax = values.get("tax")
        if isinstance(tax, str) and tax in work.settings.tax_rates:
            values["tax"] = Tax.of(work.settings.tax_rates[tax])
        if "parts" in values:
            values["parts"] = self._parts(work, values["parts"], before)
        return values

    def _parts(self, work: Work, given: Iterable[Any], before: Item | None) -> tuple[Part, ...]:
        checks = Checks()
        parts: list[Part] = []
        for position, pair in enumerate(given):
            path = f"parts[{position}]"
            if isinstance(pair, Part):
                pair = (pair.item_id, pair.quantity)
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                checks.add(path, "type", f"a pair of an item's reference and a quantity is needed, not {shown(pair)}")
                continue
            name, quantity = pair
            item = work.get(Item, name.id) if isinstance(name, Item) else None
            item = self._find(work, name) if isinstance(name, str) else item
            if item is None:
                checks.add(path, "unknown", f"no item has the reference {shown(name)}")
            elif item.parts or (before is not None and item.id == before.id):
                checks.add(path, "set", f"{item.reference!r} is a set: a set holds items, no other sets")
            else:
                parts.append(Part(item_id=item.id, quantity=checks.take(decimal, quantity, f"{path}.quantity")))
        if parts and before is not None and (sets := self._sets_with(work, before)):
            checks.add("parts", "set", f"{before.reference!r} is part of {sets}: it cannot become a set itself")
        checks.done()
        return tuple(parts)

    @staticmethod
    def _sets_with(work: Work, item: Item) -> str:
        """Return how many sets it is a part of, in words; empty where there are none."""
        held = Has("parts", item.id)
        if number := work.count("item", held):
            return f"{number} sets"
        return "sets that you cannot see" if work.hides("item", held) else ""

    def delete(self, item: Item | str) -> None:
        """Delete it; lines made from it keep their values. Part of a set, it is refused: archive it instead."""
        with self._sales.work() as work:
            record = self._named(work, item)
            work.demand("delete", record)
            if sets := self._sets_with(work, record):
                message = f"item {record.reference!r} is part of {sets}: take it out of them first"
                raise Refused(message, record=f"item {record.reference}", action="delete")
            work.remove(record)
