"""Replies that come by mail: threaded back where they are what they say, and refused where they are not. (SPEC NOTE-1)"""

from __future__ import annotations

import contextlib
import email
import io
import os
import struct
import time
import zipfile
from email import policy
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.whole import whole

import salespipeline as sp
from salespipeline import maintenance
from salespipeline.errors import MailError
from salespipeline.mail import Inbox
from salespipeline.mail.received import MARK, read_mail

SECRET = "a secret of more than sixteen bytes"


@pytest.fixture
def desk(url, opened):
    sales = opened(url, inbox=Inbox("replies@northgate.example", secret=SECRET))
    sales.settings.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
    sales.settings.users.add("Jane Whitfield", id="jane", email="jane@northgate.example")
    sales.settings.users.add("Tom Okafor", id="tom", email="tom@northgate.example")
    sales.contacts.add("Acme Ltd", email="office@acme.example")
    sales.contacts.add_person("Acme Ltd", "Zoë Field", email="zoe@acme.example")
    return sales


@pytest.fixture
def asked(desk):
    """A mail that left from a note to the client, as the client got it."""
    desk.notes.mail("Acme Ltd", "The drawing", "Could you send it?", to="Zoë Field")
    desk.notices.deliver()
    return email.message_from_bytes(desk.mailer.sent[-1].content, policy=policy.default)


def reply(asked, text="It is in the post.", *, sender="Zoë Field <zoe@acme.example>", **headers):
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, str(asked["Reply-To"]), f"Re: {asked['Subject']}"
    message["Message-ID"], message["In-Reply-To"] = "<r1@acme.example>", str(asked["Message-ID"])
    for name, value in headers.items():
        del message[name.replace("_", "-")]
        if value is not None:
            message[name.replace("_", "-")] = value
    quoted = asked.get_content().replace("\n", "\n> ")
    message.set_content(f"{text}\n\nOn Tuesday, Northgate Ltd wrote:\n> {quoted}")
    return message


def refused(desk, content, code):
    before = whole(desk)
    with pytest.raises(sp.Invalid) as error:
        desk.notes.receive(content if isinstance(content, bytes) else content.as_bytes(), audience="both")
    assert [problem.code for problem in error.value.problems] == [code], error.value
    assert whole(desk) == before


def test_a_reply_is_threaded_back_with_its_files_and_without_what_it_quotes(desk, asked):
    message = reply(asked)
    message.add_attachment(b"%PDF-1.7 ...", maintype="application", subtype="octet-stream", filename="../Drawing.pdf")
    note = desk.notes.receive(message.as_bytes(), audience="resources")
    assert (str(note.kind), note.author, note.subject, note.text) == (
        "mail_in", "Zoë Field", "The drawing", "It is in the post."
    )  # fmt: skip
    assert [one.text for one in desk.notes.thread(note).order("created")] == [
        "Could you send it?",
        "It is in the post.",
    ]
    (file,) = desk.attachments.of(note)
    assert (file.name, file.media_type, str(file.audience)) == ("Drawing.pdf", "application/pdf", "resources")
    assert desk.attachments.content(file) == b"%PDF-1.7 ..."
    assert maintenance.check(desk) == []


def test_the_same_message_twice_is_one_note(desk, asked):
    first = desk.notes.receive(reply(asked).as_bytes(), audience="both")
    assert desk.notes.receive(reply(asked, "again").as_bytes(), audience="both") == first
    assert len(desk.notes) == 2


def test_a_user_replies_to_a_mention_and_the_owner_of_the_note_is_told(desk):
    desk.notes.add("Acme Ltd", "Floor load", "@tom, do you know?")
    desk.notices.deliver()
    asked = email.message_from_bytes(desk.mailer.sent[-1].content, policy=policy.default)
    note = desk.notes.receive(
        reply(asked, "4 t a bay. @Zoë Field said so.", sender="TOM@northgate.example").as_bytes(), audience="web"
    )
    assert (note.author, note.owner_id, [one.name for one in note.mentions]) == ("tom", "jane", ["Zoë Field"])
    assert sorted(one.to.email for one in desk.notices.deliver()) == ["jane@northgate.example", "zoe@acme.example"]


