"""A won deal and the host's order are kept together: on a plain ``sqlite3`` connection of the host.

``python examples/embedding/with_sqlite.py`` plays it on a database in memory.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing

import salespipeline as sp
from salespipeline.stores.sqlite import SqliteStore

ORDERS = "CREATE TABLE IF NOT EXISTS orders (deal TEXT PRIMARY KEY, value TEXT NOT NULL)"


def pipeline(connection: sqlite3.Connection, actor: str, files: sp.Blobs) -> sp.Sales:
    """Return the pipeline that lives in the host's own file; its tables begin with ``salespipeline_``."""
    return sp.open(SqliteStore.around(connection), actor=actor, blobs=files)


def win(connection: sqlite3.Connection, sales: sp.Sales, reference: str) -> sp.Opportunity:
    """Win a deal and book the order: both, or neither."""
    with connection:  # commits where the block ends, rolls back where it raises
        deal = sales.opportunities.win(reference)
        connection.execute("INSERT INTO orders VALUES (?, ?)", (deal.id, str(deal.value)))
    return deal


def main() -> None:
    """Play it."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(ORDERS)
        sales = pipeline(connection, "jane", sp.blobs.Memory())
        with connection:
            sales.settings.stages.add("Prospect")
            acme = sales.contacts.add("Acme Ltd")
            racking = sp.Line("Racking, bay", quantity=40, unit_price="210.00")
            deal = sales.opportunities.create(contact=acme, subject="New warehouse", lines=[racking])
        won = win(connection, sales, deal.reference)
        print(won.status, connection.execute("SELECT value FROM orders").fetchone())


if __name__ == "__main__":
    main()
