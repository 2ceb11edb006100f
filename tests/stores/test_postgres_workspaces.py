"""Workspaces in one PostgreSQL schema: none sees, changes or disturbs another."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from tests.stores.killing import postgres_heard
from tests.stores.postgres_server import fresh

from salespipeline.entries import Catalog, Entry, Field, Kind
from salespipeline.errors import NotFound, StorageError
from salespipeline.query import AnyOf, Cmp, Contains, Count, Has, Max, Missing, Not, Prefix, Query, Sum, Words
from salespipeline.stores.postgres import PostgresStore

Connect = Callable[..., PostgresStore]

CATALOG = Catalog(
    (
        Kind(
            "deal",
            (Field("name", str, sortable=True), Field("value", int), Field("tags", str, many=True)),
            unique=(("name",),),
            paths=(("value",),),
        ),
    )
)


def deal(id: str, version: int = 0, **index: object) -> Entry:
    return Entry("deal", id, version, {"name": id, **index}, "{}")


@pytest.fixture
def role(postgres: str) -> Iterator[str]:
    """A role without rights, which may make schemas in this database."""
    name = fresh()
    with psycopg.connect(postgres, autocommit=True) as connection:
        try:
            connection.execute(f"CREATE ROLE {name} LOGIN")
        except psycopg.errors.InsufficientPrivilege:
            pytest.skip("the server's role may not make another one")
        database = connection.info.dbname
        connection.execute(f'GRANT CREATE ON DATABASE "{database}" TO {name}')
        yield name
        connection.execute(f"DROP OWNED BY {name}")
        connection.execute(f"DROP ROLE {name}")


@pytest.fixture(params=["superuser", "role"])
def pair(request: pytest.FixtureRequest, connect: Connect, postgres: str) -> tuple[PostgresStore, PostgresStore]:
    """Two workspaces of one schema: for a role that row-level security binds, and for one that it does not."""
    url = postgres
    if request.param == "role":
        url = re.sub(r"user=\w+", f"user={request.getfixturevalue('role')}", postgres)
    stores = connect(url=url, workspace="acme"), connect(url=url, workspace="bolt")
    for store in stores:
        store.prepare(CATALOG)
    return stores


def test_what_one_workspace_keeps_is_not_there_for_another(pair: tuple[PostgresStore, PostgresStore]) -> None:
    acme, bolt = pair
    with acme.transaction() as tx:
        tx.put_many([deal(f"d{n:03}", value=n, tags=("vip",)) for n in range(100)])
        assert [tx.next_number("INV") for _ in range(3)] == [1, 2, 3]
    digest = acme.blobs.keep([b"quote"])
    with bolt.transaction() as tx:
        assert tx.next_number("INV") == 1
        assert tx.get("deal", "d000") is None
        assert tx.get_many("deal", ["d000", "d001"]) == {}
        assert list(tx.scan("deal")) == list(tx.find(Query(kind="deal"))) == []
        assert list(tx.tally(Query(kind="deal"), [], [Count(), Sum("value")])) == [(0, 0)]
        tx.put(deal("d000", value=7))  # the same id and the same unique name
        assert list(tx.tally(Query(kind="deal"), ["tags"], [Count()])) == [(None, 1)]
        tx.delete("deal", "d000", 1)
    with pytest.raises(NotFound):
        bolt.blobs.read(digest)
    bolt.blobs.forget(digest)
    assert b"".join(acme.blobs.read(digest)) == b"quote"
    with acme.transaction(write=False) as tx:
        assert len(list(tx.scan("deal"))) == 100


def test_row_level_security_hides_other_workspaces_from_any_statement(
    postgres: str, role: str, connect: Connect, schema: str
) -> None:
    url = re.sub(r"user=\w+", f"user={role}", postgres)
    for workspace in ("acme", "bolt"):
        store = connect(url=url, workspace=workspace)
        store.prepare(CATALOG)
        with store.transaction() as tx:
            tx.put(deal("a", tags=("vip",)))
            tx.next_number("INV")
        store.blobs.keep([b"quote"])
    tables = ("deal", "deal__tags", "_numbers", "_formats", "_blobs", "_chunks")
    with psycopg.connect(url, autocommit=True) as connection:
        for table in tables:  # the owner, without a word about the workspace, sees nothing at all
            assert connection.execute(f"SELECT count(*) FROM {schema}.{table}").fetchone() == (0,), table
        connection.execute("SELECT set_config('salespipeline.workspace', 'acme', false)")
        for table in tables:
            assert connection.execute(f"SELECT DISTINCT workspace FROM {schema}.{table}").fetchall() == [("acme",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"INSERT INTO {schema}.deal (workspace, id, version, body) VALUES ('bolt', 'x', 1, '')")
        assert connection.execute(f"DELETE FROM {schema}.deal WHERE workspace = 'bolt'").rowcount == 0
    with psycopg.connect(postgres) as connection:
        guarded = connection.execute(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE nspname = %s AND relkind = 'r' AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY 1",
            (schema,),
        ).fetchall()
    assert guarded == [("_kinds",), ("_steps",)]  # which say how tables look, and nothing of what is in them


def test_the_setting_ends_with_the_transaction(pair: tuple[PostgresStore, PostgresStore]) -> None:
    # A pooler may give the same session to another customer next.
    store, _ = pair
    with store.transaction() as tx:
        session = tx._session
        assert session is not None
        assert session.run("SELECT current_setting('salespipeline.workspace', true)").fetchone() == ("acme",)
    found = session.run("SELECT current_setting('salespipeline.workspace', true)").fetchone()
    assert found is not None
    assert not found[0]


def test_each_index_begins_with_the_workspace(connect: Connect, postgres: str, schema: str) -> None:
    connect().prepare(CATALOG)
    with psycopg.connect(postgres) as connection:
        rows = connection.execute("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %s", (schema,))
        others = {name for name, text in rows if "(workspace, " not in text}
    assert others == {"_steps_pkey", "_kinds_pkey"}


def test_a_role_that_may_only_write_rows_is_told_what_it_lacks(postgres: str, role: str, connect: Connect) -> None:
    connect().prepare(CATALOG)
    with pytest.raises(StorageError, match="grant"):
        connect(url=re.sub(r"user=\w+", f"user={role}", postgres))


# --- every statement ---------------------------------------------------------------------------------------


@pytest.fixture
def heard() -> Iterator[list[tuple[str, Any]]]:
    """Every statement that is sent, with its values."""
    said: list[tuple[str, Any]] = []
    with postgres_heard(lambda _, text, values: said.append((text, values))):
        yield said


FRAME = re.compile(
    r"BEGIN |COMMIT$|SELECT set_config|SAVEPOINT |RELEASE SAVEPOINT|ROLLBACK TO|SELECT row_security_active|SELECT \(extract\(epoch"
)
ANY = [
    Query(kind="deal", where=Cmp("value", ">", 3), order=("name",), limit=5),
    Query(kind="deal", where=AnyOf((Has("tags", "a"), Missing("tags"), Not(Contains("name", "x"))))),
    Query(kind="deal", where=Not(Missing("value")), order=("name",), after=("a", "a"), descending=True),
    Query(kind="deal", where=AnyOf((Cmp("name", "=", "a\0b"), Cmp("name", ">", "a")))),
]


def test_every_statement_says_which_workspace_it_is_about(heard, connect: Connect, schema: str) -> None:
    store = connect(workspace="acme-17")
    store.prepare(CATALOG)
    heard.clear()
    store.prepare(CATALOG)
    with store.transaction() as tx:
        tx.put(deal("a", tags=("x", "y"), value=1))
        tx.put(deal("a", 1, tags=("x",), value=1))
        tx.put(Entry("deal", "a", 2, {"name": "renamed"}, "{}"))
        tx.amend(deal("a", 3))
        tx.put_many([deal(f"c{n}", tags=("x",)) for n in range(60)])
        tx.put_many([deal(f"e{n}", tags=("x",)) for n in range(5)])
        tx.put_many([deal(f"e{n}", 1, tags=("x",)) for n in range(5)])
        for wrong in (deal("a"), deal("e1", 7), Entry("deal", "b", 0, {"name": "e1"}, "{}")):
            with pytest.raises(StorageError):
                tx.put(wrong)
        with pytest.raises(StorageError):
            tx.put(Entry("deal", "e1", 2, {"name": "e2"}, "{}"))
        with pytest.raises(StorageError):
            tx.delete("deal", "a", 99)
        tx.delete("deal", "e4", 2)
        tx.next_number("INV")
        tx.now()
        for query in ANY:
            list(tx.claim(query))
    with store.transaction(write=False) as tx:
        tx.get("deal", "a")
        tx.get_many("deal", ["a", "b"])
        assert len(list(tx.scan("deal"))) == 65
        for query in ANY:
            list(tx.find(query))
            list(tx.columns(query, ["name", "id"]))
            list(tx.tally(query, ["tags", Prefix("name", 2)], [Count(), Sum("value"), Max("name")]))
    digest = store.blobs.keep([b"x" * 300_000])
    assert sum(map(len, store.blobs.read(digest))) == 300_000
    store.blobs.forget(digest)

    framed = {text for text, _ in heard if FRAME.match(text)}
    said = [text for text, _ in heard]
    behind = [following for text, following in pairwise(said) if text.startswith("BEGIN")]
    assert len(behind) > 5
    assert all(text.startswith("SELECT set_config('salespipeline.workspace', 'acme-17', true)") for text in behind)
    spoken = [(text, values) for text, values in heard if text not in framed and "_kinds" not in text]
    assert len(spoken) > 50
    for text, values in spoken:
        tables = re.findall(rf'"{schema}"\.', text)
        assert tables, text
        assert text.startswith("COPY") or (values is not None and "acme-17" in list(values)), text
        assert text.count("workspace") >= len(tables), text  # for each table that it names


WORDS = Catalog((Kind("text", (Field("words", str),), texts=("words",)),))


def text(id: str, words: str, version: int = 0) -> Entry:
    return Entry("text", id, version, {"words": words}, "{}")


def test_words_are_found_in_their_own_workspace_alone_and_by_an_index(
    pair: tuple[PostgresStore, PostgresStore],
) -> None:
    """For a role that row-level security binds as well: the planner may use the index for it too."""
    acme, bolt = pair
    for store, words in ((acme, " cold store "), (bolt, " cold shed ")):
        store.prepare(WORDS)
        with store.transaction() as tx:
            tx.put_many(text(f"x{number:03}", " filler ") for number in range(300))
            tx.put(text("a", words))
    asked = Query(kind="text", where=Words("words", ("cold",)))
    for store, words in ((acme, "store"), (bolt, "shed")):
        with store.transaction(write=False) as tx:
            assert [one.id for one in tx.find(asked)] == ["a"]
            assert [one.id for one in tx.find(Query(kind="text", where=Words("words", (words,), ("co",))))] == ["a"]
            explained = tx.explain(asked)
            assert re.search(
                r"Index Only Scan using text__words__words_pkey .*\n +Index Cond: .*value", explained.words
            ), explained
    with acme.transaction(write=False) as tx:
        assert list(tx.find(Query(kind="text", where=Words("words", ("shed",))))) == []
    with bolt.transaction() as tx:
        tx.delete("text", "a", 1)
    with acme.transaction() as tx:
        assert [one.id for one in tx.find(asked)] == ["a"]
        tx.put(text("a", " warm store ", 1))
        assert list(tx.find(asked)) == []


def test_words_that_are_declared_later_are_found_in_every_workspace(pair: tuple[PostgresStore, PostgresStore]) -> None:
    acme, bolt = pair
    plain = Catalog((Kind("text", (Field("words", str),)),))
    for store in pair:
        store.prepare(plain)
        with store.transaction() as tx:
            tx.put(text("a", " cold store "))
    acme.prepare(WORDS)
    bolt.prepare(WORDS)
    for store in pair:
        with store.transaction(write=False) as tx:
            assert [one.id for one in tx.find(Query(kind="text", where=Words("words", ("cold",))))] == ["a"]
