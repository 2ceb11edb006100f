"""A PostgreSQL connection that the host lends: a deal and the host's own rows are kept together, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

import salespipeline as sp
from salespipeline.entries import Catalog, Entry, Field, Kind
from salespipeline.errors import Duplicate, ReadOnly, StorageError, StoreClosed, TransactionOpen
from salespipeline.stores.postgres import PostgresStore

Connect = Callable[..., PostgresStore]
CATALOG = Catalog((Kind("deal", (Field("name", str), Field("tags", str, many=True)), unique=(("name",),)),))


def deal(id: str, version: int = 0, **index: object) -> Entry:
    return Entry("deal", id, version, index, "{}")


@pytest.fixture
def host(postgres: str, schema: str, connect: Connect) -> Iterator[psycopg.Connection[Any]]:
    """The host's connection, which likes its rows in its own way, and a table of the host's own."""
    connect().prepare(CATALOG)
    with psycopg.connect(postgres, row_factory=dict_row) as connection:
        connection.execute(f"CREATE TABLE {schema}.host_orders (number text)")
        connection.commit()
        yield connection
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
