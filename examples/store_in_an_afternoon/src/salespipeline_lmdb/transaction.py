"""The five primitives on LMDB, and the two hooks through which pages and reports use its indexes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import TYPE_CHECKING, Any

import attrs
import lmdb

from salespipeline.entries import Entry, Kind, Scalar, Stored
from salespipeline.errors import ReadOnly, StorageError, StorageFull, Unavailable
from salespipeline.query import All, Cmp, Has, OneOf, Predicate, Query, matches
from salespipeline.stores.base import BaseTransaction, sort_key
from salespipeline.stores.kinds import conflict, default, duplicate, misfit, not_open, not_prepared, read_only
from salespipeline_lmdb.keys import after, entry_key, index_key, number_key

if TYPE_CHECKING:
    from salespipeline_lmdb.store import LmdbStore

__all__ = ["LmdbTransaction", "translated"]


def translated(error: lmdb.Error, path: object) -> StorageError:
    """Return the library's error for LMDB's; raise it ``from`` that."""
    if isinstance(error, lmdb.MapFullError | lmdb.DiskError):
        return StorageFull(f"{path} is full: {error}; open it with a larger size, or make room")
    if isinstance(error, lmdb.ReadonlyError):
        return ReadOnly(f"{path} cannot be written: {error}")
    if isinstance(error, lmdb.ReadersFullError | lmdb.LockError):
        return Unavailable(f"{path} is busy: {error}; try again")
    return StorageError(f"{path}: {error}")


class LmdbTransaction(BaseTransaction):
    """A transaction on an LMDB environment."""

    __slots__ = ("_open", "_store", "_tx", "_write")

    def __init__(self, store: LmdbStore, *, write: bool) -> None:
        self._store = store
        self._write = write
        self._open = False
        self._tx: Any = None

    def __enter__(self) -> LmdbTransaction:
        store = self._store
        store.usable()
        environment = store.environment
        environment.enter(self)
        if self._write and not environment.writer.acquire(timeout=store.timeout):
            environment.leave(self)
            raise Unavailable(f"the store is busy: another thread writes for {store.timeout:g} seconds; try again")
        try:
            self._tx = environment.lmdb.begin(write=self._write)
        except BaseException as error:
            self._leave()
            if isinstance(error, lmdb.Error):
                raise translated(error, environment.path) from error
            raise
        self._open = store.local.open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._open:
            raise not_open()
        self._open = self._store.local.open = False
        try:
            if kind is None:
                self._tx.commit()
            else:
                self._tx.abort()
        except lmdb.Error as failure:
            raise translated(failure, self._store.environment.path) from failure
        finally:
            self._leave()

    def _leave(self) -> None:
        environment = self._store.environment
        self._tx = None  # a forked child can open its own only where nothing refers to what it inherited
        if self._write:
            environment.writer.release()
        environment.leave(self)

    def abandon(self) -> None:
        """Be over without an end: this is a forked child, and the transaction is its parent's."""
        self._open = False
        self._tx = None

    # --- primitives ---

    def get(self, kind: str, id: str) -> Stored | None:
        """Return the entry, or ``None``."""
        self._kind(kind)
        found = self._read(entry_key(kind, id)) if id.isascii() or _encodable(id) else None
        return None if found is None else Stored(found.id, found.version, found.body)

    def put(self, entry: Entry) -> None:
        """Keep *entry* as version ``entry.version + 1``, or raise ``Conflict`` or ``Duplicate``."""
        self._keep(entry, entry.version + 1)

    def amend(self, entry: Entry) -> None:
        """Replace index and body of what is kept as ``entry.version``, which stays its version."""
        self._keep(entry, entry.version)

    def _keep(self, entry: Entry, becomes: int) -> None:
        kind = self._writable(entry.kind)
        if (error := misfit(entry, kind)) is not None:
            raise error
        key = entry_key(entry.kind, entry.id)
        old = self._read(key)
        version = 0 if old is None else old.version
        if version != entry.version or not becomes:
            raise conflict(entry.kind, entry.id, entry.version, version or None)
        for names in kind.unique:
            if any(other != key for other in self._holders(kind, names, entry.index)):
                raise duplicate(entry.kind, entry.id, names)
        index = {name: tuple(sorted(set(value))) if isinstance(value, tuple) else value
                 for name, value in entry.index.items() if value != ()}  # fmt: skip
        self._replace(kind, key, old, attrs.evolve(entry, version=becomes, index=index))

    def delete(self, kind: str, id: str, version: int) -> None:
        """Remove the entry, or raise ``Conflict`` where that version is not the kept one."""
        known = self._writable(kind)
        key = entry_key(kind, id) if _encodable(id) else b""
        old = self._read(key) if key else None
        if old is None or old.version != version:
            raise conflict(kind, id, version, None if old is None else old.version)
        self._replace(known, key, old, None)

    def scan(self, kind: str) -> Iterator[Entry]:
        """Yield every entry of a kind with its index, by id."""
        return iter(sorted(self._every(kind), key=lambda entry: entry.id))

    def next_number(self, series: str) -> int:
        """Return 1, 2, 3 … for *series*; a rollback takes it back."""
        if not self._open:
            raise not_open()
        if not self._write:
            raise read_only()
        last = int(self._tx.get(number_key(series), default=b"0", db=self._db.numbers).split(b" ", 1)[0])
        self.set_number(series, last + 1)
        return last + 1

    def set_number(self, series: str, last: int) -> None:
        """Let *series* go on behind *last*. The name stands beside it, because keys hold a hash."""
        if not self._open:
            raise not_open()
        if not self._write:
            raise read_only()
        self._put(number_key(series), f"{last} {series}".encode(), self._db.numbers)

    def numbers(self) -> Iterator[tuple[str, int]]:
        """Yield each series with the last number that it gave, in the order of their names."""
        if not self._open:
            raise not_open()
        with self._tx.cursor(db=self._db.numbers) as cursor:
            pairs = [value.decode().split(" ", 1) for value in cursor.iternext(keys=False)]
        return iter(sorted((series, int(last)) for last, series in pairs))

    def now(self) -> int:
        """Return the store's clock, in microseconds since 1970 UTC."""
        return self._store.now()

    # --- hooks: which entries may match, and a page in the order of an index ---

    def candidates(self, kind: str, where: Predicate) -> Iterable[Entry]:
        """Yield the entries that the best index leaves."""
        known = self._kind(kind)
        equal, several, held = _facts(where)
        if held:
            prefixes = [index_key(kind, (held[0].field,), (held[0].value,))]
        elif (best := max(_paths(known), key=lambda path: len(_fixed(path, equal)), default=None)) and (
            fixed := _fixed(best, equal)
        ):
            prefixes = [index_key(kind, best, fixed)]
        elif usable := [(path, several[path[0]]) for path in _paths(known) if path[0] in several]:
            path, values = min(usable, key=lambda pair: len(pair[1]))
            prefixes = [index_key(kind, path, (value,)) for value in dict.fromkeys(values) if _encodable(str(value))]
        else:
            return self._every(kind)
        keys = {key: None for prefix in prefixes for _, key in self._range(prefix, self._db.index)}
        return (entry for key in keys if (entry := self._read(key)) is not None)

    def page(self, query: Query) -> list[Entry]:
        """Walk an index that is in the page's order, until the page is full; else sort the candidates."""
        kind = self._kind(query.kind)
        query = attrs.evolve(query, where=self.settled(query.where))
        walk = _walk(kind, query, _facts(query.where)[0])
        if walk is None or query.limit is None:
            return super().page(query)
        path, fixed = walk
        found: list[Entry] = []
        place = sort_key(query.order)
        start = None if query.after is None else index_key(kind.name, path, (*fixed, *query.after[:-1]))
        pairs = self._range(index_key(kind.name, path, fixed), self._db.index, start=start, backwards=query.descending)
        for _, group in groupby(pairs, key=itemgetter(0)):
            several = [entry for _, key in group if (entry := self._read(key)) is not None]
            several.sort(key=place, reverse=query.descending)  # they share a key, which may have been cut
            for entry in several:
                if query.after is not None and not _behind(place(entry), query.after, descending=query.descending):
                    continue
                if matches(query.where, entry.index, entry.id):
                    found.append(entry)
            if len(found) >= query.limit:
                break
        return found[: query.limit]

    # --- facts about the store itself ---

    def fact(self, name: str) -> str | None:
        """Return what is noted under *name*."""
        found = self._tx.get(name.encode(), db=self._db.facts)
        return None if found is None else bytes(found).decode()

    def state(self, name: str, value: str) -> None:
        """Note *value* under *name*."""
        self._put(name.encode(), value.encode(), self._db.facts)

    def become(self, old: Kind, kind: Kind) -> tuple[str, ...] | None:
        """Put the entries of *old* under the indexes of the wider *kind*; return a unique that they break."""
        fresh = [field for field in kind.fields if field.sortable and not _was_sortable(old, field.name)]
        filling: dict[str, Scalar] = {field.name: default(field) for field in fresh}
        for key, value in list(self._range(entry_key(kind.name, ""), self._db.entries)):
            entry = self._loaded(value)
            self._replace(old, key, entry, None)
            wider = attrs.evolve(entry, index={**filling, **entry.index})
            for names in kind.unique:
                if next(iter(self._holders(kind, names, wider.index)), None) is not None:
                    return names
            self._replace(kind, key, None, wider)
        return None

    # --- inside ---

    @property
    def _db(self) -> Any:
        return self._store.environment

    def _kind(self, name: str) -> Kind:
        if not self._open:
            raise not_open()
        try:
            return self._store.kinds[name]
        except KeyError:
            raise not_prepared(name) from None

    def _writable(self, name: str) -> Kind:
        kind = self._kind(name)
        if not self._write:
            raise read_only()
        return kind

    def _every(self, kind: str) -> Iterator[Entry]:
        self._kind(kind)
        return (self._loaded(value) for _, value in self._range(entry_key(kind, ""), self._db.entries))

    def _loaded(self, value: bytes) -> Entry:
        kind, id, version, index, body = json.loads(bytes(value))
        return Entry(kind, id, version, {n: tuple(v) if isinstance(v, list) else v for n, v in index.items()}, body)

    def _read(self, key: bytes) -> Entry | None:
        value = self._tx.get(key, db=self._db.entries)
        return None if value is None else self._loaded(value)

    def _put(self, key: bytes, value: bytes, db: Any) -> None:
        try:
            self._tx.put(key, value, db=db)
        except lmdb.Error as error:
            raise translated(error, self._db.path) from error

    def _replace(self, kind: Kind, key: bytes, old: Entry | None, new: Entry | None) -> None:
        was = set() if old is None else set(_index_keys(kind, old.index))
        becomes = set() if new is None else set(_index_keys(kind, new.index))
        for gone in was - becomes:
            self._tx.delete(gone, key, db=self._db.index)
        for come in becomes - was:
            self._put(come, key, self._db.index)
        if new is None:
            self._tx.delete(key, db=self._db.entries)
        else:
            value = json.dumps([new.kind, new.id, new.version, dict(new.index), new.body], ensure_ascii=False)
            self._put(key, value.encode(), self._db.entries)

    def _holders(self, kind: Kind, names: tuple[str, ...], index: Mapping[str, Any]) -> Iterator[bytes]:
        """Yield the keys of the entries that have the same values; none where one is missing."""
        if any(name not in index for name in names):
            return
        values = [index[name] for name in names]
        wanted = index_key(kind.name, names, values)
        for found, key in list(self._range(wanted, self._db.index)):
            entry = self._read(key) if found == wanted else None
            if entry is not None and [entry.index.get(name) for name in names] == values:
                yield key

    def _range(
        self, prefix: bytes, db: Any, *, start: bytes | None = None, backwards: bool = False
    ) -> Iterator[tuple[bytes, bytes]]:
        """Yield the pairs whose key begins with *prefix*, from the one at *start* on."""
        cursor = self._tx.cursor(db=db)
        if not backwards:
            there = cursor.set_range(start or prefix)
            pairs = cursor.iternext(keys=True, values=True) if there else iter(())
        else:
            end = after(start or prefix)
            there = cursor.last() if end is None or not cursor.set_range(end) else cursor.prev()
            pairs = cursor.iterprev(keys=True, values=True) if there else iter(())
        for key, value in pairs:
            if not key.startswith(prefix):
                return
            yield bytes(key), bytes(value)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _was_sortable(kind: Kind, name: str) -> bool:
    return name in kind.by_name and kind.by_name[name].sortable


