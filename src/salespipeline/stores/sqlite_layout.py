"""The tables of a SQLite store: which file it may be, how it is laid out, how it grows with the catalog."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

from salespipeline.entries import Catalog, Kind
from salespipeline.errors import ForeignFile, NewerFormat, StorageError, UpgradeNeeded
from salespipeline.stores.sql import many_table, quoted

__all__ = ["APPLICATION", "STEPS", "lay_out", "up_to_date"]

APPLICATION = 0x53616C65  # "Sale": tells our files from those of other applications
_SQL_TYPE = {int: "INTEGER", str: "TEXT"}


def _first_layout(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE kind (name TEXT PRIMARY KEY, declared TEXT NOT NULL) WITHOUT ROWID")
    connection.execute("CREATE TABLE number (series TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID")
    connection.execute("CREATE TABLE blob (digest TEXT PRIMARY KEY, size INTEGER NOT NULL)")
    connection.execute(
        "CREATE TABLE blob_chunk (digest TEXT NOT NULL, part INTEGER NOT NULL, content BLOB NOT NULL,"
        " PRIMARY KEY (digest, part))"
    )


# Each step is applied once, in order, in one transaction with its own record (user_version).
STEPS: tuple[tuple[str, Callable[[sqlite3.Connection], None]], ...] = (("first layout", _first_layout),)


def _declared(kind: Kind) -> str:
    fields = [[field.name, field.type.__name__, field.many, field.sortable] for field in kind.fields]
    return json.dumps([fields, kind.unique, kind.paths])


def up_to_date(connection: sqlite3.Connection, catalog: Catalog) -> bool:
    """Say whether there is nothing to do for *catalog*; refuse a file that is not ours, or is newer."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION:
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if application or tables or version:
            raise ForeignFile("this SQLite file belongs to another application; choose another path")
        return False
    if version > len(STEPS):
        message = f"the file has layout {version}, this version knows up to {len(STEPS)}: upgrade salespipeline"
        raise NewerFormat(message)
    if version < len(STEPS):
        message = f"the file has layout {version} of {len(STEPS)}: make a backup and run the upgrade"
        raise UpgradeNeeded(message)
    known = dict(connection.execute("SELECT name, declared FROM kind"))
    return all(known.get(kind.name) == _declared(kind) for kind in catalog.kinds)


def lay_out(connection: sqlite3.Connection, catalog: Catalog) -> None:
    """Make what is missing, inside the transaction of the caller."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        for number, (_, step) in enumerate(STEPS, 1):
            step(connection)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
    for kind in catalog.kinds:
        _add_kind(connection, kind)


def _add_kind(connection: sqlite3.Connection, kind: Kind) -> None:
    table = quoted(kind.name)
    for field in kind.fields:
        if field.name in ("id", "version", "body"):
            raise StorageError(f"the field {kind.name}.{field.name} has a name that every entry has already")
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {table} (id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL)"
    )
    there = {name: type for _, name, type, *_ in connection.execute(f"PRAGMA table_info({table})")}
    for field in kind.fields:
        sql_type = _SQL_TYPE[field.type]
        if field.many:
            side = many_table(kind, field.name)
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {side} (value {sql_type} NOT NULL, id TEXT NOT NULL,"
                " PRIMARY KEY (value, id)) WITHOUT ROWID"
            )
            connection.execute(
                f"CREATE INDEX IF NOT EXISTS {quoted(f'{kind.name}.{field.name} by id')} ON {side} (id)"
            )
        elif field.name not in there:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {quoted(field.name)} {sql_type}")
        elif there[field.name] != sql_type:
            message = f"{kind.name}.{field.name} is kept as {there[field.name]}, not {sql_type}: give the field a new name"
            raise StorageError(message)
    # SQLite takes two rows with a NULL in a unique index for different: just what "missing exempts" means.
    for names in kind.unique:
        _index(connection, kind, names, unique=True)
    for path in kind.paths:
        _index(connection, kind, (*path, "id"), unique=False)
    connection.execute("INSERT OR REPLACE INTO kind (name, declared) VALUES (?, ?)", (kind.name, _declared(kind)))


def _index(connection: sqlite3.Connection, kind: Kind, names: tuple[str, ...], *, unique: bool) -> None:
    title = quoted(f"{kind.name}: {'one ' if unique else ''}{', '.join(names)}")
    chosen = ", ".join(quoted(name) for name in names)
    word = "UNIQUE INDEX" if unique else "INDEX"
    connection.execute(f"CREATE {word} IF NOT EXISTS {title} ON {quoted(kind.name)} ({chosen})")
