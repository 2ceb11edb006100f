"""A SQLite connection that a host lends: transactions are savepoints in the host's own."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import attrs

from salespipeline.errors import StorageError, StoreClosed
from salespipeline.stores.kinds import transaction_open
from salespipeline.stores.sql import SQLITE, Dialect, quoted
from salespipeline.stores.sqlite_errors import FAILURES, translated

__all__ = ["LentFile", "LentSession"]

PREFIX = "salespipeline_"
_NESTED = "salespipeline"  # the name of the savepoint that stands for a transaction


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


class LentFile:
    """The file of a lent connection. It stands where ``SqliteFile`` does, for the host's thread alone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        if connection.text_factory is not str:
            raise StorageError("the lent connection gives text as something else: leave its text_factory as it was")
        self._lent = connection
        self._borrowed = cast("sqlite3.Connection", Borrowed(connection))
        self._open = self._closed = False
        self.dialect = Prefixed(**attrs.asdict(SQLITE))
        row = self._borrowed.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()
        self.path = Path(row[0] or "a database in memory")
        with self.transaction(write=False):
            there = self._borrowed.execute(
                "SELECT 1 FROM sqlite_master WHERE name = ?", (f"{PREFIX}_kinds",)
            ).fetchone()
        if there is None:
            with self.transaction(write=True):
                for name, columns in (
                    ("_kinds", "name TEXT PRIMARY KEY, definition TEXT NOT NULL"),
                    ("_formats", "name TEXT PRIMARY KEY, number INTEGER NOT NULL"),
                    ("_numbers", "series TEXT PRIMARY KEY, last INTEGER NOT NULL"),
                ):
                    self._borrowed.execute(f"CREATE TABLE {self.dialect.table(name)} ({columns}) WITHOUT ROWID")

    def begin(self, *, write: bool) -> LentSession:
        """Begin a transaction, inside the host's own, or raise ``StorageError`` where writing would need one."""
        if self._closed:
            raise StoreClosed(f"the store on {self.path} was closed; open a new one")
        if self._open:
            raise transaction_open()
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
        if not session.connection.in_transaction:  # SQLite itself rolls back where the disk is full
            return
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
        session = self.begin(write=write)
        try:
            yield session.connection
        except BaseException as error:
            self.end(session, commit=False)
            if isinstance(error, FAILURES):
                raise translated(error, self.path) from error
            raise
        self.end(session, commit=True)

    def upgrade(self) -> None:
        """Apply the steps of the layout that are missing: there is one, and the file was made with it."""

    def close(self) -> None:
        """Refuse everything from now on."""
        if self._open:
            raise transaction_open()
        self._closed = True
