"""A store around another one: see every call, and let the n-th one fail. For tests of whoever uses a store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import cast

from salespipeline.entries import Catalog, Entry, Scalar, Stored
from salespipeline.errors import Unavailable
from salespipeline.ports import Portable, Store, Transaction
from salespipeline.query import Group, Measure, Query

__all__ = ["FailingAt", "Wrapped", "WrappedTransaction"]


class WrappedTransaction:
    """A transaction that tells its store of every call, and passes it on."""

    def __init__(self, store: Wrapped, transaction: AbstractContextManager[Transaction]) -> None:
        self.store = store
        self._transaction = transaction

    def __enter__(self) -> WrappedTransaction:
        self.store.before("begin")
        self.inner = self._transaction.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if kind is None:
            try:
                self.store.before("commit")
            except BaseException as failure:
                self._transaction.__exit__(type(failure), failure, failure.__traceback__)
                raise
        return self._transaction.__exit__(kind, error, trace)

    def get(self, kind: str, id: str) -> Stored | None:
        """Pass it on."""
        self.store.before("get")
        return self.inner.get(kind, id)

    def put(self, entry: Entry) -> None:
        """Pass it on."""
        self.store.before("put")
        self.inner.put(entry)

    def delete(self, kind: str, id: str, version: int) -> None:
        """Pass it on."""
        self.store.before("delete")
        self.inner.delete(kind, id, version)

    def amend(self, entry: Entry) -> None:
        """Pass it on."""
        self.store.before("amend")
        self.inner.amend(entry)

    def scan(self, kind: str) -> Iterator[Entry]:
        """Pass it on."""
        self.store.before("scan")
        return self.inner.scan(kind)

    def next_number(self, series: str) -> int:
        """Pass it on."""
        self.store.before("next_number")
        return self.inner.next_number(series)

    def find(self, query: Query) -> Iterator[Stored]:
        """Pass it on."""
        self.store.before("find")
        return self.inner.find(query)

    def claim(self, query: Query) -> Iterator[Stored]:
        """Pass it on."""
        self.store.before("claim")
        return self.inner.claim(query)

    def columns(self, query: Query, fields: Sequence[str]) -> Iterator[tuple[Scalar | None, ...]]:
        """Pass it on."""
        self.store.before("columns")
        return self.inner.columns(query, fields)

    def tally(
        self, query: Query, by: Sequence[Group], measures: Sequence[Measure]
    ) -> Iterator[tuple[Scalar | None, ...]]:
        """Pass it on."""
        self.store.before("tally")
        return self.inner.tally(query, by, measures)

    def get_many(self, kind: str, ids: Iterable[str]) -> dict[str, Stored]:
        """Pass it on."""
        self.store.before("get_many")
        return self.inner.get_many(kind, ids)

    def put_many(self, entries: Iterable[Entry]) -> None:
        """Pass each entry on as a ``put`` of its own, so that a batch can fail in its middle."""
        for entry in entries:
            self.put(entry)

    def load(self, entries: Iterable[Entry]) -> None:
        """Pass it on."""
        self.store.before("load")
        self._portable.load(entries)

    def numbers(self) -> Iterator[tuple[str, int]]:
        """Pass it on."""
        self.store.before("numbers")
        return self._portable.numbers()

    def set_number(self, series: str, last: int) -> None:
        """Pass it on."""
        self.store.before("set_number")
        self._portable.set_number(series, last)

    @property
    def _portable(self) -> Portable:
        return cast("Portable", self.inner)

    def now(self) -> int:
        """Pass it on."""
        return self.inner.now()


class Wrapped:
    """A store that passes everything on to *store*. Override ``before`` to log, count, delay or refuse calls.

    >>> from salespipeline.stores.memory import MemoryStore
    >>> class Noisy(Wrapped):
    ...     def before(self, call):
    ...         print(call)
    >>> with Noisy(MemoryStore()).transaction() as tx:
    ...     number = tx.next_number("invoice")
    begin
    next_number
    commit
    """

    def __init__(self, store: Store) -> None:
        self.inner = store

    def before(self, call: str) -> None:
        """Do something before *call*: ``prepare``, ``begin``, ``put`` …, ``commit``. Raising here is its failure."""

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        """Pass it on."""
        self.before("prepare")
        self.inner.prepare(catalog, upgrade=upgrade)

    def transaction(self, *, write: bool = True) -> AbstractContextManager[Transaction]:
        """Return a transaction around one of the store's own."""
        return WrappedTransaction(self, self.inner.transaction(write=write))

    def close(self) -> None:
        """Pass it on."""
        self.inner.close()


class FailingAt(Wrapped):
    """A store whose *number*-th call fails, the first being number 1, and all others go through.

    Preparing, beginning, every call of a transaction and committing count; rolling back and closing do not. A
    failed call has done nothing. Run something once for each number until ``failed`` stays false: whatever call
    failed, nothing may be half done.

    >>> from salespipeline.stores.memory import MemoryStore
    >>> store = FailingAt(2, MemoryStore())
    >>> with store.transaction() as tx:
    ...     tx.next_number("invoice")
    Traceback (most recent call last):
    salespipeline.errors.Unavailable: call 2, next_number, was made to fail
    """

    def __init__(self, number: int, store: Store) -> None:
        super().__init__(store)
        self.number = number
        self.calls = 0

    @property
    def failed(self) -> bool:
        """Whether the call was reached."""
        return self.calls >= self.number

    def before(self, call: str) -> None:
        """Count, and fail where the time has come."""
        self.calls += 1
        if self.calls == self.number:
            raise Unavailable(f"call {self.number}, {call}, was made to fail")
