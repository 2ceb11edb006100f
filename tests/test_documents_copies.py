"""Credit notes, deliveries, deposits, consolidation, revisions, on every store. (SPEC DOC-1, DOC-4, DOC-5)"""

from __future__ import annotations

from decimal import Decimal

import pytest

import salespipeline as sp
from salespipeline.errors import Conflict

LINES = [
    sp.Line("Desk", quantity=4, unit_price="100.00", tax="20", discount="10.00"),
    sp.Line("Book", quantity=3, unit_price="33.33", tax="0"),
]  # nets 390.00 and 99.99; tax 78.00; total 567.99


@pytest.fixture
def acme(sales):
    return sales.contacts.where(text="acme").one()


@pytest.fixture
def invoice(sales, acme):
    return sales.documents.mark_sent(sales.documents.draft(acme, "invoice", lines=LINES))


@pytest.fixture
def order(sales, acme):
    return sales.documents.mark_sent(sales.documents.draft(acme, "purchase order", lines=LINES))


# --- credit notes ------------------------------------------------------------------------------------------


def test_a_credit_note_in_full_is_the_exact_mirror_and_settles_the_invoice(sales, invoice):
    note = sales.documents.convert(invoice, "credit note")
    assert (note.totals.net, note.totals.tax) == (-invoice.totals.net, -invoice.totals.tax)
    assert str(sales.documents[invoice.id].balance) == "567.99 GBP"  # a draft settles nothing yet
    sales.documents.mark_sent(note)
    after = sales.documents[invoice.id]
    assert (str(after.balance), after.state(after.date)) == ("0.00 GBP", "credited")
    assert str(sales.documents[note.id].balance) == "0.00 GBP"
    assert sales.documents.where(type="invoice", balance="0 GBP").one() == after


def test_a_part_takes_its_share_of_the_discount_and_never_more_than_is_left(sales, invoice):
    desk = sales.documents
    first = desk.convert(invoice.id, "credit note", quantities={0: 1, 1: "2"})
    # 100.00 − 2.50 = 97.50 at 20 %: 19.50; 66.66 at 0 %
    assert [str(first.totals.net), str(first.totals.tax), str(first.total)] == [
        "-164.16 GBP",
        "-19.50 GBP",
        "-183.66 GBP",
    ]
    with pytest.raises(sp.Invalid, match="is left on invoice 'INV/00001'") as caught:
        desk.convert(invoice.id, "credit note", quantities={0: 4})
    assert "390.00 GBP at 20% (S) cannot be credited: 292.50 GBP" in str(caught.value)
    assert desk.where(type="credit_note").count() == 1
    second = desk.convert(invoice.id, "credit note", quantities={0: 3, 1: 1})
    assert str(second.total) == "-384.33 GBP"  # 292.50 + 58.50 + 33.33
    assert desk[invoice.id].total == -(first.total + second.total)
    with pytest.raises(sp.Invalid, match=r"0\.00 GBP of it is left"):
        desk.convert(invoice.id, "credit note", quantities={1: 1})
    desk.cancel(second)
    assert desk.convert(invoice.id, "credit note", quantities={0: 3, 1: 1}).total == second.total


def test_an_edited_credit_note_is_held_to_what_is_left(sales, invoice):
    note = sales.documents.convert(invoice, "credit note", quantities={1: 1})
    with pytest.raises(sp.Invalid, match=r"cannot be credited: 99\.99 GBP"):
        sales.documents.edit(note, lines=[sp.Line("Book", quantity=-1, unit_price="100.00", tax="0")])
    with pytest.raises(sp.Invalid, match=r"cannot be credited: 0\.00 GBP"):
        sales.documents.edit(note, lines=[sp.Line("Book", quantity=-1, unit_price="1.00", tax="5")])
    edited = sales.documents.edit(note, lines=[sp.Line("Goodwill", quantity=-1, unit_price="99.99", tax="0")])
    assert str(edited.total) == "-99.99 GBP"


@pytest.mark.parametrize("quantities", [{0: 5}, {0: -1}, {0: 0}, {2: 1}, {"0": 1}, {}, {0: 1.0}])
def test_a_part_that_is_none_is_refused(sales, invoice, quantities):
    with pytest.raises(sp.Invalid, match="quantit"):
        sales.documents.convert(invoice, "credit note", quantities=quantities)
    assert sales.documents.count() == 1


