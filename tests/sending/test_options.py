"""What can be asked of *send all*: words, recipients, files, letters with several documents. (SPEC SEND-1 to SEND-4)"""

from __future__ import annotations

import email
import email.policy
from datetime import date

import pytest

import salespipeline as sp
from salespipeline.mail import Attachment, InlineImage
from salespipeline.ports import NotSent, Unknown
from salespipeline.render.bodies import MailTemplate
from salespipeline.worker import Worker

SHORT = MailTemplate(
    "short", "Yours: {{ document.reference }}", "Dear {{ buyer.name }}", '<p><img src="cid:logo@x"></p>'
)


def read(mail):
    return email.message_from_bytes(mail.content, policy=email.policy.default)


def test_everybody_who_is_asked_for_gets_it_and_bcc_stays_hidden(sales, deal, post):
    mailer = post()
    sales.documents.draft(deal, "quote")
    plan = sales.documents.all().plan_send_all(
        to="buying@acme.example", cc=["Boss <boss@x.example>"], bcc="archive@x.example", reply_to="jane@x.example"
    )
    plan.run()
    (mail,) = mailer.sent
    assert mail.recipients == ("buyer@acme.example", "buying@acme.example", "boss@x.example", "archive@x.example")
    assert read(mail)["Cc"] == "Boss <boss@x.example>"
    assert read(mail)["Reply-To"] == "jane@x.example"
    assert b"archive" not in mail.content


@pytest.mark.parametrize(
    ("recipients", "to"),
    [("person", ("ann@acme.example",)), ("contact", ("buyer@acme.example",)), ("both", ("ann@acme.example", "buyer@acme.example"))],
)  # fmt: skip
def test_the_person_or_the_contact_or_both(sales, deal, recipients, to):
    person = sales.contacts.add_person("Acme Ltd", "Ann", email="ann@acme.example").persons[0]
    sales.documents.draft(sales.opportunities.edit(deal.id, person=person.id), "quote")
    (row,) = sales.documents.all().plan_send_all(recipients=recipients)
    assert row.to == to


def test_words_by_type_and_files_in_every_mail(sales, deal, post):
    mailer = post()
    sales.documents.draft(deal, "quote")
    sales.documents.draft(deal, "invoice")
    terms = Attachment("terms.pdf", b"%PDF-terms", "application/pdf")
    plan = sales.documents.order("created").plan_send_all(
        template={"quote": SHORT}, attachments=[terms], images=[InlineImage("logo@x", b"png")]
    )
    assert [(row.subject, row.expected) for row in plan] == [
        ("Yours: QUO/00001", ""),
        ("Invoice: New warehouse", "INV/00001"),
    ]
    plan.run()
    for mail, name in zip(mailer.sent, ("QUO-00001.pdf", "INV-00001.pdf"), strict=True):
        assert [part.get_filename() for part in read(mail).iter_attachments()] == [name, "terms.pdf"]
        assert b"Content-ID: <logo@x>" in mail.content


def test_every_wrong_option_is_named_at_once(sales, deal):
    sales.documents.draft(deal, "quote")
    with pytest.raises(sp.Invalid) as caught:
        sales.documents.all().plan_send_all(cc=["a@x.example", "no"], recipients="all", colour=1, attachments=[b"x"])
    assert sorted(problem.path for problem in caught.value.problems) == ["attachments", "cc[1]", "colour", "recipients"]


def test_a_preview_is_what_leaves(sales, deal, post):
    mailer = post()
    sales.documents.draft(deal, "invoice")
    plan = sales.documents.all().plan_send_all()
    seen = plan.preview("INV/00001")
    assert seen.subject == "Invoice INV/00001: New warehouse"
    assert sales.documents.all().one().reference is None
    plan.run()
    (mail,) = mailer.sent
    (attached,) = read(mail).iter_attachments()
    assert attached.get_content() == seen.pdfs[0]
    assert read(mail).get_body(("plain",)).get_content() == read(seen.mail).get_body(("plain",)).get_content()
    with pytest.raises(sp.NotFound):
        plan.preview("INV/00009")


def test_a_preview_keeps_nothing(sales, deal, monkeypatch):
    sales.documents.draft(deal, "quote")
    kept: list[object] = []
    monkeypatch.setattr(sales.blobs, "keep", kept.append)
    plan = sales.documents.all().plan_send_all(
        template=SHORT, attachments=[Attachment("a.txt", b"abc", "text/plain")], images=[InlineImage("logo@x", b"png")]
    )
    assert b"Content-ID: <logo@x>" in plan.preview().mail.content
    assert kept == []


