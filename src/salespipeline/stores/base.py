"""What every transaction is given for nothing: the rich methods, made from the five primitives.

Whoever writes a store subclasses ``BaseTransaction`` and writes ``get``, ``put``, ``delete``, ``scan`` and
``next_number``; everything else then works, correctly and slowly. Override a method to push its work down
into the database. These defaults *are* the meaning of the rich methods: the tests compare every store with
them.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import attrs

from salespipeline.entries import Entry, Index, Scalar, Stored
from salespipeline.errors import Overflow, StorageError, shown
from salespipeline.query import (
    INT_MAX,
    INT_MIN,
    All,
    AnyOf,
    Count,
    Group,
    Linked,
    Max,
    Measure,
    Min,
    Not,
    OneOf,
    Predicate,
    Prefix,
    Query,
    Sum,
    matches,
    nodes,
)

__all__ = ["BaseTransaction", "Row", "grouped", "in_order", "sort_key", "system_clock", "within"]

Row: TypeAlias = tuple[Scalar | None, ...]


def system_clock() -> int:
    """Return the time of this machine in microseconds since 1970 UTC."""
    return time.time_ns() // 1000


class BaseTransaction(ABC):
    """A transaction whose rich methods are made from five primitives.

    A subclass also sees to what only it can know: that reads see its own writes, that a clean exit commits and
    an exception rolls back, that writing in a read-only transaction raises ``ReadOnly``, and that a
    transaction used after its end raises ``StorageError``.
    """

    __slots__ = ()

    @abstractmethod
    def get(self, kind: str, id: str) -> Stored | None:
        """Return the entry, or ``None``."""

    @abstractmethod
    def put(self, entry: Entry) -> None:
        """Keep *entry* as version ``entry.version + 1``, or raise ``Conflict`` or ``Duplicate``."""

    @abstractmethod
    def delete(self, kind: str, id: str, version: int) -> None:
        """Remove the entry, or raise ``Conflict`` where that version is not the kept one."""

    @abstractmethod
    def scan(self, kind: str) -> Iterator[Entry]:
        """Yield every entry of a kind with its index, by id."""

    @abstractmethod
    def next_number(self, series: str) -> int:
        """Return 1, 2, 3 … for *series*; a rollback takes it back."""

    def amend(self, entry: Entry) -> None:
        """Replace index and body of what is kept as ``entry.version``, which stays its version."""
        old = next((one for one in self.scan(entry.kind) if one.id == entry.id), entry)
        self.delete(entry.kind, entry.id, entry.version)
        try:
            self._put_up_to(entry)
        except StorageError:  # what is refused changes nothing
            self._put_up_to(old)
            raise

    def load(self, entries: Iterable[Entry]) -> None:
        """Put entries that are new here, each as the version that it carries."""
        for entry in entries:
            if entry.version < 1:
                message = (
                    f"{entry.kind} {shown(entry.id)} cannot be loaded as version {entry.version}: versions begin with 1"
                )
                raise StorageError(message)
            self._put_up_to(entry)

    def _put_up_to(self, entry: Entry) -> None:
        for version in range(entry.version):
            self.put(attrs.evolve(entry, version=version))

    def find(self, query: Query) -> Iterator[Stored]:
        """Yield what the query asks for."""
        return iter([Stored(entry.id, entry.version, entry.body) for entry in self.page(query)])

    def claim(self, query: Query) -> Iterator[Stored]:
        """Yield what the query asks for, to be put by this transaction.

        Where writers take turns, nobody else can want the same. Where they do not, the second to put meets a
        ``Conflict``: override this so that whoever claims meanwhile gets others.
        """
        return self.find(query)

    def columns(self, query: Query, fields: Sequence[str]) -> Iterator[Row]:
        """Yield these index fields (or ``"id"``) of what the query asks for."""
        rows: list[Row] = [
            tuple([entry.id if name == "id" else entry.index.get(name) for name in fields])  # type: ignore[misc]
            for entry in self.page(query)
        ]
        return iter(rows)

    def tally(self, query: Query, by: Sequence[Group], measures: Sequence[Measure]) -> Iterator[Row]:
        """Yield one tuple a group: the keys, then the measures. ``Overflow`` where a sum leaves 64 bits."""
        where = self.settled(query.where)
        found = self.candidates(query.kind, where)
        indexes = (entry.index for entry in found if matches(where, entry.index, entry.id))
        return iter(grouped(indexes, by, measures))

    def get_many(self, kind: str, ids: Iterable[str]) -> dict[str, Stored]:
        """Return those of *ids* that exist."""
        found = {id: self.get(kind, id) for id in ids}
        return {id: stored for id, stored in found.items() if stored is not None}

    def put_many(self, entries: Iterable[Entry]) -> None:
        """Put every entry, as ``put`` does one."""
        for entry in entries:
            self.put(entry)

    def now(self) -> int:
        """Return the store's clock, in microseconds since 1970 UTC."""
        return system_clock()

    def settled(self, where: Predicate) -> Predicate:
        """Return *where* with what it asks of other kinds answered: each ``Linked`` as a ``OneOf``."""
        if not any(isinstance(node, Linked) for node in nodes(where)):
            return where
        match where:
            case Linked(field, kind, to, asked):
                linked = self.columns(Query(kind=kind, where=asked), (to,))
                return OneOf(field, frozenset(row[0] for row in linked if row[0] is not None))
            case All(parts):
                return All(tuple([self.settled(part) for part in parts]))
            case AnyOf(parts):
                return AnyOf(tuple([self.settled(part) for part in parts]))
            case Not(part):
                return Not(self.settled(part))
        return where

    # Two places where a store that has indexes, and no query language, comes in: everything above asks them.

    def candidates(self, kind: str, where: Predicate) -> Iterable[Entry]:  # noqa: ARG002  # for those that override it
        """Yield the entries of *kind* that may satisfy *where*: all of them, or those that an index leaves."""
        return self.scan(kind)

    def page(self, query: Query) -> list[Entry]:
        """Return the entries that the query asks for, in its order."""
        key, where = sort_key(query.order), self.settled(query.where)
        entries = [entry for entry in self.candidates(query.kind, where) if matches(where, entry.index, entry.id)]
        after = query.after
        if after is not None and query.descending:
            entries = [entry for entry in entries if key(entry) < after]
        elif after is not None:
            entries = [entry for entry in entries if key(entry) > after]
        entries.sort(key=key, reverse=query.descending)
        return entries if query.limit is None else entries[: query.limit]


