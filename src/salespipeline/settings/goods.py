"""What predefined items and stock items have in common: both are sold by lines that copy their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from salespipeline.collection import Collection
from salespipeline.domain.items import Item
from salespipeline.domain.lines import Tax
from salespipeline.domain.stock import StockItem
from salespipeline.settings.lists import refuse_unknown
from salespipeline.work import Work

__all__ = ["Goods"]

G = TypeVar("G", Item, StockItem)


class Goods(Collection[G]):
    """Things that are sold. A change of one changes no line that was made from it. (SPEC OPP-3)

    >>> items = sales.settings.items
    >>> _ = items.add("BAY", "Racking, bay", price="210"), items.add("FIT", "Installation", price="45")
    >>> items.rename("FIT", "FITTING").reference, items.archive("BAY").archived, items.restore("BAY").archived
    ('FITTING', True, False)
    """

    def rename(self, item: G | str, reference: str) -> G:
        """Give it another reference; it is the same item."""
        return self._edit(item, {"reference": reference})

    def archive(self, item: G | str) -> G:
        """Offer it no longer; lines that were made from it stay."""
        return self._edit(item, {"archived": True})

    def restore(self, item: G | str) -> G:
        """Offer it again."""
        return self._edit(item, {"archived": False})

    def _edit(self, item: G | str, values: Mapping[str, Any]) -> G:
        refuse_unknown(self.shape.kind.replace("_", " "), self.cls, values, but=self.fixed)

        def move(before: G, work: Work) -> G:
            return attrs.evolve(before, **self._values(work, values, before)).checked()

        return self._change(item, move, "edited")

    fixed: Mapping[str, str] = {}  # what is not edited, and what to do instead

    def _values(self, work: Work, given: Mapping[str, Any], before: G | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Return the values of a record for those that were *given*."""
        values = dict(given)
        tax = values.get("tax")
        if isinstance(tax, str) and tax[:1000] in work.settings.tax_rates:
            values["tax"] = Tax.of(work.settings.tax_rates[tax])
        return values
