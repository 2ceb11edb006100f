"""``sales.settings.items``: the predefined items. (SPEC SET-5)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Unpack

import attrs

from salespipeline.arguments import ItemEdits, ItemFacts
from salespipeline.domain.checks import Checks, counted
from salespipeline.domain.items import Item, Part
from salespipeline.domain.settings import Settings
from salespipeline.errors import Invalid, Problem, Refused, shown
from salespipeline.filters import flag, search, words
from salespipeline.listing import Shape
from salespipeline.money import EXACT, Amount, decimal
from salespipeline.query import Query
from salespipeline.settings.goods import Goods
from salespipeline.settings.lists import refuse_unknown
from salespipeline.settings.uses import Use
from salespipeline.work import Work

if TYPE_CHECKING:
    from salespipeline.importing import ImportReport
    from salespipeline.tables import FilePath

__all__ = ["Items"]


def _item_row(item: Item, _settings: Settings, _names: Mapping[str, str]) -> dict[str, object]:
    return {
        "reference": item.reference,
        "description": item.description,
        "group": item.group,
        "unit": item.unit,
        "price": item.price,
        "cost": item.cost,
        "currency": str(item.currency),
        "tax": item.tax.percent,
        "nominal_code": item.nominal_code,
        "department_code": item.department_code,
    }


class Items(Goods[Item]):
    """The predefined items, and sets of them; found by id or reference. (SPEC SET-5)

    >>> items = sales.settings.items
    >>> _ = items.add("BAY", "Racking, bay", price="210"), items.add("FIT", "Installation, per bay", price="45")
    >>> _ = items.edit("FIT", price="48.50"), items.add("KIT", "Bay, installed", parts=[("BAY", 1), ("FIT", 1)])
    >>> sales.opportunities.edit(deal, lines=[{"item": "KIT", "quantity": 4}]).value
    Money('1034.00', 'GBP')
    >>> items.delete("BAY", replacement=items.add("BAY-XL", "Racking, wide bay", price="260")), items.delete("KIT")
    (1, 0)
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
        columns=dict.fromkeys(("reference", "description", "group", "unit"), str)
        | {"price": Decimal, "cost": Decimal, "currency": str, "tax": Decimal}
        | dict.fromkeys(("nominal_code", "department_code"), str),
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

    def import_csv(
        self, path: FilePath, *, delimiter: str = ",", decimal: str = ".", encoding: str = "utf-8-sig"
    ) -> ImportReport:
        r"""Add items from CSV, and give those whose *reference* is there the values of their rows.

        The columns are those that ``write_csv`` writes, or some of them; an empty cell says nothing. All of the file is
        taken or nothing: ``Invalid`` lists every bad row. Sets keep their parts, which the settings' own file carries.

        >>> import tempfile
        >>> from pathlib import Path
        >>> file = Path(tempfile.mkdtemp(), "items.csv")
        >>> _ = file.write_text("reference;description;price;tax\nBAY;Racking, bay;210,00;20\n")
        >>> print(sales.settings.items.import_csv(file, delimiter=";", decimal=","))
        1 created, 0 there already, 0 bad
        >>> sales.settings.items["BAY"].price
        Decimal('210.00')
        """
        from salespipeline.settings.items_csv import import_items

        return import_items(self, path, delimiter=delimiter, decimal=decimal, encoding=encoding)

    def edit(self, item: Item | str, **values: Unpack[ItemEdits]) -> Item:
        """Replace some values; lines made from it before keep theirs. (SPEC OPP-3)"""
        return self._edit(item, values)

    def _values(self, work: Work, given: Mapping[str, Any], before: Item | None = None) -> dict[str, Any]:
        values = super()._values(work, given, before)
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
        if number := _IN_SETS.count(work, item.id):
            return counted(number, "set")
        return "sets that you cannot see" if work.hides("item", _IN_SETS.where(item.id)) else ""

    def usage(self, item: Item | str) -> int:
        """Return of how many sets it is a part."""
        with self._sales.work(write=False) as work:
            return _IN_SETS.count(work, self._named(work, item).id)

    def usages(self) -> dict[str, int]:
        """Return of how many sets each is a part, by id: counted in one go.

        >>> items = sales.settings.items
        >>> kit = items.add("KIT", "Bay, installed", parts=[(items.add("BAY", "Bay", price="210"), 2)])
        >>> items.usages() == {kit.id: 0, items["BAY"].id: 1}, items.usage("BAY")
        (True, 1)
        """
        with self._sales.work(write=False) as work:
            found = dict(_IN_SETS.tally(work))
            return {str(id): found.get(str(id), 0) for (id,) in work.columns(Query(kind="item"), ("id",))}

    def delete(self, item: Item | str, *, replacement: Item | str | None = None) -> int:
        """Delete it; lines made from it keep their values. Part of a set, it needs a *replacement*, which such sets get.

        Returns how many sets got it.
        """
        with self._sales.work() as work:
            record = self._named(work, item)
            other = None if replacement is None else self._other(work, record, replacement)
            work.demand("delete", record)
            sets = self._sets_with(work, record)
            if sets and other is None:
                message = f"item {record.reference!r} is part of {sets}: archive() it, or pass replacement="
                raise Refused(message, record=f"item {record.reference}", action="delete")
            number = _IN_SETS.count(work, record.id)
            if other is not None:
                with work.unguarded():
                    _IN_SETS.rewrite(work, record.id, other.id, action="item replaced")
            work.remove(record)
            return number

    def _other(self, work: Work, gone: Item, replacement: Item | str) -> Item:
        other = self._named(work, replacement)
        for wrong, why in (
            (other.id == gone.id, "cannot take its own place"),
            (other.archived, "is archived"),
            (bool(other.parts), "is a set, which is no part of others"),
        ):
            if wrong:
                raise Invalid(Problem("replacement", "choice", f"{other.reference!r} {why}: name another"))
        return other


class _Parts(Use):
    """The sets that an item is a part of: they have as many of the one that takes its place."""

    def changed(self, record: Item, old: str, new: str | None) -> Item:
        found: dict[str, Decimal] = {}
        for part in record.parts:
            id = new if part.item_id == old else part.item_id
            found[str(id)] = EXACT.add(found.get(str(id), Decimal(0)), part.quantity)
        return attrs.evolve(record, parts=tuple(Part(item_id=id, quantity=number) for id, number in found.items()))


_IN_SETS = _Parts(kind="item", index="parts", field="parts", many=True)
