"""A schema of PostgreSQL for each mutant that needs one."""

from tests.stores.conftest import connect, schema

__all__ = ["connect", "schema"]
