"""The tables of a kind: how they are made, and the statements that write them.

A kind is a table with a real column for each field, so that any SQL tool can look at it; a ``many`` field is a table
beside it (``opportunity__tags``). Uniques are unique indexes, paths are indexes that end in the id.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from salespipeline.entries import Catalog, Entry, Field, Kind, Scalar
from salespipeline.errors import NewerFormat, StorageError
from salespipeline.stores.dialect import SQLITE, Dialect, quoted, side_table
from salespipeline.stores.kinds import default, dumped, duplicate, loaded, merged, not_unique, paths_of
from salespipeline.stores.rows import Rows
from salespipeline.stores.sql import Compiler
from salespipeline.stores.sqlite_sealing import seal, unseal
from salespipeline.stores.sqlite_words import WordIndex, make_words

__all__ = ["Side", "Table", "keep_kinds", "kept_kinds"]

_TYPES: Mapping[type, str] = {int: "INTEGER", str: "TEXT"}


class Side:
    """The statements for the values of one ``many`` field."""

    def __init__(self, kind: str, field: Field, dialect: Dialect) -> None:
        table = dialect.table(side_table(kind, field.name))
        self.name = field.name
        self.field = field
        self.insert = f"INSERT INTO {table} (id, value) VALUES (?, ?)"  # noqa: S608
        self.select = f"SELECT value FROM {table} WHERE id = ? ORDER BY value"  # noqa: S608
        self.between = f"SELECT id, value FROM {table} WHERE id BETWEEN ? AND ? ORDER BY id, value"  # noqa: S608
        self.clear = f"DELETE FROM {table} WHERE id = ?"  # noqa: S608
        self.remove = f"DELETE FROM {table} WHERE id = ? AND value = ?"  # noqa: S608


class Table(Rows):
    """The statements that read and write one kind, and the row that an entry becomes."""

    def __init__(self, kind: Kind, dialect: Dialect = SQLITE) -> None:
        super().__init__(kind)
        self.compiler = Compiler(kind, dialect)
        self.sides = tuple(Side(kind.name, field, dialect) for field in kind.fields if field.many)
        self.texts = tuple(WordIndex(kind, name, dialect) for name in kind.texts)
        self._name = table = dialect.table(kind.name)
        names = [quoted(name) for name in self.columns]
        marks = ", ".join("?" for _ in names)
        self.get = f"SELECT id, version, body FROM {table} WHERE id = ?"  # noqa: S608
        self.most = f"SELECT max(_rowid_) FROM {table}"  # noqa: S608  # no fewer than there are rows
        self.version = f"SELECT version FROM {table} WHERE id = ?"  # noqa: S608
        self.forget = f"DELETE FROM {table} WHERE id = ?"  # noqa: S608
        self.delete = f"DELETE FROM {table} WHERE id = ? AND version = ?"  # noqa: S608
        columns, marks = ", ".join(["id", "version", "body", *names]), ", ".join("?" for _ in (*names, 0, 0, 0))
        self.insert = f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608
        changes = ", ".join(["version = ?", "body = ?", *[f"{name} = ?" for name in names]])
        self.update = f"UPDATE {table} SET {changes} WHERE id = ? AND version = ?"  # noqa: S608
        self.scan = f"SELECT {columns} FROM {table} WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608
        self.scan_all = f"SELECT {columns} FROM {table} ORDER BY id"  # noqa: S608

    def pairs(self, side: Side, entry: Entry) -> list[tuple[str, Scalar]]:
        """Return the rows of a side table."""
        return [(entry.id, one) for one in self.many(side.field, entry)]

    def rows(self, entries: Sequence[Entry], more: int = 1) -> list[tuple[str, list[tuple[Any, ...]]]]:
        """Return what puts new entries, as so many *more* than their versions: statements, each with its rows.

        Raises where an entry does not fit.
        """
        rows: list[tuple[Any, ...]] = [(one.id, one.version + more, one.body, *self.row(one)) for one in entries]
        sides: Any = [(side.insert, [pair for one in entries for pair in self.pairs(side, one)]) for side in self.sides]
        return [(self.insert, rows), *sides]

    def taken(self, entry: Entry, connection: sqlite3.Connection) -> StorageError | None:
        """Return the ``Duplicate`` for the unique that *entry* breaks, or ``None``."""
        for names in self.kind.unique:
            values = [entry.index.get(name) for name in names]
            if None in values:
                continue
            same = " AND ".join(f"{quoted(name)} = ?" for name in names)
            text = f"SELECT 1 FROM {self._name} WHERE {same} AND id <> ?"  # noqa: S608
            if connection.execute(text, (*values, entry.id)).fetchone():
                return duplicate(entry.kind, entry.id, names)
        return None


def kept_kinds(
    connection: sqlite3.Connection, catalog: Catalog, dialect: Dialect = SQLITE
) -> tuple[dict[str, Kind], int | None]:
    """Return the kinds that the file has and the format of its entries.

    Raises ``NewerFormat`` where a newer catalog has written to it.
    """
    formats, kinds = dialect.table("_formats"), dialect.table("_kinds")
    row = connection.execute(f"SELECT number FROM {formats} WHERE name = 'body'").fetchone()  # noqa: S608
    if row is not None and row[0] > catalog.format:
        message = f"the entries were written in format {row[0]} and this program knows {catalog.format}; upgrade it"
        raise NewerFormat(message)
    rows = connection.execute(f"SELECT name, definition FROM {kinds}").fetchall()  # noqa: S608
    return {name: loaded(name, definition) for name, definition in rows}, None if row is None else row[0]


def keep_kinds(connection: sqlite3.Connection, catalog: Catalog, dialect: Dialect = SQLITE) -> list[Kind]:
    """Make room for the kinds of *catalog* and return them, merged with what was there."""
    kept, _ = kept_kinds(connection, catalog, dialect)
    formats, definitions = dialect.table("_formats"), dialect.table("_kinds")
    connection.execute(f"INSERT OR REPLACE INTO {formats} VALUES ('body', ?)", (catalog.format,))  # noqa: S608
    kinds = []
    for wanted in catalog.kinds:
        old = kept.get(wanted.name)
        kind = merged(old, wanted)
        if kind != old:
            _lay_out(connection, kind, old, dialect)
            row = (kind.name, dumped(kind))
            connection.execute(f"INSERT OR REPLACE INTO {definitions} VALUES (?, ?)", row)  # noqa: S608
        kinds.append(kind)
    return kinds


def _lay_out(connection: sqlite3.Connection, kind: Kind, old: Kind | None, dialect: Dialect) -> None:
    table = dialect.table(kind.name)
    if old is None:
        connection.execute(
            f"CREATE TABLE {table} (id TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, body TEXT NOT NULL)"
        )
        old = Kind(kind.name)
    unseal(connection, old, dialect)
    for field in kind.fields:
        before = old.by_name.get(field.name)
        if before is None and field.many:
            _make_side(connection, kind, field, dialect)
        elif before is None:
            column = f"{quoted(field.name)} {_TYPES[field.type]}"
            if field.sortable:
                column += f" DEFAULT {default(field)!r}"
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
        elif field.sortable and not before.sortable:
            text = f"UPDATE {table} SET {quoted(field.name)} = ? WHERE {quoted(field.name)} IS NULL"  # noqa: S608
            connection.execute(text, (default(field),))
    for names, statement in _indexes(kind, dialect):
        try:
            connection.execute(statement)
        except sqlite3.IntegrityError as error:
            raise not_unique(kind.name, names) from error
    for name in kind.texts:
        if name not in old.texts:
            make_words(connection, kind, name, dialect)
    seal(connection, kind, dialect)


def _make_side(connection: sqlite3.Connection, kind: Kind, field: Field, dialect: Dialect) -> None:
    side, name = dialect.table(side_table(kind.name, field.name)), side_table(kind.name, field.name)
    connection.execute(
        f"CREATE TABLE {side} (id TEXT NOT NULL REFERENCES {dialect.table(kind.name)} (id) ON DELETE CASCADE, "
        f"value {_TYPES[field.type]} NOT NULL, PRIMARY KEY (id, value)) WITHOUT ROWID"
    )
    connection.execute(f"CREATE INDEX {dialect.table(name + '__value')} ON {side} (value, id)")


def _indexes(kind: Kind, dialect: Dialect) -> Iterator[tuple[tuple[str, ...], str]]:
    for names in kind.unique:
        name = dialect.table(f"{kind.name}__unique__{'__'.join(names)}")
        columns = ", ".join(map(quoted, names))
        statement = f"CREATE UNIQUE INDEX IF NOT EXISTS {name} ON {dialect.table(kind.name)} ({columns})"
        optional = [quoted(name) for name in names if not kind.field(name).sortable]
        if optional:
            statement += " WHERE " + " AND ".join(f"{name} IS NOT NULL" for name in optional)
        yield names, statement
    for names in paths_of(kind):
        if names not in kind.unique:
            name = dialect.table(f"{kind.name}__by__{'__'.join(names)}")
            columns = ", ".join(map(quoted, (*names, "id")))
            yield names, f"CREATE INDEX IF NOT EXISTS {name} ON {dialect.table(kind.name)} ({columns})"