def sort_key(order: Sequence[str]) -> Callable[[Entry], tuple[Scalar, ...]]:
    """Return the function that gives an entry's place in this order: its sort values, then its id."""

    def key(entry: Entry) -> tuple[Scalar, ...]:
        index = entry.index
        return (*[index[name] for name in order], entry.id)  # type: ignore[arg-type]

    return key


def grouped(indexes: Iterable[Index], by: Sequence[Group], measures: Sequence[Measure]) -> list[Row]:
    """Group *indexes* and measure each group with exact integers.

    >>> grouped([{"stage": "b", "value": 5}, {}, {"stage": "b", "value": 7}], ["stage"], [Count(), Sum("value")])
    [(None, 1, 0), ('b', 2, 12)]
    """
    groups: dict[Row, list[Index]] = {} if by else {(): []}
    names = [group for group in by if isinstance(group, str)]
    for index in indexes:
        if len(names) == len(by):  # most reports: one group for each entry, found without a detour
            plain: Any = tuple([index.get(name) for name in names])
            if tuple not in map(type, plain):
                groups.setdefault(plain, []).append(index)
                continue
        for keys in _keys(index, by):
            groups.setdefault(keys, []).append(index)
    rows = [(*keys, *[_measured(measure, members) for measure in measures]) for keys, members in groups.items()]
    return in_order(rows, len(by))


def in_order(rows: list[Row], width: int) -> list[Row]:
    """Return the rows of a tally in the order of their first *width* values, what is missing first."""
    return sorted(rows, key=lambda row: [(value is not None, value) for value in row[:width]])


def _keys(index: Index, by: Sequence[Group]) -> list[Row]:
    found: list[Row] = [()]
    for group in by:
        match group:
            case Prefix(field, length):
                text = index.get(field)
                values: tuple[Scalar | None, ...] = (text if text is None else str(text)[:length],)
            case _:
                value = index.get(group)
                values = (value or (None,)) if isinstance(value, tuple) else (value,)
        found = [(*keys, value) for keys in found for value in values]
    return found


def _measured(measure: Measure, members: list[Index]) -> Scalar | None:
    match measure:
        case Count():
            return len(members)
        case Sum():
            return _total(measure, members)
        case Min(field):
            return min((index[field] for index in members if field in index), default=None)  # type: ignore[return-value]
        case Max(field):
            return max((index[field] for index in members if field in index), default=None)  # type: ignore[return-value]


def _total(measure: Sum, members: Sequence[Index]) -> int:
    field, times = measure.field, measure.times
    values: list[Any]
    if times is None:
        values = [index[field] for index in members if field in index]
    else:
        both: list[Any] = [(index[field], index[times]) for index in members if field in index and times in index]
        values = [value * factor for value, factor in both]
    return within(measure, sum(values))


def within(measure: Measure, total: int) -> int:
    """Return the *total* of a sum, or raise ``Overflow`` where it leaves 64 bits."""
    if not INT_MIN <= total <= INT_MAX and isinstance(measure, Sum):
        name = measure.field if measure.times is None else f"{measure.field} x {measure.times}"
        message = f"the sum of {name} is {total}, which does not fit a signed 64-bit integer; narrow the query"
        raise Overflow(message)
    return total