def test_two_who_credit_at_once_meet_at_the_invoice(sales, invoice):
    stale = sales.documents[invoice.id]
    sales.documents.convert(invoice.id, "credit note", quantities={0: 4})
    with pytest.raises(Conflict):
        sales.documents.convert(stale, "credit note", quantities={0: 4})


def test_what_is_paid_twice_is_owed_to_the_client(sales, invoice):
    desk = sales.documents
    desk.pay(invoice.id, "567.99")
    desk.mark_sent(desk.convert(invoice.id, "credit note", quantities={1: 3}))
    owed = desk[invoice.id]
    assert (str(owed.balance), owed.state(owed.date)) == ("-99.99 GBP", "part paid")
    with pytest.raises(sp.Invalid, match=r"the balance is -99\.99 GBP"):
        desk.pay(invoice.id, "10.00")
    assert str(desk.pay(invoice.id, "-99.99").balance) == "0.00 GBP"


def test_an_invoice_with_credit_notes_is_neither_cancelled_nor_deleted(sales, invoice):
    note = sales.documents.convert(invoice.id, "credit note")
    for move in (sales.documents.cancel, lambda one: sales.documents.delete(one, force=True)):
        with pytest.raises(sp.NotAllowed, match="cancel or delete those first"):
            move(invoice.id)
    sales.documents.delete(note)
    assert sales.documents.cancel(invoice.id).cancelled is not None


def test_a_draft_invoice_is_not_credited(sales, acme):
    draft = sales.documents.draft(acme, "invoice", lines=LINES)
    with pytest.raises(sp.NotAllowed, match="not issued yet"):
        sales.documents.convert(draft, "credit note")


# --- deliveries --------------------------------------------------------------------------------------------


def test_deliveries_go_by_quantities_until_everything_is_there(sales, order):
    desk = sales.documents
    first = desk.convert(order.id, "delivery note", quantities={0: "1.5"})
    assert [(line.description, str(line.quantity), line.of) for line in first.lines] == [("Desk", "1.5", 0)]
    rest = desk.convert(order.id, "delivery note")
    assert [(line.of, str(line.quantity)) for line in rest.lines] == [(0, "2.5"), (1, "3")]
    with pytest.raises(sp.NotAllowed, match="is delivered in full"):
        desk.convert(order.id, "delivery note")
    with pytest.raises(sp.Invalid, match="1 of 'Book' cannot be delivered: 0 of it is left"):
        desk.convert(order.id, "delivery note", quantities={1: 1})
    desk.delete(rest)
    with pytest.raises(sp.Invalid, match="5 of 'Desk' cannot be delivered: 4 of it"):
        desk.edit(
            first, lines=[sp.Line("Desk", quantity=4, unit_price="100.00", of=0), sp.Line("Desk", unit_price=1, of=0)]
        )
    assert desk.convert(order.id, "delivery note", quantities={1: 3}).lines[0].quantity == Decimal(3)


def test_an_order_that_was_delivered_is_not_revised(sales, order):
    sales.documents.convert(order.id, "delivery note", quantities={0: 1})
    with pytest.raises(sp.NotAllowed, match="delivery notes"):
        sales.documents.revise(order.id)


# --- deposits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "net", "tax"),
    # 30 % of 390.00 and 99.99: 117.00 and 30.00; 100.00 by 39000 and 9999: 79.59 and 20.41
    [("30%", "147.00", "23.40"), ("100.00", "100.00", "15.92")],
)
def test_a_deposit_has_the_taxes_of_the_quote_and_is_taken_off_exactly(sales, acme, share, net, tax):
    desk = sales.documents
    quote = desk.draft(acme, "quote", lines=LINES)
    deposit = desk.deposit(quote.id, share)
    assert (str(deposit.totals.net.amount), str(deposit.totals.tax.amount)) == (net, tax)
    with pytest.raises(sp.Invalid, match="was not sent yet"):
        desk.convert(quote.id, "invoice", deduct=[deposit])
    deposit = desk.mark_sent(deposit)
    final = desk.convert(quote.id, "invoice", deduct=[deposit])
    assert final.totals.net + deposit.totals.net == quote.totals.net
    assert final.lines[-1].description.endswith("(INV/00001)")
    with pytest.raises(sp.Invalid, match="is deducted on another invoice already"):
        desk.convert(quote.id, "invoice", deduct=[deposit.id])
    desk.delete(final)
    assert desk.convert(quote.id, "invoice", deduct=[deposit.id]).total == final.total


