"""Entries in a SQLite file, with everything pushed down into SQL."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from salespipeline.blobs.sqlite import SqliteBlobs
from salespipeline.entries import Catalog
from salespipeline.errors import Corrupt, OpenError, shown
from salespipeline.stores.base import system_clock
from salespipeline.stores.kinds import (
    check_catalog,
    merged,
    older_format,
)
from salespipeline.stores.sqlite_file import SqliteFile
from salespipeline.stores.sqlite_layout import Table, keep_kinds, kept_kinds
from salespipeline.stores.sqlite_lent import LentFile
from salespipeline.stores.sqlite_transaction import SqliteTransaction
from salespipeline.stores.sqlite_words import renew_words, unfound

__all__ = ["LentSqliteStore", "SqliteStore", "open_sqlite"]

_OPTIONS = ("synchronous", "timeout")


def open_sqlite(url: str, **options: Any) -> SqliteStore:
    """Open the store at a URL: ``sqlite:///relative.db`` or ``sqlite:////absolute.db``, percent-encoded.

    ``?synchronous=NORMAL&timeout=5`` and *options* are those of ``SqliteStore``. Raises ``OpenError`` for a URL that
    cannot be meant.
    """
    parts = urlsplit(url)
    path = unquote(parts.path.removeprefix("/"))
    if parts.scheme != "sqlite" or parts.netloc or parts.fragment:
        raise OpenError(f"{shown(url)} is not a SQLite URL: write sqlite:///deals.db or sqlite:////srv/deals.db")
    if not path:
        message = f"{shown(url)} names no file: write sqlite:///deals.db, or memory: for a store that is not kept"
        raise OpenError(message)
    try:
        given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise OpenError(f"the options of {shown(url)} cannot be read: write ?name=value&name=value") from error
    for name in given:
        if name not in _OPTIONS:
            raise OpenError(f"a SQLite URL has no option {shown(name)}: there is {' and '.join(_OPTIONS)}")
    if "timeout" in given:
        try:
            options["timeout"] = float(given["timeout"])
        except ValueError as error:
            raise OpenError(f"timeout is a number of seconds, not {shown(given['timeout'])}") from error
    if "synchronous" in given:
        options["synchronous"] = given["synchronous"]
    return SqliteStore(path, **options)


class SqliteStore:
    """Entries in a SQLite file, which is made if it is not there.

    May be shared between threads, each of which gets a connection of its own; not with a forked child, where it
    raises ``StoreClosed``: open a new one there. *synchronous* ``"FULL"`` keeps every commit through a power cut,
    ``"NORMAL"`` through a crash of the process. *timeout* is how many seconds to wait for another writer. *now* is the
    store's clock, in microseconds. Files go to ``blobs``, in the same file.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: str = "FULL",
        timeout: float = 30.0,
        now: Callable[[], int] | None = None,
    ) -> None:
        self._file = SqliteFile(path, synchronous=synchronous, timeout=timeout)
        self._now = now or system_clock
        self._tables: dict[str, Table] = {}
        self.blobs = SqliteBlobs(self._file)

    def __repr__(self) -> str:
        return f"<SqliteStore {str(self._file.path)!r}>"

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        """Make room for the kinds of *catalog*: new tables, columns and indexes; nothing is ever taken away.

        Raises ``StorageError`` where a field changes its type, ``NewerFormat`` where the entries were written by a
        newer program, ``UpgradeNeeded`` where by an older one, unless *upgrade* is given. Where nothing is new this
        only reads.
        """
        self._tables = self._tables | _prepared(self._file, catalog, upgrade=upgrade)

    def transaction(self, *, write: bool = True) -> SqliteTransaction:
        """Return a transaction; it begins where its ``with`` block does."""
        return SqliteTransaction(self._file, self._tables, self._now, write=write)

    @staticmethod
    def around(connection: sqlite3.Connection, *, now: Callable[[], int] | None = None) -> LentSqliteStore:
        """Return a store on a connection that the host lends, in tables of the host's own file.

        Its transactions are savepoints in the host's: what is kept is kept when the host commits.

        >>> host = sqlite3.connect(":memory:")
        >>> store = SqliteStore.around(host)
        >>> host.commit()
        >>> host.close()
        """
        return LentSqliteStore(connection, now=now)

    def check(self) -> Iterator[str]:
        """Yield a sentence for everything that is wrong with the file: pages, indexes, files that were changed."""
        found: list[str] = []
        try:
            with self._file.transaction(write=False) as connection:
                for (text,) in connection.execute("PRAGMA integrity_check"):
                    found += [line for line in text.splitlines() if line != "ok"]
                orphans = connection.execute("PRAGMA foreign_key_check").fetchall()
                for table in self._tables.values():
                    found += unfound(connection, table.kind, self._file.dialect)
                digests = [digest for (digest,) in connection.execute("SELECT digest FROM _blobs ORDER BY digest")]
        except Corrupt as error:
            yield from [*found, str(error)]
            return
        yield from found
        if orphans:
            yield f"{len(orphans)} rows refer to rows that are not there"
        for digest in digests:
            try:
                for _ in self.blobs.read(digest):
                    pass
            except Corrupt as error:
                yield str(error)

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Copy the file, as it is at one moment, to *path*, which must not exist, while others go on writing."""
        self._file.backup(path)

    def vacuum(self) -> None:
        """Give back the room of what was deleted, and renew what queries are planned by."""
        self._file.alone()
        with self._file.transaction(write=True) as connection:
            for table in self._tables.values():
                renew_words(connection, table.kind, self._file.dialect)
        self._file.vacuum()

    def close(self) -> None:
        """Close every thread's connection. A transaction that is open in another thread ends first."""
        self._file.close()


