"""A process dies at every single statement, and at every page that it writes: the store is whole, and goes on."""

import pytest
from tests.stores.postgres_deaths import PostgresCutOffs, PostgresDeaths
from tests.stores.sqlite_deaths import SqliteDeaths

pytestmark = pytest.mark.faults


class TestSqlite(SqliteDeaths):
    pass


class TestPostgres(PostgresDeaths):
    pass


class TestCutOff(PostgresCutOffs):
    pass
