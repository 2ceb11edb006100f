"""A SQLite file and its connections: one a thread and process, set up for safety, closed by whoever may.

``SqliteStore`` and ``SqliteBlobs`` share one of these. It knows transactions and the file's layout, and nothing of
entries.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from salespipeline.errors import (
    Corrupt,
    ForeignFile,
    NewerFormat,
    OpenError,
    StorageError,
    StoreClosed,
    Unavailable,
    UpgradeNeeded,
    shown,
)
from salespipeline.stores.dialect import SQLITE
from salespipeline.stores.kinds import transaction_open
from salespipeline.stores.sessions import ended
from salespipeline.stores.sqlite_errors import FAILURES, translated

__all__ = ["APPLICATION_ID", "STEPS", "Session", "SqliteFile"]

APPLICATION_ID = 0x53504C4E  # "SPLN", in the file's header, where file(1) sees it too
_SYNCHRONOUS = ("FULL", "NORMAL")
_CACHE = 16 * 1024  # KiB of pages that a connection may hold; with SQLite's own 2,000, a bulk insert reads them again

# The layout, as named steps. Each is applied once, in one transaction with its record; ``user_version`` counts them.
STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "first",
        (
            "CREATE TABLE _steps (name TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE TABLE _kinds (name TEXT PRIMARY KEY, definition TEXT NOT NULL) WITHOUT ROWID",
            "CREATE TABLE _formats (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE TABLE _numbers (series TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID",
            "CREATE TABLE _blobs (blob INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, size INTEGER NOT NULL)",
            (
                "CREATE TABLE _chunks (chunk INTEGER PRIMARY KEY, blob INTEGER NOT NULL"
                " REFERENCES _blobs ON DELETE CASCADE, place INTEGER NOT NULL, content BLOB NOT NULL,"
                " UNIQUE (blob, place))"
            ),
        ),
    ),
    ("kept", ("ALTER TABLE _blobs ADD COLUMN kept REAL NOT NULL DEFAULT 0",)),  # when: so that orphans can be swept
    ("door", ("CREATE TABLE _door (open INTEGER PRIMARY KEY)",)),  # see salespipeline.stores.sqlite_sealing
    (
        "words",
        ("CREATE TABLE _words (name TEXT PRIMARY KEY, done INTEGER NOT NULL) WITHOUT ROWID",),
    ),  # see sqlite_words
)


class Session:
    """One thread's connection. *lock* is held while a transaction is open, or while somebody closes it.

    *run* runs a statement on the one cursor that is kept for it: what the statement before has not yet yielded is lost.
    """

    __slots__ = ("__weakref__", "connection", "lock", "open", "pid", "run", "writing")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.run = connection.cursor().execute  # a cursor for each statement costs as much as finding a row
        self.lock = threading.Lock()
        self.open = False
        self.writing = False
        self.pid = os.getpid()

    @property
    def sound(self) -> bool:
        """Whether the transaction can go on: SQLite itself rolls back where the disk is full."""
        return self.connection.in_transaction

    def __del__(self, getpid: Callable[[], int] = os.getpid) -> None:
        if getpid() == self.pid:
            self.connection.close()
        else:
            _abandon(self.connection)


def _abandon(connection: sqlite3.Connection) -> None:
    # Closing a connection that was inherited by a fork would roll back, or check in, what the parent is writing.
    # It is kept alive for ever instead, also beyond the end of the interpreter.
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


class SqliteFile:
    """A SQLite file that belongs to this library, made if it is not there.

    May be shared between threads; not between processes: after a fork, the child opens its own. *synchronous* is
    ``"FULL"`` (a commit survives a power cut) or ``"NORMAL"`` (it survives a crash of the process; faster).
    *timeout* is how many seconds to wait for another writer. A file of an older layout takes no
    transactions before ``upgrade``. Raises ``ForeignFile``, ``NewerFormat``, ``Corrupt``
    or ``Unavailable`` where the file cannot be used.
    """

    failures = FAILURES
    cascades = True  # each connection follows foreign keys

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: str = "FULL",
        timeout: float = 30.0,
    ) -> None:
        if synchronous not in _SYNCHRONOUS:
            raise OpenError(f"synchronous is FULL or NORMAL, not {shown(synchronous)}")
        if not 0 <= timeout <= 86_400:
            raise OpenError(f"timeout is a number of seconds up to a day, not {shown(timeout)}")
        name = os.fspath(path)
        if not name or name == ":memory:" or "\0" in name:
            message = f"{shown(name)} is no file: each thread would get a database of its own; open 'memory:' instead"
            raise OpenError(message)
        self.path = Path(name).absolute()
        self.dialect = SQLITE
        self._synchronous = synchronous
        self._timeout = timeout
        self._pid = os.getpid()
        self._local = threading.local()
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self._guard = threading.Lock()
        self._writer = threading.Lock()  # threads of this process queue here, rather than poll the file
        self._closed = False
        self._outdated = 0
        try:
            self._outdated = self._steps_missing()
            if self._outdated == len(STEPS):
                self.upgrade()
        except FAILURES as error:
            self.close()
            raise translated(error, self.path) from error
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"<SqliteFile {str(self.path)!r}>"

    # --- connections ---

    def session(self) -> Session:
        """Return this thread's session, or raise ``StoreClosed``."""
        if self._pid != os.getpid():
            raise StoreClosed(f"this handle on {self.path} belongs to the parent process; open a new one after a fork")
        if self._closed:
            raise StoreClosed(f"the store {self.path} was closed; open a new one")
        try:
            return self._local.session  # type: ignore[no-any-return]
        except AttributeError:
            return self._connect()

    def _connect(self) -> Session:
        try:
            connection = sqlite3.connect(
                self.path,
                timeout=self._timeout,
                isolation_level=None,  # transactions are begun by hand
                check_same_thread=False,  # so that close() may close every thread's
                cached_statements=512,
            )
        except sqlite3.Error as error:
            raise translated(error, self.path) from error
        try:
            self._set_up(connection)
        except BaseException:
            connection.close()  # such as that of a file of another program
            raise
        session = Session(connection)
        with self._guard:
            self._sessions.add(session)
        self._local.session = session
        return session

    def _set_up(self, connection: sqlite3.Connection) -> None:
        # The defaults of some builds are laxer: a schema from elsewhere may call functions, foreign keys are not
        # checked, and a misspelt column in double quotes is taken for a text.
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE}")
        if hasattr(connection, "setconfig"):
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_DQS_DML, False)  # type: ignore[attr-defined,unused-ignore]
            connection.setconfig(sqlite3.SQLITE_DBCONFIG_DQS_DDL, False)  # type: ignore[attr-defined,unused-ignore]

    def close(self) -> None:
        """Close every thread's connection. Those with an open transaction are closed when it ends."""
        if self._pid != os.getpid():
            return
        session = getattr(self._local, "session", None)
        if session is not None and session.open:
            raise transaction_open()
        self._closed = True
        self._sweep()

    def _sweep(self) -> None:
        with self._guard:
            sessions = list(self._sessions)
        for session in sessions:
            if session.lock.acquire(blocking=False):
                session.connection.close()
                session.lock.release()

    # --- transactions ---

    def begin(self, *, write: bool, any_layout: bool = False) -> Session:
        """Begin a transaction in this thread and return its session, or raise ``TransactionOpen``."""
        if self._outdated and not any_layout:
            message = (
                f"{self.path} has layout {len(STEPS) - self._outdated} and this version of salespipeline needs "
                f"{len(STEPS)}: call salespipeline.maintenance.upgrade(), which makes a backup first"
            )
            raise UpgradeNeeded(message)
        session = self.session()
        if session.open:
            raise transaction_open()
        if write and not self._writer.acquire(timeout=self._timeout):
            message = f"{self.path} is busy: another thread has been writing for {self._timeout:g} seconds; try again"
            raise Unavailable(message)
        session.lock.acquire()
        session.open, session.writing = True, write
        try:
            session.run("BEGIN IMMEDIATE" if write else "BEGIN")
        except BaseException as error:
            self._release(session)
            if isinstance(error, sqlite3.Error):
                raise translated(error, self.path) from error
            raise
        return session

    def end(self, session: Session, *, commit: bool) -> None:
        """End the transaction. If committing fails, it is rolled back."""
        connection = session.connection
        try:
            if commit:
                session.run("COMMIT")
            elif connection.in_transaction:  # SQLite itself rolls back where the disk is full
                session.run("ROLLBACK")
        except BaseException as error:
            if connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise translated(error, self.path) from error
            raise
        finally:
            self._release(session)

    def _release(self, session: Session) -> None:
        session.open = False
        if session.writing:
            session.writing = False
            self._writer.release()
        session.lock.release()
        if self._closed:
            self._sweep()

    @contextlib.contextmanager
    def transaction(self, *, write: bool) -> Iterator[sqlite3.Connection]:
        """Open a transaction on the bare connection."""
        with ended(self, self.begin(write=write)) as session:
            yield session.connection

    @contextlib.contextmanager
    def _transaction(self, *, write: bool) -> Iterator[sqlite3.Connection]:
        with ended(self, self.begin(write=write, any_layout=True)) as session:
            yield session.connection

    def translated(self, error: Exception) -> StorageError:
        """Return the error of ours for one of SQLite's."""
        return translated(error, self.path)

    def alone(self) -> None:
        """Raise ``TransactionOpen`` where this thread has a transaction open."""
        if self.session().open:
            raise transaction_open()

    def row(self, text: str, values: tuple[object, ...]) -> tuple[Any, ...] | None:
        """Return the first row of a statement that reads, as this thread sees it."""
        return next(iter(self.rows(text, values)), None)

    def rows(self, text: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        """Return the rows of a statement that reads, as this thread sees it."""
        session = self.session()
        with contextlib.nullcontext() if session.open else self.transaction(write=False):
            try:
                return session.connection.execute(text, values).fetchall()
            except sqlite3.Error as error:
                raise translated(error, self.path) from error

    # --- upkeep ---

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Copy the file, as it is at one moment, to *path*; it appears there whole or not at all."""
        target = Path(path).absolute()
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        if target.exists():
            raise StorageError(f"{target} exists already: a backup never writes over a file; choose another name")
        self.alone()
        try:
            with contextlib.closing(sqlite3.connect(part, isolation_level=None)) as copy:
                # All pages in one step: one view of the file, which nobody's writing can make start again.
                self.session().connection.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, complete in itself
            with part.open("rb") as written:
                os.fsync(written.fileno())
            os.link(part, target)  # unlike a rename, this refuses to replace what came there meanwhile
        except sqlite3.Error as error:
            raise translated(error, target) from error
        except OSError as error:
            raise StorageError(f"the backup {target} could not be written: {error.strerror or error}") from error
        finally:
            part.unlink(missing_ok=True)

    def vacuum(self) -> None:
        """Rebuild the file without the room of what was deleted. Nobody else may write meanwhile."""
        self.alone()
        connection = self.session().connection
        try:
            with self._writer:
                for statement in ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)", "ANALYZE"):
                    connection.execute(statement)
        except FAILURES as error:
            raise translated(error, self.path) from error

    # --- layout ---

    def upgrade(self) -> None:
        """Apply the steps of the layout that are missing, each in a transaction with its record.

        A new file is made in one: nobody ever finds one that is half made, and would have to upgrade it.
        """
        self._use_wal(self.session().connection)
        while self._outdated:
            with self._transaction(write=True) as connection:
                done = self._steps_done(connection)  # another process may have been faster
                for place, (name, statements) in enumerate(STEPS[done : done + 1 if done else None], done + 1):
                    for statement in statements:
                        connection.execute(statement)
                    connection.execute("INSERT INTO _steps VALUES (?, ?)", (name, time.time_ns() // 1000))
                    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    connection.execute(f"PRAGMA user_version = {place}")
            self._outdated = self._steps_missing()

    def _steps_missing(self) -> int:
        with self._transaction(write=False) as connection:  # one view: another process may be making the file
            return len(STEPS) - self._steps_done(connection)

    def _steps_done(self, connection: sqlite3.Connection) -> int:
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (done,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application != APPLICATION_ID:
            if application or done or tables:
                raise ForeignFile(f"{self.path} is a database of another application; choose another file")
            return 0
        if done > len(STEPS):
            message = (
                f"{self.path} was written by a newer version of salespipeline (layout {done}); upgrade the library"
            )
            raise NewerFormat(message)
        if done < 1 or not tables:
            raise Corrupt(f"{self.path} has lost its tables; restore it from a backup")
        return int(done)

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        # SQLite does not wait here: of two processes that make the same file at once, one is told that it is busy.
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
            else:
                return
