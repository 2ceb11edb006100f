"""What a document or a client may hold that cannot be mailed, or means harm: one fails, and the others leave. (SPEC SEND-5)"""

from __future__ import annotations

import email
from collections.abc import Callable
from email import policy
from typing import NamedTuple

import pytest
from tests.mail.conftest import Scripted

import salespipeline as sp
from salespipeline.mail import Smtp
from salespipeline.render.bodies import MailTemplate
from salespipeline.worker import Worker

LONG = "\n".join(f"Item {number}: {number * 7919 % 10_007} of {number * 104_729 % 99_991}" for number in range(600))
EVIL = "Acme Ltd\" <x@evil.example>, 'Bcc: y@evil.example"


def no_address(sales: sp.Sales) -> sp.Contact:
    return sales.contacts.add("Nobody Ltd")


def unicode_address(sales: sp.Sales) -> sp.Contact:
    return sales.contacts.add("Zoë Ltd", email="zoë@zoe.example")


def hostile(sales: sp.Sales) -> sp.Contact:
    return sales.contacts.add(EVIL, email="buyer@evil-acme.example")


def plain(sales: sp.Sales) -> sp.Contact:
    return sales.contacts.add("Bolt & Co", email="office@bolt.example")


class Content(NamedTuple):
    """Who gets the first document, what it says, and what becomes of it."""

    contact: Callable[[sp.Sales], sp.Contact]
    says: dict[str, str]
    state: str
    reason: str = ""


FAULTS = {
    "no address": Content(no_address, {}, "SKIPPED", "no e-mail address"),
    "an address that the server cannot write": Content(
        unicode_address, {}, "FAILED", "an address is not ASCII, and 127.0.0.1 does not take such (SMTPUTF8)"
    ),
    "a letter that no font has": Content(plain, {"subject": "Racking 日 ☕", "note": "𓀀"}, "SENT"),
    "larger than the server takes": Content(plain, {"note": LONG}, "FAILED"),
    "a name that poses as addresses": Content(hostile, {"subject": "Bolts"}, "SENT"),
    "words that pose as header fields, as markup and as the end": Content(
        plain,
        {"subject": "=?utf-8?q?Bcc:_y=40evil.example?=", "note": "<script>alert(1)</script>\n.\nMAIL FROM:<x@evil.example>\n{{ 1 / 0 }}"},
        "SENT",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_document_holds_changes_nothing_for_the_next(sales, deal, name):
    """On a server that writes down everything that is said; it takes no mail as large as the one that is too large."""
    fault = FAULTS[name]
    line = sp.Line("Bolt", unit_price="1")
    first = sales.documents.draft(fault.contact(sales), "quote", lines=[line], **fault.says)
    second = sales.documents.draft(deal, "quote")
    words = MailTemplate(
        "short", "{{ document.reference }}: {{ document.subject }}", "Dear {{ buyer.name }}, {{ document.note }}"
    )
    plan = sales.documents.order("reference").plan_send_all(template=words)
    size = sum(len(plan.preview(row.reference).mail.content) for row in plan.included) // 2
    larger = {"EHLO": b"250-mail.example\r\n250-SIZE %d\r\n250 HELP\r\n" % size}
    server = Scripted(larger if name.startswith("larger") else {})
    sales._mailer = Smtp(server.url, timeout=5)
    try:
        batch = plan.queue()
        Worker(sales).work_off()
        sales._mailer.close()
    finally:
        server.close()
    rows = sales.deliveries.report(batch).rows
    assert [row.state.name for row in rows] == [fault.state, "SENT"], [row.reason for row in rows]
    assert fault.reason in rows[0].reason
    assert [sales.documents.get(one.id).sent for one in (first, second)] == [fault.state == "SENT", True]
    assert [sales.documents.get(one.id).in_transit for one in (first, second)] == [None, None]
    said = [line for session in server.said for line in session]
    to = sorted(line.partition("<")[2].partition(">")[0] for line in said if line.upper().startswith("RCPT"))
    assert to == sorted(
        address for row in rows if row.state.name == "SENT" for address in sales.deliveries.get(row.delivery_id).to
    )
    messages = [email.message_from_bytes(one, policy=policy.default) for one in server.taken]
    assert len(messages) == 1 + (fault.state == "SENT")
    for message in messages:
        assert message["Bcc"] is None
        assert [address.addr_spec for address in message["To"].addresses] in (["buyer@acme.example"], list(rows[0].to))
        assert [part.get_content_type() for part in message.iter_attachments()] == ["application/pdf"]
    if fault.state == "SENT":
        assert messages[0]["Subject"] == f"QUO/00001: {first.subject}"
