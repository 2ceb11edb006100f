"""Everything that a store holds, to compare before and after."""

from __future__ import annotations

import salespipeline as sp
from salespipeline.catalog import CATALOG
from salespipeline.entries import Entry


def whole(sales: sp.Sales) -> dict[str, list[Entry]]:
    """Return every entry of every kind."""
    with sales.store.transaction(write=False) as tx:
        return {kind.name: list(tx.scan(kind.name)) for kind in CATALOG.kinds}
