"""Approval, jobs, payments, expiry and deletion, on every store. (SPEC DOC-2, DOC-5, DOC-8, DOC-9, DOC-11, JOB-1)"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

import salespipeline as sp
from salespipeline.domain.document import Approval

LINE = sp.Line("Racking", quantity=1, unit_price="1000.00", tax="20")  # 1,200.00 with tax


@pytest.fixture
def acme(sales):
    return sales.contacts.where(text="acme").one()


@pytest.fixture
def limits(sales):
    sales.settings.users.edit("jane", approval_limit="1199.99 GBP")
    sales.settings.users.edit("tom", approval_limit="1200 GBP")
    sales.settings.users.add("Ada Byrne", id="ada")
    return sales.acting("tom"), sales.acting("ada")


def test_a_purchase_order_above_the_limit_waits_for_somebody_whose_limit_is_as_high(sales, acme, limits):
    tom, ada = limits
    order = sales.documents.draft(acme, "purchase order", lines=[LINE])
    assert order.approval is Approval.PENDING
    with pytest.raises(sp.Refused, match="not drawn while its approval is pending"):
        sales.documents.pdf(order)
    with pytest.raises(sp.NotAllowed, match="approval is pending"):
        sales.documents.mark_sent(order)
    assert [row.reasons[0].value for row in sales.documents.all().plan_send_all()] == ["approval pending"]
    for desk, why in ((sales, "their limit is 1,199.99 GBP"), (ada, "they have no approval limit")):
        assert why in desk.documents.can(order, "approve").reason
        with pytest.raises(sp.NotAllowed, match=why):
            desk.documents.approve(order)
    assert tom.documents.can(order, "approve")
    approved = tom.documents.approve(order, "Needed in May")
    assert (approved.approval, approved.approval_fact.by) == (Approval.APPROVED, "tom")
    dearer = sales.documents.edit(approved, lines=[LINE, LINE])
    assert dearer.approval is Approval.PENDING
    with pytest.raises(sp.NotAllowed, match=r"its total is 2,400\.00 GBP"):
        tom.documents.approve(dearer)


def test_within_the_limit_nobody_is_asked_and_another_currency_is_never_within(sales, acme, limits):
    tom, ada = limits
    assert tom.documents.draft(acme, "purchase order", lines=[LINE]).approval is Approval.NOT_NEEDED
    assert ada.documents.draft(acme, "purchase order", lines=[LINE]).approval is Approval.PENDING
    abroad = tom.documents.draft(acme, "purchase order", lines=[LINE], currency="EUR")
    assert abroad.approval is Approval.PENDING
    assert "their limit is in GBP, and it is in EUR" in tom.documents.can(abroad, "approve").reason
    assert ada.documents.draft(acme, "quote", lines=[LINE]).approval is Approval.NOT_NEEDED


def test_where_nobody_has_a_limit_orders_need_no_approval(sales, acme):
    assert sales.documents.draft(acme, "purchase order", lines=[LINE]).approval is Approval.NOT_NEEDED


def test_a_revised_order_is_approved_anew(sales, acme, limits):
    tom, _ = limits
    order = tom.documents.mark_sent(tom.documents.draft(acme, "purchase order", lines=[LINE]))
    assert sales.documents.revise(order).approval is Approval.PENDING


@pytest.mark.parametrize("limit", ["-1 GBP", "lots", "100"])
def test_a_limit_is_money(sales, limit):
    with pytest.raises(sp.Invalid):
        sales.settings.users.add("Ada", approval_limit=limit)


# --- payments ----------------------------------------------------------------------------------------------


def test_payments_bring_the_balance_to_nothing_and_not_beyond(sales, acme, clock):
    invoice = sales.documents.mark_sent(sales.documents.draft(acme, "invoice", lines=[LINE]))
    today = invoice.date
    assert (invoice.state(invoice.due), invoice.overdue(invoice.due)) == ("sent", False)
    late = date.fromordinal(invoice.due.toordinal() + 1)
    assert invoice.state(late) == "overdue"
    part = sales.documents.pay(invoice, "200.00", on=date(2026, 12, 1), note="by cheque")
    assert (str(part.balance), part.state(today), part.state(late)) == ("1,000.00 GBP", "part paid", "overdue")
    for wrong in ("1000.01", "0", "-1", "5 EUR"):
        with pytest.raises(sp.Invalid):
            sales.documents.pay(part, wrong)
    paid = sales.documents.pay(part, "1000 GBP")
    assert (str(paid.balance), paid.state(late), len(paid.payments)) == ("0.00 GBP", "paid", 2)
    with pytest.raises(sp.NotAllowed, match="it is paid in full"):
        sales.documents.pay(paid, "0.01")


def test_an_application_for_payment_takes_none(sales, acme):
    asked = sales.documents.mark_sent(sales.documents.draft(acme, "application for payment", lines=[LINE]))
    with pytest.raises(sp.NotAllowed, match="make an invoice from it"):
        sales.documents.pay(asked, "1")
    assert sales.documents.convert(asked, "invoice").total == asked.total


# --- the end of a day --------------------------------------------------------------------------------------

# A quote of 3 days, and the last and the first moment of its life: with summer time beginning and ending in it, in zones
# whose midnight does not exist or comes twice, and on both sides of the date line.
ENDS = [
    ("UTC", datetime(2026, 11, 24, 9, tzinfo=UTC), datetime(2026, 11, 28, tzinfo=UTC)),
    ("Europe/London", datetime(2026, 3, 27, 9, tzinfo=UTC), datetime(2026, 3, 30, 23, tzinfo=UTC)),
    ("Europe/London", datetime(2026, 10, 23, 9, tzinfo=UTC), datetime(2026, 10, 27, 0, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 10, 29, 9, tzinfo=UTC), datetime(2026, 11, 2, 5, tzinfo=UTC)),
    ("America/Havana", datetime(2026, 3, 4, 9, tzinfo=UTC), datetime(2026, 3, 8, 5, tzinfo=UTC)),
    ("Asia/Beirut", datetime(2026, 3, 25, 9, tzinfo=UTC), datetime(2026, 3, 28, 22, tzinfo=UTC)),
    ("Pacific/Kiritimati", datetime(2026, 11, 24, 9, tzinfo=UTC), datetime(2026, 11, 27, 10, tzinfo=UTC)),
    ("Pacific/Pago_Pago", datetime(2026, 11, 24, 12, tzinfo=UTC), datetime(2026, 11, 28, 11, tzinfo=UTC)),
    ("Asia/Kathmandu", datetime(2026, 11, 24, 9, tzinfo=UTC), datetime(2026, 11, 27, 18, 15, tzinfo=UTC)),
]


@pytest.mark.parametrize("url", ["memory:"])
@pytest.mark.parametrize(("zone", "issued", "end"), ENDS)
def test_a_quote_lives_until_the_end_of_a_local_day(sales, acme, clock, zone, issued, end):
    from datetime import timedelta

    sales.settings.edit_organisation(time_zone=zone, quote_days=3)
    clock.now = issued
    quote = sales.documents.mark_sent(sales.documents.draft(acme, "quote", lines=[LINE]))
    settings = sales.settings.snapshot
    last = end - timedelta(microseconds=1)
    assert (quote.state(settings.day_of(last)), quote.state(settings.day_of(end))) == ("sent", "expired")


def test_a_late_yes_is_recorded_and_expiry_overwrites_no_answer(sales, acme, clock):
    quote = sales.documents.mark_sent(sales.documents.draft(acme, "quote", lines=[LINE]))
    clock.forward(days=400)
    today = sales.settings.snapshot.day_of(clock.now)
    assert quote.state(today) == "expired"
    accepted = sales.documents.accept(quote, by="Zoë Field", note="by telephone")
    assert (accepted.state(today), accepted.answer.content) == ("accepted", quote.seal.content)
    assert sales.documents.convert(accepted, "invoice").total == quote.total


# --- deletion ----------------------------------------------------------------------------------------------


def test_a_deleted_number_is_never_used_again_and_the_log_keeps_what_it_was(sales, acme):
    desk = sales.documents
    first = desk.mark_sent(desk.draft(acme, "invoice", lines=[LINE]))
    with pytest.raises(sp.NotAllowed, match="pass force=True"):
        desk.delete(first)
    desk.delete(first, force=True)
    with pytest.raises(sp.NotFound):
        desk.get(first.id)
    last = desk.history(first.id)[-1]
    assert (last.action, last.by, {change.field: change.before for change in last.changes}["reference"]) == (
        "deleted", "jane", "INV/00001",
    )  # fmt: skip
    assert desk.mark_sent(desk.draft(acme, "invoice", lines=[LINE])).reference == "INV/00002"


# --- jobs --------------------------------------------------------------------------------------------------


def test_a_document_is_assigned_to_a_job_in_four_ways_and_back(sales, deal):
    desk, quote = sales.documents, sales.documents.draft(deal, "quote")
    job = sales.jobs.create("Erect the racking", opportunity=deal)
    assert (job.reference, job.contact_id) == ("JOB/00001", deal.contact_id)
    assert desk.assign(quote.id, job).job_id == job.id
    assert desk.assign(quote.id, "job/00001").job_id == job.id
    fresh = desk.assign(quote.id, new="Second bay")
    other = desk.assign(quote.id, new="Third bay", project="Leeds 2027")
    made = [sales.jobs[one.job_id] for one in (fresh, other)]
    assert [(one.subject, one.project, one.opportunity_id) for one in made] == [
        ("Second bay", "", deal.id),
        ("Third bay", "Leeds 2027", deal.id),
    ]
    assert [one.id for one in desk.where(job=made[1])] == [quote.id]
    sent = desk.mark_sent(quote.id)
    assert desk.convert(sent, "invoice").job_id == made[1].id
    free = desk.unassign(quote.id)
    assert (free.job_id, free.lines, free.seal) == (None, sent.lines, sent.seal)
    assert desk.verify(free)
    with pytest.raises(sp.NotAllowed, match="assigned to no job"):
        desk.unassign(quote.id)


def test_the_jobs_of_an_opportunity(sales, deal):
    job = sales.jobs.create("Survey", opportunity=deal, project="Leeds 2027")
    loose = sales.jobs.create("Repair", reference="R-7")
    assert [one.id for one in sales.jobs.where(opportunity=deal)] == [job.id]
    assert sales.jobs.where(opportunity=deal, reference__contains="00001").count() == 1
    assert sales.jobs.where(opportunity=deal, reference__contains="R-7").count() == 0
    assert sales.jobs.link("r-7", deal).opportunity_id == deal.id
    assert sales.jobs.unlink(loose.id).opportunity_id is None
    with pytest.raises(sp.Duplicate if hasattr(sp, "Duplicate") else sp.StorageError):
        sales.jobs.create("Again", reference="r-7")
    quote = sales.documents.assign(sales.documents.draft(deal, "quote"), job)
    with pytest.raises(sp.Refused, match="QUO/00001"):
        sales.jobs.delete(job)
    sales.documents.unassign(quote)
    sales.jobs.delete(job)
    assert sales.jobs.count() == 1


def test_every_problem_of_a_job_is_named(sales):
    with pytest.raises(sp.Invalid) as caught:
        sales.jobs.create("", project="x" * 300, reference=" ")
    assert [problem.path for problem in caught.value.problems] == ["reference", "subject", "project"]
