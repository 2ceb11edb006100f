"""A complete store in memory: the oracle of the tests, and a pipeline for notebooks. With real indexes."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import attrs

from salespipeline.blobs.memory import MemoryBlobs
from salespipeline.entries import Catalog, Entry, Kind, Scalar, Stored
from salespipeline.errors import Conflict, Duplicate, OpenError, ReadOnly, StorageError, StoreClosed, TransactionOpen
from salespipeline.query import All, Cmp, Group, Has, Measure, OneOf, Predicate, Query, matches
from salespipeline.stores.base import BaseTransaction, Row, grouped, sort_key, system_clock

__all__ = ["MemoryStore", "open_memory"]

FEW = 64  # so many new keys are put in their place one by one; more are sorted in at once


class _Sorted:
    """The (value, id) pairs of one field, in order; additions are merged when somebody looks."""

    def __init__(self) -> None:
        self._pairs: list[tuple[Scalar, str]] = []
        self._new: list[tuple[Scalar, str]] = []

    def add(self, value: Scalar, id: str) -> None:
        self._new.append((value, id))

    def remove(self, value: Scalar, id: str) -> None:
        pairs = self.pairs
        del pairs[bisect_left(pairs, (value, id))]

    @property
    def pairs(self) -> list[tuple[Scalar, str]]:
        if len(self._new) > FEW:
            self._pairs.extend(self._new)
            self._pairs.sort()
        else:
            for pair in self._new:
                insort(self._pairs, pair)
        self._new.clear()
        return self._pairs


class _Table:
    """The entries of one kind and their indexes."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.rows: dict[str, Entry] = {}
        leading = {path[0] for path in (*kind.paths, *kind.unique)}
        ordered = {field.name for field in kind.fields if field.sortable} | {unique[0] for unique in kind.unique}
        self.equal: dict[str, dict[Scalar, set[str]]] = {
            field.name: {} for field in kind.fields if field.name in leading or field.many
        }
        self.ordered = {name: _Sorted() for name in ordered}
        self.unique: dict[tuple[str, ...], dict[tuple[Scalar, ...], str]] = {names: {} for names in kind.unique}

    def add(self, entry: Entry) -> None:
        self.rows[entry.id] = entry
        for name, ids in self.equal.items():
            for value in _values(entry, name):
                ids.setdefault(value, set()).add(entry.id)
        for name, keys in self.ordered.items():
            for value in _values(entry, name):
                keys.add(value, entry.id)
        for names, taken in self.unique.items():
            if (key := _unique(entry, names)) is not None:
                taken[key] = entry.id

    def remove(self, id: str) -> Entry:
        entry = self.rows.pop(id)
        for name, ids in self.equal.items():
            for value in _values(entry, name):
                ids[value].discard(id)
                if not ids[value]:
                    del ids[value]
        for name, keys in self.ordered.items():
            for value in _values(entry, name):
                keys.remove(value, id)
        for names, taken in self.unique.items():
            if (key := _unique(entry, names)) is not None:
                taken.pop(key, None)
        return entry

    def candidates(self, predicate: Predicate) -> set[str] | list[str] | None:
        """Return the fewest ids that an index says can match, or ``None`` where none helps."""
        parts = predicate.parts if isinstance(predicate, All) else (predicate,)
        best: set[str] | list[str] | None = None
        for part in parts:
            found: set[str] | list[str] | None = None
            match part:
                case All():
                    found = self.candidates(part)
                case Cmp(field, "=", value) | Has(field, value) if field in self.equal:
                    found = self.equal[field].get(value, set())
                case OneOf(field, values) if field in self.equal:
                    found = [id for value in dict.fromkeys(values) for id in self.equal[field].get(value, ())]
                case _:
                    pass
            if found is not None and (best is None or len(found) < len(best)):
                best = found
        return best if best is not None else self._range(parts)

    def _range(self, parts: tuple[Predicate, ...]) -> list[str] | None:
        bounds: dict[str, tuple[int, int]] = {}
        for part in parts:
            if isinstance(part, Cmp) and part.op != "=" and part.field in self.ordered:
                pairs = self.ordered[part.field].pairs
                low, high = bounds.get(part.field, (0, len(pairs)))
                side = bisect_left if part.op in (">=", "<") else bisect_right
                at = side(pairs, part.value, key=lambda pair: pair[0])
                bounds[part.field] = (max(low, at), high) if part.op[0] == ">" else (low, min(high, at))
        if not bounds:
            return None
        name, (low, high) = min(bounds.items(), key=lambda bound: bound[1][1] - bound[1][0])
        if high - low > len(self.rows) // 4:
            return None
        return [id for _, id in self.ordered[name].pairs[low:high]]


