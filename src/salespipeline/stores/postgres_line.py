"""A connection whose statements travel together: what nobody must wait for, nobody waits for.

A transaction that reads one entry would make three journeys to the server: to begin, to ask, and to end. Here the
beginning travels with the first statement, and the end of what only read is not waited for. This is libpq's pipeline
mode, through ``psycopg.pq``; the driver's own pipeline costs more than the journeys that it saves where the server is near.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import selectors
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer

__all__ = ["Line", "Rows", "Unwritten"]

_SELECTOR = getattr(selectors, "PollSelector", selectors.SelectSelector)
_OFTEN = 3  # a statement that was run so often is prepared
_PREPARED = 200  # and so many are kept prepared, those that were used last
_CHUNK = 64  # of many statements, so many are sent before the socket is looked after
_MARK = re.compile("%(s|%)")
_NAMES = itertools.count(1)
_OIDS: dict[type, int] = {int: 20, float: 701, bytes: 17}  # of others the server sees from the statement what they are
_GOOD = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK)
_IDLE, _OPEN = pq.TransactionStatus.IDLE, pq.TransactionStatus.INTRANS


class Unwritten(Exception):
    """At least one of many statements wrote nothing."""


class Rows(Protocol):
    """What a statement found or wrote: a cursor of the driver is one."""

    @property
    def rowcount(self) -> int:
        """How many rows there were."""
        ...

    def __iter__(self) -> Iterator[tuple[Any, ...]]: ...

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row, or ``None``."""
        ...

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows that are left."""
        ...


class _Answer:
    """What the server answered to one statement, read as one reads from a cursor."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[tuple[Any, ...]], rowcount: int) -> None:
        self._rows = iter(rows)
        self.rowcount = rowcount

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self._rows, None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return list(self._rows)


class _Statement:
    """A statement in the words of libpq, and the name under which the server has it prepared, if it has."""

    __slots__ = ("name", "text", "used")

    def __init__(self, text: str) -> None:
        number = itertools.count(1)
        self.text = _MARK.sub(lambda found: f"${next(number)}" if found[1] == "s" else "%", text).encode()
        self.name = b""
        self.used = 0


