"""A won deal and the host's order are kept together: in one SQLAlchemy session, on SQLite or PostgreSQL.

``python examples/embedding/with_sqlalchemy.py [URL]`` plays it; without a URL on a database in memory.
"""

from __future__ import annotations

import sqlite3
import sys

from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import salespipeline as sp


class Base(DeclarativeBase):
    """The host's tables."""


class Order(Base):
    """What the host books where a deal is won."""

    __tablename__ = "orders"

    deal: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


def pipeline(session: Session, actor: str, files: sp.Blobs) -> sp.Sales:
    """Return the pipeline on the connection that *session* holds: for this session's transaction, no longer."""
    driver = session.connection().connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        from salespipeline.stores.sqlite import SqliteStore

        return sp.open(SqliteStore.around(driver), actor=actor, blobs=files)
    from salespipeline.stores.postgres import PostgresStore

    return sp.open(PostgresStore.around(driver), actor=actor, blobs=files)


def win(session: Session, files: sp.Blobs, reference: str, *, actor: str) -> sp.Opportunity:
    """Win a deal and book the order, in the session's transaction: the caller commits both, or neither."""
    deal = pipeline(session, actor, files).opportunities.win(reference)
    session.add(Order(deal=deal.id, value=str(deal.value)))
    session.flush()  # what the host's rules refuse is refused here
    return deal


def main(url: str = "sqlite://") -> None:
    """Play it."""
    engine, files = create_engine(url), sp.blobs.Memory()
    with Session(engine) as session:  # rolled back at the end: nothing was committed
        Base.metadata.create_all(session.connection())
        sales = pipeline(session, "jane", files)
        sales.settings.stages.add("Prospect")
        acme = sales.contacts.add("Acme Ltd")
        racking = sp.Line("Racking, bay", quantity=40, unit_price="210.00")
        deal = sales.opportunities.create(contact=acme, subject="New warehouse", lines=[racking])
        won = win(session, files, deal.reference, actor="jane")
        print(won.status, session.scalars(select(Order.value).where(Order.deal == won.id)).one())
    engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:2])
