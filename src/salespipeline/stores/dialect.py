"""Where SQL databases differ, and what our tables are called in each."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TypeAlias

import attrs

from salespipeline.entries import Scalar
from salespipeline.query import Words

__all__ = ["SQLITE", "Dialect", "Parameter", "Statement", "doc_table", "quoted", "side_table", "word_table"]


def quoted(name: str) -> str:
    """Return *name* as an SQL identifier.

    >>> quoted("group")
    '"group"'
    """
    return '"' + name.replace('"', '""') + '"'


def side_table(kind: str, field: str) -> str:
    """Return the name of the table that holds the values of a ``many`` field: two columns, ``id`` and ``value``."""
    return f"{kind}__{field}"


def word_table(kind: str, field: str) -> str:
    """Return the name of the table that finds the entries that hold a word in *field*."""
    return f"{kind}__{field}__words"


def doc_table(kind: str, field: str) -> str:
    """Return the name of the table that says which entry a place in SQLite's ``word_table`` stands for."""
    return f"{kind}__{field}__docs"


Parameter: TypeAlias = Scalar | list[Scalar]
Statement: TypeAlias = tuple[str, list[Parameter]]


@attrs.frozen
class Dialect:
    """Where SQL databases differ: the sign of a parameter, and how to look for a text or among many values.

    Where a *workspace* is given, tables hold those of many customers, and every condition begins with it.
    """

    mark: str
    contains: str
    among: str
    product: str = "{field} * {times}"
    workspace: str | None = None

    def table(self, name: str) -> str:
        """Return the table called *name* as it stands in a statement."""
        return quoted(name)

    def needle(self, text: str) -> str:
        """Return *text* as the parameter that *contains* takes."""
        return text

    def within(self, column: str, source: str) -> str:
        """Return the condition that *column* is one of the values that *source* selects."""
        return f"{column} IN ({source})"

    def holders(self, kind: str, asked: Words) -> Statement:
        """Return the statement that selects the ids of all entries that may hold the words: see ``sqlite_words``."""
        key = doc_table(kind, asked.field)
        words, docs, done = map(self.table, (word_table(kind, asked.field), key, "_words"))
        match = " AND ".join([*[f'"{one}"' for one in asked.words], *[f'"{one}" *' for one in asked.beginnings]])
        text = (
            f"SELECT d.id FROM {words} CROSS JOIN {docs} d ON d.doc = {words}.rowid WHERE {words} MATCH ? "  # noqa: S608
            f"UNION ALL SELECT d.id FROM {docs} d WHERE d.doc > (SELECT done FROM {done} WHERE name = '{key}')"
        )
        return text, [match]

    def many_values(self, values: Collection[Scalar]) -> Parameter:
        """Return *values* as the one parameter that *among* takes."""
        # No kept text holds a NUL, and a JSON reader in C might stop at one.
        return json.dumps([value for value in values if "\0" not in str(value)], ensure_ascii=False)


SQLITE = Dialect(
    mark="?",
    contains="instr({column}, ?) > 0",
    among="{column} IN (SELECT value FROM json_each(?))",
)