class Line:
    """A connection of our own, for one transaction after the other; used by one thread at a time."""

    __slots__ = (
        "_awaited",
        "_begun",
        "_later",
        "_loader",
        "_prepares",
        "_server",
        "_sight",
        "_stale",
        "_statements",
        "_unread",
        "connection",
        "writes",
    )

    def __init__(self, connection: psycopg.Connection[Any], *, prepares: bool = True) -> None:
        self.connection = connection
        self.writes = False
        self._server = connection.pgconn
        self._server.enter_pipeline_mode()
        self._sight = _SELECTOR()
        self._sight.register(self._server.socket, selectors.EVENT_READ)
        self._loader = Transformer(connection)
        self._prepares = prepares
        self._statements: dict[str, _Statement] = {}
        self._stale: list[bytes] = []  # names of prepared statements that are not wanted any more
        self._later: list[str] = []  # statements that travel with the next one
        self._begun = True
        self._awaited: deque[_Statement | None] = deque()  # what was sent: statements to prepare, and others
        self._unread = 0  # how many times the server was asked to answer, and its answer not read

    # --- transactions ---

    def ready(self) -> bool:
        """Whether another transaction can begin: the server is there, and nothing is left of the one before.

        Where its end was sent a moment ago, it is not waited for: the answer is read with the next one.
        """
        try:
            while self._sight.select(0):  # an answer, or the server says good-bye, and hangs up
                self._server.consume_input()
            if self._unread and self._server.is_busy():
                return True
            self._read()
        except psycopg.Error:
            return False
        return self._server.status == pq.ConnStatus.OK and self._server.transaction_status == _IDLE

    def settle(self) -> None:
        """Wait for the end of the transaction before, so that others can use the connection."""
        with contextlib.suppress(psycopg.Error):  # who uses it next will see
            self._read()

    def begin(self, *statements: str, writes: bool) -> None:
        """Begin a transaction, with the first statement that is run in it."""
        self._later = list(statements)
        self._begun = False
        self.writes = writes

    def end(self, *, commit: bool) -> None:
        """End the transaction. Nobody waits for the end of one that only read."""
        if not self._begun:  # nothing was asked
            self._later, self._begun = [], True
        elif self.writes and commit:
            self.run("COMMIT")
        elif self.writes:
            self._later = []
            # An error here is that of the statement before, or the connection is gone: all is undone either way.
            with contextlib.suppress(psycopg.Error):
                self.run("ROLLBACK")
        else:
            self._later = []
            with contextlib.suppress(psycopg.Error):  # nothing can be lost
                self._send("COMMIT")
                self._sync()

    @property
    def sound(self) -> bool:
        """Whether the transaction can go on: PostgreSQL ends it at the first error outside a savepoint."""
        return not self._begun or self._server.transaction_status == _OPEN

    @contextlib.contextmanager
    def savepoint(self, name: str) -> Iterator[None]:
        """Take back what the block did where it raises, and leave the transaction as it was."""
        self._later.append(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            with contextlib.suppress(psycopg.Error):  # where the connection is gone, the first error tells
                self._send(f"ROLLBACK TO SAVEPOINT {name}")
                self.run(f"RELEASE SAVEPOINT {name}")
            raise
        self._later.append(f"RELEASE SAVEPOINT {name}")

    # --- statements ---

    def run(self, text: str, values: Sequence[object] = ()) -> Rows:
        """Run a statement and return what the server answers."""
        self._send(text, values)
        self._sync()
        result = self._read()[-1]
        if result.status != pq.ExecStatus.TUPLES_OK:
            return _Answer([], result.command_tuples or 0)
        self._loader.set_pgresult(result)
        return _Answer(self._loader.load_rows(0, result.ntuples, tuple), result.ntuples)

    def many(self, text: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a statement for each of *rows* in one journey; ``Unwritten`` where one of them wrote nothing."""
        for number, row in enumerate(rows):
            self._send(text, row)
            if number % _CHUNK == _CHUNK - 1:
                self._flush(wait=False)
        self._sync()
        if sum(result.command_tuples or 0 for result in self._read()[-len(rows) :]) != len(rows):
            raise Unwritten

    @contextlib.contextmanager
    def copy(self, text: str) -> Iterator[psycopg.Copy]:
        """Open a ``COPY``, which is for the driver, and not for a pipeline."""
        later, self._later, self._begun = self._later, [], True
        for one in later:
            self._send(one)
        if later:
            self._sync()
            self._read()
        self._server.exit_pipeline_mode()
        try:
            with self.connection.cursor() as cursor, cursor.copy(text) as copy:
                yield copy
        finally:
            if self._server.status == pq.ConnStatus.OK:
                self._server.enter_pipeline_mode()

    # --- inside ---

    def _send(self, text: str, values: Sequence[object] = ()) -> None:
        given = [_dumped(value) for value in values]  # first of all: what cannot be sent leaves everything as it was
        later, self._later = self._later, []
        for one in later:
            self._put(one, (), [])
        if not self._begun:
            self._begun = True
            self._forget()  # nothing has failed yet, which would keep the server from it
        self._put(text, values, given)

    def _forget(self) -> None:
        for name in self._stale:
            self._server.send_query_params(b"DEALLOCATE " + name, None)
            self._awaited.append(None)
        self._stale.clear()

    def _put(self, text: str, values: Sequence[object], given: list[bytes | None]) -> None:
        statement = self._statements.pop(text, None) or _Statement(text)
        self._statements[text] = statement  # the one that was used last stands last
        if len(self._statements) > _PREPARED:
            self._stale += [name for name in [self._statements.pop(next(iter(self._statements))).name] if name]
        formats = [1 if type(value) is bytes else 0 for value in values] if bytes in map(type, values) else None
        statement.used += 1
        if not statement.name and (statement.used < _OFTEN or not self._prepares):
            types = [_OIDS.get(type(value), 0) for value in values]
            self._server.send_query_params(statement.text, given, types, formats)
        else:
            if not statement.name:
                statement.name = b"line_%d" % next(_NAMES)
                types = [_OIDS.get(type(value), 0) for value in values]
                self._server.send_prepare(statement.name, statement.text, types)
                self._awaited.append(statement)
            self._server.send_query_prepared(statement.name, given, formats)
        self._awaited.append(None)

    def _sync(self) -> None:
        self._server.pipeline_sync()
        self._unread += 1
        self._flush(wait=False)

    def _flush(self, *, wait: bool) -> None:
        """Send what waits to be sent, as far as the server takes it, or, with *wait*, all of it."""
        while self._server.flush() and wait:
            self._sight.modify(self._server.socket, selectors.EVENT_READ | selectors.EVENT_WRITE)
            try:
                self._sight.select()
            finally:
                self._sight.modify(self._server.socket, selectors.EVENT_READ)
            self._server.consume_input()  # it may not take more before it has been listened to

    def _read(self) -> list[pq.abc.PGresult]:
        """Read all answers; raise the error of the first statement that failed."""
        results: list[pq.abc.PGresult] = []
        failed: psycopg.Error | None = None
        try:
            self._flush(wait=True)
            while self._unread:
                result = self._next()
                if result is None:  # between two answers, or there will be none
                    if self._server.status != pq.ConnStatus.OK:
                        raise failed or self._lost()
                    continue
                if result.status == pq.ExecStatus.PIPELINE_SYNC:
                    self._unread -= 1
                    continue
                prepared = self._awaited.popleft()
                if result.status not in _GOOD:
                    if failed is None and result.status != pq.ExecStatus.PIPELINE_ABORTED:
                        failed = psycopg.errors.error_from_result(result)
                    if prepared is not None:
                        prepared.name = b""
                elif prepared is None:
                    results.append(result)
        except psycopg.Error:
            raise
        except BaseException:  # such as an impatient user's: the server need not finish either
            with contextlib.suppress(psycopg.Error):
                self.connection.cancel_safe(timeout=5)
            raise
        if failed is not None:
            raise failed
        return results

    def _next(self) -> pq.abc.PGresult | None:
        while self._server.is_busy():
            self._sight.select()  # other threads go on meanwhile
            self._server.consume_input()
        return self._server.get_result()

    def _lost(self) -> psycopg.OperationalError:
        return psycopg.OperationalError(self._server.get_error_message())


def _dumped(value: object) -> bytes | None:
    r"""Return a parameter as the server reads it.

    >>> _dumped([7, 'a "b"'])
    b'{7,"a \\"b\\""}'
    """
    match value:
        case str():
            return _text(value)
        case int() | float():
            return str(value).encode()
        case bytes() | None:
            return value
        case list():
            return b"{" + b",".join([_element(one) for one in value]) + b"}"
    raise psycopg.ProgrammingError(f"a {type(value).__name__} is no parameter of a statement")


def _element(value: object) -> bytes:
    if not isinstance(value, str):
        return str(value).encode()
    return b'"' + _text(value).replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _text(value: str) -> bytes:
    if "\0" in value:
        raise psycopg.DataError("a text holds a NUL character, which PostgreSQL cannot keep")
    return value.encode()
