"""Quotes are accepted by the link in their mail: once, as they were sent, until their last day. (SPEC DOC-7, DOC-9)"""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime

import attrs
import pytest
from tests.sending.letters import tokens, words

import salespipeline as sp
from salespipeline.domain.document import Document
from salespipeline.errors import Corrupt, LinkAnswered, LinkExpired, LinkInvalid, LinkRefused, LinkWithdrawn
from salespipeline.ports import Unknown
from salespipeline.work import Work

PNG = b"\x89PNG\r\n\x1a\n" + b"drawn"


@pytest.fixture
def url():
    return "memory:"  # what depends on the store is in test_acceptance_races.py


def test_whoever_has_the_mail_sees_and_accepts_what_was_sent(sales, sent, clock):
    quote, token = sent
    assert sales.documents.offered(token) == quote
    assert sales.documents.accept_link(quote) == f"https://sales.example/accept/{token}"
    clock.forward(days=3)
    accepted = sales.documents.accept_by_token(token, name="Zoë Field", signature="Z. Field", note="Please call first.")
    answer = accepted.answer
    assert (answer.accepted, answer.by, answer.signature, answer.note) == (
        True, "Zoë Field", "Z. Field", "Please call first."
    )  # fmt: skip
    assert answer.at == datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
    assert answer.content == quote.seal.content
    assert answer.by_link
    assert sales.documents.history(quote)[-1].action == "accepted by link"
    assert sales.documents.verify(accepted)


def test_it_can_be_turned_down(sales, sent):
    quote, token = sent
    rejected = sales.documents.reject_by_token(token, name="Zoë Field", why="too dear")
    assert (rejected.answer.accepted, rejected.answer.note) == (False, "too dear")
    with pytest.raises(LinkAnswered, match="was turned down already"):
        sales.documents.accept_by_token(token, name="Zoë Field")
    assert sales.documents.accept(quote.id, by="Zoë Field").answer.accepted  # a person may record a late yes


def test_it_is_good_until_the_end_of_the_last_day_where_the_organisation_is(sales, sent, clock):
    quote, token = sent
    assert quote.due.isoformat() == "2026-12-24"
    clock.now = datetime(2026, 12, 24, 22, 59, 59, tzinfo=UTC)
    assert sales.documents.offered(token) == quote
    clock.now = datetime(2026, 12, 24, 23, 0, tzinfo=UTC)
    with pytest.raises(LinkExpired, match="was valid until 2026-12-24"):
        sales.documents.accept_by_token(token, name="Zoë Field")


def test_what_was_revised_or_cancelled_is_not_accepted_any_more(sales, sent):
    quote, token = sent
    revision = sales.documents.revise(quote)
    with pytest.raises(LinkWithdrawn, match="was replaced by a later one"):
        sales.documents.accept_by_token(token, name="Zoë Field")
    sales.documents.delete(revision)
    assert sales.documents.offered(token).reference == "QUO/00001"
    sales.documents.cancel(quote.id)
    with pytest.raises(LinkWithdrawn, match="was cancelled"):
        sales.documents.offered(token)


def test_a_token_is_for_one_document_and_one_revision(sales, deal, sent, post):
    quote, token = sent
    mailer = post()
    sales.documents.draft(deal, "quote")
    sales.documents.revise(quote)
    sales.documents.where(type="quote").plan_send_all().run()
    others = [tokens(words(mail))[0] for mail in mailer.sent]
    assert len({token, *others}) == 3
    key, until, name, signature = token.split(".")
    for other in others:
        theirs = other.split(".")
        for mixed in (
            [key, until, theirs[2], signature],
            [key, until, name, theirs[3]],
            [key, theirs[1], theirs[2], signature],
        ):
            if ".".join(mixed) not in (token, other):
                with pytest.raises(LinkInvalid):
                    sales.documents.offered(".".join(mixed))
    assert {sales.documents.offered(other).reference for other in others} == {"QUO/00002", "QUO/00001-R1"}


def test_nobody_can_ask_for_later(sales, sent):
    _, token = sent
    key, until, name, signature = token.split(".")
    with pytest.raises(LinkInvalid):
        sales.documents.offered(".".join([key, str(int(until) + 1), name, signature]))


def test_what_is_not_there_any_more_is_not_accepted(sales, sent):
    quote, token = sent
    sales.documents.delete(quote, force=True)
    with pytest.raises(LinkInvalid):
        sales.documents.accept_by_token(token, name="Zoë Field")


def test_a_new_key_keeps_the_links_and_a_revoked_one_takes_them(sales, sent):
    quote, token = sent
    sales.settings.renew_link_key()
    newer = sales.documents.accept_link(quote).rpartition("/")[2]
    assert newer != token
    assert sales.documents.offered(token) == sales.documents.offered(newer) == quote
    sales.settings.renew_link_key(revoke=True)
    for old in (token, newer):
        with pytest.raises(LinkInvalid):
            sales.documents.offered(old)


def test_the_keys_are_told_to_nobody(sales, sent):
    secret = sales.settings.snapshot.keyring.newest.secret
    assert len(bytes.fromhex(secret)) == 32
    assert secret not in repr(sales.settings.snapshot)
    with sales.store.transaction(write=False) as tx:
        assert not any(secret in entry.body for kind in ("activity", "document", "delivery") for entry in tx.scan(kind))


