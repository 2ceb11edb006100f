"""An application that lends its connections: a store for the suite, as applications use lent connections."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

from salespipeline.entries import Catalog
from salespipeline.errors import StoreClosed, TransactionOpen, Unavailable
from salespipeline.ports import Store, Transaction

__all__ = ["Host"]

T = TypeVar("T")


class Connection(Protocol):
    """What both drivers offer."""

    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def close(self) -> None: ...


class Host:
    """It has a connection for each thread, lends it, and commits after the store's transactions.

    *connect* gives a connection, *around* a store on one; *begins* is told on which one a transaction begins, and
    whether it will write.
    """

    def __init__(
        self,
        connect: Callable[[], Any],
        around: Callable[[Any], Store],
        begins: Callable[[Any, bool], object] = lambda connection, write: None,
    ) -> None:
        self._connect, self._around, self._begins = connect, around, begins
        self._local = threading.local()
        self._pid = os.getpid()
        self._catalogs: list[Catalog] = []
        self._lent: list[tuple[Connection, Store]] = []
        self._closed = False
        self._lend()

    def _lend(self) -> tuple[Connection, Store]:
        if not hasattr(self._local, "lent"):
            if self._closed:
                raise StoreClosed("the host has ended")
            connection = self._connect()
            self._local.lent = connection, self._again(connection, lambda: self._around(connection))
            self._lent.append(self._local.lent)
            for catalog in self._catalogs:
                self._local.lent[1].prepare(catalog)
            connection.commit()
        return self._local.lent  # type: ignore[no-any-return]

    @staticmethod
    def _again(connection: Connection, work: Callable[[], T]) -> T:
        try:
            return work()
        except Unavailable as error:  # several make the same tables: the transaction is ours to run again
            if not error.retry:
                raise
            connection.rollback()
            return work()

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        """Prepare this thread's store, and keep what is new at once."""
        with self._ended() as (connection, store):
            self._again(connection, lambda: store.prepare(catalog, upgrade=upgrade))
        self._catalogs.append(catalog)

    @contextlib.contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[Transaction]:
        """Open a transaction in the host's own, which ends right after it."""
        with self._ended() as (connection, store):
            if not self._closed:
                self._begins(connection, write)
            with store.transaction(write=write) as tx:
                yield tx

    @contextlib.contextmanager
    def _ended(self) -> Iterator[tuple[Connection, Store]]:
        connection, store = self._lend()
        try:
            yield connection, store
        except (StoreClosed, TransactionOpen):  # nothing was begun
            raise
        except BaseException:
            connection.rollback()
            raise
        connection.commit()

    def close(self) -> None:
        """End: every thread's store and connection is closed, except where a transaction is open."""
        self._lend()[1].close()
        if self._pid != os.getpid():  # the connections are the parent's
            return
        self._closed = True
        for connection, store in self._lent:
            with contextlib.suppress(TransactionOpen):  # another thread is in a transaction, and ends it
                store.close()
                connection.close()
