"""How processes die on PostgreSQL: killed at a statement, or cut off by the server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from tests.stores.killing import cut_off_in_postgres, killed_in_postgres
from tests.stores.kills import Deaths
from tests.stores.postgres_server import fresh, with_options

from salespipeline.errors import Unavailable
from salespipeline.stores import postgres_layout
from salespipeline.stores.postgres import PostgresStore, open_postgres


class PostgresDeaths(Deaths):
    """Deaths of processes that have transactions open in PostgreSQL."""

    @pytest.fixture(autouse=True)
    def _places(self, postgres: str) -> Iterator[None]:
        self.server, self.schemas = postgres, list[str]()
        yield
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute("SET client_min_messages = warning")
            for name in self.schemas:
                connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")

    def new(self) -> Callable[[], PostgresStore]:
        """Return what opens handles on a schema that is not there yet."""
        self.schemas.append(fresh())
        url = with_options(self.server, schema=self.schemas[-1], timeout="20")
        return lambda: open_postgres(url)

    def struck(self, task: Callable[[], Any], number: int) -> bool:
        """Kill a process that does *task* before its statement of this *number*."""
        return killed_in_postgres(task, number)

    @contextlib.contextmanager
    def layouts(self, *names: str) -> Iterator[None]:
        """Be a version whose layout has these steps more."""
        more = [(name, (f"CREATE TABLE schema.{name} (workspace text, a text)", f"guard {name}")) for name in names]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(postgres_layout, "STEPS", (*postgres_layout.STEPS, *more))
            yield


class PostgresCutOffs(PostgresDeaths):
    """The server ends the connection, as at a restart: the process lives on, and is told what can be told."""

    def struck(self, task: Callable[[], Any], number: int) -> bool:
        """Do *task*, whose connection is ended before its statement of this *number*."""

        def told() -> None:
            with contextlib.suppress(Unavailable):
                task()

        return cut_off_in_postgres(told, number, self.server)
