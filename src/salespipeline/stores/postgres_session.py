"""Where transactions on PostgreSQL come from: a pool of connections, or one connection that the host lends."""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, TypeVar

import psycopg
from psycopg import pq, sql
from psycopg.rows import tuple_row
from psycopg.types.numeric import Int8Dumper
from psycopg_pool import ConnectionPool

from salespipeline.errors import OpenError, StorageError, StoreClosed, Unavailable, UpgradeNeeded
from salespipeline.stores.kinds import transaction_open
from salespipeline.stores.postgres_errors import FAILURES, PASSING, translated
from salespipeline.stores.postgres_layout import DOOR, SETTING, STEPS, lay_out, steps_left
from salespipeline.stores.postgres_tables import Place
from salespipeline.stores.sessions import ended

__all__ = ["ATTEMPTS", "Lent", "Pool", "Session", "Source", "Unwritten", "retried"]

T = TypeVar("T")
ATTEMPTS = 5
_NESTED = "salespipeline"  # the name of the savepoint that stands for a transaction on a lent connection
# What a transaction of our own is run again for: it lost, or another one made the same thing.
_LOST = (*PASSING, psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable, psycopg.errors.DuplicateSchema)
_POOLS: weakref.WeakSet[ConnectionPool[Any]] = weakref.WeakSet()


class _Pooled(psycopg.Connection[Any]):
    """A connection of our own, which takes integers for bigints."""


def _bigints(adapted: psycopg.abc.AdaptContext) -> None:
    adapted.adapters.register_dumper(int, Int8Dumper)


class Unwritten(Exception):
    """At least one of many statements wrote nothing."""


