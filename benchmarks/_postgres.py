"""A PostgreSQL server for the measurements, with the durability that it has out of the box."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

sys.path.append(str(Path(__file__).parents[1]))  # the server that the tests start serves here too
from tests.stores.postgres_server import running

DURABLE = ("shared_buffers=256MB", "max_wal_size=4GB", "jit=off")


@contextmanager
def server() -> Iterator[str]:
    """Give the URL of a running server: the one that ``SALESPIPELINE_TEST_POSTGRES`` names, or one of our own."""
    with running(DURABLE) as url:
        yield url


def emptied(url: str) -> None:
    """Remove what an earlier size has left."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS salespipeline CASCADE")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
