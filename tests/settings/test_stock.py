"""Stock items: single pieces, each sold once, whoever sells it and however it leaves. (SPEC SET-6)"""

from __future__ import annotations

import contextlib
import threading

import attrs
import pytest
from tests.whole import whole

import salespipeline as sp
from salespipeline.errors import StorageError
from salespipeline.ports import Accepted, NotSent, Unknown
from salespipeline.stores.wrap import FailingAt

PIECE = [{"stock": "SN-7"}]


class Post:
    """A mailer that answers as it is told."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def send(self, mail):
        del mail
        return self.answers.pop(0) if self.answers else Accepted()

    def close(self):
        """Nothing to release."""


@pytest.fixture
def stock(sales):
    stock = sales.settings.stock
    sales.settings.tax_rates.add("T1", "20")
    stock.add("LIFT", "Scissor lift", serial="SN-7", price="4200", cost="3100", tax="T1", unit="pc")
    stock.add("LIFT", "Scissor lift", serial="SN-8", price="4400")
    return stock


@pytest.fixture
def acme(sales):
    return sales.contacts.where(text="acme").one()


@pytest.fixture
def two(sales, stock, acme):
    """Two invoices that sell the same piece."""
    return [sales.documents.draft(acme, "invoice", lines=PIECE) for _ in range(2)]


def sold(stock):
    return [[one.name for one in item.sold] for item in stock.order("serial")]


def test_a_line_copies_what_the_piece_says_and_a_later_change_changes_no_line(sales, stock, acme):
    deal = sales.opportunities.create(contact=acme, subject="Lift", lines=[{"stock": "sn-7", "discount": "5%"}])
    (line,) = deal.lines
    assert (line.source, line.source_id, line.reference) == ("stock", stock["SN-7"].id, "LIFT")
    assert (line.description, str(line.quantity), str(line.unit_price)) == ("Scissor lift (S/N SN-7)", "1", "4200")
    assert (str(line.cost), line.tax.code, line.unit, str(line.discount)) == ("3100", "T1", "pc", "5%")
    assert sales.opportunities.where(source="stock").one() == deal
    stock.edit("SN-7", price="9999", description="Lift, dented")
    assert sales.opportunities[deal.id].lines == (line,)
    assert sales.documents.draft(deal, "quote").lines == (line,)


@pytest.mark.parametrize(
    ("line", "path", "code"),
    [
        ({"stock": "SN-9"}, "lines[0].stock", "unknown"),
        ({"stock": "LIFT"}, "lines[0].stock", "several"),
        ({"stock": 7}, "lines[0].stock", "type"),
        ({"stock": "SN-7", "quantity": 2}, "lines[0].quantity", "stock"),
        ({"stock": "SN-7", "item": "BAY"}, "lines[0].stock", "choice"),
    ],
)
def test_a_line_that_cannot_be_is_refused(sales, stock, acme, line, path, code):
    with pytest.raises(sp.Invalid) as caught:
        sales.documents.draft(acme, "invoice", lines=[line])
    assert [(one.path, one.code) for one in caught.value.problems] == [(path, code)]


def test_the_document_that_sells_it_marks_it_and_it_is_offered_no_longer(sales, stock, two, acme):
    first = sales.documents.mark_sent(two[0])
    (sale,) = stock["SN-7"].sold
    assert (sale.document_id, sale.name, sale.at, sale.by) == (first.id, "invoice 'INV/00001'", first.sent_at, "jane")
    assert [item.serial for item in stock.where(sold=False)] == ["SN-8"]
    with pytest.raises(sp.Invalid, match="stock item 'LIFT SN-7' is sold by invoice 'INV/00001': offer another one"):
        sales.documents.draft(acme, "invoice", lines=PIECE)
    stock.archive("SN-8")
    with pytest.raises(sp.Invalid, match="'LIFT SN-8' is archived"):
        sales.documents.draft(acme, "invoice", lines=[{"stock": "SN-8"}])


def test_a_second_document_is_refused_with_a_reason_and_takes_no_number(sales, stock, two):
    sales.documents.mark_sent(two[0])
    before = whole(sales)
    for second in (two[1], two[1].id):
        with pytest.raises(sp.NotSendable) as caught:
            sales.documents.mark_sent(second)
    assert caught.value.reasons == ("a stock item is sold already",)
    assert "'LIFT SN-7' is sold by invoice 'INV/00001' already; take the line out" in str(caught.value)
    assert "is sold by invoice 'INV/00001' already" in sales.documents.can(two[1], "send").reason
    assert whole(sales) == before
    sales.documents.edit(two[1].id, lines=[{"stock": "SN-8"}])
    assert sales.documents.mark_sent(two[1].id).reference == "INV/00002"
    assert sold(stock) == [["invoice 'INV/00001'"], ["invoice 'INV/00002'"]]


def test_a_quote_offers_and_sells_nothing_and_neither_does_what_only_asks_for_money(sales, stock, acme):
    for type in ("quote", "pro_forma", "application_for_payment"):
        sales.documents.mark_sent(sales.documents.draft(acme, type, lines=PIECE))
    assert sold(stock) == [[], []]


def test_the_documents_of_one_sale_share_the_piece_and_those_of_another_do_not(sales, stock, acme):
    desk = sales.documents
    quote = desk.mark_sent(desk.draft(acme, "quote", lines=PIECE)).id
    copy = desk.duplicate(quote).id
    invoice, again = desk.convert(quote, "invoice"), desk.convert(quote, "invoice")
    delivery = desk.mark_sent(desk.convert(quote, "delivery note"))
    desk.mark_sent(invoice)
    assert sold(stock)[0] == ["delivery note 'DN/00001'", "invoice 'INV/00001'"]
    for other in (
        again,
        desk.convert(copy, "invoice"),
        desk.convert(copy, "delivery note"),
        desk.duplicate(invoice.id),
    ):
        with pytest.raises(sp.NotSendable):
            desk.mark_sent(other)
    revised = desk.mark_sent(desk.revise(delivery))
    assert sold(stock)[0] == ["invoice 'INV/00001'", f"delivery note {revised.reference!r}"]
    assert desk.mark_sent(desk.convert(quote, "purchase order")).reference == "PO/00001"


def test_the_invoice_of_several_deliveries_shares_their_pieces(sales, stock, acme):
    desk = sales.documents
    drafts = []
    for serial in ("SN-7", "SN-8"):
        note = desk.mark_sent(desk.draft(acme, "delivery note", lines=[{"stock": serial}]))
        drafts.append(desk.convert(note, "invoice"))
    assert desk.mark_sent(desk.consolidate(drafts)).reference == "INV/00001"
    assert [len(one) for one in sold(stock)] == [2, 2]


def test_a_purchase_order_has_moved_stock_and_is_not_duplicated(sales, stock, acme):
    order = sales.documents.mark_sent(sales.documents.draft(acme, "purchase order", lines=PIECE))
    assert sold(stock)[0] == ["purchase order 'PO/00001'"]
    with pytest.raises(sp.NotAllowed, match="stock has moved for it"):
        sales.documents.duplicate(order)


def test_send_all_leaves_out_the_second_of_a_plan_and_of_a_letter(sales, stock, two, acme):
    free = sales.documents.draft(acme, "invoice", lines=[sp.Line("x", unit_price=1)])
    plan = sales.documents.order("created").plan_send_all()
    assert [[one.name for one in row.reasons] for row in plan] == [[], ["SOLD"], []]
    assert plan.rows[1].detail == "'LIFT SN-7' is sold by unnumbered invoice (" + two[0].id + ") already"
    together = sales.documents.order("created").plan_send_all(together=True)
    assert [[one.name for one in row.reasons] for row in together] == [[], ["SOLD"], []]
    report = together.run()
    assert [row.state.name for row in report] == ["SENT", "SKIPPED", "SENT"]
    assert [sales.documents[one.id].sent for one in (*two, free)] == [True, False, True]
    assert sold(stock)[0] == ["invoice 'INV/00001'"]


def test_what_was_sold_since_the_plan_does_not_leave(sales, two, acme):
    plan = sales.documents.where(type="invoice", reference=None).plan_send_all()
    sales.documents.mark_sent(sales.documents.draft(acme, "invoice", lines=PIECE))
    report = plan.run()
    assert all(row.reason.startswith("a stock item is sold already") for row in report)
    assert not any(sales.documents[one.id].sent for one in two)


@pytest.mark.parametrize(
    ("answer", "state", "held"),
    [
        (Accepted(), "SENT", True),
        (NotSent(reason="no such user"), "FAILED", False),
        (NotSent(reason="busy", temporary=True), "RETRY_WAIT", False),
        (Unknown(reason="silence"), "UNCERTAIN", True),
    ],
    ids=["accepted", "refused", "later", "unknown"],
)
def test_a_piece_is_sold_exactly_where_the_mail_left_or_may_have(sales, stock, two, answer, state, held):
    sales._mailer = Post(answer)
    row = next(iter(sales.documents.where(reference=None).order("created").plan_send_all().run()))
    assert row.state.name == state
    assert bool(stock["SN-7"].sold) is held
    if state == "UNCERTAIN":
        sales.deliveries.resolve(row.delivery_id, "not_sent", why="they have nothing")
        assert not stock["SN-7"].sold
    if state in ("SENT", "UNCERTAIN"):
        return
    assert sales.documents.mark_sent(two[1].id)  # whoever comes next may sell it


def test_a_store_that_fails_at_any_point_sells_nothing_halfway(opened):
    for number in range(1, 100):
        sales = opened("memory:")
        contact = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
        sales.settings.stock.add("LIFT", "Scissor lift", serial="SN-7", price="1")
        draft = sales.documents.draft(contact, "invoice", lines=PIECE)
        failing = FailingAt(10**9, sales.store)
        other = opened(failing)
        failing.number = failing.calls + number
        with contextlib.suppress(StorageError):
            other.documents.mark_sent(draft)
        assert sales.documents[draft.id].sent is bool(sales.settings.stock["SN-7"].sold)
        if not failing.failed:
            assert number > 10
            return
    raise AssertionError("it never went through")


def test_of_many_who_sell_it_at_the_same_moment_one_does(sales, stock, acme, url, opened):
    drafts = [sales.documents.draft(acme, "invoice", lines=PIECE).id for _ in range(4)]
    other = sales if url == "memory:" else opened(url)
    start, ended = threading.Barrier(4), []

    def send(handle, id):
        start.wait()
        try:
            ended.append(handle.documents.mark_sent(id).reference)
        except sp.NotSendable as error:
            ended.append(error.reasons)

    threads = [
        threading.Thread(target=send, args=(one, id)) for one, id in zip([sales, other] * 2, drafts, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, ended)) == ["('a stock item is sold already',)"] * 3 + ["INV/00001"]
    assert sold(stock)[0] == ["invoice 'INV/00001'"]


def test_it_is_had_again_by_an_explicit_call_once_nothing_that_sold_it_stands(sales, stock, acme):
    desk = sales.documents
    with pytest.raises(sp.Refused, match="is not sold"):
        stock.give_back("SN-7")
    quote = desk.mark_sent(desk.draft(acme, "quote", lines=[*PIECE, sp.Line("Training", unit_price=9)])).id
    desk.mark_sent(desk.convert(quote, "delivery note"))
    invoice = desk.mark_sent(desk.convert(quote, "invoice"))
    with pytest.raises(sp.Refused, match="is sold by invoice 'INV/00001', which stands: cancel or credit that first"):
        stock.give_back("SN-7")
    with pytest.raises(sp.Refused, match="is sold by invoice"):
        stock.delete("SN-7")
    desk.mark_sent(desk.convert(invoice.id, "credit note", quantities={1: 1}))  # another line
    with pytest.raises(sp.Refused):
        stock.give_back("SN-7")
    desk.mark_sent(desk.convert(invoice.id, "credit note", quantities={0: 1}))
    assert stock["SN-7"].sold  # not by itself
    assert stock.give_back("SN-7").sold == ()
    assert [one.action for one in stock.history("SN-7")] == ["added", "sold", "sold", "given back"]
    assert desk.mark_sent(desk.draft(acme, "invoice", lines=PIECE)).reference == "INV/00002"
    desk.cancel("INV/00002")
    assert stock.give_back("SN-7").sold == ()
    order = desk.mark_sent(desk.draft(acme, "purchase order", lines=PIECE))
    with pytest.raises(sp.Refused, match="which stands: cancel that first"):
        stock.give_back("SN-7")
    desk.delete(order, force=True)
    assert stock.give_back("SN-7").sold == ()
    assert desk.verify_seals()[0].ok


def test_a_serial_number_is_unique_within_its_reference(sales, stock):
    with pytest.raises(sp.Duplicate, match=r"another stock_item has the reference 'lift', serial 'sn-7' already"):
        stock.add("lift", "Another", serial="sn-7")
    with pytest.raises(sp.Duplicate):
        stock.edit("SN-8", serial="SN-7")
    assert stock.add("TABLE", "Lift table", serial="SN-7").label == "TABLE SN-7"
    with pytest.raises(sp.NotFound, match="more than one stock item has the serial 'SN-7'"):
        stock["SN-7"]
    assert "SN-8" in stock
    with pytest.raises(sp.Invalid) as caught:
        stock.add("", "", serial="a\0", price=0.1, tax="x", currency="XXQ")
    assert {one.path for one in caught.value.problems} == {
        "reference",
        "description",
        "serial",
        "price",
        "tax",
        "currency",
    }
    with pytest.raises(sp.Invalid, match="documents sell it"):
        stock.edit("SN-8", sold=())
    assert attrs.asdict(stock.edit("SN-8", price="5"))["version"] == 2
