"""A line to PostgreSQL says what the driver says, in fewer journeys."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salespipeline.stores.postgres_line import _PREPARED, Line, Unwritten

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
bigints = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(scope="module")
def connection(postgres: str) -> Iterator[psycopg.Connection[Any]]:
    with contextlib.closing(psycopg.connect(postgres, autocommit=True, client_encoding="utf8")) as connection:
        yield connection


@pytest.fixture(scope="module")
def line(connection: psycopg.Connection[Any]) -> Line:
    line = Line(connection)
    line.run("CREATE TEMPORARY TABLE t (n bigint UNIQUE, s text)")
    return line


@given(value=texts | bigints | st.floats(allow_nan=False) | st.binary(max_size=20) | st.none())
def test_a_value_comes_back_as_it_went(line: Line, value: object) -> None:
    type_name = {str: "text", int: "bigint", float: "float8", bytes: "bytea"}.get(type(value), "text")
    assert line.run(f"SELECT %s::{type_name}", (value,)).fetchone() == (value,)


@given(values=st.lists(texts) | st.lists(bigints))
def test_a_list_comes_back_as_it_went(line: Line, values: list[object]) -> None:
    type_name = "bigint[]" if values and isinstance(values[0], int) else "text[]"
    assert line.run(f"SELECT %s::{type_name}", (values,)).fetchone() == (values,)


@pytest.mark.parametrize(
    ("value", "error"), [("a\0b", psycopg.DataError), ("\ud800", UnicodeError), (object(), psycopg.ProgrammingError)]
)
def test_what_cannot_be_sent_leaves_everything_as_it_was(line: Line, value: object, error: type[Exception]) -> None:
    line.begin("BEGIN", writes=True)
    with pytest.raises(error):
        line.run("SELECT %s", (value,))
    assert line.sound
    assert line.run("SELECT '100%%', %s", (7,)).fetchone() == ("100%", 7)
    line.end(commit=True)


def test_a_transaction_that_asked_nothing_sends_nothing(line: Line) -> None:
    sent: list[str] = []
    put = Line._put
    Line._put = lambda self, text, *rest: (sent.append(text), put(self, text, *rest))[1]  # type: ignore[method-assign, func-returns-value]
    try:
        for writes in (True, False):
            line.begin("BEGIN", writes=writes)
            line.end(commit=True)
    finally:
        Line._put = put  # type: ignore[method-assign]
    assert sent == []
    assert line.ready()


def test_an_error_spoils_the_transaction_and_nothing_else(line: Line) -> None:
    line.begin("BEGIN", writes=True)
    with pytest.raises(psycopg.errors.DivisionByZero):
        line.run("SELECT 1 / 0")
    assert not line.sound
    line.end(commit=False)
    assert line.ready()
    assert line.run("SELECT 1").fetchall() == [(1,)]


def test_a_savepoint_takes_back_what_its_block_did(line: Line) -> None:
    line.begin("BEGIN", writes=True)
    line.run("INSERT INTO t VALUES (1)")
    with pytest.raises(psycopg.errors.UniqueViolation), line.savepoint("inside"):
        line.many("INSERT INTO t VALUES (%s)", [(2,), (1,), (3,)])
    with line.savepoint("inside"):
        line.run("INSERT INTO t VALUES (4)")
    line.end(commit=True)
    assert line.run("SELECT n FROM t ORDER BY n").fetchall() == [(1,), (4,)]
    line.run("DELETE FROM t")


def test_many_statements_are_counted_each(line: Line) -> None:
    line.begin("BEGIN", writes=True)
    line.many("INSERT INTO t VALUES (%s, %s)", [(n, "x" * 2000) for n in range(5000)])  # more than a socket holds
    line.many("UPDATE t SET s = 'y' WHERE n = %s", [(n,) for n in range(300)])
    with pytest.raises(Unwritten):
        line.many("UPDATE t SET s = 'z' WHERE n = %s", [(0,), (5000,), (1,)])
    line.end(commit=False)
    assert line.run("SELECT count(*) FROM t").fetchone() == (0,)


def test_a_copy_is_part_of_the_transaction(line: Line) -> None:
    line.begin("BEGIN", writes=True)
    with line.copy("COPY t (n, s) FROM STDIN") as copy:
        copy.write_row((1, "a"))
    assert line.run("SELECT s FROM t").fetchall() == [("a",)]
    line.end(commit=False)
    assert line.run("SELECT count(*) FROM t").fetchone() == (0,)


def test_statements_are_prepared_and_forgotten(line: Line) -> None:
    for number in range(_PREPARED + 50):
        for _ in range(4):
            line.begin("BEGIN", writes=False)
            assert line.run(f"SELECT {number} + %s", (1,)).fetchone() == (number + 1,)
            line.end(commit=True)
    assert line.ready()
    (kept,) = line.run("SELECT count(*) FROM pg_prepared_statements").fetchone() or (0,)
    assert _PREPARED - 5 <= kept <= _PREPARED + 2


def test_what_could_not_be_prepared_is_tried_anew(line: Line) -> None:
    for _ in range(5):
        with pytest.raises(psycopg.errors.UndefinedTable):
            line.run("SELECT * FROM nowhere")
    line.run("CREATE TEMPORARY TABLE nowhere (n int)")
    assert line.run("SELECT * FROM nowhere").fetchall() == []


class Impatient(BaseException):
    """What a signal raises in the middle of whatever runs, as Ctrl-C does."""


def test_an_impatient_user_ends_the_statement(line: Line, postgres: str) -> None:
    def raises(*_: object) -> None:
        raise Impatient

    main = threading.main_thread().ident
    assert main is not None
    (pid,) = line.run("SELECT pg_backend_pid()").fetchone() or (0,)

    def interrupt() -> None:
        with psycopg.connect(postgres, autocommit=True) as other:
            asleep = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'"
            while other.execute(asleep, (pid,)).fetchone() == (0,):
                pass
        signal.pthread_kill(main, signal.SIGUSR1)

    before = signal.signal(
        signal.SIGUSR1, raises
    )  # not SIGINT, which is ignored where a shell runs the tests behind it
    try:
        line.begin("BEGIN", writes=True)
        threading.Thread(target=interrupt).start()
        with pytest.raises(Impatient):
            line.run("SELECT pg_sleep(3600)")
    finally:
        signal.signal(signal.SIGUSR1, before)
    line.end(commit=False)
    assert line.ready()
    assert line.run("SELECT 1").fetchall() == [(1,)]