def test_a_drawn_signature_is_kept(sales, sent):
    _, token = sent
    for wrong in (b"GIF89a", b"", PNG + b"x" * 1_000_000, 5, None):
        with pytest.raises(sp.Invalid, match="signature"):
            sales.documents.accept_by_token(token, name="Zoë Field", signature=wrong)
    with pytest.raises(sp.Invalid, match="by"):
        sales.documents.accept_by_token(token, name=" ")
    answer = sales.documents.accept_by_token(token, name="Zoë Field", signature=PNG).answer
    assert b"".join(sales.blobs.read(answer.image)) == PNG


def test_nothing_is_kept_for_somebody_whom_nobody_knows(sales, sent, monkeypatch):
    _, token = sent
    kept: list[object] = []
    monkeypatch.setattr(sales.blobs, "keep", kept.append)
    with pytest.raises(LinkInvalid):
        sales.documents.accept_by_token(token[:-1] + "!", name="Zoë Field", signature=PNG)
    assert kept == []


def test_what_somebody_changed_in_the_store_is_not_accepted(sales, sent, monkeypatch):
    quote, token = sent
    changed = attrs.evolve(quote, note="Changed by hand")
    real = Work.get
    monkeypatch.setattr(Work, "get", lambda work, cls, id: changed if cls is Document else real(work, cls, id))
    with pytest.raises(Corrupt, match="is not what was sealed"):
        sales.documents.accept_by_token(token, name="Zoë Field")


def test_a_document_that_may_have_left_waits_for_its_answer(sales, deal, page, post):
    mailer = post(Unknown(reason="the line dropped"))
    sales.documents.draft(deal, "quote")
    report = sales.documents.all().plan_send_all().run()
    (token,) = tokens(words(mailer.sent[0]))
    with pytest.raises(sp.NotEditable, match="is being sent by delivery"):
        sales.documents.accept_by_token(token, name="Zoë Field")
    sales.deliveries.resolve(report.rows[0].delivery_id, "sent", why="the client opened the link")
    assert sales.documents.accept_by_token(token, name="Zoë Field").answer.accepted


def test_only_a_quote_that_was_sent_has_a_link(sales, deal, page):
    draft, invoice = sales.documents.draft(deal, "quote"), sales.documents.draft(deal, "invoice")
    for one in (draft, sales.documents.mark_sent(invoice)):
        with pytest.raises(sp.Refused, match="has no link to accept it"):
            sales.documents.accept_link(one)
    assert issubclass(LinkRefused, sp.Refused)


def test_without_a_page_mails_show_no_link(sales, deal, post):
    mailer = post()
    sales.documents.draft(deal, "quote")
    sales.documents.all().plan_send_all().run()
    assert "accept/" not in words(mailer.sent[0])
    assert "To accept the quotation, or to change anything, simply reply" in " ".join(words(mailer.sent[0]).split())


@pytest.mark.parametrize(
    "address", ["https://sales.example/accept", "javascript:{token}", "https://x/{token}/{token}", 5]
)
def test_the_page_has_a_place_for_the_token(sales, address):
    with pytest.raises(sp.Invalid, match="accept_url"):
        sales.settings.edit_organisation(accept_url=address)


# --- receipts ---------------------------------------------------------------------------------------------


def test_a_receipt_confirms_what_was_accepted_once(sales, sent, post, clock):
    quote, token = sent
    mailer = post()
    assert [row.reason for row in sales.documents.mail_receipt(quote)] == ["not accepted by the client"]
    clock.forward(days=1)
    accepted = sales.documents.accept_by_token(token, name="Zoë Field")
    for _ in range(2):
        report = sales.documents.mail_receipt(accepted.id)
        assert [(row.state.name, row.subject) for row in report] == [
            ("SENT", "Accepted: Quotation QUO/00001: New warehouse")
        ]
    (mail,) = mailer.sent
    text = words(mail)
    assert "Accepted by           Zoë Field" in text
    assert "Accepted on           25 November 2026" in text
    assert quote.seal.content in text
    assert quote.seal.content in words(mail, "html")
    (attached,) = email.message_from_bytes(mail.content, policy=email.policy.default).iter_attachments()
    assert attached.get_content() == sales.documents.pdf(quote.id)
    assert sales.documents.get(quote.id).sent_at == quote.sent_at
    purposes = [one.purpose for one in sales.deliveries.where(document=quote.id).order("planned")]
    assert sorted(purposes) == ["receipt", "receipt", "send"]
    assert sales.documents.verify(sales.documents.get(quote.id))


def test_receipts_are_planned_like_all_mails(sales, sent, deal, post):
    post()
    _, token = sent
    sales.documents.draft(deal, "quote")
    sales.documents.accept_by_token(token, name="Zoë Field")
    plan = sales.documents.order("reference").plan_send_all(purpose="receipt")
    assert [[one.name for one in row.reasons] for row in plan] == [[], ["NOT_ACCEPTED"]]
    with pytest.raises(sp.Invalid, match="receipts leave one by one"):
        sales.documents.all().plan_send_all(purpose="receipt", together=True)
    sales.settings.templates.add(
        "Thanks",
        "quote",
        purpose="receipt",
        subject="Thanks",
        text="{{ document.accepted_by }}: {{ document.fingerprint }}",
    )
    assert sales.documents.order("reference").plan_send_all(purpose="receipt").rows[0].subject == "Thanks"
