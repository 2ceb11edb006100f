"""The index of the words of a text, in a SQLite file: an FTS5 table that finds them, and a table of what it is told.

To put one text at a time among the words makes FTS5 write a piece of index in each commit, and merge the pieces later. So a
trigger only notes the id of an entry whose text changed, in the table of docs. Once some hundreds wait there, the transaction
that wrote the last of them puts them all among the words before it commits. A query takes what the words find and all that
waits, and looks at the text of each: so it does not matter that the words of an older text, or of an entry that is gone,
are found as well, nor which program wrote.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from salespipeline.entries import Kind
from salespipeline.stores.dialect import Dialect, doc_table, quoted, word_table

__all__ = ["BATCH", "WordIndex", "make_words", "renew_words", "unfound"]

BATCH = 256  # so many texts wait: to look at each takes a query a tenth of a millisecond


class WordIndex:
    """The statements that keep the words of one field."""

    def __init__(self, kind: Kind, name: str, dialect: Dialect) -> None:
        self.words, self.docs = (dialect.table(table(kind.name, name)) for table in (word_table, doc_table))
        self.table, self.text, self.done = dialect.table(kind.name), quoted(name), dialect.table("_words")
        self.key = doc_table(kind.name, name)
        self.triggers = [dialect.table(f"{self.key}__{when}") for when in ("new", "changed")]
        done = f"(SELECT done FROM {self.done} WHERE name = '{self.key}')"  # noqa: S608
        self.waiting = f"SELECT coalesce(max(doc), 0) - {done} FROM {self.docs}"  # noqa: S608
        self.put = (
            f"INSERT INTO {self.words} (rowid, text) "  # noqa: S608
            f"SELECT d.doc, e.{self.text} FROM {self.docs} d JOIN {self.table} e ON e.id = d.id WHERE d.doc > {done}"
        )
        last = f"(SELECT max(doc) FROM {self.docs})"  # noqa: S608
        self.mark = f"UPDATE {self.done} SET done = {last} WHERE name = '{self.key}'"  # noqa: S608

    def keep_up(self, run: Callable[..., Any], most: int = BATCH) -> None:
        """Put what waits among the words, where that is *most* or more."""
        if run(self.waiting, ()).fetchone()[0] >= most:
            run(self.put, ())
            run(self.mark, ())


def make_words(connection: sqlite3.Connection, kind: Kind, name: str, dialect: Dialect) -> None:
    """Make the index of the words of a field, and put what is there under it."""
    index = WordIndex(kind, name, dialect)
    text, changed = index.text, f"NEW.{index.text} IS NOT NULL AND NEW.{index.text} IS NOT OLD.{index.text}"
    noted = f"BEGIN INSERT INTO {index.docs} (id) VALUES (NEW.id); END"  # noqa: S608
    for statement in (
        f"CREATE TABLE {index.docs} (doc INTEGER PRIMARY KEY, id TEXT NOT NULL)",
        f"CREATE VIRTUAL TABLE {index.words} USING fts5(text, content='', detail='none', columnsize=0, tokenize='ascii')",
        f"INSERT INTO {index.done} VALUES ('{index.key}', 0)",  # noqa: S608
        f"CREATE TRIGGER {index.triggers[0]} AFTER INSERT ON {index.table} WHEN NEW.{text} IS NOT NULL {noted}",
        f"CREATE TRIGGER {index.triggers[1]} AFTER UPDATE OF {text} ON {index.table} WHEN {changed} {noted}",
    ):
        connection.execute(statement)
    _fill(connection, index)


def renew_words(connection: sqlite3.Connection, kind: Kind, dialect: Dialect) -> None:
    """Make the indexes of words anew, without what they still say of older texts."""
    for name in kind.texts:
        index = WordIndex(kind, name, dialect)
        connection.execute(f"DELETE FROM {index.docs}")  # noqa: S608
        connection.execute(f"INSERT INTO {index.words} ({index.words}) VALUES ('delete-all')")  # noqa: S608
        connection.execute(f"UPDATE {index.done} SET done = 0 WHERE name = '{index.key}'")  # noqa: S608
        _fill(connection, index)
        connection.execute(f"INSERT INTO {index.words} ({index.words}) VALUES ('optimize')")  # noqa: S608


def unfound(connection: sqlite3.Connection, kind: Kind, dialect: Dialect) -> Iterator[str]:
    """Yield a sentence where entries were written past the index of their words."""
    for name in kind.texts:
        index = WordIndex(kind, name, dialect)
        missed = (
            f"SELECT count(*) FROM {index.table} WHERE {index.text} IS NOT NULL "  # noqa: S608
            f"AND id NOT IN (SELECT id FROM {index.docs})"
        )
        ((number,),) = connection.execute(missed).fetchall()
        if number:
            yield f"{number} of {kind.name} are not found by their words: vacuum makes that index anew"


def _fill(connection: sqlite3.Connection, index: WordIndex) -> None:
    there = f"SELECT id FROM {index.table} WHERE {index.text} IS NOT NULL ORDER BY id"  # noqa: S608
    connection.execute(f"INSERT INTO {index.docs} (id) {there}")
    index.keep_up(connection.execute, 1)
