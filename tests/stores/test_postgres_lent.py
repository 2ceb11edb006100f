"""A PostgreSQL connection that the host lends: a deal and the host's own rows are kept together, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.stores.lending import Host
from tests.stores.postgres_server import blocked

import salespipeline as sp
from salespipeline.entries import Catalog, Entry, Field, Kind
from salespipeline.errors import Duplicate, ReadOnly, StorageError, StoreClosed, TransactionOpen, Unavailable
from salespipeline.stores.postgres import PostgresStore
from salespipeline.testing import StoreTests
from salespipeline.testing.clauses.together import together

Connect = Callable[..., PostgresStore]
CATALOG = Catalog((Kind("deal", (Field("name", str), Field("tags", str, many=True)), unique=(("name",),)),))


def deal(id: str, version: int = 0, **index: object) -> Entry:
    return Entry("deal", id, version, index, "{}")


class TestLentPostgresStore(StoreTests):
    examples = 8  # what differs from a connection of the store's own is where transactions begin and end

    @pytest.fixture
    def opener(self, postgres: str, schema: str) -> Iterator[Callable[[], Host]]:
        opened: list[psycopg.Connection[Any]] = []

        def connect() -> psycopg.Connection[Any]:
            connection = psycopg.connect(postgres, options="-c lock_timeout=5s")
            opened.append(connection)
            return connection

        def begins(connection: psycopg.Connection[Any], write: bool) -> None:
            # The isolation level is the host's choice, and one view for all statements is what this one gives.
            if connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                connection.isolation_level = None if write else psycopg.IsolationLevel.REPEATABLE_READ

        yield lambda: Host(connect, lambda connection: PostgresStore.around(connection, schema=schema), begins)
        for connection in opened:
            connection.close()


@pytest.fixture
def host(postgres: str, schema: str, connect: Connect) -> Iterator[psycopg.Connection[Any]]:
    """The host's connection, which likes its rows in its own way, and a table of the host's own."""
    connect().prepare(CATALOG)
    with psycopg.connect(postgres, row_factory=dict_row) as connection:
        connection.execute(f"CREATE TABLE {schema}.host_orders (number text)")
        connection.commit()
        yield connection
        if not connection.closed:
            connection.rollback()


@pytest.fixture
def store(host: psycopg.Connection[Any], schema: str) -> PostgresStore:
    store = PostgresStore.around(host, schema=schema)
    store.prepare(CATALOG)
    host.commit()
    return store


def seen(connect: Connect, schema: str) -> tuple[list[str], int]:
    """What others see: the deals, and how many orders the host has."""
    other = connect()
    other.prepare(CATALOG)
    with other.transaction(write=False) as tx:
        (orders,) = tx._run(f"SELECT count(*) FROM {schema}.host_orders").fetchone()
        return [entry.id for entry in tx.scan("deal")], orders


@pytest.mark.parametrize("commits", [True, False])
def test_a_deal_and_the_hosts_row_are_kept_together_or_not_at_all(
    host: psycopg.Connection[Any], store: PostgresStore, connect: Connect, schema: str, commits: bool
) -> None:
    host.execute(f"INSERT INTO {schema}.host_orders VALUES ('7')")
    with store.transaction() as tx:
        tx.put_many([deal("a", name="x", tags=("vip",)), deal("b")])
        assert tx.next_number("INV") == 1
    assert seen(connect, schema) == ([], 0)
    if commits:
        host.commit()
        assert seen(connect, schema) == (["a", "b"], 1)
    else:
        host.rollback()
        assert seen(connect, schema) == ([], 0)


def test_what_fails_inside_takes_nothing_of_the_hosts_with_it(
    host: psycopg.Connection[Any], store: PostgresStore, connect: Connect, schema: str
) -> None:
    host.execute(f"INSERT INTO {schema}.host_orders VALUES ('7')")
    with pytest.raises(Duplicate), store.transaction() as tx:  # noqa: PT012
        tx.put(deal("a", name="x"))
        tx.put(deal("b", name="x"))
    with store.transaction() as tx:
        tx.put(deal("c"))
    host.commit()
    assert seen(connect, schema) == (["c"], 1)


def test_rules_of_transactions_hold_on_a_lent_connection(host: psycopg.Connection[Any], store: PostgresStore) -> None:
    with store.transaction(write=False) as tx:
        with pytest.raises(ReadOnly):
            tx.put(deal("a"))
        with pytest.raises(TransactionOpen), store.transaction():
            pass
    store.close()
    with pytest.raises(StoreClosed), store.transaction():
        pass
    assert not host.closed


def test_a_lent_connection_has_one_transaction_whichever_thread_began_it(
    host: psycopg.Connection[Any], store: PostgresStore
) -> None:
    def nested() -> None:
        with store.transaction():
            pass

    with store.transaction() as tx:
        tx.put(deal("a"))
        found = together(nested, store.close)
        assert [type(error) for error in found] == [TransactionOpen, TransactionOpen]
        tx.put(deal("b"))
    with store.transaction() as tx:
        assert [entry.id for entry in tx.scan("deal")] == ["a", "b"]


def test_a_connection_that_the_host_has_closed_is_told_in_our_words(
    host: psycopg.Connection[Any], store: PostgresStore
) -> None:
    host.close()
    with pytest.raises(Unavailable), store.transaction():
        pass
    assert "lent connection" in repr(store)
    store.close()
    with pytest.raises(StoreClosed, match="lent connection"), store.transaction():
        pass


def test_of_two_hosts_that_make_the_same_tables_the_second_is_told_to_run_it_again(postgres: str, schema: str) -> None:
    with psycopg.connect(postgres) as first, psycopg.connect(postgres) as second, ThreadPoolExecutor(1) as other:
        PostgresStore.around(first, schema=schema)
        waiting = other.submit(PostgresStore.around, second, schema=schema)
        blocked(postgres)
        first.commit()
        with pytest.raises(Unavailable, match="same tables") as caught:
            waiting.result(30)
        assert caught.value.retry
        second.rollback()
        PostgresStore.around(second, schema=schema).prepare(CATALOG)


def test_a_connection_that_commits_by_itself_is_read_and_not_written(
    host: psycopg.Connection[Any], schema: str, connect: Connect
) -> None:
    host.autocommit = True
    store = PostgresStore.around(host, schema=schema)
    store.prepare(CATALOG)
    with store.transaction(write=False) as tx:
        assert tx.get("deal", "a") is None
    assert host.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    with pytest.raises(StorageError, match="begin one"), store.transaction():
        pass
    with host.transaction(), store.transaction() as tx:
        tx.put(deal("a"))
    assert seen(connect, schema) == (["a"], 0)


def test_files_are_kept_with_the_hosts_transaction(host: psycopg.Connection[Any], store: PostgresStore) -> None:
    digest = store.blobs.keep([b"quote"])
    assert b"".join(store.blobs.read(digest)) == b"quote"
    host.rollback()
    with pytest.raises(sp.NotFound):
        store.blobs.read(digest)


def test_a_pipeline_forgets_settings_that_the_host_rolled_back(host: psycopg.Connection[Any], schema: str) -> None:
    sales = sp.open(PostgresStore.around(host, schema=schema, workspace="other"))
    host.commit()
    sales.settings.stages.add("Prospect")
    assert [stage.label for stage in sales.settings.stages] == ["Prospect"]
    host.rollback()
    assert list(sales.settings.stages) == []
    sales.settings.stages.add("Enquiry")
    assert [stage.label for stage in sales.settings.stages] == ["Enquiry"]
    host.commit()
    assert [stage.label for stage in sales.settings.stages] == ["Enquiry"]
