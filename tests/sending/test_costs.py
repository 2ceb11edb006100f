"""What a document costs on its way out, counted: not in time, which depends on the machine. (SPEC SEND-5, SEND-6)"""

from __future__ import annotations

from itertools import groupby

import pytest

import salespipeline as sp
from salespipeline.errors import TransactionOpen
from salespipeline.files import KeepsAll, kept_together
from salespipeline.ports import Accepted, Rendered
from salespipeline.stores.sqlite import SqliteStore
from salespipeline.worker import Worker


class Taking:
    """A mailer that takes everything."""

    def send(self, mail):
        del mail
        return Accepted()

    def close(self):
        """Nothing is open."""


class Drawn:
    """A renderer that has drawn already."""

    def render(self, view):
        return Rendered(content=b"%PDF" + view.reference.encode(), media_type="application/pdf")


@pytest.fixture
def shop(tmp_path):
    with sp.open(SqliteStore(tmp_path / "a.db"), actor="jane", mailer=Taking(), renderer=Drawn()) as shop:
        shop.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
        acme = shop.contacts.add("Acme Ltd", email="buyer@acme.example")
        for number in range(12):
            shop.documents.draft(acme, "quote", subject=f"Bay {number}", lines=[sp.Line("Bay", unit_price="10")])
        yield shop


@pytest.fixture
def traced(shop):
    """Return what runs something, and returns the statements that it took."""

    def run(work):
        connection, statements = shop.store._file.session().connection, []
        connection.set_trace_callback(statements.append)
        work()
        connection.set_trace_callback(None)
        return [text for text, _ in groupby(statements)]  # one that starts triggers is told again for each

    return run


def transactions(statements):
    return [text for text in statements if text.startswith("BEGIN")]


def test_a_document_takes_a_worker_four_transactions_and_none_that_is_taken_back(shop, traced):
    """The claim, the bytes, T1 and T2: each is durable, and nothing else is written."""
    shop.documents.order("created").plan_send_all().queue()
    worker = Worker(shop)
    worker.sender.deliver_next()
    statements = traced(worker.sender.deliver_next)
    assert transactions(statements) == ["BEGIN IMMEDIATE"] * 4
    assert statements.count("COMMIT") == 4
    assert len(statements) <= 50


def test_a_document_takes_no_more_where_the_batch_is_carried_out_at_once(shop, traced):
    plan = shop.documents.order("created")[:10].plan_send_all()
    more = shop.documents.order("created")[10:].plan_send_all()
    first, second = traced(plan.run), traced(more.run)
    assert shop.deliveries.where(state="sent").count() == 12
    for_each = (len(transactions(first)) - len(transactions(second))) / 8
    assert for_each == 5, "each mail is made once before the first one leaves: that takes one more, which only reads"
    assert transactions(first).count("BEGIN IMMEDIATE") - transactions(second).count("BEGIN IMMEDIATE") == 4 * 8


def test_contents_are_kept_together(sales):
    contents = [b"", b"a" * 600_000, b"b", b"b"]
    digests = kept_together(sales.blobs, contents)
    assert digests == [sales.blobs.keep([content]) for content in contents]
    assert kept_together(sales.blobs, contents[::-1]) == digests[::-1]
    assert kept_together(sales.blobs, []) == []
    assert [b"".join(sales.blobs.read(digest)) for digest in digests] == contents
    if isinstance(sales.blobs, KeepsAll):
        with sales.transaction(), pytest.raises(TransactionOpen):
            sales.blobs.keep_all(contents)


def test_contents_kept_together_are_not_stale(sales):
    (digest,) = kept_together(sales.blobs, [b"kept a while ago"])
    assert kept_together(sales.blobs, [b"kept a while ago"]) == [digest]
    assert not sales.blobs.discard(digest, 3600)
    assert list(sales.blobs.stale(3600)) == []


def test_a_plan_of_many_takes_as_many_statements_as_one_of_few(shop, traced):
    """What is asked for each document is asked for all of them at once, the numbers that they would get too."""
    acme = shop.contacts["Acme Ltd"]
    with shop.transaction():
        for number in range(30):
            shop.documents.draft(acme, "invoice", subject=f"Bay {number}", lines=[sp.Line("Bay", unit_price="10")])
    few = traced(shop.documents.where(type="invoice").order("created")[:3].plan_send_all)
    many = traced(shop.documents.where(type="invoice").order("created").plan_send_all)
    assert len(few) == len(many) <= 26


def test_a_plan_foresees_the_numbers_that_documents_get(sales, post):
    post()
    acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
    sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
    for type in ("invoice", "quote", "credit_note", "invoice", "pro_forma", "invoice"):
        sales.documents.draft(acme, type, subject="Bay", lines=[sp.Line("Bay", unit_price="10")])
    plan = sales.documents.order("created").plan_send_all()
    foreseen = [row.expected or row.reference for row in plan]
    assert foreseen == [row.reference for row in plan.run()]
    assert foreseen == ["INV/00001", "QUO/00001", "CN/00001", "INV/00002", "PRO/00001", "INV/00003"]
