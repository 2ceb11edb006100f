"""The twins: what somebody who knows SQLite or PostgreSQL well writes by hand for just these questions.

The same codec, the same columns and indexes, and no layer: no check of what is written, no error put into words, no
workspaces, one connection. They keep the integer total, the covering index and the pages by key that the library has.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from _sample import INTEGERS, KIND, LEAST, MANY, PAGE, SINGLE, STAGE, STATUS, Deal

from salespipeline.codec import decode, encode
from salespipeline.entries import Entry, Stored

INDEXES = [path for path in KIND.paths if not set(path) & set(MANY)]


class Twin:
    """What both twins share: the statements, with the sign of a parameter left open."""

    mark = "?"
    text = "TEXT"

    def run(self, text: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        raise NotImplementedError

    def _prepare(self) -> None:
        kinds = {name: "BIGINT" if name in INTEGERS else self.text for name in SINGLE}
        columns = ", ".join(f'"{name}" {kind}' for name, kind in kinds.items())
        self.run(f"CREATE TABLE twin (id {self.text} PRIMARY KEY, version BIGINT, body {self.text}, {columns})")
        for many in MANY:
            self.run(
                f"CREATE TABLE twin_{many} (id {self.text}, value {self.text}, PRIMARY KEY (id, value)){self.rowid}"
            )
            self.run(f"CREATE INDEX twin_{many}_value ON twin_{many} (value, id)")
        for (name,) in KIND.unique:
            self.run(f"CREATE UNIQUE INDEX twin_{name} ON twin ({name}) WHERE {name} IS NOT NULL")
        for number, names in enumerate(INDEXES):
            self.run(f"CREATE INDEX twin_path_{number} ON twin ({', '.join((*names, 'id'))})")
        mark, marks = self.mark, ", ".join([self.mark] * (3 + len(SINGLE)))
        changes = ", ".join([f"{name} = {mark}" for name in ("version", "body", *SINGLE)])
        filtered = f"FROM twin WHERE stage = {mark} AND status = {mark} AND value >= {mark}"
        paged = f"ORDER BY created DESC, id DESC LIMIT {PAGE}"
        self._get = f"SELECT id, version, body FROM twin WHERE id = {mark}"
        self._insert = f"INSERT INTO twin VALUES ({marks})"
        self._update = f"UPDATE twin SET {changes} WHERE id = {mark} AND version = {mark}"
        self._page = f"SELECT id, version, body {filtered} {paged}"
        later = f"AND created <= {mark} AND (created, id) < ({mark}, {mark})"
        self._later = f"SELECT id, version, body {filtered} {later} {paged}"
        self._edge = f"SELECT created, id {filtered} ORDER BY created DESC, id DESC LIMIT 1 OFFSET {{}}"
        self._prefix = (
            f"SELECT id, reference FROM twin WHERE reference >= {mark} AND reference < {mark} ORDER BY reference"
        )
        self._columns = f"SELECT id, reference, value FROM twin WHERE stage = {mark}"
        keys, grouped = "stage, status, currency", "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        self._funnel = (
            f"SELECT stage, currency, count(*), sum(value) FROM twin WHERE status = {mark} GROUP BY 1, 2 ORDER BY 1, 2"
        )
        self._conversion = f"SELECT {keys}, count(*), sum(value) FROM twin WHERE status IN ('won', 'lost') {grouped}"
        self._owners = (
            f"SELECT owner, status, currency, count(*), sum(value), coalesce(sum(cycle), 0) FROM twin {grouped}"
        )

    @property
    def rowid(self) -> str:
        return " WITHOUT ROWID" if self.mark == "?" else ""

    # --- reading ---

    def get(self, id: str) -> object:
        return decode("opportunity", Stored(*self.run(self._get, (id,))[0]))

    def page(self, skip: int = 0) -> list[str]:
        asked: tuple[object, ...] = (STAGE, STATUS, LEAST)
        text = self._page
        if skip:
            created, id = self._cursor(skip)
            text, asked = self._later, (*asked, created, created, id)
        return [decode("opportunity", Stored(*row)).id for row in self.run(text, asked)]

    def _cursor(self, skip: int) -> tuple[str, str]:
        known = self.__dict__.setdefault("_cursors", {})
        if skip not in known:
            known[skip] = self.run(self._edge.format(skip - 1), (STAGE, STATUS, LEAST))[0]
        return known[skip]

    def funnel(self) -> list[tuple[Any, ...]]:
        return self.run(self._funnel, (STATUS,))

    def conversion(self) -> list[tuple[Any, ...]]:
        return self.run(self._conversion)

    def owners(self) -> list[tuple[Any, ...]]:
        return self.run(self._owners)

    def load(self) -> int:
        gc.disable()
        try:
            return len([decode("opportunity", Stored(*row)) for row in self.run("SELECT id, version, body FROM twin")])
        finally:
            gc.enable()

    def prefix(self, text: str) -> list[tuple[Any, ...]]:
        return self.run(self._prefix, (text, text + "\U0010ffff"))

    def columns(self) -> list[tuple[Any, ...]]:
        return self.run(self._columns, (STAGE,))

    # --- writing ---

    def _row(self, entry: Entry, version: int) -> list[object]:
        get = entry.index.get
        return [version, entry.body, *[get(name) for name in SINGLE]]

    def _pairs(self, entries: Iterable[Entry], many: str) -> Iterable[tuple[str, Any]]:
        return ((one.id, value) for one in entries for value in one.index.get(many, ()))  # type: ignore[union-attr]

    def insert(self, deal: Deal) -> None:
        self._one(self._insert, [deal.entry.id, *self._row(deal.entry, 1)], deal.entry, changed=False)

    def change(self, entry: Entry) -> None:
        """Write the next version of what was read as ``entry.version``."""
        values = [*self._row(entry, entry.version + 1), entry.id, entry.version]
        self._one(self._update, values, entry, changed=True)

    def _one(self, text: str, values: list[object], entry: Entry, *, changed: bool) -> None:
        raise NotImplementedError

    def bulk(self, deals: Sequence[Deal]) -> None:
        self.fill([deal.entry for deal in deals])

    def records(self, records: Sequence[Any]) -> None:
        self.fill([encode(record) for record in records])

    def fill(self, entries: Sequence[Entry]) -> None:
        raise NotImplementedError


class SqliteTwin(Twin):
    """Plain ``sqlite3``, in WAL mode, ``synchronous = NORMAL``."""

    name = "raw sqlite3"

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
        self._execute = self.connection.execute
        self.run("PRAGMA journal_mode = WAL")
        self.run("PRAGMA synchronous = NORMAL")
        self._prepare()

    def run(self, text: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        return self._execute(text, values).fetchall()

    def close(self) -> None:
        self.connection.close()

    def like(self, text: str) -> list[tuple[Any, ...]]:
        """Look for *text* with ``LIKE``, as people do."""
        asked = "SELECT id, reference FROM twin WHERE reference LIKE '%' || ? || '%' ORDER BY reference"
        return self.run(asked, (text,))

    def _one(self, text: str, values: list[object], entry: Entry, *, changed: bool) -> None:
        execute = self._execute
        execute("BEGIN IMMEDIATE")
        assert execute(text, values).rowcount == 1
        for many in MANY:
            if changed:
                execute(f"DELETE FROM twin_{many} WHERE id = ?", (entry.id,))
            for value in entry.index.get(many, ()):  # type: ignore[union-attr]
                execute(f"INSERT INTO twin_{many} VALUES (?, ?)", (entry.id, value))
        execute("COMMIT")

    def fill(self, entries: Sequence[Entry]) -> None:
        self._execute("BEGIN IMMEDIATE")
        self.connection.executemany(self._insert, ((one.id, *self._row(one, 1)) for one in entries))
        for many in MANY:
            self.connection.executemany(f"INSERT INTO twin_{many} VALUES (?, ?)", self._pairs(entries, many))
        self._execute("COMMIT")

    def number(self) -> int:
        """Give the next number of a series."""
        self._execute("BEGIN IMMEDIATE")
        ((number,),) = self.run(
            "INSERT INTO twin_numbers VALUES ('s', 1) ON CONFLICT (series) DO UPDATE SET last = last + 1 RETURNING last"
        )
        self._execute("COMMIT")
        return number


class PostgresTwin(Twin):
    """Plain ``psycopg``: one connection, statements prepared by the driver, ``COPY`` for bulk."""

    name = "raw psycopg"
    mark = "%s"
    text = 'text COLLATE "C"'

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)
        self.cursor = self.connection.cursor()
        self._prepare()

    def run(self, text: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        found = self.cursor.execute(text, values)  # type: ignore[call-overload]
        return found.fetchall() if found.description else []

    def close(self) -> None:
        self.connection.close()

    def like(self, text: str) -> list[tuple[Any, ...]]:
        """Look for *text* with ``LIKE``, as people do."""
        return self.run("SELECT id, reference FROM twin WHERE reference LIKE %s ORDER BY reference", (f"%{text}%",))

    def _one(self, text: str, values: list[object], entry: Entry, *, changed: bool) -> None:
        with self.connection.transaction():
            self.run(text, values)
            assert self.cursor.rowcount == 1
            for many in MANY:
                values = list(entry.index.get(many, ()))  # type: ignore[arg-type]
                if changed:
                    self.run(f"DELETE FROM twin_{many} WHERE id = %s AND value <> ALL(%s::text[])", (entry.id, values))
                if values:
                    added = f"INSERT INTO twin_{many} SELECT %s, unnest(%s::text[]) ON CONFLICT DO NOTHING"
                    self.run(added, (entry.id, values))

    def fill(self, entries: Sequence[Entry]) -> None:
        with self.connection.transaction():
            with self.cursor.copy("COPY twin FROM STDIN") as copy:
                for one in entries:
                    copy.write_row((one.id, *self._row(one, 1)))
            for many in MANY:
                with self.cursor.copy(f"COPY twin_{many} FROM STDIN") as copy:
                    for pair in self._pairs(entries, many):
                        copy.write_row(pair)
