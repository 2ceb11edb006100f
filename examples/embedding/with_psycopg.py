"""A won deal and the host's order are kept together: on a plain ``psycopg`` connection of the host.

``python examples/embedding/with_psycopg.py postgresql://…`` plays it, and rolls everything back.
"""

from __future__ import annotations

import sys
from typing import Any

import psycopg

import salespipeline as sp
from salespipeline.stores.postgres import PostgresStore

ORDERS = "CREATE TABLE IF NOT EXISTS orders (deal text PRIMARY KEY, value text NOT NULL)"


def pipeline(connection: psycopg.Connection[Any], actor: str, *, workspace: str = "main") -> sp.Sales:
    """Return the pipeline that lives in the host's database, in the schema ``salespipeline``, files and all."""
    return sp.open(PostgresStore.around(connection, workspace=workspace), actor=actor)


def win(connection: psycopg.Connection[Any], sales: sp.Sales, reference: str) -> sp.Opportunity:
    """Win a deal and book the order: both, or neither."""
    with connection.transaction():  # commits where the block ends, rolls back where it raises
        deal = sales.opportunities.win(reference)
        connection.execute("INSERT INTO orders VALUES (%s, %s)", (deal.id, str(deal.value)))
    return deal


def main(url: str) -> None:
    """Play it."""
    with psycopg.connect(url) as connection, connection.transaction(force_rollback=True):
        connection.execute(ORDERS)
        sales = pipeline(connection, "jane", workspace="embedding-example")
        sales.settings.stages.add("Prospect")
        acme = sales.contacts.add("Acme Ltd")
        racking = sp.Line("Racking, bay", quantity=40, unit_price="210.00")
        deal = sales.opportunities.create(contact=acme, subject="New warehouse", lines=[racking])
        won = win(connection, sales, deal.reference)
        print(won.status, connection.execute("SELECT value FROM orders WHERE deal = %s", (won.id,)).fetchone())


if __name__ == "__main__":
    main(sys.argv[1])
