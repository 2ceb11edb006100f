"""Send all. (SPEC SEND-1 to SEND-7)"""

from __future__ import annotations

import email
import email.policy

import pytest

import salespipeline as sp
from salespipeline.domain.sending import DeliveryState
from salespipeline.errors import StorageError
from salespipeline.ports import Accepted, NotSent, Unknown


def test_a_plan_says_who_gets_what_and_who_is_left_out_and_nothing_leaves(sales, deal, post):
    mailer = post()
    nobody = sales.contacts.add("No Address Ltd")
    quotes = [sales.documents.draft(deal, "quote") for _ in range(4)]
    sales.documents.hold(quotes[1])
    sales.documents.cancel(quotes[2])
    sales.documents.mark_sent(quotes[3])
    sales.documents.draft(nobody, "quote", lines=[sp.Line("x", unit_price=1)])
    plan = sales.documents.order("reference").plan_send_all()
    assert [(row.reference, row.to, [reason.name for reason in row.reasons]) for row in plan] == [
        ("QUO/00001", ("buyer@acme.example",), []),
        ("QUO/00002", ("buyer@acme.example",), ["HELD"]),
        ("QUO/00003", ("buyer@acme.example",), ["CANCELLED"]),
        ("QUO/00004", ("buyer@acme.example",), ["ALREADY_SENT"]),
        ("QUO/00005", (), ["NO_ADDRESS"]),
    ]
    assert plan.included[0].subject == "Quotation QUO/00001: New warehouse"
    assert mailer.sent == []
    assert sales.documents.where(sent=True).count() == 1


def test_what_is_sent_is_sealed_and_its_pdf_is_kept_for_ever(sales, deal, post, states):
    mailer = post()
    quote = sales.documents.draft(deal, "quote")
    report = sales.documents.where(sent=False).plan_send_all().run()
    assert states(report) == [("QUO/00001", "SENT", "")]
    kept = sales.documents.get(quote.id)
    message = email.message_from_bytes(mailer.sent[0].content, policy=email.policy.default)
    (attached,) = message.iter_attachments()
    assert attached.get_content() == sales.documents.pdf(kept)
    assert kept.sent
    assert kept.in_transit is None
    assert sales.documents.verify(kept)
    assert message["To"] == "Acme Ltd <buyer@acme.example>"
    with pytest.raises(sp.NotEditable):
        sales.documents.edit(kept, subject="Cheaper")


def test_what_is_sent_goes_and_is_numbered_in_the_order_of_time_unless_asked_otherwise(sales, deal, post, clock):
    post()
    deals = [deal]
    for number in (1, 2):
        clock.forward(minutes=1)
        deals.append(sales.opportunities.create(contact="Acme Ltd", subject=f"Shed {number}", lines=deal.lines))
    drafts = [sales.documents.draft(one, "invoice").id for one in deals if not clock.forward(minutes=1)]
    ids = lambda plan: [row.document_id for row in plan]  # noqa: E731
    assert ids(sales.documents.where(type="invoice").plan_send_all()) == drafts
    assert ids(sales.documents.all()[:2].plan_send_all()) == drafts[1:]  # the newest two, and of these the older first
    assert ids(sales.documents.order("-created").plan_send_all()) == drafts[::-1]
    assert ids(sales.opportunities.all().plan_send_all("invoice")) == drafts
    sales.documents.where(type="invoice").plan_send_all().run()
    assert [sales.documents[id].reference for id in drafts] == ["INV/00001", "INV/00002", "INV/00003"]


def test_running_again_sends_nothing(sales, deal, post, states):
    mailer = post()
    sales.documents.draft(deal, "quote")
    plan = sales.documents.all().plan_send_all()
    plan.run()
    assert states(plan.run()) == [("QUO/00001", "SKIPPED", "sent already")]
    assert len(mailer.sent) == 1


def test_what_is_held_or_changed_after_the_plan_does_not_leave(sales, deal, post, states):
    mailer = post()
    first, second = sales.documents.draft(deal, "quote"), sales.documents.draft(deal, "quote")
    plan = sales.documents.order("reference").plan_send_all()
    sales.documents.hold(first)
    sales.documents.edit(second, subject="Other")
    assert states(plan.run()) == [
        ("QUO/00001", "SKIPPED", "on hold"),
        ("QUO/00002", "SKIPPED", "changed since it was planned"),
    ]
    assert mailer.sent == []


