"""A transaction as one actor sees it: whoever reads or writes through it asks the policy, knowing it or not.

It stands between the façade and the store, so that an operation that is added tomorrow is asked about like all others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import attrs

from salespipeline.codec import decode
from salespipeline.entries import Entry, Scalar, Stored
from salespipeline.guard import Guard
from salespipeline.ports import Transaction
from salespipeline.query import Group, Measure, OneOf, Query
from salespipeline.sights import OPEN

__all__ = ["GuardedTransaction"]

T = TypeVar("T")


class GuardedTransaction:
    """The transaction *tx*, of which *guard* lets through what its actor may see and do; *write* as it was opened."""

    def __init__(self, tx: Transaction, guard: Guard, *, write: bool) -> None:
        self._tx = tx
        self._guard = guard
        self._write = write

    # --- reading ----------------------------------------------------------------------------------------------

    def get(self, kind: str, id: str) -> Stored | None:
        """Return the entry, or ``None`` where there is none to be seen."""
        stored = self._tx.get(kind, id)
        if stored is None or self._all_of(kind):
            return stored
        return stored if self._guard.seen(kind, [decode(kind, stored)]) else None

    def get_many(self, kind: str, ids: Iterable[str]) -> dict[str, Stored]:
        """Return those of *ids* that can be seen."""
        found = self._tx.get_many(kind, ids)
        if self._all_of(kind):
            return found
        seen = {record.id for record in self._guard.seen(kind, [decode(kind, one) for one in found.values()])}
        return {id: stored for id, stored in found.items() if id in seen}

    def scan(self, kind: str) -> Iterator[Entry]:
        """Yield every entry of a kind that can be seen."""
        entries = self._tx.scan(kind)
        if self._all_of(kind):
            return entries
        return self._fixed(self._scanned(kind, entries))

    def _scanned(self, kind: str, entries: Iterator[Entry]) -> Iterator[Entry]:
        while chunk := list(islice(entries, 500)):
            records = [decode(kind, Stored(one.id, one.version, one.body)) for one in chunk]
            seen = {record.id for record in self._guard.seen(kind, records)}
            yield from (one for one in chunk if one.id in seen)

    def find(self, query: Query) -> Iterator[Stored]:
        """Yield what the query asks for, and can be seen."""
        if self._guard.off:
            return self._tx.find(query)
        narrowed, exact = self._guard.narrowed(query)
        if exact:
            return self._tx.find(narrowed)
        return self._fixed(stored for stored, _ in self._guard.judged(query))

    def claim(self, query: Query) -> Iterator[Stored]:
        """Yield what the query asks for and can be seen, to be put by this transaction and nobody else."""
        return self._tx.claim(self._seen_of(query))

    def columns(self, query: Query, fields: Sequence[str]) -> Iterator[tuple[Scalar | None, ...]]:
        """Yield these fields of what can be seen."""
        return self._tx.columns(self._seen_of(query), fields)

    def tally(
        self, query: Query, by: Sequence[Group], measures: Sequence[Measure]
    ) -> Iterator[tuple[Scalar | None, ...]]:
        """Yield the groups of what can be seen."""
        every = attrs.evolve(query, order=(), after=None, limit=None)
        return self._tx.tally(self._seen_of(every), by, measures)

    def _seen_of(self, query: Query) -> Query:
        """Return the query for what of *query* can be seen; where the store cannot know it, by the ids of all that can."""
        if self._guard.off:
            return query
        narrowed, exact = self._guard.narrowed(query)
        if exact:
            return narrowed
        ids = frozenset(stored.id for stored, _ in self._guard.judged(query))
        return attrs.evolve(query, where=OneOf("id", ids))

    def _all_of(self, kind: str) -> bool:
        return kind in OPEN or self._guard.off or self._guard.sight(kind).everything

    def _fixed(self, several: Iterator[T]) -> Iterator[T]:
        """Return what was there when it was asked for, whatever this transaction writes before it is read."""
        return iter(list(several)) if self._write else several

    # --- writing ----------------------------------------------------------------------------------------------

    def put(self, entry: Entry) -> None:
        """Keep *entry*, if that may be."""
        self._ask(entry)
        self._tx.put(entry)
        self._guard.forget()

    def put_many(self, entries: Iterable[Entry]) -> None:
        """Keep every entry in turn, if that may be."""
        self._tx.put_many(self._asked(entries))
        self._guard.forget()

    def amend(self, entry: Entry) -> None:
        """Write an entry anew, if that may be."""
        self._ask(entry)
        self._tx.amend(entry)
        self._guard.forget()

    def delete(self, kind: str, id: str, version: int) -> None:
        """Remove the entry, if that may be."""
        if not self._guard.off and (kind, id) not in self._guard.told:
            stored = self.get(kind, id)
            if stored is not None:
                self._guard.write("delete", None, decode(kind, stored))
        self._tx.delete(kind, id, version)
        self._guard.forget()

    def next_number(self, series: str) -> int:
        """Return the next number: whoever may create something takes one."""
        return self._tx.next_number(series)

    def now(self) -> int:
        """Return the store's clock."""
        return self._tx.now()

    def _asked(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            self._ask(entry)
            yield entry

    def _ask(self, entry: Entry) -> None:
        """Ask about what was not asked about yet: whatever is put past ``Work.keep``."""
        if self._guard.off or (entry.kind, entry.id) in self._guard.told:
            return
        after = decode(entry.kind, Stored(entry.id, entry.version, entry.body))
        stored = self._tx.get(entry.kind, entry.id)
        before = None if stored is None else decode(entry.kind, stored)
        if before is not None and entry.kind not in OPEN and not self._guard.seen(entry.kind, [before]):
            before = None  # as if it were not there: the store says that it cannot be created
        self._guard.write("create" if before is None else "change", after, before)
