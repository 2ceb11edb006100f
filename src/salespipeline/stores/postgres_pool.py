"""The connections of a store on PostgreSQL that are its own."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from salespipeline.errors import OpenError
from salespipeline.stores.postgres_errors import FAILURES, translated
from salespipeline.stores.postgres_layout import lay_out
from salespipeline.stores.postgres_line import Line
from salespipeline.stores.postgres_session import Source, bigints, retried
from salespipeline.stores.postgres_tables import Place

__all__ = ["Pool"]

_POOLS: weakref.WeakSet[Pool] = weakref.WeakSet()


class _Pooled(psycopg.Connection[Any]):
    """A connection of our own, with the line on it."""

    line: Line | None = None


class Pool(Source[Line]):
    """Connections of our own: a thread has one while its transaction is open.

    Those that nobody needs just now are kept beside the driver's pool, which is asked where there are none: going
    through it costs as much as finding a row. May be shared between threads. A forked child abandons it, and opens its own.
    """

    def __init__(self, conninfo: str, place: Place, *, size: int, timeout: float, prepared: bool) -> None:
        super().__init__(place)
        self._timeout = timeout
        self._prepared = prepared
        self._name = _shown(conninfo)
        self._limit = f"set_config('lock_timeout', '{round(timeout * 1000)}', true)"
        self._idle: list[Line] = []
        self._wanted = 0  # how many threads wait for the driver's pool
        self._turn = threading.Lock()
        options: dict[str, Any] = {"autocommit": True, "client_encoding": "utf8"}
        self._first(conninfo, options)
        self._pool: ConnectionPool[Any] = ConnectionPool(
            conninfo,
            connection_class=_Pooled,
            kwargs=options,
            configure=bigints,
            min_size=0,
            max_size=size,
            timeout=timeout,
            num_workers=1,
            open=True,
        )
        _POOLS.add(self)

    def __str__(self) -> str:
        return self._name

    def _first(self, conninfo: str, options: dict[str, Any]) -> None:
        # A connection outside the pool: it says at once what is wrong, where the pool would go on trying.
        try:
            with psycopg.connect(conninfo, connect_timeout=max(2, round(self._timeout)), **options) as connection:
                bigints(connection)
                encoding = connection.info.parameter_status("server_encoding")
                if encoding != "UTF8":
                    raise OpenError(f"{self} keeps text as {encoding}: make a database with ENCODING 'UTF8'")

                def lay() -> None:
                    with connection.transaction():
                        connection.execute(self._set)
                        self._outdated = lay_out(connection.execute, self.place, upgrade=False)

                retried(lay)
        except FAILURES as error:
            raise translated(error) from error

    def _begin(self, *, write: bool) -> Line:
        line = self._line()
        if write:
            begins = "BEGIN ISOLATION LEVEL READ COMMITTED"
            line.begin(begins, f"{self._open}, {self._limit}", writes=True)
        else:
            begins = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
            line.begin(begins, f"{self._set}, {self._limit}", writes=False)
        return line

    def _line(self) -> Line:
        while not (line := self._kept() or self._new()).ready():
            self._pool.putconn(line.connection)  # the server was restarted meanwhile: nothing was done yet
        return line

    def _kept(self) -> Line | None:
        with self._turn:
            if self._idle:
                return self._idle.pop()
            self._wanted += 1
            return None

    def _new(self) -> Line:
        try:
            connection = self._pool.getconn()
        finally:
            with self._turn:
                self._wanted -= 1
        line: Line | None = connection.line
        if line is None:
            connection.line = line = Line(connection, prepares=self._prepared)
        return line

    def _end(self, session: Line, *, commit: bool) -> None:
        try:
            session.end(commit=commit)
        finally:
            with self._turn:
                keep = not (self._wanted or self._closed or session.connection.closed)
                if keep:
                    self._idle.append(session)
            if not keep:
                session.settle()
                self._pool.putconn(session.connection)

    def close(self) -> None:
        """Close the connections. One that has a transaction open in another thread is closed when it ends."""
        super().close()
        if self._pid == os.getpid():
            with self._turn:
                idle, self._idle = self._idle, []
            for line in idle:
                line.settle()
                self._pool.putconn(line.connection)
            self._pool.close()


def _shown(conninfo: str) -> str:
    facts = psycopg.conninfo.conninfo_to_dict(conninfo)
    return f"{facts.get('host', 'localhost')}/{facts.get('dbname', '')}"


def _abandon() -> None:
    # A forked child inherits the sockets. Closing them would end the parent's sessions, and clean-up would wait for
    # threads that are not there: they are kept for ever instead, also beyond the end of the interpreter.
    import ctypes

    for pool in list(_POOLS):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(pool))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon)
