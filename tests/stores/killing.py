"""Processes that die at a chosen moment: at the n-th statement, or where a file would grow beyond so many bytes."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from salespipeline.stores.postgres_line import Line
from salespipeline.testing.clauses.together import result_of_process

Task = Callable[[], Any]
Heard = Callable[[Any, str], object]


def dies(task: Task) -> bool:
    """Run *task* in a process of its own; say whether that was killed. What the task raises is raised here."""
    try:
        result_of_process(task)
    except EOFError:  # it said nothing any more
        return True
    return False


def die() -> None:
    """End this process at once, and clean up nothing."""
    os.kill(os.getpid(), signal.SIGKILL)


def at_statement(number: int, act: Callable[[Any], object]) -> Heard:
    """Return what calls *act* with the connection before the statement of this *number*."""
    count = itertools.count(1)

    def heard(connection: Any, _: str) -> None:
        if next(count) == number:
            act(connection)

    return heard


# --- SQLite -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def sqlite_heard(heard: Heard) -> Iterator[None]:
    """Tell *heard* of each statement that SQLite begins, on every connection that is opened in the block."""
    connect = sqlite3.connect

    def connected(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(lambda text: heard(connection, text))
        return connection

    sqlite3.connect = connected  # type: ignore[assignment]
    try:
        yield
    finally:
        sqlite3.connect = connect  # type: ignore[assignment]


def killed_in_sqlite(task: Task, number: int) -> bool:
    """Run *task* in a process that dies before its statement of this *number*; say whether it came so far."""

    def run() -> None:
        with sqlite_heard(at_statement(number, lambda _: die())):
            task()

    return dies(run)


def killed_at_size(task: Task, size: int) -> bool:
    """Run *task* in a process that dies where it writes beyond *size* bytes of a file, in the middle of a statement."""
    if sys.platform == "win32":
        raise NotImplementedError
    import resource

    def run() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        task()

    return dies(run)


# --- PostgreSQL -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def postgres_heard(heard: Callable[[psycopg.Connection[Any], str, Any], object]) -> Iterator[None]:
    """Tell *heard* of each statement before it is sent, with its values, on every connection opened in the block."""
    init, commit, put = psycopg.Connection.__init__, psycopg.Connection.commit, Line._put

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
            heard(self.connection, str(query), params)
            return super().execute(query, params, **options)

        def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
            rows = list(params_seq)
            for row in rows:
                heard(self.connection, str(query), row)
            super().executemany(query, rows, **options)

        def copy(self, statement: Any, params: Any = None, **options: Any) -> Any:
            heard(self.connection, str(statement), params)
            return super().copy(statement, params, **options)

    def opened(self: psycopg.Connection[Any], *arguments: Any, **options: Any) -> None:
        init(self, *arguments, **options)
        self.cursor_factory = Cursor

    def committed(self: psycopg.Connection[Any]) -> None:
        if self.cursor_factory is Cursor:
            heard(self, "COMMIT", None)
        commit(self)

    def sent(self: Line, text: str, values: Any, given: Any) -> None:
        heard(self.connection, text, values)
        put(self, text, values, given)

    Line._put = sent  # type: ignore[method-assign]
    psycopg.Connection.__init__ = opened  # type: ignore[method-assign]
    psycopg.Connection.commit = committed  # type: ignore[method-assign]
    try:
        yield
    finally:
        psycopg.Connection.__init__, psycopg.Connection.commit = init, commit  # type: ignore[method-assign]
        Line._put = put  # type: ignore[method-assign]


def killed_in_postgres(task: Task, number: int) -> bool:
    """Run *task* in a process that dies before its statement of this *number*; say whether it came so far."""

    def run() -> None:
        heard = at_statement(number, lambda _: die())
        with postgres_heard(lambda connection, text, _: heard(connection, text)):
            task()

    return dies(run)


def cut_off_in_postgres(task: Task, number: int, server: str) -> bool:
    """Run *task*, whose connection the *server* ends before the statement of this *number*; say whether it came so far.

    What the task raises is raised here.
    """
    done: list[int] = []
    with psycopg.connect(server, autocommit=True) as other:

        def end(connection: psycopg.Connection[Any]) -> None:
            done.append(connection.info.backend_pid)
            other.execute("SELECT pg_terminate_backend(%s, 10000)", done)

        heard = at_statement(number, end)
        with postgres_heard(lambda connection, text, _: heard(connection, text)):
            try:
                task()
            except Exception as error:
                error.add_note(f"at statement {number}")
                raise
    return bool(done)
