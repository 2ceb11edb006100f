"""A transaction on PostgreSQL, with everything pushed down into SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby, starmap
from typing import Any

import attrs
import psycopg

from salespipeline.entries import Entry, Scalar, Stored
from salespipeline.errors import Overflow, StorageError, Unavailable
from salespipeline.ports import Explanation
from salespipeline.query import INT_MAX, INT_MIN, Group, Measure, Query, Sum
from salespipeline.stores.base import Row
from salespipeline.stores.dialect import Statement
from salespipeline.stores.kinds import conflict, duplicate, not_prepared, read_only
from salespipeline.stores.postgres_errors import FAILURES
from salespipeline.stores.postgres_line import Rows, Unwritten
from salespipeline.stores.postgres_session import ATTEMPTS, Session, Source
from salespipeline.stores.postgres_tables import Table, without_nul
from salespipeline.stores.sessions import SessionTransaction
from salespipeline.stores.sql_words import planned

__all__ = ["PostgresTransaction"]

_CHUNK = 1000
_BULK = 50  # so many new entries of a kind are worth a COPY


class PostgresTransaction(SessionTransaction[Source[Any], Session, Table]):
    """A transaction on PostgreSQL: READ COMMITTED to write, one snapshot to read."""

    __slots__ = ("_now",)

    def __init__(
        self, source: Source[Any], tables: dict[str, Table], now: Callable[[], int] | None, *, write: bool
    ) -> None:
        super().__init__(source, tables, write=write)
        self._now = now

    # --- primitives ---

    def get(self, kind: str, id: str) -> Stored | None:
        """Return the entry, or ``None``."""
        try:
            table = self._tables[kind]
            row = self._run(table.get, (table.workspace, id)).fetchone()
        except KeyError:
            raise not_prepared(kind) from None
        except FAILURES as error:
            if "\0" in id:
                return None
            raise self._failed(error) from error
        return None if row is None else Stored(*row)

    def _keep(self, entry: Entry, becomes: int) -> None:
        table = self._writable(entry.kind)
        row, many = table.row(entry), [table.many(side.field, entry) for side in table.sides]
        try:
            if entry.version == 0 and becomes:
                self._insert(table, entry, table.inserting(entry, row, many))
            elif self._run(table.update, table.changing(entry, becomes, row, many, watched=True)).rowcount == 0:
                self._move(table, entry, table.changing(entry, becomes, row, many, watched=False))
        except FAILURES as error:
            raise self._failed(error) from error

    def _insert(self, table: Table, entry: Entry, values: list[Any]) -> None:
        for _ in range(ATTEMPTS):
            if self._run(table.insert, values).rowcount:
                return
            kept = self._version(table, entry.id)
            if kept is not None:
                raise conflict(entry.kind, entry.id, 0, kept)
            names = self._taken(table, entry)
            if names is not None:
                raise duplicate(entry.kind, entry.id, names)
            # What stood in the way was removed between the two statements.
        raise Unavailable(f"{entry.kind} {entry.id!r} was not written: others put and remove the same; run it again")

    def _move(self, table: Table, entry: Entry, values: list[Any]) -> None:
        """Put an entry whose version is not the kept one, or whose uniques change."""
        if table.uniques:
            try:
                with self._opened().savepoint("put"):
                    if self._run(table.move, values).rowcount:
                        return
            except psycopg.errors.UniqueViolation as error:
                names = self._taken(table, entry) or table.uniques.get(error.diag.constraint_name or "", ())
                raise duplicate(entry.kind, entry.id, names) from error
        raise conflict(entry.kind, entry.id, entry.version, self._version(table, entry.id))

    def delete(self, kind: str, id: str, version: int) -> None:
        """Remove the entry, or raise ``Conflict`` where that version is not the kept one."""
        table = self._writable(kind)
        try:
            if "\0" in id or self._run(table.delete, (table.workspace, id, version)).rowcount == 0:
                raise conflict(kind, id, version, None if "\0" in id else self._version(table, id))
        except FAILURES as error:
            raise self._failed(error) from error

    def scan(self, kind: str) -> Iterator[Entry]:
        """Yield every entry of a kind with its index, by id."""
        table = self._table(kind)
        if self._write:  # what is yielded is fixed now, whatever is written meanwhile
            return iter([_entry(table, row) for row in self._rows(table.scan, [table.workspace, ""])])
        return self._scanned(table)

    def _scanned(self, table: Table) -> Iterator[Entry]:
        last, text = "", f"{table.scan} LIMIT {_CHUNK}"
        while rows := self._rows(text, [table.workspace, last]):
            for row in rows:
                yield _entry(table, row)
            last = rows[-1][0]

    def next_number(self, series: str) -> int:
        """Return 1, 2, 3 … for *series*; a rollback takes it back, and others wait for it."""
        if not self._write:
            raise read_only()
        place = self._source.place
        numbers = place.table("_numbers")
        text = (
            f"INSERT INTO {numbers} AS n (workspace, series, last) VALUES (%s, %s, 1) "  # noqa: S608
            "ON CONFLICT (workspace, series) DO UPDATE SET last = n.last + 1 RETURNING last"
        )
        ((number,),) = self._rows(text, [place.workspace, series])
        return int(number)

    def numbers(self) -> Iterator[tuple[str, int]]:
        """Yield each series with the last number that it gave, in the order of their names."""
        place = self._source.place
        text = f"SELECT series, last FROM {place.table('_numbers')} WHERE workspace = %s ORDER BY series"  # noqa: S608
        return iter(self._rows(text, [place.workspace]))

    def set_number(self, series: str, last: int) -> None:
        """Let *series* go on behind *last*."""
        if not self._write:
            raise read_only()
        place = self._source.place
        text = (
            f"INSERT INTO {place.table('_numbers')} (workspace, series, last) VALUES (%s, %s, %s) "  # noqa: S608
            "ON CONFLICT (workspace, series) DO UPDATE SET last = excluded.last RETURNING last"
        )
        self._rows(text, [place.workspace, series, last])

    # --- pushed down ---

    def find(self, query: Query) -> Iterator[Stored]:
        """Yield what the query asks for."""
        return starmap(Stored, self._paged(query, ("id", "version", "body")))

    def claim(self, query: Query) -> Iterator[Stored]:
        """Yield what the query asks for, and lock it; what others have locked is passed over."""
        if not self._write:
            raise read_only()
        # As strong as the lock of an UPDATE, and weaker than that of a DELETE, which would also keep off whoever
        # writes a row that refers to this one.
        rows = self._paged(query, ("id", "version", "body"), " FOR NO KEY UPDATE OF e SKIP LOCKED")
        return iter([Stored(*row) for row in rows])

    def columns(self, query: Query, fields: Sequence[str]) -> Iterator[Row]:
        """Yield these index fields (or ``"id"``) of what the query asks for."""
        rows = self._paged(query, fields)
        return iter(rows if fields else [()] * len(rows))

    def _paged(self, query: Query, columns: Sequence[str], lock: str = "") -> list[tuple[Any, ...]]:
        compiler = self._table(query.kind).compiler
        if any("\0" in str(value) for value in query.after or ()):
            raise StorageError("the cursor holds a NUL character, which no kept text does; start from the first page")

        indexed = planned(self._rows, compiler, query)

        def compiled(asked: Query) -> Statement:
            text, values = compiler.page(asked, columns, indexed=indexed)
            return text + lock, values

        return self._read(query, compiled)

    def tally(self, query: Query, by: Sequence[Group], measures: Sequence[Measure]) -> Iterator[Row]:
        """Yield one tuple a group: the keys, then the measures."""
        compiler = self._table(query.kind).compiler
        rows = self._read(query, lambda asked: compiler.tally(asked, by, measures))
        sums = [place for place, measure in enumerate(measures, len(by)) if isinstance(measure, Sum)]
        if not (by or measures):
            return iter([()])
        return iter([_exact(row, sums) for row in rows] if sums else rows)

    def get_many(self, kind: str, ids: Iterable[str]) -> dict[str, Stored]:
        """Return those of *ids* that exist."""
        table = self._table(kind)
        wanted = [id for id in dict.fromkeys(ids) if "\0" not in id]
        if not wanted:
            return {}
        found = {row[0]: Stored(*row) for row in self._rows(table.get_many, [table.workspace, wanted])}
        return {id: found[id] for id in wanted if id in found}

    def put_many(self, entries: Iterable[Entry]) -> None:
        """Put every entry, as ``put`` does one: new ones by ``COPY``, changed ones in one journey."""
        given = list(entries)
        for _, group in groupby(given, key=lambda entry: (entry.kind, entry.version == 0)):
            several = list(group)
            if not (len(several) > 1 and self._all_at_once(several)):
                for entry in several:
                    self.put(entry)

    def load(self, entries: Iterable[Entry]) -> None:
        """Put entries that are new here, each as the version that it carries, by ``COPY``."""
        for _, group in groupby(entries, key=lambda entry: entry.kind):
            several = list(group)
            if any(entry.version < 1 for entry in several) or not self._all_at_once(several, load=True):
                super().load(several)

    def _all_at_once(self, entries: list[Entry], *, load: bool = False) -> bool:
        """Put entries of one kind, all new or all changed; say whether that was possible, or put none."""
        table = self._writable(entries[0].kind)
        try:
            rows = [(one, table.row(one), [table.many(side.field, one) for side in table.sides]) for one in entries]
        except StorageError:
            return False  # one by one, so that the error comes in its turn
        try:
            with self._opened().savepoint("bulk"):
                if entries[0].version and not load:
                    self._run(table.lock, (table.workspace, [one.id for one in entries]))  # in the order of ids
                    versions = [(one, one.version + 1, row, many) for one, row, many in rows]
                    self._opened().many(table.update, [table.changing(*one, watched=True) for one in versions])
                elif table.copies and len(rows) >= _BULK:
                    self._copy(table, rows, more=0 if load else 1)
                else:
                    new = [table.inserting(*row, becomes=row[0].version if load else 1) for row in rows]
                    self._opened().many(table.insert, new)
        except (Unwritten, psycopg.errors.IntegrityError, psycopg.errors.FeatureNotSupported):
            return False
        except FAILURES as error:
            raise self._failed(error) from error
        return True

    def _copy(self, table: Table, rows: list[tuple[Entry, list[Scalar | None], list[list[Scalar]]]], more: int) -> None:
        with self._opened().copy(table.copy) as copy:
            for entry, row, _ in rows:
                copy.write_row((table.workspace, entry.id, entry.version + more, entry.body, *row))
        for place, side in enumerate(table.sides):
            with self._opened().copy(side.copy) as copy:
                for entry, _, many in rows:
                    for value in many[place]:
                        copy.write_row((table.workspace, entry.id, value))

    def now(self) -> int:
        """Return the database's clock, in microseconds since 1970 UTC."""
        if self._now is not None:
            return self._now()
        ((micros,),) = self._rows("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", [])
        return int(micros)

    # --- to look at ---

    def explain(self, query: Query) -> Explanation:
        """Return how PostgreSQL would find what *query* asks for, were an index always worth a search."""
        text, values = self._table(query.kind).compiler.page(query, ("id", "version", "body"))
        self._rows("SELECT set_config('enable_seqscan', 'off', true)", [])
        words = "\n".join(line for (line,) in self._rows(f"EXPLAIN {text}", values))
        self._rows("SELECT set_config('enable_seqscan', 'on', true)", [])
        # Every index begins with the workspace: it takes a second column to narrow the search.
        return Explanation(words, re.search(r"(?m)Index Cond: \(.*\) AND \(", words) is not None)

    @contextmanager
    def traced(self) -> Iterator[list[str]]:
        """Write down the statements that are run in the block."""
        run: Callable[..., Rows] = self._run
        statements: list[str] = []

        def written(text: str, *rest: Any, **options: Any) -> Rows:
            statements.append(text)
            return run(text, *rest, **options)

        self._run = written
        try:
            yield statements
        finally:
            if self._run is written:
                self._run = run

    # --- inside ---

    def _read(self, query: Query, compiled: Callable[[Query], Statement]) -> list[tuple[Any, ...]]:
        text, values = compiled(query)
        if any("\0" in value for value in values if isinstance(value, str)):
            text, values = compiled(attrs.evolve(query, where=without_nul(query.where)))
        return self._rows(text, values)

    def _version(self, table: Table, id: str) -> int | None:
        row = self._run(table.version, (table.workspace, id)).fetchone()
        return None if row is None else int(row[0])

    def _taken(self, table: Table, entry: Entry) -> tuple[str, ...] | None:
        for names, text in table.taken.items():
            values = [entry.index.get(name) for name in names]
            if None not in values and self._run(text, (table.workspace, *values, entry.id)).fetchone():
                return names
        return None


def _entry(table: Table, row: tuple[Any, ...]) -> Entry:
    id, version, body, *values = row
    names = (*table.columns, *[side.name for side in table.sides])
    index: dict[str, Scalar | tuple[Scalar, ...]] = {}
    for name, value in zip(names, values, strict=True):
        if isinstance(value, list):
            if value:
                index[name] = tuple(value)
        elif value is not None:
            index[name] = value
    return Entry(table.kind.name, id, version, index, body)


def _exact(row: tuple[Any, ...], sums: list[int]) -> Row:
    values = list(row)
    for place in sums:
        total = int(row[place])
        if not INT_MIN <= total <= INT_MAX:
            message = f"a sum is {total}, which does not fit a signed 64-bit integer; narrow the query"
            raise Overflow(message)
        values[place] = total
    return tuple(values)