def test_a_plan_made_inside_a_transaction_spoils_nothing_of_it(sales, deal, post):
    with sales.transaction():
        sales.documents.draft(deal, "invoice")
        (row,) = sales.documents.all().plan_send_all()
        with pytest.raises(sp.Refused, match="outside of the transaction"):
            sales.documents.verify_numbers()
    assert row.expected == ""
    assert [row.expected for row in sales.documents.all().plan_send_all()] == ["INV/00001"]


# --- several documents in one mail ------------------------------------------------------------------------


@pytest.fixture
def letter(sales, deal):
    """Three drafts of one contact in a plan of one letter, and one of another."""
    other = sales.contacts.add("Harlow Foods", email="ap@harlow.example")
    for type in ("quote", "invoice", "invoice"):
        sales.documents.draft(deal, type)
    sales.documents.draft(other, "quote", lines=[sp.Line("x", unit_price=1)])
    return sales.documents.order("created").plan_send_all(together=True)


def test_the_documents_of_a_contact_leave_in_one_mail(sales, letter, post, states):
    mailer = post()
    assert [row.subject for row in letter][:1] == ["Quotation QUO/00001, Invoice, Invoice"]
    report = letter.run()
    assert states(report) == [(name, "SENT", "") for name in ("QUO/00001", "INV/00001", "INV/00002", "QUO/00002")]
    first, second = mailer.sent
    assert read(first)["Subject"] == "Quotation QUO/00001, Invoice INV/00001, Invoice INV/00002"
    names = [part.get_filename() for part in read(first).iter_attachments()]
    assert names == ["QUO-00001.pdf", "INV-00001.pdf", "INV-00002.pdf"]
    assert second.recipients == ("ap@harlow.example",)
    assert all(sales.documents.verify(one) for one in sales.documents)


def test_a_letter_goes_without_the_one_that_is_held(sales, letter, post, states):
    mailer = post()
    sales.documents.hold(letter.rows[1].document_id)
    assert states(letter.run()) == [
        ("QUO/00001", "SENT", ""),
        ("", "SKIPPED", "on hold"),
        ("INV/00001", "SENT", ""),
        ("QUO/00002", "SENT", ""),
    ]
    assert read(mailer.sent[0])["Subject"] == "Quotation QUO/00001, Invoice INV/00001"


def test_a_letter_is_uncertain_and_decided_as_a_whole(sales, letter, post, states):
    mailer = post(Unknown(reason="dropped"))
    report = letter.run()
    assert [row.state.name for row in report] == ["UNCERTAIN"] * 3 + ["SENT"]
    sales.deliveries.resolve(report.rows[1].delivery_id, "resend", why="nothing came")
    assert [row.state.name for row in sales.deliveries.resume(report.batch_id)] == ["SENT"] * 4
    assert mailer.sent[0] == mailer.sent[2]


def test_a_letter_that_is_refused_frees_all_its_documents(sales, letter, post):
    post(NotSent(reason="no such user", code=550))
    report = letter.run()
    assert [row.state.name for row in report] == ["FAILED"] * 3 + ["SENT"]
    assert sales.documents.where(sent=True).count() == 1
    assert sales.documents.edit(letter.rows[0].document_id, subject="Again").subject == "Again"


# --- what is said of it afterwards ------------------------------------------------------------------------


def test_rows_html_and_csv_list_every_planned_document_once(sales, deal, post):
    post(NotSent(reason="no such user", code=550))
    with sales.transaction():
        made = [sales.documents.draft(deal, "quote") for _ in range(60)]
        for one in (made[1], *made[3:]):
            sales.documents.hold(one)
    plan = sales.documents.order("reference").plan_send_all()
    report = plan.run()
    names = [one.reference for one in made]
    assert [row["reference"] for row in report.to_dicts()] == names
    assert [row.state.name for row in report][:3] == ["FAILED", "SKIPPED", "SENT"]
    for told in (plan, report):
        cells = [cell for row in told.to_csv().splitlines()[1:] for cell in row.split(",")[:1]]
        assert cells == [f'"{name}"' for name in names]
        assert all(told.to_html().count(f"<td>{name}</td>") == 1 for name in names)
    assert "… and 10 more" in report._repr_html_()
    assert "550 no such user" in report.to_html()


