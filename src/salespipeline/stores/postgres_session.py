"""Where transactions on PostgreSQL begin and end, and the source of those on a connection that the host lends."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, Generic, Protocol, TypeVar

import psycopg
from psycopg import pq, sql
from psycopg.rows import tuple_row
from psycopg.types.numeric import Int8Dumper

from salespipeline.errors import StorageError, StoreClosed, Unavailable, UpgradeNeeded
from salespipeline.stores.kinds import transaction_open
from salespipeline.stores.postgres_errors import FAILURES, PASSING, translated
from salespipeline.stores.postgres_layout import DOOR, SETTING, STEPS, lay_out, steps_left
from salespipeline.stores.postgres_line import Rows, Unwritten
from salespipeline.stores.postgres_tables import Place
from salespipeline.stores.sessions import ended

__all__ = ["ATTEMPTS", "Lent", "Session", "Source", "bigints", "retried"]

T = TypeVar("T")
S = TypeVar("S", bound="Session")
ATTEMPTS = 5
_NESTED = "salespipeline"  # the name of the savepoint that stands for a transaction on a lent connection
# What a transaction of our own is run again for: it lost, or another one made the same thing.
_LOST = (*PASSING, psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable, psycopg.errors.DuplicateSchema)


class Session(Protocol):
    """A connection while a transaction is open on it."""

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The connection."""

    @property
    def run(self) -> Callable[..., Rows]:
        """Run a statement and return what it found."""

    @property
    def sound(self) -> bool:
        """Whether the transaction can go on: PostgreSQL ends it at the first error outside a savepoint."""

    def many(self, text: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement for each of *rows* in one journey; ``Unwritten`` where one of them wrote nothing."""

    def copy(self, text: str) -> contextlib.AbstractContextManager[psycopg.Copy]:
        """Open a ``COPY``."""

    def savepoint(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Take back what the block did where it raises, and leave the transaction as it was."""


class _Borrowed:
    """A connection of the host while a transaction is open on it, and the cursor that runs its statements."""

    __slots__ = ("connection", "cursor", "run")

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        # A cursor of our own, so that rows are tuples and integers bigints whatever a host has chosen.
        self.cursor = connection.cursor(row_factory=tuple_row)
        bigints(self.cursor)
        self.run: Callable[..., Rows] = self.cursor.execute

    @property
    def sound(self) -> bool:
        return self.connection.info.transaction_status == pq.TransactionStatus.INTRANS

    def many(self, text: str, rows: Sequence[Sequence[object]]) -> None:
        self.cursor.executemany(text, rows)
        if self.cursor.rowcount != len(rows):
            raise Unwritten

    def copy(self, text: str) -> contextlib.AbstractContextManager[psycopg.Copy]:
        return self.cursor.copy(text)

    @contextlib.contextmanager
    def savepoint(self, name: str) -> Iterator[None]:
        self.run(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            with contextlib.suppress(psycopg.Error):  # where the connection is gone, the first error tells
                self.run(f"ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}", prepare=False)
            raise
        self.run(f"RELEASE SAVEPOINT {name}")


class Source(Generic[S]):
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

    def begin(self, *, write: bool) -> S:
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

    def end(self, session: S, *, commit: bool) -> None:
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
    def transaction(self, *, write: bool) -> Iterator[S]:
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

    def _begin(self, *, write: bool) -> S:
        raise NotImplementedError

    def _end(self, session: S, *, commit: bool) -> None:
        raise NotImplementedError


class Lent(Source[_Borrowed]):
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

    def _begin(self, *, write: bool) -> _Borrowed:
        connection = self._connection
        self._own = connection.autocommit and connection.info.transaction_status == pq.TransactionStatus.IDLE
        if self._own and write:
            message = "the lent connection has no transaction open: begin one, which then holds these changes too"
            raise StorageError(message)
        session = _Borrowed(connection)
        begins, sets = "BEGIN READ ONLY" if self._own else f"SAVEPOINT {_NESTED}", self._open if write else self._set
        session.run(f"{begins}; {sets}", prepare=False)
        return session

    def _end(self, session: _Borrowed, *, commit: bool) -> None:
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


def bigints(adapted: psycopg.abc.AdaptContext) -> None:
    """Let the driver send integers as what the tables hold."""
    adapted.adapters.register_dumper(int, Int8Dumper)
