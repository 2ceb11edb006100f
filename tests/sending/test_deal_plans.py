"""*Send all* from a list of opportunities, and what a plan learns when it is rehearsed. (SPEC SEND-1, SEND-3)"""

from __future__ import annotations

import threading

import pytest

import salespipeline as sp
from salespipeline.errors import RenderError


def rows(plan):
    return [(row.reference or row.expected, [one.name for one in row.reasons], row.drafts) for row in plan]


@pytest.fixture
def deals(sales, deal):
    """Three opportunities: one with two unsent quotes and a sent one, one with a sent one, one with none."""
    sent = sales.documents.draft(deal, "quote")
    sales.documents.mark_sent(sent)
    for _ in range(2):
        sales.documents.draft(deal, "quote")
    other = sales.opportunities.create(contact="Acme Ltd", subject="Shelves", lines=[sp.Line("Shelf", unit_price=5)])
    sales.documents.mark_sent(sales.documents.draft(other, "quote"))
    third = sales.opportunities.create(contact="Acme Ltd", subject="Doors", lines=[sp.Line("Door", unit_price=7)])
    return deal, other, third


@pytest.mark.usefixtures("deals")
def test_the_newest_unsent_document_of_each_is_taken(sales, post):
    mailer = post()
    plan = sales.opportunities.order("created").plan_send_all("quote")
    assert rows(plan) == [
        ("QUO/00003", [], False), ("QUO/00004", ["ALREADY_SENT"], False), ("", ["NO_DOCUMENT"], False)
    ]  # fmt: skip
    assert plan.rows[2].why == "no document of this type (opportunity OPP/00003)"
    report = plan.run()
    assert [(row.reference, row.state.name, row.reason) for row in report] == [
        ("QUO/00003", "SENT", ""),
        ("QUO/00004", "SKIPPED", "sent already"),
        ("", "SKIPPED", "no document of this type (opportunity OPP/00003)"),
    ]
    assert len(mailer.sent) == 1
    again = sales.opportunities.order("created").plan_send_all("quote", again=True)
    assert rows(again)[:2] == [("QUO/00002", [], False), ("QUO/00004", [], False)]


@pytest.mark.usefixtures("deals")
def test_those_without_one_get_one_when_the_plan_is_run_and_not_before(sales, post):
    mailer = post()
    plan = sales.opportunities.order("created").plan_send_all("invoice", draft=True)
    assert rows(plan) == [("INV/00001", [], True), ("INV/00002", [], True), ("INV/00003", [], True)]
    assert [str(row.total) for row in plan] == ["10,080.00 GBP", "5.00 GBP", "7.00 GBP"]
    assert plan.preview("INV/00002").subject == "Invoice INV/00001: Shelves"  # alone, it would be the first
    assert sales.documents.where(type="invoice").count() == 0
    report = plan.run(key="invoices of November")
    assert [(row.reference, row.state.name) for row in report] == [
        ("INV/00001", "SENT"), ("INV/00002", "SENT"), ("INV/00003", "SENT")
    ]  # fmt: skip
    assert plan.run(key="invoices of November").batch_id == report.batch_id
    assert [row.reason for row in plan.run()] == [
        f"changed since it was planned (opportunity OPP/0000{at} has invoice 'INV/0000{at}' now)" for at in (1, 2, 3)
    ]
    pressed_again = sales.opportunities.order("created").plan_send_all("invoice", draft=True)
    assert rows(pressed_again) == [(f"INV/0000{at}", ["ALREADY_SENT"], False) for at in (1, 2, 3)]
    assert sales.documents.where(type="invoice").count() == len(mailer.sent) == 3


