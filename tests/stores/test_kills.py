"""A process that dies at a statement leaves a store whole. These are some statements; the faults try every one."""

from tests.stores.postgres_deaths import PostgresCutOffs, PostgresDeaths
from tests.stores.sqlite_deaths import SqliteDeaths


class TestSqlite(SqliteDeaths):
    stride, pages = 11, 7


class TestPostgres(PostgresDeaths):
    stride = 29


class TestCutOff(PostgresCutOffs):
    stride = 29
