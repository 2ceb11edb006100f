"""A won deal and the host's order are kept together: in one ``atomic`` block of Django, on SQLite or PostgreSQL.

In a project, the model belongs into the ``models.py`` of an application, and the rest beside its views.
``python examples/embedding/with_django.py`` plays it without a project, on a database in memory.
"""

from __future__ import annotations

import django
from django.conf import settings

if __name__ == "__main__":  # a project has these in its settings.py
    settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
    django.setup()

from django.db import connection, models, transaction

import salespipeline as sp


class Order(models.Model):
    """What the host books where a deal is won."""

    deal = models.CharField(max_length=64, primary_key=True)
    value = models.CharField(max_length=64)

    class Meta:
        """Outside of a project, a model has to say where it belongs."""

        app_label = "shop"


def pipeline(actor: str, files: sp.Blobs) -> sp.Sales:
    """Return the pipeline on this thread's database connection: for the atomic block that it is opened in."""
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        from salespipeline.stores.sqlite import SqliteStore

        return sp.open(SqliteStore.around(connection.connection), actor=actor, blobs=files)
    from salespipeline.stores.postgres import PostgresStore

    return sp.open(PostgresStore.around(connection.connection), actor=actor, blobs=files)


@transaction.atomic  # commits where the function ends, rolls back where it raises
def win(files: sp.Blobs, reference: str, *, actor: str) -> sp.Opportunity:
    """Win a deal and book the order: both, or neither."""
    deal = pipeline(actor, files).opportunities.win(reference)
    Order.objects.create(deal=deal.id, value=str(deal.value))
    return deal


def main() -> None:
    """Play it."""
    files = sp.blobs.Memory()
    with connection.schema_editor() as editor:
        editor.create_model(Order)
    with transaction.atomic():
        sales = pipeline("jane", files)
        sales.settings.stages.add("Prospect")
        acme = sales.contacts.add("Acme Ltd")
        racking = sp.Line("Racking, bay", quantity=40, unit_price="210.00")
        deal = sales.opportunities.create(contact=acme, subject="New warehouse", lines=[racking])
    won = win(files, deal.reference, actor="jane")
    print(won.status, Order.objects.get(deal=won.id).value)


if __name__ == "__main__":
    main()
