"""The PostgreSQL store keeps the storage contract; and what only PostgreSQL can get wrong."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable

import psycopg
import pytest
from hypothesis import given, strategies
from tests.stores.postgres_server import with_options

from salespipeline.entries import Catalog, Entry, Field, Kind
from salespipeline.errors import (
    Conflict,
    Corrupt,
    Duplicate,
    ForeignFile,
    NewerFormat,
    OpenError,
    Overflow,
    ReadOnly,
    StorageError,
    StorageFull,
    StoreClosed,
    Unavailable,
    UpgradeNeeded,
)
from salespipeline.ports import Blobs
from salespipeline.query import All, AnyOf, Cmp, Contains, Has, HasBetween, Not, OneOf, Query, Sum, matches
from salespipeline.stores import postgres_layout
from salespipeline.stores.postgres import PostgresStore, open_postgres
from salespipeline.stores.postgres_errors import translated
from salespipeline.stores.postgres_tables import clipped, without_nul
from salespipeline.testing import BlobsTests, StoreTests

Connect = Callable[..., PostgresStore]

DEAL = Kind(
    "deal",
    (
        Field("name", str, sortable=True),
        Field("owner", str),
        Field("value", int),
        Field("tags", str, many=True),
        Field("years", int, many=True),
    ),
    unique=(("name",), ("owner", "value")),
    paths=(("value",),),
)
CATALOG = Catalog((DEAL,))


def deal(id: str, version: int = 0, **index: object) -> Entry:
    return Entry("deal", id, version, {"name": id, **index}, f'{{"id": "{id}"}}')


class TestPostgresStore(StoreTests):
    examples = 15  # tests/faults/stores/test_lockstep.py tries hundreds

    @pytest.fixture
    def opener(self, connect: Connect) -> Connect:
        return lambda: connect(timeout="5")


class TestPostgresBlobs(BlobsTests):
    @pytest.fixture
    def opener(self, connect: Connect) -> Callable[[], Blobs]:
        return lambda: connect().blobs


@pytest.fixture
def store(connect: Connect) -> PostgresStore:
    store = connect()
    store.prepare(CATALOG)
    return store


# --- many at once -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 200], ids=["statements", "copy"])
def test_many_new_entries_are_kept_like_one(store: PostgresStore, count: int) -> None:
    entries = [deal(f"d{n:03}", value=n, tags=("b", "a\\\t\n"), years=(2 * n, 7)) for n in range(count)]
    with store.transaction() as tx:
        tx.put_many(entries)
    with store.transaction(write=False) as tx:
        found = list(tx.scan("deal"))
    assert [entry.id for entry in found] == [entry.id for entry in entries]
    assert found[2].index == {"name": "d002", "value": 2, "tags": ("a\\\t\n", "b"), "years": (4, 7)}
    assert {entry.version for entry in found} == {1}


@pytest.mark.parametrize("count", [3, 200], ids=["statements", "copy"])
def test_many_entries_fail_like_one_by_one(store: PostgresStore, count: int) -> None:
    # In the middle a name is taken, and an id is: the first of them tells, what was before it is there.
    entries = [deal(f"d{n:03}") for n in range(count)]
    entries.insert(2, Entry("deal", "other", 0, {"name": "d000"}, "{}"))
    entries.append(deal("d000"))
    with store.transaction() as tx:
        with pytest.raises(Duplicate) as caught:
            tx.put_many(entries)
        assert (caught.value.id, caught.value.fields) == ("other", ("name",))
        assert sorted(tx.get_many("deal", ["d000", "d001", "d002"])) == ["d000", "d001"]


def test_many_changed_entries_are_kept_like_one(store: PostgresStore) -> None:
    with store.transaction() as tx:
        tx.put_many([deal(f"d{n}", value=n, tags=("old",)) for n in range(5)])
        tx.put_many([deal(f"d{n}", 1, value=n + 1, tags=("new",)) for n in reversed(range(5))])
        tx.put_many([deal("d0", 2), deal("d9"), deal("d9", 1), Entry("deal", "d1", 2, {"name": "one"}, "{}")])
        with pytest.raises(Conflict):
            tx.put_many([deal("d2", 2), deal("d3", 1)])
    with store.transaction(write=False) as tx:
        found = {entry.id: (entry.version, dict(entry.index)) for entry in tx.scan("deal")}
    assert found == {
        "d0": (3, {"name": "d0"}),
        "d1": (3, {"name": "one"}),
        "d2": (3, {"name": "d2"}),
        "d3": (2, {"name": "d3", "value": 4, "tags": ("new",)}),
        "d4": (2, {"name": "d4", "value": 5, "tags": ("new",)}),
        "d9": (2, {"name": "d9"}),
    }


def test_a_swap_of_uniques_in_one_batch_is_refused_where_one_by_one_is(store: PostgresStore) -> None:
    with store.transaction() as tx:
        tx.put_many([deal("a"), deal("b")])
        with pytest.raises(Duplicate):
            tx.put_many([Entry("deal", "a", 1, {"name": "b"}, "{}"), Entry("deal", "b", 1, {"name": "a"}, "{}")])
        tx.put_many([Entry("deal", "a", 1, {"name": "c"}, "{}"), Entry("deal", "b", 1, {"name": "a"}, "{}")])
        assert list(tx.columns(Query(kind="deal", order=("name",)), ["name"])) == [("a",), ("c",)]


def test_a_refused_unique_leaves_the_transaction_alive(store: PostgresStore) -> None:
    with store.transaction() as tx:
        tx.put(deal("a", owner="jane", value=1))
        tx.put(deal("b", owner="jane", value=2))
        with pytest.raises(Duplicate) as caught:
            tx.put(deal("b", 1, owner="jane", value=1))
        assert caught.value.fields == ("owner", "value")
        tx.put(deal("b", 1, owner="jane", value=3))
    with store.transaction(write=False) as tx:
        assert tx.get("deal", "b").version == 2  # type: ignore[union-attr]


# --- what texts and numbers mean --------------------------------------------------------------------------

texts = strategies.text(alphabet="a\0b%_\\", max_size=4)
kept_texts = strategies.text(alphabet="ab%_\\", max_size=4)
comparisons = strategies.builds(
    Cmp, strategies.just("name"), strategies.sampled_from(["=", "<", "<=", ">", ">="]), texts
)
predicates = strategies.recursive(
    comparisons
    | strategies.builds(Contains, strategies.just("name"), texts)
    | strategies.builds(Has, strategies.just("tags"), texts)
    | strategies.builds(HasBetween, strategies.just("tags"), texts, texts)
    | strategies.builds(OneOf, strategies.just("name"), strategies.lists(texts, max_size=3).map(tuple)),
    lambda inner: (
        strategies.lists(inner, max_size=3).map(lambda parts: All(tuple(parts)))
        | strategies.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts)))
        | inner.map(Not)
    ),
    max_leaves=6,
)


@given(predicates, kept_texts, strategies.lists(kept_texts, max_size=2))
def test_a_nul_in_a_question_means_what_it_means(predicate, name: str, tags: list[str]) -> None:
    index = {"name": name, "tags": tuple(tags)}
    told = without_nul(predicate)
    assert "\\x00" not in repr(told)
    assert matches(told, index) == matches(predicate, index)


NAMES = ("a", "a%b", "a_b", "a\\b", "ab", "A", "é", "ÿ", "\U0001f600", "z", "\ufffd")


@pytest.fixture(scope="module")
def names(postgres: str):
    from tests.stores.postgres_server import fresh

    schema = fresh()
    with psycopg.connect(postgres, autocommit=True) as connection:
        store = open_postgres(with_options(postgres, schema=schema))
        store.prepare(CATALOG)
        with store.transaction() as tx:
            tx.put_many([deal(name, tags=(name, "t")) for name in NAMES])
        yield store
        store.close()
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@given(predicates)
def test_a_predicate_selects_what_it_means(names: PostgresStore, predicate) -> None:
    with names.transaction(write=False) as tx:
        found = [stored.id for stored in tx.find(Query(kind="deal", where=predicate, order=("name",)))]
    assert found == sorted(name for name in NAMES if matches(predicate, {"name": name, "tags": (name, "t")}))


def test_nothing_is_found_under_a_name_with_a_nul(store: PostgresStore) -> None:
    with store.transaction() as tx:
        assert tx.get("deal", "a\0") is None
        assert tx.get_many("deal", ["a\0"]) == {}
        with pytest.raises(Conflict):
            tx.delete("deal", "a\0", 1)
        with pytest.raises(StorageError, match="cursor"):
            tx.find(Query(kind="deal", after=("a\0",)))
        assert tx.get("deal", "a") is None


def test_a_lone_surrogate_is_refused_and_the_transaction_goes_on(store: PostgresStore) -> None:
    with store.transaction() as tx:
        for name, fields in {"name": {"name": "\ud800"}, "tags": {"tags": ("\ud800",)}}.items():
            with pytest.raises(StorageError, match="surrogate"):
                tx.put(deal("a", **fields))
            with pytest.raises(StorageError, match="surrogate"):
                tx.put_many([deal(f"{name}{n}", **fields) for n in range(100)])
        tx.put(deal("b"))
    with store.transaction(write=False) as tx:
        assert [entry.id for entry in tx.scan("deal")] == ["b"]


def test_a_value_too_long_for_an_index_is_refused_in_words(store: PostgresStore) -> None:
    name = os.urandom(4000).hex()
    with pytest.raises(StorageError, match="2,700 bytes"), store.transaction() as tx:
        tx.put(deal("a", name=name))


def test_a_sum_is_exact_or_refused(store: PostgresStore) -> None:
    most = 2**63 - 1
    with store.transaction() as tx:
        tx.put_many([deal("a", value=most), deal("b", value=-1), deal("c", value=1)])
        assert list(tx.tally(Query(kind="deal"), [], [Sum("value")])) == [(most,)]
        with pytest.raises(Overflow):
            tx.tally(Query(kind="deal"), [], [Sum("value", times="value")])
        tx.put(deal("d", value=2))
        with pytest.raises(Overflow):
            tx.tally(Query(kind="deal"), [], [Sum("value")])
        assert tx.get("deal", "d") is not None


# --- layout -----------------------------------------------------------------------------------------------


def test_names_longer_than_postgresql_keeps_stay_apart(connect: Connect) -> None:
    first, second = "f" * 62 + "a", "f" * 62 + "b"
    kind = Kind(
        "k" * 63,
        (Field(first, str), Field(second, str), Field("t" * 63, str, many=True)),
        unique=((first,), (second,)),
        paths=((first, second), (second, first)),
    )
    store = connect()
    store.prepare(Catalog((kind,)))
    with store.transaction() as tx:
        tx.put(Entry(kind.name, "a", 0, {first: "x", second: "y", "t" * 63: ("z",)}, "{}"))
        with pytest.raises(Duplicate) as caught:
            tx.put(Entry(kind.name, "b", 0, {second: "y"}, "{}"))
    assert caught.value.fields == (second,)
    assert len(clipped("x" * 200)) == 63
    assert clipped("x" * 200) != clipped("x" * 201)


def test_each_path_and_unique_is_an_index_search(store: PostgresStore, connect: Connect) -> None:
    queries = {
        "deal__by__value": Query(kind="deal", where=Cmp("value", "=", 7)),
        "deal__unique__owner__value": Query(kind="deal", where=All((Cmp("owner", "=", "o7"), Cmp("value", "=", 7)))),
        "deal__unique__name": Query(kind="deal", order=("name",), after=("d1", "d1"), limit=5),
        "deal__tags__value": Query(kind="deal", where=Has("tags", "t7")),
    }
    with store.transaction() as tx:
        tx.put_many([deal(f"d{n}", owner=f"o{n}", value=n % 9, tags=(f"t{n}",)) for n in range(3000)])
        tx._run("ANALYZE")  # type: ignore[attr-defined]
        for index, query in queries.items():
            text, values = tx._table("deal").compiler.page(query, ("id",))  # type: ignore[attr-defined]
            plan = "\n".join(row[0] for row in tx._run(f"EXPLAIN {text}", values).fetchall())  # type: ignore[attr-defined]
            assert f"using {index} " in plan or f"on {index} " in plan, plan
            assert "Seq Scan" not in plan


def test_a_field_that_becomes_sortable_is_filled_in_every_workspace(connect: Connect) -> None:
    loose = Catalog((Kind("thing", (Field("rank", int), Field("word", str))),))
    strict = Catalog((Kind("thing", (Field("rank", int, sortable=True), Field("word", str, sortable=True))),))
    stores = [connect(workspace=name) for name in ("one", "two")]
    for store in stores:
        store.prepare(loose)
        with store.transaction() as tx:
            tx.put(Entry("thing", "a", 0, {}, "{}"))
    stores[0].prepare(strict)
    for store in stores:
        store.prepare(strict)
        with store.transaction(write=False) as tx:
            query = Query(kind="thing", order=("rank", "word"), after=(-1, "", ""))
            assert list(tx.columns(query, ["rank", "word"])) == [(0, "")]


def test_a_newer_layout_and_one_that_lost_its_record_are_refused(connect: Connect, postgres: str, schema: str) -> None:
    connect().close()
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"INSERT INTO {schema}._steps VALUES (99, 'later')")
        with pytest.raises(NewerFormat, match="later"):
            connect()
        connection.execute(f"DELETE FROM {schema}._steps")
        with pytest.raises(Corrupt):
            connect()


def test_a_schema_of_another_application_is_refused_and_left_as_it_is(
    connect: Connect, postgres: str, schema: str
) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        connect().close()  # an empty one is taken
        connection.execute(f"DROP SCHEMA {schema} CASCADE")
        connection.execute(f"CREATE SCHEMA {schema}")
        connection.execute(f"CREATE TABLE {schema}.opportunity (id text)")
        with pytest.raises(ForeignFile, match=f"{schema} holds tables of another application"):
            connect()
        with pytest.raises(ForeignFile), connection.transaction():
            PostgresStore.around(connection, schema=schema)
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (schema,)).fetchall()
    assert tables == [("opportunity",)]


def test_an_older_layout_is_upgraded_only_when_asked(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    connect().prepare(CATALOG)
    later = ("later", ("CREATE TABLE schema._later (workspace text, id text)", "guard _later"))
    monkeypatch.setattr(postgres_layout, "STEPS", (*postgres_layout.STEPS, later))
    store = connect()
    with pytest.raises(UpgradeNeeded, match="pg_dump"), store.transaction():
        pass
    with pytest.raises(UpgradeNeeded):
        store.prepare(CATALOG)
    store.prepare(CATALOG, upgrade=True)
    other = connect()
    other.prepare(CATALOG)
    with other.transaction() as tx:
        tx.put(deal("a"))


# --- opening and failing ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("workspace=", "workspace"),
        ("workspace=a'b", "workspace"),
        ("schema=pg_catalog", "schema"),
        ("schema=A", "schema"),
        ("timeout=soon", "timeout"),
        ("timeout=0", "timeout"),
        ("pool=0", "pool"),
        ("pool=1.5", "pool"),
        ("prepared=maybe", "prepared"),
        ("nonsense=1", "cannot be read"),
        ("workspace", "cannot be read"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused(options: str, complaint: str) -> None:
    with pytest.raises(OpenError, match=complaint) as caught:
        open_postgres(f"postgresql://jane:s3cret@127.0.0.1/db?{options}")
    assert "s3cret" not in str(caught.value)


def test_a_server_that_is_not_there_is_said_to_be_so_and_no_password_shows() -> None:
    with pytest.raises(Unavailable) as caught:
        open_postgres("postgresql://jane:s3cret@127.0.0.1:1/db")
    assert caught.value.retry
    assert isinstance(caught.value.__cause__, psycopg.OperationalError)
    assert "s3cret" not in str(caught.value) + repr(caught.value.__cause__)


def test_a_database_that_is_not_there_cannot_be_retried(postgres: str) -> None:
    with pytest.raises(Unavailable, match="mend the URL") as caught:
        open_postgres(with_options(postgres, dbname="no_such_database"))
    assert not caught.value.retry


def test_a_database_that_takes_no_writes_is_read_and_not_written(store: PostgresStore, connect: Connect) -> None:
    with store.transaction() as tx:
        tx.put(deal("a"))
    standby = connect(options="-c%20default_transaction_read_only=on")
    standby.prepare(CATALOG)
    with standby.transaction(write=False) as tx:
        assert tx.get("deal", "a") is not None
    with pytest.raises(ReadOnly, match="open the primary") as caught, standby.transaction() as tx:
        tx.put(deal("b"))
    assert isinstance(caught.value.__cause__, psycopg.errors.ReadOnlySqlTransaction)
    with pytest.raises(ReadOnly):
        standby.blobs.keep([b"quote"])


def test_a_connection_that_the_server_ended_is_replaced(store: PostgresStore, postgres: str) -> None:
    with store.transaction() as tx:
        tx.put(deal("a"))
        (pid,) = tx._run("SELECT pg_backend_pid()").fetchone()  # type: ignore[attr-defined]
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    with store.transaction() as tx:
        assert tx.get("deal", "a") is not None


def test_a_transaction_whose_connection_was_lost_says_so_and_keeps_nothing(store: PostgresStore, postgres: str) -> None:
    transaction = store.transaction()
    tx = transaction.__enter__()
    tx.put(deal("a"))
    (pid,) = tx._run("SELECT pg_backend_pid()").fetchone()
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    with pytest.raises(Unavailable):
        tx.get("deal", "a")
    with pytest.raises(StorageError):
        tx.put(deal("b"))
    with pytest.raises(Unavailable) as caught:  # even where what failed was caught, a clean exit does not commit
        transaction.__exit__(None, None, None)
    assert caught.value.retry
    with store.transaction() as tx:
        assert tx.get("deal", "a") is None


def test_a_forked_child_leaves_the_parents_connection_alone(store: PostgresStore) -> None:
    with store.transaction() as tx:
        tx.put(deal("a"))
        child = os.fork()
        if child == 0:
            status = 1
            try:
                store.close()
                try:
                    with store.transaction():
                        pass
                except StoreClosed:
                    status = 0
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        tx.put(deal("b"))
    with store.transaction(write=False) as tx:
        assert sorted(entry.id for entry in tx.scan("deal")) == ["a", "b"]


@pytest.mark.parametrize(
    ("error", "expected", "retry"),
    [
        (psycopg.errors.SerializationFailure("x"), Unavailable, True),
        (psycopg.errors.LockNotAvailable("x"), Unavailable, True),
        (psycopg.errors.TooManyConnections("x"), Unavailable, True),
        (psycopg.errors.AdminShutdown("x"), Unavailable, True),
        (psycopg.errors.InvalidPassword("x"), Unavailable, False),
        (psycopg.errors.IndexCorrupted("x"), Corrupt, None),
        (psycopg.errors.DiskFull("x"), StorageFull, None),
        (psycopg.errors.DuplicateTable("x"), Unavailable, True),
        (psycopg.errors.SyntaxError("one\nDETAIL: a row"), StorageError, None),
    ],
)
def test_an_error_of_the_driver_becomes_one_of_ours(error: Exception, expected: type, retry: bool | None) -> None:
    found = translated(error)
    assert type(found) is expected
    assert getattr(found, "retry", None) is retry
    assert "a row" not in str(found)
    assert str(pickle.loads(pickle.dumps(found))) == str(found)