def test_an_answer_to_an_answer_goes_on_in_the_thread(desk, asked):
    first = desk.notes.receive(reply(asked).as_bytes(), audience="both")
    desk.notices.deliver()  # jane is told
    told = email.message_from_bytes(desk.mailer.sent[-1].content, policy=policy.default)
    assert told["To"] == "Jane Whitfield <jane@northgate.example>"
    second = desk.notes.receive(
        reply(told, "Thanks!", sender="jane@northgate.example", Message_ID="<r2@northgate.example>").as_bytes(),
        audience="both",
    )
    assert (second.thread_id, second.reply_to, second.author) == (first.thread_id, first.id, "jane")


def test_html_alone_is_read_as_text(desk, asked):
    message = reply(asked)
    message.set_content(
        f"<style>x</style><p>Yes &amp; no</p><div>Zo&euml;</div><blockquote>{MARK}<br>old</blockquote>", "html"
    )
    assert desk.notes.receive(message.as_bytes(), audience="both").text == "Yes & no\nZoë"


def test_it_needs_an_inbox_and_an_audience(desk, asked, opened):
    with pytest.raises(sp.Invalid, match="say who may see the file"):
        desk.notes.receive(reply(asked).as_bytes(), audience="")
    with pytest.raises(sp.OpenError, match="no inbox was given"):
        opened("memory:").notes.receive(reply(asked).as_bytes(), audience="both")


# --- forged ---------------------------------------------------------------------------------------------------


def test_what_answers_no_mail_of_ours_is_unknown(desk, asked):
    refused(desk, reply(asked, In_Reply_To=None), "unknown")
    refused(desk, reply(asked, In_Reply_To="<id00000001@northgate.example>"), "unknown")


@pytest.mark.parametrize(
    "headers",
    [
        {"sender": "mallory@evil.example"},
        {"sender": '"zoe@acme.example" <mallory@evil.example>'},
        {"sender": "office@acme.example"},
        {"To": "replies@northgate.example"},
        {"To": "replies+aaaaaaaaaaaaaaaaaaaaaaaa@northgate.example"},
    ],
)
def test_a_forged_one_is_refused(desk, asked, headers):
    refused(desk, reply(asked, **headers), "forged")


def test_two_senders_are_refused(desk, asked):
    content = reply(asked).as_bytes()
    refused(desk, b"From: mallory@evil.example\n" + content, "forged")
    refused(desk, content.replace(b"From:", b"X-From:"), "forged")
    refused(desk, reply(asked, sender="zoe@acme.example, mallory@evil.example"), "forged")


def test_the_signature_of_another_mail_does_not_serve(desk, asked):
    desk.notes.mail("Acme Ltd", "The price", "Is it right?")
    desk.notices.deliver()
    other = email.message_from_bytes(desk.mailer.sent[-1].content, policy=policy.default)
    assert other["Reply-To"] != asked["Reply-To"]
    refused(desk, reply(asked, To=str(other["Reply-To"])), "forged")
    refused(desk, reply(other, sender="zoe@acme.example"), "forged")


@pytest.mark.parametrize("headers", [{"Auto_Submitted": "auto-replied"}, {"X_Auto_Response_Suppress": "All"}])
def test_machines_are_not_answered(desk, asked, headers):
    refused(desk, reply(asked, **headers), "automatic")


# --- hostile --------------------------------------------------------------------------------------------------


def test_a_huge_mail_is_refused_at_once(desk, asked):
    refused(desk, reply(asked).as_bytes() + b"x" * 25_000_000, "huge")
    refused(desk, b"X-Y: " + b"z" * 300_000 + b"\n" + reply(asked).as_bytes(), "huge")


def test_a_thousand_attachments_are_refused(desk, asked):
    message = reply(asked)
    for number in range(1000):
        message.add_attachment(b"x", maintype="application", subtype="x", filename=f"{number}")
    refused(desk, message, "parts")


def nested(depth):
    lines = [b"From: zoe@acme.example"]
    for level in range(depth):
        lines += [b'Content-Type: multipart/mixed; boundary="%d"' % level, b"", b"--%d" % level]
    return b"\r\n".join([*lines, b"Content-Type: text/plain", b"", b"hi"])


def test_parts_within_parts_without_end_are_refused_quickly(desk):
    began = time.process_time()
    refused(desk, nested(5000), "parts")
    refused(desk, b"\r\n".join([b"From: a@x.example", *[b"Content-Type: message/rfc822\r\n"] * 5000, b"hi"]), "parts")
    assert time.process_time() - began < 20  # a parser that walks all of it takes minutes