def _paths(kind: Kind) -> list[tuple[str, ...]]:
    """Return what is indexed: the uniques, the paths, and what a page may be sorted by."""
    single = [path for path in kind.paths if not any(kind.field(name).many for name in path)]
    sortable = [(field.name,) for field in kind.fields if field.sortable]
    return list(dict.fromkeys((*kind.unique, *single, *sortable)))


def _index_keys(kind: Kind, index: Mapping[str, Any]) -> Iterator[bytes]:
    for path in _paths(kind):
        if values := _fixed(path, index):  # up to the first that is missing
            yield index_key(kind.name, path, values)
    for field in kind.fields:
        if field.many:
            for value in index.get(field.name, ()):
                yield index_key(kind.name, (field.name,), (value,))


def _facts(where: Predicate) -> tuple[dict[str, Scalar], dict[str, tuple[Scalar, ...]], list[Has]]:
    """Return what must be equal, be one of several, or be held, for *where* to be true."""
    equal: dict[str, Scalar] = {}
    several: dict[str, tuple[Scalar, ...]] = {}
    held: list[Has] = []
    parts: list[Predicate] = [where]
    while parts:
        match parts.pop():
            case All(more):
                parts.extend(more)
            case Cmp(field, "=", value) if _encodable(str(value)):
                equal[field] = value
            case OneOf(field, values):
                several[field] = tuple(values)
            case Has() as has if _encodable(str(has.value)):
                held.append(has)
            case _:
                pass
    return equal, several, held


def _fixed(path: tuple[str, ...], equal: Mapping[str, Any]) -> list[Scalar]:
    values: list[Scalar] = []
    for name in path:
        if name not in equal:
            break
        values.append(equal[name])
    return values


def _walk(kind: Kind, query: Query, equal: Mapping[str, Scalar]) -> tuple[tuple[str, ...], list[Scalar]] | None:
    """Return the index that is in the page's order once its first fields are fixed, and their values."""
    best: tuple[tuple[str, ...], list[Scalar]] | None = None
    for path in _paths(kind):
        fixed = len(path) - len(query.order)
        in_order = query.order and fixed >= 0 and path[fixed:] == query.order
        if in_order and len(_fixed(path, equal)) >= fixed and (best is None or len(path) > len(best[0])):
            best = path, [equal[name] for name in path[:fixed]]
    return best


def _behind(place: tuple[Scalar, ...], cursor: tuple[Scalar, ...], *, descending: bool) -> bool:
    return place < cursor if descending else place > cursor