def test_invoices_are_numbered_in_the_transaction_that_decides_to_send(sales, deal, post):
    post(Accepted(), NotSent(reason="no such user", code=550), Accepted())
    ids = [sales.documents.draft(deal, "invoice").id for _ in range(3)]
    assert all(sales.documents.get(id).reference is None for id in ids)
    report = sales.documents.order("created").plan_send_all().run()
    assert [row.state.name for row in report] == ["SENT", "FAILED", "SENT"]
    # The second was refused for good: it keeps its number, may be edited, and leaves no gap.
    assert [sales.documents.get(id).reference for id in ids] == ["INV/00001", "INV/00002", "INV/00003"]
    assert not sales.documents.get(ids[1]).sent
    assert sales.documents.edit(ids[1], subject="Again").reference == "INV/00002"


def test_a_draft_that_is_left_out_takes_no_number(sales, deal, post):
    post()
    held, free = sales.documents.draft(deal, "invoice"), sales.documents.draft(deal, "invoice")
    plan = sales.documents.order("created").plan_send_all()
    sales.documents.hold(held)
    plan.run()
    assert sales.documents.get(free.id).reference == "INV/00001"
    assert sales.documents.get(held.id).reference is None


def test_an_unknown_outcome_is_uncertain_and_only_a_person_decides(sales, deal, post, states):
    mailer = post(Unknown(reason="dropped after the dot"))
    quote = sales.documents.draft(deal, "quote")
    report = sales.documents.all().plan_send_all().run()
    assert states(report) == [("QUO/00001", "UNCERTAIN", "dropped after the dot")]
    with pytest.raises(sp.NotEditable, match="delivery"):
        sales.documents.hold(quote.id)
    assert states(sales.deliveries.resume(report.batch_id)) == [("QUO/00001", "UNCERTAIN", "dropped after the dot")]
    assert [row.reasons[0].name for row in sales.documents.all().plan_send_all()] == ["IN_TRANSIT"]
    sales.deliveries.resolve(report.rows[0].delivery_id, "resend", why="the client never got it")
    assert [row.state.name for row in sales.deliveries.resume(report.batch_id)] == ["SENT"]
    first, second = mailer.sent
    assert (first.message_id, first.content) == (second.message_id, second.content)
    assert sales.documents.get(quote.id).sent


@pytest.mark.parametrize(("how", "sent", "state"), [("sent", True, "SENT"), ("not_sent", False, "FAILED")])
def test_a_person_resolves(sales, deal, post, how, sent, state):
    post(RuntimeError("the mailer broke"))
    quote = sales.documents.draft(deal, "quote")
    report = sales.documents.all().plan_send_all().run()
    assert report.rows[0].state is DeliveryState.UNCERTAIN
    settled = sales.deliveries.resolve(report.rows[0].delivery_id, how, why="asked the client")
    assert settled.state.name == state
    assert settled.resolved.by == "jane"
    assert sales.documents.get(quote.id).sent is sent
    assert sales.documents.get(quote.id).in_transit is None


def test_a_temporary_refusal_waits_and_a_dead_server_pauses_the_batch(sales, deal, post):
    for _ in range(3):
        sales.documents.draft(deal, "quote")
    post(NotSent(reason="try later", code=451, temporary=True), NotSent(reason="nobody listens", everything=True))
    report = sales.documents.order("reference").plan_send_all().run()
    assert [row.state.name for row in report] == ["RETRY_WAIT", "RETRY_WAIT", "QUEUED"]
    assert report.paused == "nobody listens"
    mailer = post()
    again = sales.deliveries.resume(report.batch_id)
    assert [row.state.name for row in again] == ["RETRY_WAIT", "SENT", "SENT"]  # the first waits for its time
    assert len(mailer.sent) == 2


def test_a_crash_between_the_dot_and_the_record_is_uncertain_never_resent(sales, deal, post, monkeypatch):
    mailer = post()
    sales.documents.draft(deal, "quote")
    from salespipeline import delivery

    def crash(*_args: object, **_facts: object) -> None:
        raise StorageError("power cut")

    monkeypatch.setattr(delivery, "settle", crash)
    report = sales.documents.all().plan_send_all().run()
    monkeypatch.undo()
    assert report.paused == "storage: power cut"
    assert report.rows[0].state is DeliveryState.SENDING
    assert sales.deliveries.recover() == 0  # the lease still runs
    with sales.work() as work:  # an hour later, by the store's clock
        from salespipeline.domain.sending import Delivery

        stuck = work.need(Delivery, report.rows[0].delivery_id)
        import attrs

        work.keep(attrs.evolve(stuck, lease_until=1), stuck, action="test")
    assert sales.deliveries.recover() == 1
    assert [row.state.name for row in sales.deliveries.resume(report.batch_id)] == ["UNCERTAIN"]
    assert len(mailer.sent) == 1
