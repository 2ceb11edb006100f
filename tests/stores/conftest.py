"""What the tests of several stores share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.stores.postgres_server import fresh, with_options


@pytest.fixture
def schema(postgres: str) -> Iterator[str]:
    """The name of a schema in PostgreSQL that is the test's own, and goes with it."""
    import psycopg

    name = fresh()
    yield name
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")


@pytest.fixture
def connect(postgres: str, schema: str) -> Iterator[Callable[..., Any]]:
    """Open handles on the test's own schema, which are closed when it is over."""
    from salespipeline.stores.postgres import PostgresStore, open_postgres

    opened: list[PostgresStore] = []

    def connect(**options: str) -> PostgresStore:
        url = options.pop("url", postgres)
        opened.append(open_postgres(with_options(url, **{"schema": schema, "timeout": "10", **options})))
        return opened[-1]

    yield connect
    for store in opened:
        store.close()
