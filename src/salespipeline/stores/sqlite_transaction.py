"""A transaction on a SQLite file, with everything pushed down into SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, islice, starmap
from types import TracebackType
from typing import Any

import attrs

from salespipeline.entries import Entry, Scalar, Stored
from salespipeline.errors import StorageError
from salespipeline.ports import Explanation
from salespipeline.query import Group, Has, HasBetween, Measure, Query, Sum, nodes
from salespipeline.stores.base import Row
from salespipeline.stores.dialect import side_table
from salespipeline.stores.kinds import (
    conflict,
    not_prepared,
    read_only,
)
from salespipeline.stores.sessions import SessionTransaction
from salespipeline.stores.sql import DEEPEST, Compiler, depth, finer_groups
from salespipeline.stores.sql_words import planned
from salespipeline.stores.sqlite_errors import FAILURES
from salespipeline.stores.sqlite_file import Session, SqliteFile
from salespipeline.stores.sqlite_layout import Table
from salespipeline.stores.sqlite_lent import LentFile, LentSession
from salespipeline.stores.sqlite_sealing import Door
from salespipeline.stores.sqlite_words import WordIndex

__all__ = ["SqliteTransaction"]

_CHUNK = 500
_MANY = 30_000  # of so many rows SQLite had better not sort each to group them (measured: of fewer it may)
_RARE = 500  # up to so many that hold a value are quicker fetched than met on the way (measured on 100,000)
_MOST_AT_ONCE = 4000  # new entries that wait in memory to be put together


class SqliteTransaction(SessionTransaction[SqliteFile | LentFile, Session | LentSession, Table]):
    """A transaction on a SQLite file."""

    __slots__ = ("_door", "_now", "_texts")

    def __init__(
        self, source: SqliteFile | LentFile, tables: dict[str, Table], now: Callable[[], int], *, write: bool
    ) -> None:
        super().__init__(source, tables, write=write)
        self._now = now
        self._door: Door | None = None  # once it is open
        self._texts: set[WordIndex] = set()  # those of the kinds that were written

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        door, self._door = self._door, None
        texts, self._texts = self._texts, set()
        if (door is not None or texts) and kind is None and self._broken is None:
            try:
                for index in texts:
                    index.keep_up(self._run)
                if door is not None:
                    self._run(door.shuts)
            except FAILURES as failure:
                self._give_up(self._source.translated(failure))
        super().__exit__(kind, error, trace)

    # --- primitives ---

    def get(self, kind: str, id: str) -> Stored | None:
        """Return the entry, or ``None``."""
        try:
            row = self._run(self._tables[kind].get, (id,)).fetchone()
        except KeyError:
            raise not_prepared(kind) from None
        except FAILURES as error:
            raise self._failed(error) from error
        return None if row is None else Stored(*row)

    def _keep(self, entry: Entry, becomes: int) -> None:
        table = self._writable(entry.kind)
        row = table.row(entry)
        execute, id, version = self._run, entry.id, entry.version
        many = [table.pairs(side, entry) for side in table.sides]
        try:
            if version == 0 and becomes:
                execute(table.insert, (id, 1, entry.body, *row))
            elif execute(table.update, (becomes, entry.body, *row, id, version)).rowcount == 0:
                raise conflict(entry.kind, id, version, self._version(table, id))
            for side, rows in zip(table.sides, many, strict=True):
                if version:
                    execute(side.clear, (id,))
                for pair in rows:
                    execute(side.insert, pair)
        except sqlite3.IntegrityError as error:
            raise self._refused(table, entry, error) from error
        except FAILURES as error:
            raise self._failed(error) from error

    def delete(self, kind: str, id: str, version: int) -> None:
        """Remove the entry, or raise ``Conflict`` where that version is not the kept one."""
        table = self._writable(kind)
        try:
            if self._run(table.delete, (id, version)).rowcount == 0:
                raise conflict(kind, id, version, self._version(table, id))
            for side in () if self._source.cascades else table.sides:
                self._run(side.clear, (id,))
        except FAILURES as error:
            raise self._failed(error) from error

    def scan(self, kind: str) -> Iterator[Entry]:
        """Yield every entry of a kind with its index, by id."""
        table = self._table(kind)
        if self._write:  # what is yielded is fixed now, whatever is written meanwhile
            rows = self._rows(table.scan_all, ())
            return iter(
                [
                    entry
                    for start in range(0, len(rows), _CHUNK)
                    for entry in self._entries(table, rows[start : start + _CHUNK])
                ]
            )
        return self._scanned(table)

    def _scanned(self, table: Table) -> Iterator[Entry]:
        last = ""
        while rows := self._rows(table.scan, (last, _CHUNK)):
            yield from self._entries(table, rows)
            last = rows[-1][0]

    def _entries(self, table: Table, rows: list[tuple[Any, ...]]) -> Iterator[Entry]:
        many: dict[str, dict[str, list[Scalar]]] = {}
        for side in table.sides:
            pairs = self._rows(side.between, (rows[0][0], rows[-1][0]))
            for id, group in groupby(pairs, key=lambda pair: pair[0]):
                many.setdefault(id, {})[side.name] = [value for _, value in group]
        for id, version, body, *values in rows:
            index: dict[str, Any] = {
                name: value for name, value in zip(table.columns, values, strict=True) if value is not None
            }
            for name, several in many.get(id, {}).items():
                index[name] = tuple(several)
            yield Entry(table.kind.name, id, version, index, body)

    def next_number(self, series: str) -> int:
        """Return 1, 2, 3 … for *series*; a rollback takes it back."""
        if not self._write:
            raise read_only()
        numbers = self._source.dialect.table("_numbers")
        try:
            if self._run(f"UPDATE {numbers} SET last = last + 1 WHERE series = ?", (series,)).rowcount == 0:  # noqa: S608
                self._run(f"INSERT INTO {numbers} VALUES (?, 1)", (series,))  # noqa: S608
            number: int = self._run(f"SELECT last FROM {numbers} WHERE series = ?", (series,)).fetchone()[0]  # noqa: S608
        except FAILURES as error:
            raise self._failed(error) from error
        return number

    def numbers(self) -> Iterator[tuple[str, int]]:
        """Yield each series with the last number that it gave, in the order of their names."""
        numbers = self._source.dialect.table("_numbers")
        return iter(self._rows(f"SELECT series, last FROM {numbers} ORDER BY series", ()))  # noqa: S608

    def set_number(self, series: str, last: int) -> None:
        """Let *series* go on behind *last*."""
        if not self._write:
            raise read_only()
        numbers = self._source.dialect.table("_numbers")
        self._rows(f"INSERT OR REPLACE INTO {numbers} VALUES (?, ?)", (series, last))  # noqa: S608

    # --- pushed down ---

    def find(self, query: Query) -> Iterator[Stored]:
        """Yield what the query asks for."""
        table = self._table(query.kind)
        if depth(query.where) > DEEPEST:
            return super().find(query)
        rows = self._page(table, query, ("id", "version", "body"))
        return starmap(Stored, rows)

    def columns(self, query: Query, fields: Sequence[str]) -> Iterator[Row]:
        """Yield these index fields (or ``"id"``) of what the query asks for."""
        table = self._table(query.kind)
        if depth(query.where) > DEEPEST:
            return super().columns(query, fields)
        rows = self._page(table, query, fields)
        return iter(rows if fields else [()] * len(rows))

    def _page(self, table: Table, query: Query, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        compiler = self._compiler(table, query)
        indexed = planned(self._rows, compiler, query)
        return self._rows(*compiler.page(query, columns, indexed=indexed))

    def _compiler(self, table: Table, query: Query) -> Compiler:
        """Return what writes the statements, told which values of ``many`` fields are rare: SQLite looks at none."""
        held = [one for one in nodes(query.where) if isinstance(one, Has | HasBetween)]
        if not held:
            return table.compiler
        return attrs.evolve(table.compiler, rare=[one for one in held if self._is_rare(table, one)])

    def _is_rare(self, table: Table, one: Has | HasBetween) -> bool:
        side = self._source.dialect.table(side_table(table.kind.name, one.field))
        which, values = ("= ?", [one.value]) if isinstance(one, Has) else (">= ? AND value < ?", [one.low, one.high])
        text = f"SELECT count(*) FROM (SELECT 1 FROM {side} WHERE value {which} LIMIT {_RARE + 1})"  # noqa: S608
        return bool(self._rows(text, values)[0][0] <= _RARE)

    def tally(self, query: Query, by: Sequence[Group], measures: Sequence[Measure]) -> Iterator[Row]:
        """Yield one tuple a group: the keys, then the measures."""
        table = self._table(query.kind)
        if depth(query.where) > DEEPEST or not (by or measures):
            return super().tally(query, by, measures)
        finer = finer_groups(table.kind, query.where, by, measures)
        try:
            if finer and (self._run(table.most).fetchone()[0] or 0) <= _MANY:
                finer = ()
            text, values = self._compiler(table, query).tally(query, by, measures, finer)
            rows = self._run(text, values).fetchall()
        except FAILURES as error:
            if str(error) != "integer overflow":
                raise self._failed(error) from error
            return super().tally(query, by, measures)  # a partial sum may leave 64 bits where the sum does not
        products = [place for place, one in enumerate(measures, len(by)) if isinstance(one, Sum) and one.times]
        if any(type(row[place]) is float for place in products for row in rows):
            return super().tally(query, by, measures)  # a product left 64 bits, and SQLite went on with floats
        return iter(rows)

    def get_many(self, kind: str, ids: Iterable[str]) -> dict[str, Stored]:
        """Return those of *ids* that exist."""
        table = self._table(kind)
        found: dict[str, Stored] = {}
        wanted = iter(dict.fromkeys(ids))
        while chunk := list(islice(wanted, _CHUNK)):
            marks = ", ".join("?" for _ in chunk)
            for row in self._rows(table.get.replace("= ?", f"IN ({marks})"), chunk):
                found[row[0]] = Stored(*row)
        return found

    def put_many(self, entries: Iterable[Entry]) -> None:
        """Put every entry, as ``put`` does one; new ones of a kind by few statements."""
        waiting = iter(entries)
        while chunk := list(islice(waiting, _MOST_AT_ONCE)):
            if any(entry.version != 0 for entry in chunk) or not self._all_new(chunk):
                for entry in chunk:
                    self.put(entry)

    def load(self, entries: Iterable[Entry]) -> None:
        """Put entries that are new here, each as the version that it carries, by few statements."""
        waiting = iter(entries)
        while chunk := list(islice(waiting, _MOST_AT_ONCE)):
            if any(entry.version < 1 for entry in chunk) or not self._all_new(chunk, more=0):
                super().load(chunk)

    def _all_new(self, entries: list[Entry], more: int = 1) -> bool:
        """Put entries that are all new; say whether that was possible, or put none."""
        kinds: dict[str, list[Entry]] = {}
        for entry in entries:
            if not isinstance(entry.kind, str):
                return False
            kinds.setdefault(entry.kind, []).append(entry)
        try:
            tables = [(self._writable(kind), several) for kind, several in kinds.items()]
            written = [(table, table.rows(several, more)) for table, several in tables]
        except StorageError:
            return False  # one by one, so that the error comes in its turn
        connection = self._opened().connection
        there: list[tuple[Table, list[str]]] = []
        try:
            for table, ((insert, rows), *sides) in written:
                ids: list[str] = []
                there.append((table, ids))
                connection.executemany(insert, _noted(rows, ids))
                for statement, pairs in sides:
                    connection.executemany(statement, pairs)
        except FAILURES as error:
            self._take_back(there, error)
            return False
        return True

    def _take_back(self, there: list[tuple[Table, list[str]]], error: Exception) -> None:
        # Not by a savepoint: SQLite keeps a copy of each page that is changed inside one (measured: a seventh slower).
        connection = self._opened().connection
        if not connection.in_transaction:
            raise self._failed(error) from error
        try:
            for table, ids in there:
                for statement in (*[side.clear for side in table.sides], table.forget):
                    connection.executemany(statement, [(id,) for id in ids])
        except FAILURES as second:
            failure = self._source.translated(second)
            self._give_up(failure)
            raise failure from second

    def now(self) -> int:
        """Return the store's clock, in microseconds since 1970 UTC."""
        return self._now()

    # --- to look at ---

    def explain(self, query: Query) -> Explanation:
        """Return how SQLite would find what *query* asks for."""
        text, values = self._compiler(self._table(query.kind), query).page(query, ("id", "version", "body"))
        steps = [str(step) for *_, step in self._rows(f"EXPLAIN QUERY PLAN {text}", values)]
        return Explanation("\n".join(steps), any(step.startswith("SEARCH e ") for step in steps))

    @contextmanager
    def traced(self) -> Iterator[list[str]]:
        """Write down the statements that are run in the block."""
        connection, statements = self._opened().connection, list[str]()
        connection.set_trace_callback(statements.append)
        try:
            yield statements
        finally:
            connection.set_trace_callback(None)

    # --- inside ---

    def _writable(self, kind: str) -> Table:
        table = super()._writable(kind)
        self._texts.update(table.texts)
        if table.kind.sealed is not None and self._door is None:
            self._door = Door(self._source.dialect)
            self._rows(self._door.opens, ())
        return table

    def _version(self, table: Table, id: str) -> int | None:
        row = self._run(table.version, (id,)).fetchone()
        return None if row is None else int(row[0])

    def _refused(self, table: Table, entry: Entry, error: sqlite3.IntegrityError) -> StorageError:
        kept = self._version(table, entry.id)
        if entry.version == 0 and kept is not None:
            return conflict(entry.kind, entry.id, 0, kept)
        return table.taken(entry, self._opened().connection) or self._source.translated(error)


def _noted(rows: Iterable[tuple[Any, ...]], ids: list[str]) -> Iterator[tuple[Any, ...]]:
    """Yield *rows*, and note the id of each once whoever takes them has dealt with it and wants the next."""
    for row in rows:
        yield row
        ids.append(row[0])
