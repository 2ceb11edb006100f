"""What keeps other programs from changing sealed entries in a SQLite file: triggers, and the door past them.

The door is a table that has a row only inside a transaction of the store that writes; nobody else ever sees one. So the
triggers let the store pass, and refuse everybody else: an ``UPDATE`` or ``DELETE`` of a sealed row, of its values in the tables
beside it, and whatever else would push it out. Who means it can open the door as well, or drop the triggers: they keep off
mistakes, and seals show the rest.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from salespipeline.entries import Kind
from salespipeline.stores.dialect import Dialect, quoted, side_table

__all__ = ["Door", "seal", "unseal"]


class Door:
    """The statements that open the door for the rest of a transaction, and shut it at its end."""

    def __init__(self, dialect: Dialect) -> None:
        self.opens = f"INSERT INTO {dialect.table('_door')} VALUES (1)"  # noqa: S608
        self.shuts = f"DELETE FROM {dialect.table('_door')}"  # noqa: S608


def unseal(connection: sqlite3.Connection, kind: Kind, dialect: Dialect) -> None:
    """Take the triggers of *kind* away, so that its table can be laid out anew."""
    for name, _ in _triggers(kind, dialect):
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")


def seal(connection: sqlite3.Connection, kind: Kind, dialect: Dialect) -> None:
    """Make the triggers of *kind*."""
    for name, rest in _triggers(kind, dialect):
        connection.execute(f"CREATE TRIGGER {name} {rest}")


def _triggers(kind: Kind, dialect: Dialect) -> Iterator[tuple[str, str]]:
    if kind.sealed is None:
        return
    table, sealed = dialect.table(kind.name), quoted(kind.sealed)
    refused = f"SELECT RAISE(ABORT, 'a sealed {kind.name} is changed by salespipeline alone')"
    shut = f"NOT EXISTS (SELECT 1 FROM {dialect.table('_door')})"  # noqa: S608

    def trigger(what: str, on: str, when: str) -> tuple[str, str]:
        name = dialect.table(f"{on}__sealed__{what.lower()}")
        return name, f"BEFORE {what} ON {dialect.table(on)} WHEN {shut} AND ({when}) BEGIN {refused}; END"

    # INSERT OR REPLACE and UPDATE OR REPLACE take rows away without a DELETE that a trigger could see.
    uniques = [("id",), ("rowid",), *kind.unique]
    same = [" AND ".join(f"{quoted(name)} = NEW.{quoted(name)}" for name in names) for names in uniques]
    hit = f"SELECT 1 FROM {table} WHERE {sealed} IS NOT NULL AND (({') OR ('.join(same)}))"  # noqa: S608
    yield trigger("INSERT", kind.name, f"EXISTS ({hit})")
    yield trigger("UPDATE", kind.name, f"OLD.{sealed} IS NOT NULL OR EXISTS ({hit} AND rowid <> OLD.rowid)")
    yield trigger("DELETE", kind.name, f"OLD.{sealed} IS NOT NULL")
    for field in kind.fields:
        if field.many:
            for what, ids in (("INSERT", "NEW.id"), ("UPDATE", "OLD.id, NEW.id"), ("DELETE", "OLD.id")):
                whose = f"SELECT 1 FROM {table} WHERE {sealed} IS NOT NULL AND id IN ({ids})"  # noqa: S608
                yield trigger(what, side_table(kind.name, field.name), f"EXISTS ({whose})")
