"""Entries in memory, with real indexes: for tests, notebooks and demonstrations, and as the stores' yardstick."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar

import attrs

from salespipeline.blobs.memory import MemoryBlobs
from salespipeline.entries import Catalog, Entry, Index, Scalar, Stored
from salespipeline.errors import NewerFormat, OpenError, StoreClosed, Unavailable, shown
from salespipeline.query import Group, Measure, Query
from salespipeline.stores.base import BaseTransaction, Row, system_clock
from salespipeline.stores.compiled import chooser
from salespipeline.stores.kinds import (
    check_catalog,
    conflict,
    duplicate,
    merged,
    not_open,
    not_prepared,
    not_unique,
    older_format,
    read_only,
    transaction_open,
)
from salespipeline.stores.memory_index import Record, Records
from salespipeline.stores.memory_plan import chosen, page, tallied

__all__ = ["MemoryStore", "MemoryTransaction", "open_memory"]


def open_memory(url: str, **options: Any) -> MemoryStore:
    """Open a new, empty store in memory: the URL is ``memory:``, *options* are those of ``MemoryStore``."""
    if url.removeprefix("memory:") not in ("", "//"):
        raise OpenError(f"{shown(url)} names something, but a store in memory has no name: write memory:")
    return MemoryStore(**options)


class _Data:
    """What all handles on one store in memory share."""

    def __init__(self) -> None:
        self.kinds: dict[str, Records] = {}
        self.numbers: dict[str, int] = {}
        self.format = 0
        self.blobs = MemoryBlobs()
        self.writing: MemoryTransaction | None = None
        self.reading: set[MemoryTransaction] = set()
        self.locks()

    def locks(self) -> None:
        self.pid = os.getpid()
        self.mutex = threading.Lock()  # held for moments
        self.writer = threading.Lock()  # held while a transaction writes

    def adopt(self) -> None:
        """In a forked child: other threads are gone, and with them what they had not committed."""
        self.locks()
        if self.writing is not None:
            self.writing.undo()
        self.writing = None
        self.reading.clear()


class MemoryStore:
    """Entries in memory.

    May be shared between threads: one writes at a time, and those who read see what was there when they began. A forked
    child has a copy of its own. *timeout* is how many seconds to wait for another writer, *now* the store's clock in
    microseconds. *beside* opens a second handle on the data of another one.
    """

    lacks: ClassVar[Mapping[str, str]] = {
        "second-process": "what is in the memory of one process cannot be opened by another",
        "fork": "a forked child has a copy of its own, which it may use",
        "open-after-fork": "what is in the memory of one process cannot be opened by another",
    }

    def __init__(
        self,
        *,
        beside: MemoryStore | None = None,
        timeout: float = 30.0,
        now: Callable[[], int] | None = None,
    ) -> None:
        self._data: _Data = _Data() if beside is None else beside._data
        self._timeout = timeout
        self._now = now or system_clock
        self._local = threading.local()
        self._prepared: frozenset[str] = frozenset()
        self._closed = False
        self.blobs = self._data.blobs

    def __repr__(self) -> str:
        return f"<MemoryStore: {', '.join(sorted(self._prepared)) or 'not prepared'}>"

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        """Make room for the kinds of *catalog*; nothing is ever taken away.

        Raises ``StorageError`` where a field changes its type, ``NewerFormat`` where the entries were written by a
        newer program, ``UpgradeNeeded`` where by an older one, unless *upgrade* is given.
        """
        check_catalog(catalog)
        with self.transaction(), self._data.mutex:
            data = self._data
            if data.format > catalog.format:
                message = f"the entries are in format {data.format} and this program knows {catalog.format}; upgrade it"
                raise NewerFormat(message)
            if 0 < data.format < catalog.format and not upgrade:
                raise older_format(data.format, catalog.format)
            kept = {name: records.kind for name, records in data.kinds.items()}
            kinds = [merged(kept.get(kind.name), kind) for kind in catalog.kinds]
            for kind in kinds:
                records = data.kinds.setdefault(kind.name, Records(kind))
                names = None if kind == records.kind else records.become(kind)
                if names is not None:
                    raise not_unique(kind.name, names)
            data.format = catalog.format
            self._prepared |= {kind.name for kind in kinds}

    def transaction(self, *, write: bool = True) -> MemoryTransaction:
        """Return a transaction; it begins where its ``with`` block does."""
        return MemoryTransaction(self, write=write)

    def close(self) -> None:
        """Refuse everything from now on. The data goes with the last handle."""
        if getattr(self._local, "open", False):
            raise transaction_open()
        self._closed = True

    # --- for transactions ---

    def _begin(self, transaction: MemoryTransaction, *, write: bool) -> None:
        data = self._data
        if self._closed:
            raise StoreClosed("the store in memory was closed; open a new one")
        if getattr(self._local, "open", False):
            raise transaction_open()
        if data.pid != os.getpid():
            data.adopt()
        if write and not data.writer.acquire(timeout=self._timeout):
            message = f"the store is busy: another thread has been writing for {self._timeout:g} seconds; try again"
            raise Unavailable(message)
        self._local.open = True
        with data.mutex:
            if write:
                data.writing = transaction
            else:
                if data.writing is not None:
                    for kind, id, old in data.writing.log:
                        transaction.remember(kind, id, old)
                    transaction.before.update(data.writing.before)
                data.reading.add(transaction)

    def _end(self, transaction: MemoryTransaction, *, write: bool, commit: bool) -> None:
        data = self._data
        with data.mutex:
            if write:
                if not commit:
                    transaction.undo()
                data.writing = None
            else:
                data.reading.discard(transaction)
        self._local.open = False
        if write:
            data.writer.release()


class MemoryTransaction(BaseTransaction):
    """A transaction in memory.

    A writer changes the records in place and logs what was there. Whoever began to read before sees the records with
    those logged *before* patched over them.
    """

    __slots__ = ("_data", "_kinds", "_open", "_patch", "_store", "_write", "before", "log")

    def __init__(self, store: MemoryStore, *, write: bool) -> None:
        self._store = store
        self._data: _Data = store._data
        self._write = write
        self._open = False
        self._kinds: frozenset[str] = frozenset()
        self._patch: dict[str, dict[str, Record | None]] = {}
        self.log: list[tuple[str, str, Record | None]] = []
        self.before: dict[str, int] = {}  # the numbers of series that were changed since this began

    def __enter__(self) -> MemoryTransaction:
        self._store._begin(self, write=self._write)
        self._kinds = self._store._prepared
        self._open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._open:
            raise not_open()
        self._open = False
        self._store._end(self, write=self._write, commit=kind is None)
        self.log, self.before, self._patch = [], {}, {}

    def remember(self, kind: str, id: str, old: Record | None) -> None:
        """Go on seeing *old* under *id*, whatever is written there now."""
        self._patch.setdefault(kind, {}).setdefault(id, old)

    def undo(self) -> None:
        """Put back what was there before this transaction."""
        for kind, id, old in reversed(self.log):
            self._data.kinds[kind].replace(id, old)
        self._data.numbers.update(self.before)

    # --- primitives ---

    def get(self, kind: str, id: str) -> Stored | None:
        """Return the entry, or ``None``."""
        record = self._records(kind).by_id.get(id)
        patch = self._patch.get(kind)  # looked at after the record: a writer patches first, and writes then
        if patch is not None:
            record = patch.get(id, record)
        return None if record is None else record.stored

    def put(self, entry: Entry) -> None:
        """Keep *entry* as version ``entry.version + 1``, or raise ``Conflict`` or ``Duplicate``."""
        self._keep(entry, entry.version + 1)

    def amend(self, entry: Entry) -> None:
        """Replace index and body of what is kept as ``entry.version``, which stays its version."""
        self._keep(entry, entry.version)

    def load(self, entries: Iterable[Entry]) -> None:
        """Put entries that are new here, each as the version that it carries."""
        for entry in entries:
            self._keep(attrs.evolve(entry, version=0), entry.version)

    def _keep(self, entry: Entry, becomes: int) -> None:
        records = self._writable(entry.kind)
        records.rows.check(entry)
        id, index = entry.id, _kept(entry.index)
        with self._data.mutex:
            old = records.by_id.get(id)
            version = 0 if old is None else old.stored.version
            if entry.version != version or not becomes:
                raise conflict(entry.kind, id, entry.version, version or None)
            names = records.taken(id, index)
            if names is not None:
                raise duplicate(entry.kind, id, names)
            self._replace(records, id, old, Record(Stored(id, becomes, entry.body), index))

    def delete(self, kind: str, id: str, version: int) -> None:
        """Remove the entry, or raise ``Conflict`` where that version is not the kept one."""
        records = self._writable(kind)
        with self._data.mutex:
            old = records.by_id.get(id)
            if old is None or old.stored.version != version:
                raise conflict(kind, id, version, None if old is None else old.stored.version)
            self._replace(records, id, old, None)

    def scan(self, kind: str) -> Iterator[Entry]:
        """Yield every entry of a kind with its index, by id."""
        found = sorted(self._all(kind), key=lambda record: record.stored.id)
        return (Entry(kind, stored.id, stored.version, dict(index), stored.body) for stored, index in found)

    def next_number(self, series: str) -> int:
        """Return 1, 2, 3 … for *series*; a rollback takes it back."""
        last = self._data.numbers.get(series, 0)
        self.set_number(series, last + 1)
        return last + 1

    def set_number(self, series: str, last: int) -> None:
        """Let *series* go on behind *last*."""
        if not self._open:
            raise not_open()
        if not self._write:
            raise read_only()
        with self._data.mutex:
            before = self._data.numbers.get(series, 0)
            for transaction in (self, *self._data.reading):
                transaction.before.setdefault(series, before)
            self._data.numbers[series] = last

    def numbers(self) -> Iterator[tuple[str, int]]:
        """Yield each series with the last number that it gave, in the order of their names."""
        if not self._open:
            raise not_open()
        with self._data.mutex:
            view = self._data.numbers if self._write else self._data.numbers | self.before
        return iter(sorted((series, last) for series, last in view.items() if last))

    # --- by index ---

    def find(self, query: Query) -> Iterator[Stored]:
        """Yield what the query asks for."""
        return iter([record.stored for record in self._chosen(query)])

    def columns(self, query: Query, fields: Sequence[str]) -> Iterator[Row]:
        """Yield these index fields (or ``"id"``) of what the query asks for."""
        choose = chooser(fields)
        return iter([choose(index, stored.id) for stored, index in self._chosen(query)])

    def tally(self, query: Query, by: Sequence[Group], measures: Sequence[Measure]) -> Iterator[Row]:
        """Yield one tuple a group: the keys, then the measures."""
        records, query = self._records(query.kind), self._settled(query)
        with self._data.mutex:  # held while the patch is looked for, too: a writer may be about to make one
            if query.kind not in self._patch:
                return iter(tallied(records, query, by, measures))
        return super().tally(query, by, measures)

    def now(self) -> int:
        """Return the store's clock, in microseconds since 1970 UTC."""
        return self._store._now()

    # --- inside ---

    def _records(self, kind: str) -> Records:
        if not self._open:
            raise not_open()
        if kind not in self._kinds:
            raise not_prepared(kind)
        return self._data.kinds[kind]

    def _writable(self, kind: str) -> Records:
        records = self._records(kind)
        if not self._write:
            raise read_only()
        return records

    def _replace(self, records: Records, id: str, old: Record | None, record: Record | None) -> None:
        kind = records.kind.name
        self.log.append((kind, id, old))
        for reader in self._data.reading:
            reader.remember(kind, id, old)
        records.replace(id, record)

    def _settled(self, query: Query) -> Query:
        where = self.settled(query.where)
        return query if where is query.where else attrs.evolve(query, where=where)

    def _all(self, kind: str) -> list[Record]:
        records = self._records(kind)
        with self._data.mutex:
            view: dict[str, Record | None] = {**records.by_id, **self._patch.get(kind, {})}
        return [record for record in view.values() if record is not None]

    def _chosen(self, query: Query) -> list[Record]:
        records, query = self._records(query.kind), self._settled(query)
        with self._data.mutex:
            if query.kind not in self._patch:
                return chosen(records, query)
        return page(self._all(query.kind), query)


def _kept(index: Index) -> dict[str, Scalar | tuple[Scalar, ...]]:
    kept: dict[str, Any] = dict(index)
    for name, value in index.items():
        if isinstance(value, tuple):
            kept[name] = tuple(sorted(set(value)))
            if not value:
                del kept[name]
    return kept