@pytest.mark.usefixtures("deals")
def test_many_who_press_at_once_draft_one_document_for_each(sales, post):
    mailer = post()
    start = threading.Barrier(6)
    reports: list[object] = []

    def press():
        plan = sales.opportunities.all().plan_send_all("invoice", draft=True)
        start.wait()
        reports.append(plan.run())

    threads = [threading.Thread(target=press) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports) == 6
    assert sum(len(report.sent) for report in reports) == 3
    assert sorted(one.reference for one in sales.documents.where(type="invoice")) == [
        "INV/00001",
        "INV/00002",
        "INV/00003",
    ]
    assert len(mailer.sent) == 3


def test_an_opportunity_that_changed_since_gets_no_document(sales, deals, post):
    post()
    plan = sales.opportunities.order("created").plan_send_all("quote", draft=True)
    assert rows(plan)[1:] == [("QUO/00004", ["ALREADY_SENT"], False), ("QUO/00005", [], True)]
    invoices = sales.opportunities.order("created").plan_send_all("invoice", draft=True)
    sales.opportunities.edit(deals[2].id, subject="Other doors")
    assert [(row.reference, row.reason) for row in plan.run()] == [
        ("QUO/00003", ""),
        ("QUO/00004", "sent already"),
        ("", "changed since it was planned (the opportunity)"),
    ]
    sales.opportunities.delete(deals[2].id)
    by_hand = sales.documents.draft(deals[0].id, "invoice")
    assert [row.reason for row in invoices.run()] == [
        f"changed since it was planned (opportunity OPP/00001 has {by_hand.name} now)",
        "",
        "deleted since it was planned (the opportunity)",
    ]


def test_one_that_cannot_be_drafted_says_why_and_the_others_go(sales, deals, post):
    post()
    sales.settings.fields.add("invoice", "order", "Order number", "text", mandatory=True)
    plan = sales.opportunities.order("created").plan_send_all("invoice", draft=True)
    assert [[one.name for one in row.reasons] for row in plan] == [["NOT_DRAFTED"]] * 3
    assert "opportunity OPP/00001: " in plan.rows[0].why
    assert "Order number" in plan.rows[0].why


def test_the_documents_of_several_opportunities_of_a_contact_leave_in_one_mail(sales, deals, post):
    mailer = post()
    plan = sales.opportunities.order("created").plan_send_all("quote", draft=True, together=True, cc="boss@x.example")
    assert len({row.letter for row in plan.included}) == 1
    assert [row.state.name for row in plan.run()] == ["SENT", "SKIPPED", "SENT"]
    assert len(mailer.sent) == 1
    assert sales.documents.where(sent=True).count() == 4


def test_a_rehearsal_tells_the_sizes_and_what_cannot_be_made(sales, deals, monkeypatch):
    drawn = sales.renderer.render

    def render(view):
        if view.subject == "Doors":
            raise RenderError("the logo is broken")
        return drawn(view)

    monkeypatch.setattr(sales.renderer, "render", render, raising=False)
    plan = sales.opportunities.order("created").plan_send_all(
        "quote", draft=True, attachments=[sp.mail.Attachment("terms.txt", b"x" * 2500, "text/plain")]
    )
    assert [(file.name, file.size) for file in plan.rows[0].files] == [("QUO-00003.pdf", None), ("terms.txt", 2500)]
    learnt = plan.rehearse()
    assert rows(learnt)[::2] == [("QUO/00003", [], False), ("QUO/00005", ["RENDER"], False)]
    assert learnt.rows[2].why == "the PDF could not be drawn (the logo is broken)"
    assert learnt.rows[0].files[0].size == len(plan.preview("QUO/00003").pdfs[0])
    assert learnt.rows[0].size == len(plan.preview("QUO/00003").mail.content)
    assert sales.documents.where(type="quote").count() == 4
    assert learnt.to_dicts()[0]["attachments"].endswith(" kB), terms.txt (2 kB)")


def test_planning_from_opportunities_refuses_what_is_no_type(sales, deals):
    with pytest.raises(sp.Invalid, match="is not a document type"):
        sales.opportunities.all().plan_send_all("bill")
