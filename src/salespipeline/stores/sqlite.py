"""The SQLite store: one file, many threads and processes, everything pushed down."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from salespipeline.blobs.sqlite import SqliteBlobs
from salespipeline.entries import Catalog, Entry, Kind, Stored
from salespipeline.errors import (
    Conflict,
    Corrupt,
    Duplicate,
    ForeignFile,
    OpenError,
    Overflow,
    ReadOnly,
    StorageError,
    StorageFull,
    StoreClosed,
    TransactionOpen,
    Unavailable,
)
from salespipeline.query import Group, Measure, Query
from salespipeline.stores import sql
from salespipeline.stores.base import BaseTransaction, Row, system_clock
from salespipeline.stores.sql import many_table, quoted
from salespipeline.stores.sqlite_layout import lay_out, up_to_date

__all__ = ["SqliteStore", "open_sqlite"]

IDS_AT_ONCE = 500


class _Statements:
    """The SQL of one kind, written once."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        table = quoted(kind.name)
        self.single = [field.name for field in kind.fields if not field.many]
        self.many = [field.name for field in kind.fields if field.many]
        names = "".join(f", {quoted(name)}" for name in self.single)
        sets = "".join(f", {quoted(name)} = ?" for name in self.single)
        self.get = f"SELECT id, version, body FROM {table} WHERE id = ?"  # noqa: S608
        self.insert = f"INSERT INTO {table} (id, version, body{names}) VALUES (?, 1, ?{', ?' * len(self.single)})"  # noqa: S608
        self.update = f"UPDATE {table} SET version = version + 1, body = ?{sets} WHERE id = ? AND version = ?"  # noqa: S608
        self.delete = f"DELETE FROM {table} WHERE id = ? AND version = ?"  # noqa: S608
        self.scan = f"SELECT id, version, body{names} FROM {table} ORDER BY id"  # noqa: S608
        self.clear = {name: f"DELETE FROM {many_table(kind, name)} WHERE id = ?" for name in self.many}  # noqa: S608
        self.fill = {name: f"INSERT INTO {many_table(kind, name)} (value, id) VALUES (?, ?)" for name in self.many}  # noqa: S608
        self.read = {name: f"SELECT id, value FROM {many_table(kind, name)} ORDER BY value" for name in self.many}  # noqa: S608