def _values(entry: Entry, name: str) -> tuple[Scalar, ...]:
    value = entry.index.get(name, ())
    return value if isinstance(value, tuple) else (value,)


def _unique(entry: Entry, names: tuple[str, ...]) -> tuple[Scalar, ...] | None:
    key = tuple(entry.index[name] for name in names if name in entry.index)
    return key if len(key) == len(names) else None  # type: ignore[return-value]


class MemoryStore:
    """Entries in dictionaries. Shared between threads: one transaction at a time, others wait.

    >>> store = MemoryStore()
    >>> store.prepare(Catalog((Kind("note"),)))
    >>> with store.transaction() as tx:
    ...     tx.put(Entry("note", "1", 0, {}, "{}"))
    """

    def __init__(self, *, now: Callable[[], int] = system_clock) -> None:
        self._lock = threading.Lock()
        self._local = threading.local()
        self._tables: dict[str, _Table] = {}
        self._numbers: dict[str, int] = {}
        self._closed = False
        self._now = now
        self.blobs = MemoryBlobs()

    def prepare(self, catalog: Catalog) -> None:
        """Make room for the kinds of *catalog*; entries that are there are indexed again."""
        self._check_open()
        with self._lock:
            for kind in catalog.kinds:
                old = self._tables.get(kind.name)
                if old is not None and old.kind == kind:
                    continue
                table = _Table(kind)
                for entry in old.rows.values() if old is not None else ():
                    table.add(entry)
                self._tables[kind.name] = table

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[MemoryTransaction]:
        """Open a transaction; a clean exit commits, an exception takes everything back."""
        self._check_open()
        if getattr(self._local, "open", False):
            raise TransactionOpen("a transaction is open in this thread already; transactions do not nest")
        with self._lock:
            self._check_open()
            tx = MemoryTransaction(self._tables, self._numbers, write, self._now)
            self._local.open = True
            try:
                yield tx
            except BaseException:
                tx.roll_back()
                raise
            finally:
                tx.end()
                self._local.open = False

    def close(self) -> None:
        """Refuse everything from now on."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise StoreClosed("this store was closed; open a new one")

    def __repr__(self) -> str:
        return "<MemoryStore>"


class MemoryTransaction(BaseTransaction):
    """A transaction of ``MemoryStore``: it changes the tables at once, and remembers how to undo it."""

    __slots__ = ("_now", "_numbers", "_open", "_tables", "_undo", "_undo_numbers", "_write")

    def __init__(self, tables: dict[str, _Table], numbers: dict[str, int], write: bool, now: Callable[[], int]) -> None:
        self._tables = tables
        self._numbers = numbers
        self._write = write
        self._now = now
        self._open = True
        self._undo: list[tuple[str, str, Entry | None]] = []
        self._undo_numbers: dict[str, int] = {}

    def _table(self, kind: str) -> _Table:
        if not self._open:
            raise StorageError("this transaction is over; open a new one")
        table = self._tables.get(kind)
        if table is None:
            raise StorageError(f"the store knows no kind {kind!r}: call prepare() with a catalog that has it")
        return table

    def _writing(self) -> None:
        if not self._write:
            raise ReadOnly("this transaction only reads; open one with write=True")

    def get(self, kind: str, id: str) -> Stored | None:
        """Return the entry, or ``None``."""
        entry = self._table(kind).rows.get(id)
        return None if entry is None else Stored(entry.id, entry.version, entry.body)

    def put(self, entry: Entry) -> None:
        """Keep the entry as its next version."""
        table = self._table(entry.kind)
        self._writing()
        old = table.rows.get(entry.id)
        if (old.version if old is not None else 0) != entry.version:
            raise _conflict(entry.kind, entry.id, entry.version, old)
        for names, taken in table.unique.items():
            key = _unique(entry, names)
            if key is not None and taken.get(key, entry.id) != entry.id:
                message = f"another {entry.kind} has the same {', '.join(names)}"
                raise Duplicate(message, kind=entry.kind, id=entry.id, fields=names)
        self._undo.append((entry.kind, entry.id, old))
        if old is not None:
            table.remove(entry.id)
        index = {name: value for name, value in entry.index.items() if value != ()}
        table.add(attrs.evolve(entry, version=entry.version + 1, index=index))

    def delete(self, kind: str, id: str, version: int) -> None:
        """Remove the entry, if that version is kept."""
        table = self._table(kind)
        self._writing()
        old = table.rows.get(id)
        if old is None or old.version != version:
            raise _conflict(kind, id, version, old)
        self._undo.append((kind, id, table.remove(id)))

    def scan(self, kind: str) -> Iterator[Entry]:
        """Yield every entry, by id."""
        rows = self._table(kind).rows
        return iter([rows[id] for id in sorted(rows)])

    def next_number(self, series: str) -> int:
        """Return the next number of *series*."""
        self._table_open()
        self._writing()
        number = self._numbers.get(series, 0)
        self._undo_numbers.setdefault(series, number)
        self._numbers[series] = number + 1
        return number + 1

    def _table_open(self) -> None:
        if not self._open:
            raise StorageError("this transaction is over; open a new one")

    def now(self) -> int:
        """Return the store's clock."""
        return self._now()

    def _page(self, query: Query) -> list[Entry]:
        table = self._table(query.kind)
        rows, where, limit = table.rows, query.where, query.limit
        ids = table.candidates(where)
        if ids is None and limit is not None and len(query.order) == 1 and query.order[0] in table.ordered:
            return self._walk(table, query, limit)
        chosen = rows.values() if ids is None else map(rows.__getitem__, ids)
        entries = [entry for entry in chosen if matches(where, entry.index)]
        key, after = sort_key(query.order), query.after
        if after is not None:
            entries = [entry for entry in entries if (key(entry) < after if query.descending else key(entry) > after)]
        entries.sort(key=key, reverse=query.descending)
        return entries if limit is None else entries[:limit]

    @staticmethod
    def _walk(table: _Table, query: Query, limit: int) -> list[Entry]:
        """Read in the order of an index, from the cursor, until the page is full."""
        pairs = table.ordered[query.order[0]].pairs
        found: list[Entry] = []
        start = 0 if not query.descending else len(pairs) - 1
        if query.after is not None:
            after: tuple[Scalar, str] = query.after  # type: ignore[assignment]
            start = bisect_left(pairs, after) - 1 if query.descending else bisect_right(pairs, after)
        places = range(start, -1, -1) if query.descending else range(start, len(pairs))
        for place in places:
            if len(found) >= limit:
                break
            entry = table.rows[pairs[place][1]]
            if matches(query.where, entry.index):
                found.append(entry)
        return found

    def tally(self, query: Query, by: Sequence[Group], measures: Sequence[Measure]) -> Iterator[Row]:
        """Group what an index narrows down."""
        table = self._table(query.kind)
        ids = table.candidates(query.where)
        chosen = table.rows.values() if ids is None else map(table.rows.__getitem__, ids)
        return iter(grouped((entry.index for entry in chosen if matches(query.where, entry.index)), by, measures))

    def roll_back(self) -> None:
        """Undo everything, last first."""
        for kind, id, old in reversed(self._undo):
            table = self._tables[kind]
            if id in table.rows:
                table.remove(id)
            if old is not None:
                table.add(old)
        self._numbers.update(self._undo_numbers)

    def end(self) -> None:
        """Refuse everything from now on."""
        self._open = False


def _conflict(kind: str, id: str, version: int, old: Entry | None) -> Conflict:
    there = f"version {old.version} is kept" if old is not None else "it does not exist"
    return Conflict(f"{kind} {id!r}: version {version} was expected, but {there}", kind=kind, id=id)


def open_memory(url: str, **options: object) -> MemoryStore:
    """Open ``memory:``: a new, empty store."""
    if url.rstrip("/") != "memory:" or options:
        raise OpenError(f"{url!r} takes nothing behind 'memory:'")
    return MemoryStore()
