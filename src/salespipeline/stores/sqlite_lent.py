"""A SQLite connection that a host lends: transactions are savepoints in the host's own."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import attrs

from salespipeline.errors import Corrupt, NewerFormat, StorageError, StoreClosed, UpgradeNeeded
from salespipeline.stores.dialect import SQLITE, Dialect, quoted
from salespipeline.stores.kinds import transaction_open
from salespipeline.stores.sessions import ended
from salespipeline.stores.sqlite_errors import FAILURES, translated

__all__ = ["STEPS", "LentFile", "LentSession"]

PREFIX = "salespipeline_"
_NESTED = "salespipeline"  # the name of the savepoint that stands for a transaction

# The layout in a host's file, as named steps. They are recorded in a table: the header of the file is the host's.
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "first",
        (
            "CREATE TABLE salespipeline__steps (place INTEGER PRIMARY KEY, name TEXT NOT NULL)",
            "CREATE TABLE salespipeline__kinds (name TEXT PRIMARY KEY, definition TEXT NOT NULL) WITHOUT ROWID",
            "CREATE TABLE salespipeline__formats (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE TABLE salespipeline__numbers (series TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID",
        ),
    ),
    ("door", ("CREATE TABLE salespipeline__door (open INTEGER PRIMARY KEY)",)),
    ("words", ("CREATE TABLE salespipeline__words (name TEXT PRIMARY KEY, done INTEGER NOT NULL) WITHOUT ROWID",)),
)


@attrs.frozen
class Prefixed(Dialect):
    """The dialect of SQLite in a file that is the host's: no table of ours is taken for one of the host's."""

    def table(self, name: str) -> str:
        """Return the table called *name* as it stands in a statement."""
        return quoted(PREFIX + name)


class Borrowed:
    """What a transaction needs of a connection, with rows as tuples whatever the host has chosen."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, text: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run a statement."""
        cursor = self._connection.cursor()
        cursor.row_factory = None
        return cursor.execute(text, values)

    def executemany(self, text: str, rows: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        """Run a statement for each of *rows*."""
        return self._connection.cursor().executemany(text, rows)

    def set_trace_callback(self, heard: Callable[[str], object] | None) -> None:
        """Tell *heard* of every statement, the host's too, in place of whatever the host has set."""
        self._connection.set_trace_callback(heard)

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction


@attrs.frozen
class LentSession:
    """The lent connection while a transaction of ours is open on it.

    *began* says that there was no transaction of the host's, *reads* that ours does nothing but read.
    """

    connection: sqlite3.Connection
    began: bool
    reads: bool

    @property
    def run(self) -> Callable[..., sqlite3.Cursor]:
        """Run a statement, on a cursor of its own: the connection is the host's."""
        return self.connection.execute

    @property
    def sound(self) -> bool:
        """Whether the transaction can go on: SQLite itself rolls back where the disk is full."""
        return self.connection.in_transaction


class LentFile:
    """The file of a lent connection. It stands where ``SqliteFile`` does, for the host's thread alone."""

    failures = FAILURES
    cascades = False  # whether foreign keys are followed is the host's choice

    def __init__(self, connection: sqlite3.Connection) -> None:
        if connection.text_factory is not str:
            raise StorageError("the lent connection gives text as something else: leave its text_factory as it was")
        self._lent = connection
        self._borrowed = cast("sqlite3.Connection", Borrowed(connection))
        self._pid = os.getpid()
        self._open = self._closed = False
        self._outdated = 0  # how many steps of the layout are left
        self.dialect = Prefixed(**attrs.asdict(SQLITE))
        row = self._borrowed.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()
        self.path = Path(row[0] or "a database in memory")
        with self.transaction(write=False):
            left = self._steps_left()
        self._outdated = left
        if left == len(STEPS):
            self.upgrade()

    def begin(self, *, write: bool) -> LentSession:
        """Begin a transaction, inside the host's own, or raise ``StorageError`` where writing would need one."""
        if self._pid != os.getpid():
            raise StoreClosed(
                f"this handle on {self.path} belongs to the parent process; lend a connection of this one"
            )
        if self._closed:
            raise StoreClosed(f"the store on {self.path} was closed; open a new one")
        if self._open:
            raise transaction_open()
        if self._outdated:
            message = (
                f"the tables in {self.path} were made by an older version of salespipeline: "
                "make a backup, then call salespipeline.maintenance.upgrade()"
            )
            raise UpgradeNeeded(message)
        connection = self._lent
        try:
            began = not connection.in_transaction
            if began:
                alone = getattr(connection, "autocommit", -1)  # Python 3.12 has a second way to say so
                if write and (alone is True or (alone == -1 and connection.isolation_level is None)):
                    raise StorageError(
                        "the lent connection has no transaction open: begin one, which then holds these changes too"
                    )
                self._borrowed.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            self._borrowed.execute(f"SAVEPOINT {_NESTED}")
        except FAILURES as error:
            raise translated(error, self.path) from error
        self._open = True
        return LentSession(self._borrowed, began, not write)

    def end(self, session: LentSession, *, commit: bool) -> None:
        """End the transaction; what it kept is kept when the host commits."""
        self._open = False
        if not session.connection.in_transaction:
            if commit:
                raise StorageError("the host ended its transaction inside one of the store: end the inner one first")
            return  # SQLite itself rolls back where the disk is full
        try:
            if session.began and (session.reads or not commit):
                session.connection.execute("ROLLBACK")
                return
            if not commit:
                session.connection.execute(f"ROLLBACK TO {_NESTED}")
            session.connection.execute(f"RELEASE {_NESTED}")
        except FAILURES as error:
            raise translated(error, self.path) from error

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[sqlite3.Connection]:
        """Open a transaction on the bare connection."""
        with ended(self, self.begin(write=write)) as session:
            yield session.connection

    def translated(self, error: Exception) -> StorageError:
        """Return the error of ours for one of SQLite's."""
        return translated(error, self.path)

    def upgrade(self) -> None:
        """Apply the steps of the layout that are missing, in the host's transaction."""
        left, self._outdated = self._outdated, 0
        if left:
            try:
                with self.transaction(write=True) as connection:
                    done = len(STEPS) - self._steps_left()  # another process may have been faster
                    for place, (name, statements) in enumerate(STEPS[done:], done):
                        for statement in statements:
                            connection.execute(statement)
                        connection.execute("INSERT INTO salespipeline__steps VALUES (?, ?)", (place, name))
            except BaseException:
                self._outdated = left
                raise

    def _steps_left(self) -> int:
        names = [name for name, _ in STEPS]
        there = self._borrowed.execute("SELECT 1 FROM sqlite_master WHERE name = 'salespipeline__steps'").fetchone()
        if there is None:
            return len(names)
        done = [name for (name,) in self._borrowed.execute("SELECT name FROM salespipeline__steps ORDER BY place")]
        if done[: len(names)] == names and len(done) > len(names):
            message = f"the tables in {self.path} were made by a newer version of salespipeline; upgrade the library"
            raise NewerFormat(message)
        if not done or done != names[: len(done)]:
            raise Corrupt(f"the tables in {self.path} have lost their record; restore it from a backup")
        return len(names) - len(done)

    def close(self) -> None:
        """Refuse everything from now on."""
        if self._pid != os.getpid():
            return
        if self._open:
            raise transaction_open()
        self._closed = True