class SqliteStore:
    """Entries in a SQLite file. May be shared between threads; after a fork, open a new one.

    *synchronous* is ``FULL`` (a commit survives a power cut) or ``NORMAL`` (faster; the last commits may not).
    *timeout* is how many seconds to wait for another writer. *now* is the clock of leases, for tests.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: str = "FULL",
        timeout: float = 30.0,
        now: Callable[[], int] = system_clock,
    ) -> None:
        if synchronous not in ("FULL", "NORMAL"):
            raise OpenError(f"synchronous is FULL or NORMAL, not {synchronous!r}")
        self.path = Path(path)
        self._synchronous = synchronous
        self._timeout = timeout
        self._now = now
        self._pid = os.getpid()
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        self._statements: dict[str, _Statements] = {}
        self.blobs = SqliteBlobs(self._session)

    def prepare(self, catalog: Catalog) -> None:
        """Make the tables, columns and indexes that *catalog* declares; cheap where they are there."""
        with translated(), self._session(False) as connection:
            done = up_to_date(connection, catalog)
        if not done:
            with self._session(True) as connection, translated():
                if not up_to_date(connection, catalog):  # another process may have been faster
                    lay_out(connection, catalog)
        self._statements.update({kind.name: _Statements(kind) for kind in catalog.kinds})

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[SqliteTransaction]:
        """Open a transaction; a clean exit commits, an exception rolls back."""
        with self._session(write) as connection:
            tx = SqliteTransaction(connection, self._statements, write, self._now)
            try:
                yield tx
            finally:
                tx.end()

    @contextmanager
    def _session(self, write: bool) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        if connection.in_transaction:
            raise TransactionOpen("a transaction is open in this thread already; transactions do not nest")
        with translated():
            # A deferred transaction that begins to write later fails at once where another writes meanwhile.
            connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        try:
            yield connection
        except BaseException:
            self._roll_back(connection)
            raise
        try:
            with translated():
                connection.execute("COMMIT")
        except BaseException:
            self._roll_back(connection)
            raise

    @staticmethod
    def _roll_back(connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:  # a full disk rolls back by itself
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            pass  # what made us roll back is the error that people must see

    def _connection(self) -> sqlite3.Connection:
        if self._closed:
            raise StoreClosed("this store was closed; open a new one")
        if os.getpid() != self._pid:
            raise StoreClosed("this store belongs to the parent process; open a new one after a fork")
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with translated(str(self.path)):
                connection = self._connect()
            with self._lock:
                if self._closed:
                    connection.close()
                    raise StoreClosed("this store was closed; open a new one")
                self._all.append(connection)
            self._local.connection = connection
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        try:
            if hasattr(connection, "setconfig"):  # Python 3.12: a misspelt column is an error, not a text
                connection.setconfig(sqlite3.SQLITE_DBCONFIG_DQS_DML, False)
                connection.setconfig(sqlite3.SQLITE_DBCONFIG_DQS_DDL, False)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute("PRAGMA cache_size = -65536")
        except BaseException:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        """Close the connections of every thread."""
        with self._lock:
            self._closed = True
            connections, self._all = self._all, []
        if os.getpid() == self._pid:  # a forked child leaves its parent's handles alone
            for connection in connections:
                connection.close()

    def __repr__(self) -> str:
        return f"<SqliteStore {str(self.path)!r}>"


class SqliteTransaction(BaseTransaction):
    """A transaction of ``SqliteStore``."""

    __slots__ = ("_connection", "_now", "_open", "_statements", "_write")

    def __init__(
        self, connection: sqlite3.Connection, statements: dict[str, _Statements], write: bool, now: Callable[[], int]
    ) -> None:
        self._connection = connection
        self._statements = statements
        self._write = write
        self._now = now
        self._open = True

    def end(self) -> None:
        """Refuse everything from now on."""
        self._open = False

    def _of(self, kind: str, *, write: bool = False) -> _Statements:
        if not self._open:
            raise StorageError("this transaction is over; open a new one")
        if write and not self._write:
            raise ReadOnly("this transaction only reads; open one with write=True")
        found = self._statements.get(kind)
        if found is None:
            raise StorageError(f"the store knows no kind {kind!r}: call prepare() with a catalog that has it")
        return found

    def get(self, kind: str, id: str) -> Stored | None:
        """Return the entry, or ``None``."""
        statement = self._of(kind).get
        try:
            row = self._connection.execute(statement, (id,)).fetchone()
        except sqlite3.Error as error:
            raise _translation(error) from error
        return None if row is None else Stored(*row)

    def put(self, entry: Entry) -> None:
        """Keep the entry as its next version."""
        kind = self._of(entry.kind, write=True)
        index = entry.index.get
        values = [index(name) for name in kind.single]
        try:
            if entry.version == 0:
                self._connection.execute(kind.insert, (entry.id, entry.body, *values))
            else:
                done = self._connection.execute(kind.update, (entry.body, *values, entry.id, entry.version))
                if done.rowcount != 1:
                    raise self._conflict(entry.kind, entry.id, entry.version)
            self._fill(kind, entry)
        except sqlite3.IntegrityError as error:
            raise self._broken(kind, entry, error) from error
        except sqlite3.Error as error:
            raise _translation(error) from error

    def _fill(self, kind: _Statements, entry: Entry) -> None:
        for name in kind.many:
            if entry.version:
                self._connection.execute(kind.clear[name], (entry.id,))
            if several := entry.index.get(name):
                self._connection.executemany(kind.fill[name], [(value, entry.id) for value in several])  # type: ignore[union-attr]

    def put_many(self, entries: Iterable[Entry]) -> None:
        """Put every entry; new ones of a kind go together."""
        runs: dict[str, list[list[Entry]]] = {}
        for entry in entries:
            of_kind = runs.setdefault(entry.kind, [])
            if not of_kind or bool(of_kind[-1][0].version) != bool(entry.version):
                of_kind.append([])
            of_kind[-1].append(entry)
        for of_kind in runs.values():
            for run in of_kind:
                if run[0].version or len(run) == 1 or not self._inserted(run):
                    for entry in run:
                        self.put(entry)

    def _inserted(self, run: list[Entry]) -> bool:
        """Insert a run of new entries at once; ``False``, and nothing done, where one of them is refused."""
        kind = self._of(run[0].kind, write=True)
        rows = [(entry.id, entry.body, *map(entry.index.get, kind.single)) for entry in run]
        try:
            self._connection.execute("SAVEPOINT run")
            try:
                self._connection.executemany(kind.insert, rows)
                for name in kind.many:
                    pairs = [(value, entry.id) for entry in run for value in entry.index.get(name, ())]  # type: ignore[union-attr]
                    self._connection.executemany(kind.fill[name], pairs)
            except sqlite3.IntegrityError:
                self._connection.execute("ROLLBACK TO run")
                return False
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("RELEASE run")
        except sqlite3.Error as error:
            raise _translation(error) from error
        return True

    def delete(self, kind: str, id: str, version: int) -> None:
        """Remove the entry, if that version is kept."""
        statements = self._of(kind, write=True)
        with translated():
            if self._connection.execute(statements.delete, (id, version)).rowcount != 1:
                raise self._conflict(kind, id, version)
            for clear in statements.clear.values():
                self._connection.execute(clear, (id,))

    def scan(self, kind: str) -> Iterator[Entry]:
        """Yield every entry, by id."""
        statements = self._of(kind)
        with translated():
            many: dict[str, dict[str, list[int | str]]] = {name: {} for name in statements.many}
            for name, read in statements.read.items():
                for id, value in self._connection.execute(read):
                    many[name].setdefault(id, []).append(value)
            rows = self._connection.execute(statements.scan).fetchall()
        for id, version, body, *values in rows:
            index = {name: value for name, value in zip(statements.single, values, strict=True) if value is not None}
            index |= {name: tuple(found[id]) for name, found in many.items() if id in found}
            yield Entry(kind, id, version, index, body)

    def next_number(self, series: str) -> int:
        """Return the next number of *series*: a row of its own, so that a rollback takes it back."""
        if not self._open:
            raise StorageError("this transaction is over; open a new one")
        if not self._write:
            raise ReadOnly("this transaction only reads; open one with write=True")
        statement = (
            "INSERT INTO number (series, value) VALUES (?, 1) ON CONFLICT (series) DO UPDATE SET value = value + 1"
        )
        with translated():
            self._connection.execute(statement, (series,))
            (number,) = self._connection.execute("SELECT value FROM number WHERE series = ?", (series,)).fetchone()
        return int(number)

    def find(self, query: Query) -> Iterator[Stored]:
        """Yield what the query asks for."""
        select = sql.find(query, self._of(query.kind).kind)
        return iter([Stored(*row) for row in self._rows(select)])

    def columns(self, query: Query, fields: Sequence[str]) -> Iterator[Row]:
        """Yield index fields of what the query asks for."""
        return iter(self._rows(sql.columns(query, self._of(query.kind).kind, fields)))

    def tally(self, query: Query, by: Sequence[Group], measures: Sequence[Measure]) -> Iterator[Row]:
        """Group and measure in the database."""
        rows = self._rows(sql.tally(query, self._of(query.kind).kind, by, measures))
        width = len(by) + len(measures)
        for row in rows:
            if any(type(value) is float for value in row):  # a product left the range of integers
                raise Overflow("a sum of products left the range of 64 bits; narrow the list")
        return iter([row[:width] for row in rows])

    def get_many(self, kind: str, ids: Iterable[str]) -> dict[str, Stored]:
        """Return those that exist, some hundred a statement."""
        table, wanted = quoted(self._of(kind).kind.name), list(dict.fromkeys(ids))
        found: dict[str, Stored] = {}
        for start in range(0, len(wanted), IDS_AT_ONCE):
            some = tuple(wanted[start : start + IDS_AT_ONCE])
            statement = f"SELECT id, version, body FROM {table} WHERE id IN ({', '.join('?' * len(some))})"  # noqa: S608
            found.update({row[0]: Stored(*row) for row in self._rows(sql.Select(statement, some))})
        return found

    def now(self) -> int:
        """Return the store's clock."""
        return self._now()

    def _rows(self, select: sql.Select) -> list[Row]:
        try:
            return self._connection.execute(select.sql, select.values).fetchall()
        except sqlite3.Error as error:
            raise _translation(error) from error

    def _conflict(self, kind: str, id: str, version: int) -> Conflict:
        there = self.get(kind, id)
        state = f"version {there.version} is kept" if there is not None else "it does not exist"
        return Conflict(f"{kind} {id!r}: version {version} was expected, but {state}", kind=kind, id=id)

    def _broken(self, kind: _Statements, entry: Entry, error: sqlite3.Error) -> StorageError:
        if entry.version == 0 and self.get(entry.kind, entry.id) is not None:
            return self._conflict(entry.kind, entry.id, 0)
        _, _, where = str(error).partition("UNIQUE constraint failed: ")
        fields = tuple(part.rpartition(".")[2] for part in where.split(", ")) if where else ()
        message = f"another {kind.kind.name} has the same {', '.join(fields)}"
        return Duplicate(message, kind=entry.kind, id=entry.id, fields=fields)