def test_deliveries_are_found_by_state_document_and_day(sales, deal, post, clock):
    sales.settings.edit_organisation(time_zone="Pacific/Auckland")  # where it is the next day already
    post(Unknown(reason="dropped"))
    first = sales.documents.draft(deal, "quote")
    sales.documents.all().plan_send_all().run()
    clock.forward(days=2)
    second = sales.documents.draft(deal, "quote")
    sales.documents.where(reference=second.reference).plan_send_all().run()

    def found(**filters):
        return [one.document_reference for one in sales.deliveries.where(**filters).order("planned")]

    assert found(state="uncertain") == found(document=first.id) == ["QUO/00001"]
    day = date(2026, 11, 24)
    assert found(planned=day) == found(planned__le=day) == found(planned__lt=date(2026, 11, 25)) == ["QUO/00001"]
    assert found(planned__gt=day) == found(planned__ge=date(2026, 11, 26)) == ["QUO/00002"]
    assert found(planned__between=(day, date(2026, 11, 26))) == ["QUO/00001", "QUO/00002"]
    assert found(planned__lt=clock.now) == ["QUO/00001"]
    assert [one.reference for one in sales.documents.where(created=date(2026, 11, 26))] == ["QUO/00002"]


def test_a_recipient_may_leave_the_list_with_one_click(sales, deal, post):
    """The address is kept with the batch, and names the contact; with a page to post to, RFC 8058 holds."""
    bolt = sales.contacts.add("Bolt & Co", email="office@bolt.example")
    sales.documents.draft(deal, "quote")
    sales.documents.draft(bolt, "quote", subject="Bolts", lines=[sp.Line("Bolt", unit_price="1")])
    page, box = "https://northgate.example/leave?who={contact}", "mailto:leave@northgate.example"
    mailer = post(Unknown(reason="the line dropped"))
    plan = sales.documents.order("reference").plan_send_all(unsubscribe=[page, box])
    assert f"<{page.removesuffix('{contact}')}id" in read(plan.preview("QUO/00001").mail)["List-Unsubscribe"]
    batch = plan.queue()
    assert sales.deliveries.batches()[0].unsubscribe == (page, box)
    Worker(sales).work_off()
    sales.deliveries.resolve(sales.deliveries.where(batch=batch, state="uncertain").one(), "resend", why="nothing came")
    Worker(sales).work_off()
    first, second, again = map(read, mailer.sent)
    ids = [sales.documents.get(name).contact_id for name in ("QUO/00001", "QUO/00002")]
    for message, contact in zip((first, second, again), (*ids, ids[0]), strict=True):
        assert message["List-Unsubscribe"] == f"<{page.replace('{contact}', contact)}>, <{box}>"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mailer.sent[0].content == mailer.sent[2].content


def test_a_box_to_leave_a_list_by_is_no_page_and_most_mails_have_neither(sales, deal, post):
    mailer = post()
    sales.documents.draft(deal, "quote")
    sales.documents.all().plan_send_all(unsubscribe="mailto:leave@northgate.example").run()
    sales.documents.all().plan_send_all(again=True).run()
    one, other = map(read, mailer.sent)
    assert (one["List-Unsubscribe"], one["List-Unsubscribe-Post"]) == ("<mailto:leave@northgate.example>", None)
    assert (other["List-Unsubscribe"], other["List-Unsubscribe-Post"]) == (None, None)


@pytest.mark.parametrize(
    "place", ["http://a.example", "https://a.example\r\nBcc: b@x.example", "javascript:x", "https://a.example/{id}", 7]
)
def test_what_is_no_way_to_leave_a_list_is_refused_when_it_is_planned(sales, deal, place):
    sales.documents.draft(deal, "quote")
    with pytest.raises(sp.Invalid) as caught:
        sales.documents.all().plan_send_all(unsubscribe=["https://a.example/{contact}", place], colour=1)
    problems = {problem.path for problem in caught.value.problems}
    assert problems == {"unsubscribe[1]", "colour"}


def test_deliveries_are_found_by_their_purpose(sales, sent, post):
    """Receipts for what was accepted, apart from the mails that offered it."""
    quote, token = sent
    sales.documents.accept_by_token(token, name="Ann")
    post()
    sales.documents.all().plan_send_all(purpose="receipt").run()
    found = {
        purpose: [one.purpose for one in sales.deliveries.where(purpose=purpose)] for purpose in ("send", "receipt")
    }
    assert found == {"send": ["send"], "receipt": ["receipt"]}
    assert sales.deliveries.where(purpose__in=["send", "receipt"], document=quote.id).count() == 2
    with pytest.raises(sp.Invalid, match="purpose"):
        sales.deliveries.where(purpose="reminder").count()