class LentSqliteStore:
    """Entries on a SQLite connection that the host lends: see ``SqliteStore.around``.

    For the host's thread alone. The tables' names begin with ``salespipeline_``. It has no place for files: give the
    pipeline one. Writing raises ``StorageError`` where the connection commits by itself and the host has begun no
    transaction. The connection stays open when the store is closed.
    """

    lent = True  # the host may still roll back what a transaction of this store has kept

    def __init__(self, connection: sqlite3.Connection, *, now: Callable[[], int] | None = None) -> None:
        self._file = LentFile(connection)
        self._now = now or system_clock
        self._tables: dict[str, Table] = {}

    def __repr__(self) -> str:
        return f"<LentSqliteStore {str(self._file.path)!r}>"

    def prepare(self, catalog: Catalog, *, upgrade: bool = False) -> None:
        """Make room for the kinds of *catalog*, in the host's transaction where something is new."""
        self._tables = self._tables | _prepared(self._file, catalog, upgrade=upgrade)

    def transaction(self, *, write: bool = True) -> SqliteTransaction:
        """Return a transaction; it begins where its ``with`` block does."""
        return SqliteTransaction(self._file, self._tables, self._now, write=write)

    def close(self) -> None:
        """Refuse everything from now on."""
        self._file.close()


def _prepared(file: SqliteFile | LentFile, catalog: Catalog, *, upgrade: bool) -> dict[str, Table]:
    check_catalog(catalog)
    if upgrade:
        file.upgrade()
    with file.transaction(write=False) as connection:
        kept, number = kept_kinds(connection, catalog, file.dialect)
        kinds = [merged(kept.get(kind.name), kind) for kind in catalog.kinds]
    if number is not None and number < catalog.format and not upgrade:
        raise older_format(number, catalog.format)
    if number != catalog.format or any(kind != kept.get(kind.name) for kind in kinds):
        with file.transaction(write=True) as connection:
            kinds = keep_kinds(connection, catalog, file.dialect)
    return {kind.name: Table(kind, file.dialect) for kind in kinds}