class Session:
    """A connection while a transaction is open on it, and the cursor that runs its statements."""

    __slots__ = ("connection", "cursor", "run", "writes")

    def __init__(self, connection: psycopg.Connection[Any], *, writes: bool = True) -> None:
        self.connection = connection
        self.writes = writes
        # A cursor of our own, so that rows are tuples and integers bigints whatever a host has chosen.
        self.cursor = connection.cursor(row_factory=tuple_row)
        if not isinstance(connection, _Pooled):
            _bigints(self.cursor)
        self.run: Callable[..., psycopg.Cursor[tuple[Any, ...]]] = self.cursor.execute

    def at_once(self, text: str) -> None:
        """Run what returns nothing and waits for nobody: to begin, and to end what only read.

        The driver's own way there is made for statements that take long, and costs as much as finding a row.
        """
        server = self.connection.pgconn
        result = server.exec_(text.encode())
        if server.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError(server.get_error_message())
        if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            raise psycopg.errors.error_from_result(result)

    @property
    def sound(self) -> bool:
        """Whether the transaction can go on: PostgreSQL ends it at the first error outside a savepoint."""
        return self.connection.info.transaction_status == pq.TransactionStatus.INTRANS

    def many(self, text: str, rows: list[list[Any]]) -> None:
        """Run a statement for each of *rows* in one journey; ``Unwritten`` where one of them wrote nothing."""
        self.cursor.executemany(text, rows)
        if self.cursor.rowcount != len(rows):
            raise Unwritten

    @contextlib.contextmanager
    def savepoint(self, name: str) -> Iterator[None]:
        """Take back what the block did where it raises, and leave the transaction as it was."""
        self.run(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            with contextlib.suppress(psycopg.Error):  # where the connection is gone, the first error tells
                self.run(f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}", prepare=False)
            raise
        self.run(f"RELEASE SAVEPOINT {name}")


class Source:
    """What begins and ends transactions in one schema and workspace, one at a time in each thread."""

    failures = FAILURES

    def __init__(self, place: Place) -> None:
        self.place = place
        self._pid = os.getpid()
        self._local: Any = threading.local()
        self._closed = False
        self._outdated = 0  # how many steps of the layout are left
        workspace = sql.Literal(place.workspace).as_string()
        self._set = f"SELECT set_config('{SETTING}', {workspace}, true)"
        self._open = f"{self._set}, set_config('{DOOR}', 'open', true)"  # past the triggers that keep sealed entries

    def alone(self) -> None:
        """Raise ``TransactionOpen`` where this thread has a transaction open, ``StoreClosed`` after a fork or close."""
        if self._pid != os.getpid():
            raise StoreClosed(f"this handle on {self} belongs to the parent process; open a new one after a fork")
        if self._closed:
            raise StoreClosed(f"the store {self} was closed; open a new one")
        if getattr(self._local, "session", None) is not None:
            raise transaction_open()

    def begin(self, *, write: bool) -> Session:
        """Begin a transaction in this thread and return its session."""
        self.alone()
        if self._outdated:
            message = (
                f"schema {self.place.schema} was laid out by an older version of salespipeline: "
                "back it up with pg_dump, then call salespipeline.maintenance.upgrade()"
            )
            raise UpgradeNeeded(message)
        try:
            session = self._begin(write=write)
        except FAILURES as error:
            raise translated(error) from error
        self._local.session = session
        return session

    def end(self, session: Session, *, commit: bool) -> None:
        """End the transaction. What cannot be committed is rolled back."""
        self._local.session = None
        if self._pid != os.getpid():
            raise StoreClosed(f"this transaction on {self} belongs to the parent process, which goes on with it")
        try:
            self._end(session, commit=commit)
        except FAILURES as error:
            if commit and session.connection.closed:
                message = "the connection was lost while committing: whether the changes were kept cannot be known; look first"
                raise Unavailable(message, retry=False) from error
            raise translated(error) from error

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[Session]:
        """Open a transaction."""
        with ended(self, self.begin(write=write)) as session:
            yield session

    def translated(self, error: Exception) -> StorageError:
        """Return the error of ours for one of psycopg's."""
        return translated(error)

    def row(self, text: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        """Return the first row of a statement that reads, as this thread sees it."""
        return next(iter(self.rows(text, values)), None)

    def rows(self, text: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Return the rows of a statement that reads, as this thread sees it."""
        session: Session | None = getattr(self._local, "session", None)
        if session is None:
            with self.transaction(write=False) as session:
                return session.run(text, values).fetchall()
        try:
            return session.run(text, values).fetchall()
        except FAILURES as error:
            raise translated(error) from error

    def upgrade(self) -> None:
        """Apply the steps of the layout that are missing."""
        left, self._outdated = self._outdated, 0
        if left:
            try:
                with self.transaction(write=True) as session:
                    lay_out(session.run, self.place, upgrade=True)
            except BaseException:
                self._outdated = left
                raise

    def again(self, work: Callable[[], T]) -> T:
        """Return what *work* returns: a transaction of our own, which may be run again where it lost."""
        return retried(work)

    def close(self) -> None:
        """Refuse everything from now on."""
        if self._pid == os.getpid() and not self._closed:
            self.alone()
            self._closed = True

    def _begin(self, *, write: bool) -> Session:
        raise NotImplementedError

    def _end(self, session: Session, *, commit: bool) -> None:
        raise NotImplementedError


class Pool(Source):
    """Connections of our own: a thread has one while its transaction is open.

    May be shared between threads. A forked child abandons it, and opens its own.
    """

    def __init__(self, conninfo: str, place: Place, *, size: int, timeout: float, prepared: bool) -> None:
        super().__init__(place)
        self._timeout = timeout
        self._name = _shown(conninfo)
        limit = f"set_config('lock_timeout', '{round(timeout * 1000)}', true)"
        self._write = f"BEGIN ISOLATION LEVEL READ COMMITTED; {self._open}, {limit}"
        # set_config takes the snapshot
        self._read = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {self._set}, {limit}"
        options: dict[str, Any] = {"autocommit": True, "prepare_threshold": 5 if prepared else None}
        self._first(conninfo, options)
        self._pool: ConnectionPool[Any] = ConnectionPool(
            conninfo,
            connection_class=_Pooled,
            kwargs=options,
            configure=_bigints,
            min_size=0,
            max_size=size,
            timeout=timeout,
            num_workers=1,
            open=True,
        )
        _POOLS.add(self._pool)

    def __str__(self) -> str:
        return self._name

    def _first(self, conninfo: str, options: dict[str, Any]) -> None:
        # A connection outside the pool: it says at once what is wrong, where the pool would go on trying.
        try:
            with psycopg.connect(conninfo, connect_timeout=max(2, round(self._timeout)), **options) as connection:
                encoding = connection.info.parameter_status("server_encoding")
                if encoding != "UTF8":
                    raise OpenError(f"{self} keeps text as {encoding}: make a database with ENCODING 'UTF8'")

                def lay() -> None:
                    session = Session(connection)
                    with connection.transaction():
                        session.run(self._set)
                        self._outdated = lay_out(session.run, self.place, upgrade=False)

                retried(lay)
        except FAILURES as error:
            raise translated(error) from error

    def _begin(self, *, write: bool) -> Session:
        text = self._write if write else self._read
        for again in (True, False):
            connection = self._pool.getconn()
            try:
                session = Session(connection, writes=write)
                session.at_once(text)
            except BaseException as error:
                self._pool.putconn(connection)
                if not (again and isinstance(error, psycopg.OperationalError)):
                    raise
                self._pool.check()  # the server was restarted meanwhile: nothing was done yet
            else:
                break
        return session

    def _end(self, session: Session, *, commit: bool) -> None:
        connection = session.connection
        session.cursor.close()
        try:
            if commit and not session.writes:
                session.at_once("COMMIT")
            elif commit:
                connection.commit()
            elif not connection.closed:
                connection.rollback()
        finally:
            self._pool.putconn(connection)

    def close(self) -> None:
        """Close the connections. One that has a transaction open in another thread is closed when it ends."""
        super().close()
        if self._pid == os.getpid():
            self._pool.close()


class Lent(Source):
    """A connection of the host: a transaction is a savepoint in the host's own, which the host commits or rolls back."""

    def __init__(self, connection: psycopg.Connection[Any], place: Place) -> None:
        super().__init__(place)
        self._local = SimpleNamespace()  # one connection has one transaction, whichever thread began it
        self._connection = connection
        self._name = f"a lent connection to {connection.info.dbname}"
        self._own = False  # whether the open transaction is none of the host's
        with self.transaction(write=False) as session:
            self._outdated = steps_left(session.run, place)
        if self._outdated == len(STEPS):
            self._outdated = 0
            with self.transaction(write=True) as session:
                lay_out(session.run, place, upgrade=False)

    def __str__(self) -> str:
        return self._name

    def again(self, work: Callable[[], T]) -> T:
        """Return what *work* returns: the transaction is the host's, and only the host can run it again."""
        return work()

    def _begin(self, *, write: bool) -> Session:
        connection = self._connection
        self._own = connection.autocommit and connection.info.transaction_status == pq.TransactionStatus.IDLE
        if self._own and write:
            message = "the lent connection has no transaction open: begin one, which then holds these changes too"
            raise StorageError(message)
        session = Session(connection)
        begins, sets = "BEGIN READ ONLY" if self._own else f"SAVEPOINT {_NESTED}", self._open if write else self._set
        session.run(f"{begins}; {sets}", prepare=False)
        return session

    def _end(self, session: Session, *, commit: bool) -> None:
        if self._own:  # it only read
            session.connection.rollback()
        elif commit:
            # What the host itself runs afterwards is kept off again.
            session.run(f"RELEASE SAVEPOINT {_NESTED}; SELECT set_config('{DOOR}', '', true)", prepare=False)
        elif not session.connection.closed:
            session.run(f"ROLLBACK TO SAVEPOINT {_NESTED}; RELEASE SAVEPOINT {_NESTED}", prepare=False)
        session.cursor.close()


def retried(work: Callable[[], T]) -> T:
    """Return what *work* returns, where it is a whole transaction of our own that may be run again.

    It is run again where it lost against another one, or where both made the same table; five times at most.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return work()
        except _LOST:
            continue
        except StorageError as error:
            if not isinstance(error.__cause__, _LOST):
                raise
    return work()


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
