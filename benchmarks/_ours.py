"""A store of this library, asked the same questions as its peers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import attrs
from _sample import LEAST, PAGE, STAGE, STATUS, Deal

from salespipeline.codec import decode, decode_all, encode
from salespipeline.entries import Entry
from salespipeline.ports import Store
from salespipeline.query import EVERYTHING, All, Cmp, Contains, Count, OneOf, Query, Sum, starts_with
from salespipeline.sales import Sales

PAGED = Query(
    kind="opportunity",
    where=All((Cmp("stage", "=", STAGE), Cmp("status", "=", STATUS), Cmp("value", ">=", LEAST))),
    order=("created",),
    descending=True,
    limit=PAGE,
)
ALL = Query(kind="opportunity", where=EVERYTHING)
OPEN = Query(kind="opportunity", where=Cmp("status", "=", STATUS))
CLOSED = Query(kind="opportunity", where=OneOf("status", ("won", "lost")))
STAGED = Query(kind="opportunity", where=Cmp("stage", "=", STAGE))
TOTALS = (Count(), Sum("value"))


class Ours:
    """A store, with nothing but its contract: every question is a transaction of its own."""

    def __init__(self, store: Store, name: str) -> None:
        self.store = store
        self.name = name
        self._cursors: dict[int, tuple[Any, ...]] = {}
        Sales(store)  # prepares it, and stamps it as one that the façade can open

    def close(self) -> None:
        self.store.close()

    def fill(self, entries: Iterable[Entry]) -> None:
        """Put new entries, so many in a transaction."""
        waiting = iter(entries)
        while several := list(islice(waiting, 50_000)):
            with self.store.transaction() as tx:
                tx.put_many(several)

    # --- reading ---

    def get(self, id: str) -> object:
        with self.store.transaction(write=False) as tx:
            stored = tx.get("opportunity", id)
        assert stored is not None
        return decode("opportunity", stored)

    def page(self, skip: int = 0) -> list[str]:
        query = PAGED
        if skip:
            if skip not in self._cursors:
                with self.store.transaction(write=False) as tx:
                    self._cursors[skip] = list(tx.columns(attrs.evolve(PAGED, limit=skip), ("created", "id")))[-1]
            query = attrs.evolve(PAGED, after=self._cursors[skip])
        with self.store.transaction(write=False) as tx:
            return [decode("opportunity", stored).id for stored in tx.find(query)]

    def _tally(self, query: Query, by: Sequence[str], measures: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self.store.transaction(write=False) as tx:
            return list(tx.tally(query, by, measures))

    def funnel(self) -> list[tuple[Any, ...]]:
        return self._tally(OPEN, ("stage", "currency"), TOTALS)

    def conversion(self) -> list[tuple[Any, ...]]:
        return self._tally(CLOSED, ("stage", "status", "currency"), TOTALS)

    def owners(self) -> list[tuple[Any, ...]]:
        return self._tally(ALL, ("owner", "status", "currency"), (*TOTALS, Sum("cycle")))

    def load(self) -> int:
        with self.store.transaction(write=False) as tx:
            return len(decode_all("opportunity", tx.find(ALL)))

    def prefix(self, text: str) -> list[tuple[Any, ...]]:
        asked = Query(kind="opportunity", where=starts_with("reference", text), order=("reference",))
        with self.store.transaction(write=False) as tx:
            return list(tx.columns(asked, ("id", "reference")))

    def substring(self, text: str) -> list[tuple[Any, ...]]:
        asked = Query(kind="opportunity", where=Contains("reference", text), order=("reference",))
        with self.store.transaction(write=False) as tx:
            return list(tx.columns(asked, ("id", "reference")))

    def columns(self) -> list[tuple[Any, ...]]:
        with self.store.transaction(write=False) as tx:
            return list(tx.columns(STAGED, ("id", "reference", "value")))

    # --- writing ---

    def insert(self, deal: Deal) -> None:
        self.change(deal.entry)

    def change(self, entry: Entry) -> None:
        """Write the next version of what was read as ``entry.version``."""
        with self.store.transaction() as tx:
            tx.put(entry)

    def bulk(self, deals: Sequence[Deal]) -> None:
        with self.store.transaction() as tx:
            tx.put_many([deal.entry for deal in deals])

    def records(self, records: Sequence[Any]) -> None:
        """Encode records and put them, all in one transaction."""
        with self.store.transaction() as tx:
            tx.put_many([encode(record) for record in records])

    def number(self) -> int:
        """Give the next number of a series."""
        with self.store.transaction() as tx:
            return tx.next_number("s")