def zip_bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for number in range(3):
            made.writestr(str(number), bytes(30_000_000))
    return out.getvalue()


def claims_to_hold(size):
    """A small ZIP whose directory says that it holds *size* bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("x", b"abc")
    content = bytearray(out.getvalue())
    place = content.index(b"PK\x01\x02")
    struct.pack_into("<L", content, place + 24, size)
    return bytes(content)


def overlapping():
    """A ZIP in which many names share the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("x", os.urandom(50_000))
    content = out.getvalue()
    start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    directory = content[start:end]
    tail = bytearray(content[end:])
    struct.pack_into("<HHL", tail, 8, 100, 100, 100 * len(directory))
    return content[:start] + directory * 100 + bytes(tail)


@pytest.mark.parametrize("make", [zip_bomb, lambda: claims_to_hold(2_000_000_000), overlapping])
def test_a_zip_bomb_is_refused(desk, asked, make):
    message = reply(asked)
    message.add_attachment(make(), maintype="application", subtype="zip", filename="photos.jpg")
    refused(desk, message, "bomb")


def test_an_honest_zip_is_taken_and_what_only_looks_like_one_is_a_file(desk, asked):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("drawing.txt", "four tons a bay\n" * 5000)
    message = reply(asked)
    message.add_attachment(out.getvalue(), maintype="application", subtype="zip", filename="a.zip")
    message.add_attachment(b"PK\x05\x06 and nothing", maintype="application", subtype="zip", filename="b.zip")
    note = desk.notes.receive(message.as_bytes(), audience="both")
    assert [one.name for one in desk.attachments.of(note)] == ["a.zip", "b.zip"]


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 1000, b"\xff\xfe", b"no header at all", os.urandom(5000), "text", None, 7]
)
def test_what_is_no_mail_is_refused_with_a_code(desk, content):
    with pytest.raises(sp.Invalid) as error:
        desk.notes.receive(content, audience="both")
    assert error.value.problems[0].code in ("type", "forged", "unreadable", "unknown")


@given(
    st.lists(
        st.sampled_from(
            [b"From: a@x.example\r\n", b"Content-Type: multipart/mixed; boundary=b\r\n", b"\r\n--b\r\n", b"\r\n--b--\r\n", b"\r\n\r\n",
             b"Content-Type: text/plain; charset=\xff\r\n", b"Content-Transfer-Encoding: base64\r\n", b"=?utf-8?b?/////?=",
             b"Subject: =?x?q?=ff?=\r\n", b"Content-Type: message/rfc822\r\n", b"Content-Disposition: attachment; filename*=x''%\r\n",
             b"\xff\x00\r\n", b"Message-ID: <a@b>\r\n", b"Auto-Submitted: no\r\n"]
        ),
        max_size=25,
    )
)  # fmt: skip
def test_whatever_comes_is_read_or_refused(pieces):
    with contextlib.suppress(sp.Invalid):
        mail = read_mail(b"".join(pieces))
        assert mail.sender.spec == "a@x.example"
        mail.text.encode()


# --- the inbox ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "secret"),
    [
        ("replies@x.example", "short"),
        ("replies@x.example", None),
        ("replies+a@x.example", SECRET),
        ("a" * 40 + "@x.example", SECRET),
        ("no address", SECRET),
    ],
)
def test_an_inbox_that_cannot_work_is_refused(address, secret):
    with pytest.raises(MailError):
        Inbox(address, secret=secret)


def test_its_secret_shows_nowhere_and_decides_everything():
    inbox, other = (Inbox("replies@x.example", secret=SECRET + mark) for mark in "ab")
    assert SECRET not in repr(inbox)
    address = inbox.reply_to("<1@x.example>", "Zoe@acme.example")
    assert len(address.partition("@")[0]) <= 64
    assert inbox.signed(address.upper(), "<1@x.example>", "zoe@ACME.example")
    assert not other.signed(address, "<1@x.example>", "zoe@acme.example")
    assert not inbox.signed(address, "<2@x.example>", "zoe@acme.example")
    assert not inbox.signed("é@x.example", "<1@x.example>", "zoe@acme.example")