def test_deposits_never_come_to_more_than_the_quote(sales, acme):
    quote = sales.documents.draft(acme, "quote", lines=LINES)
    sales.documents.deposit(quote.id, "60%")
    with pytest.raises(sp.Invalid, match="is more than the"):
        sales.documents.deposit(quote.id, "50%")
    for wrong in ("0%", "101%", "-5", "489.999"):
        with pytest.raises(sp.Invalid):
            sales.documents.deposit(quote.id, wrong)
    other = sales.documents.draft(acme, "quote", lines=LINES)
    with pytest.raises(sp.Invalid, match="is not a deposit on"):
        sales.documents.convert(other, "invoice", deduct=[quote.id])


# --- several into one --------------------------------------------------------------------------------------


def test_unsent_invoices_of_one_contact_are_put_together(sales, acme):
    desk = sales.documents
    first = desk.draft(acme, "invoice", lines=LINES, discount="7%", note="First")
    second = desk.draft(acme, "invoice", lines=LINES[1:], charges=[{"description": "Carriage", "amount": 5, "tax": 20}])
    both = desk.consolidate([first, second])
    for rate in both.totals.taxes:
        nets = [tax.net for one in (first, second) for tax in one.totals.taxes if tax.percent == rate.percent]
        assert rate.net == sum(nets, sp.Money.zero("GBP"))
    assert [desk[one.id].state(both.created_at.date()) for one in (first, second)] == ["superseded", "superseded"]
    with pytest.raises(sp.NotAllowed, match="took its place"):
        desk.mark_sent(first.id)
    desk.delete(both)
    assert desk.mark_sent(first.id).reference == "INV/00001"


def test_only_what_is_alike_is_put_together(sales, acme):
    desk = sales.documents
    one = desk.draft(acme, "invoice", lines=LINES)
    other = desk.draft(sales.contacts.add("Harlow Foods"), "invoice", lines=LINES, currency="EUR")
    with pytest.raises(sp.Invalid) as caught:
        desk.consolidate([one, other])
    assert [problem.code for problem in caught.value.problems] == ["contact", "mixed"]
    for wrong in ([one], [one, one], []):
        with pytest.raises(sp.Invalid, match="at least two"):
            desk.consolidate(wrong)
    with pytest.raises(sp.NotAllowed, match="it was sent on"):
        desk.consolidate([desk.mark_sent(one), desk.draft(acme, "invoice", lines=LINES)])
    with pytest.raises(sp.NotAllowed, match="no quote can"):
        desk.consolidate([desk.draft(acme, "quote", lines=LINES), desk.draft(acme, "invoice", lines=LINES)])


# --- revisions and duplicates ------------------------------------------------------------------------------


def test_there_are_never_two_current_revisions(sales, acme):
    desk = sales.documents
    quote = desk.mark_sent(desk.draft(acme, "quote", lines=LINES))
    second = desk.mark_sent(desk.revise(quote.id))
    third = desk.revise(second.id, note="As agreed")
    assert [one.reference for one in (quote, second, third)] == ["QUO/00001", "QUO/00001-R1", "QUO/00001-R2"]
    for stale in (quote.id, second.id):
        with pytest.raises(sp.NotAllowed, match="took its place"):
            desk.revise(stale)
    assert [one.id for one in desk.where(superseded=False)] == [third.id]
    desk.delete(third)
    assert desk.revise(second.id).reference == "QUO/00001-R2"


def test_a_duplicate_is_deep_and_free(sales, invoice):
    copy = sales.documents.duplicate(invoice)
    assert (copy.lines, copy.takes, copy.taken, copy.payments, copy.reference) == (invoice.lines, "", (), (), None)
    sales.documents.edit(copy, lines=LINES[:1])
    assert sales.documents[invoice.id].lines == invoice.lines
