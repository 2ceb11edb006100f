"""Sabotage: how a store is spoilt in one small place, and which clause is meant to notice.

A mutant is a small wrapper around a real store, or a subclass of one, under ``@rejected_by("V-03")``. The class that
it changes, in the same place, is what must pass the clause: so it is the change that is rejected, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import attrs
import pytest

from salespipeline.entries import Entry
from salespipeline.ports import Store, Transaction
from salespipeline.query import All, AnyOf, Not, Predicate, Query
from salespipeline.stores.base import BaseTransaction
from salespipeline.stores.memory import MemoryStore
from salespipeline.stores.sqlite import SqliteStore
from salespipeline.stores.wrap import Wrapped, WrappedTransaction
from salespipeline.testing import BlobsTests, StoreTests
from salespipeline.testing.clauses.base import Clause, clauses_of

__all__ = [
    "MUTANTS",
    "Act",
    "ByScanning",
    "Mutant",
    "Sabotaged",
    "given",
    "postgres",
    "rejected_by",
    "rewritten",
    "sqlite",
]

Opener = Callable[[], Any]
CLAUSES = {clause.id: clause for suite in (StoreTests, BlobsTests) for clause in clauses_of(suite)}


class Act(WrappedTransaction):
    """A transaction that passes everything on: what a mutant changes one method of."""

    writes = True

    @property
    def shared(self) -> dict[str, Any]:
        """What all handles on the data have in common."""
        return self.store.shared

    def kept_version(self, entry: Entry) -> int:
        stored = self.inner.get(entry.kind, entry.id)
        return 0 if stored is None else stored.version

    def kept_entry(self, kind: str, id: str) -> Entry | None:
        return next((entry for entry in self.inner.scan(kind) if entry.id == id), None)


class ByScanning(Act):
    """Queries are answered by reading every entry, so that a mutant can answer them in its own way."""

    find = BaseTransaction.find
    columns = BaseTransaction.columns
    tally = BaseTransaction.tally
    candidates = BaseTransaction.candidates
    settled = BaseTransaction.settled
    page = BaseTransaction.page


class Sabotaged(Wrapped):
    """A store whose transactions are *act*. What handles share is in *shared*."""

    def __init__(self, store: Store, shared: dict[str, Any], act: type[Act] = Act) -> None:
        super().__init__(store)
        self.shared = shared
        self.act = act
        self.own: dict[str, Any] = {}  # what this handle alone remembers

    def transaction(self, *, write: bool = True) -> AbstractContextManager[Transaction]:
        return self.around(self.inner.transaction(write=write), write)

    def around(self, transaction: AbstractContextManager[Transaction], write: bool) -> Act:
        act = self.act(self, transaction)
        act.writes = write
        return act


def spoilt(sabotage: type, store: Callable[[], Store]) -> Opener:
    shared: dict[str, Any] = {}
    if issubclass(sabotage, Sabotaged):
        return lambda: sabotage(store(), shared)
    return lambda: Sabotaged(store(), shared, sabotage)


def memory(request: pytest.FixtureRequest, sabotage: type) -> Opener:
    """A store in memory, or a subclass of it."""
    if issubclass(sabotage, MemoryStore):
        first = sabotage()
        return lambda: sabotage(beside=first)
    first = MemoryStore()
    return spoilt(sabotage, lambda: MemoryStore(beside=first))


def sqlite(request: pytest.FixtureRequest, sabotage: type) -> Opener:
    """A store in a file, or a subclass of it."""
    path = request.getfixturevalue("tmp_path") / "deals.db"
    if issubclass(sabotage, SqliteStore):
        return lambda: sabotage(path, synchronous="NORMAL")
    return spoilt(sabotage, lambda: SqliteStore(path, synchronous="NORMAL"))


def postgres(request: pytest.FixtureRequest, sabotage: type) -> Opener:
    """A store in PostgreSQL."""
    return spoilt(sabotage, request.getfixturevalue("connect"))


def blobs(request: pytest.FixtureRequest, sabotage: type) -> Opener:
    """Files in memory."""
    only = sabotage()
    return lambda: only


@attrs.frozen
class Mutant:
    """A spoilt store, and the clause that is meant to reject it."""

    sabotage: type
    clause: Clause
    over: Callable[[pytest.FixtureRequest, type], Opener]

    @property
    def name(self) -> str:
        return self.sabotage.__name__

    @property
    def sentence(self) -> str:
        """What is wrong with it."""
        return " ".join((self.sabotage.__doc__ or "").split())

    @property
    def sound(self) -> type:
        """The class that it changes."""
        return self.sabotage.__mro__[1]


MUTANTS: list[Mutant] = []
Sabotage = TypeVar("Sabotage", bound=type)


def rejected_by(
    id: str, *, over: Callable[[pytest.FixtureRequest, type], Opener] = memory
) -> Callable[[Sabotage], Sabotage]:
    """Enter a class among the mutants: the clause *id* must reject it, in a store *over* something real."""

    def register(sabotage: Sabotage) -> Sabotage:
        MUTANTS.append(Mutant(sabotage, CLAUSES[id], blobs if id.startswith("B-") else over))
        return sabotage

    return register


def rewritten(query: Query, change: Callable[[Predicate], Predicate]) -> Query:
    """Return *query* with *change* done to each predicate in it, innermost first."""

    def through(predicate: Predicate) -> Predicate:
        match predicate:
            case All(parts):
                return change(All(tuple(map(through, parts))))
            case AnyOf(parts):
                return change(AnyOf(tuple(map(through, parts))))
            case Not(part):
                return change(Not(through(part)))
        return change(predicate)

    return attrs.evolve(query, where=through(query.where))


def given(entry: Entry, **changes: Any) -> Entry:
    """Return *entry* with other index fields; ``None`` takes a field away."""
    index = {**entry.index, **changes}
    return attrs.evolve(entry, index={name: value for name, value in index.items() if value is not None})