@contextmanager
def translated(path: str = "") -> Iterator[None]:
    """Turn the driver's errors into ours, with the driver's as the cause."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translation(error, path) from error


def _translation(error: sqlite3.Error, path: str = "") -> StorageError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    text = f"{error}{f' ({path})' if path else ''}"
    match primary:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Unavailable(f"another writer holds the database: {text}; try again", retry=True)
        case sqlite3.SQLITE_FULL:
            return StorageFull(f"the disk is full: {text}; nothing of this transaction was written")
        case sqlite3.SQLITE_READONLY:
            return ReadOnly(f"the file cannot be written: {text}")
        case sqlite3.SQLITE_CORRUPT:
            return Corrupt(f"the file is damaged: {text}; restore it from a backup")
        case sqlite3.SQLITE_NOTADB:
            return ForeignFile(f"this is not a SQLite file: {text}; choose another path")
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_IOERR:
            return Unavailable(f"the file cannot be opened or read: {text}; does its folder exist?", retry=False)
    if "integer overflow" in str(error):
        return Overflow("a sum left the range of 64 bits; narrow the list")
    return StorageError(f"SQLite refused: {text}")


def open_sqlite(url: str, **options: object) -> SqliteStore:
    """Open ``sqlite:///relative.db`` or ``sqlite:////absolute.db``; ``?synchronous=NORMAL&timeout=5`` are options."""
    parts = urlsplit(url)
    path = unquote(parts.path.removeprefix("/"))
    if parts.netloc or not path or path == ":memory:":
        raise OpenError(f"{url!r} names no file: write 'sqlite:///deals.db', or 'memory:' for a pipeline in memory")
    chosen = dict(parse_qsl(parts.query, keep_blank_values=True)) | options
    if unknown := chosen.keys() - {"synchronous", "timeout"}:
        raise OpenError(f"a SQLite store has no option {', '.join(sorted(unknown))}; there is synchronous and timeout")
    try:
        timeout = float(str(chosen.get("timeout", 30.0)))
    except ValueError:
        raise OpenError(f"timeout is a number of seconds, not {chosen['timeout']!r}") from None
    return SqliteStore(path, synchronous=str(chosen.get("synchronous", "FULL")).upper(), timeout=timeout)
