"""The PostgreSQL store keeps the storage contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from tests.stores.postgres_server import fresh, with_options

from salespipeline.stores.postgres import PostgresStore, open_postgres
from salespipeline.testing import StoreTests


@pytest.fixture
def schema(postgres: str) -> Iterator[str]:
    """A schema of the test's own: each suite declares kinds as it likes."""
    name = fresh()
    yield name
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")


class TestPostgresStore(StoreTests):
    @pytest.fixture
    def opener(self, postgres: str, schema: str) -> Iterator[Callable[[], PostgresStore]]:
        opened: list[PostgresStore] = []

        def opener() -> PostgresStore:
            opened.append(open_postgres(with_options(postgres, schema=schema, timeout="5")))
            return opened[-1]

        yield opener
        for store in opened:
            store.close()
