"""A message says exactly what was meant, whatever the words are, and is the same bytes for the same input (SPEC SEND-6)."""

from __future__ import annotations

import email
import email.policy
import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from salespipeline.errors import MailError
from salespipeline.mail import Address, Attachment, InlineImage, build_mail, message_id_for
from salespipeline.ports import Mail

DATE = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
BIDI = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
DIRECTIONS = dict.fromkeys(BIDI)
INJECTIONS = ["\r", "\n", "\r\nBcc: spy@evil.example", "\0", "\ud800", "\x85", "\u2028", "\x1b", "\x7f", "\ufffe"]

# Every character that text may hold: no surrogates (no text at all), and none that ends a line or is a control.
unicode = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufffe\uffff")
awkward = st.sampled_from(
    ['"', "\\", "=?", "?=", "=?utf-8?q?x?=", ",", ";", "<", ">", "@", "(", ")", ":", "  ", " ", "=_", "é", "😀", "."]
)
words = st.lists(st.one_of(unicode, awkward, st.text("abc XYZ012", max_size=20)), max_size=60).map("".join)
lines = st.lists(
    st.one_of(words, st.sampled_from(["", ".", "..", "From x", "--", " ", "\t", "x " * 60, "y" * 1200]))
).map("\n".join)


def build(**facts: object) -> Mail:
    whole: dict[str, object] = {
        "message_id": "<delivery-1@acme.example>",
        "date": DATE,
        "sender": "sales@acme.example",
        "to": "buyer@client.example",
        "subject": "Your quotation",
        "text": "Here it is.",
    }
    return build_mail(**whole | facts)  # type: ignore[arg-type]


def read(mail: Mail) -> EmailMessage:
    """Read a mail back with the standard library, as the program of the one who gets it would."""
    message = email.message_from_bytes(mail.content, policy=email.policy.SMTPUTF8)
    assert isinstance(message, EmailMessage)
    for part in message.walk():
        assert not part.defects, part.defects
    return message


def fields_of(mail: Mail) -> list[str]:
    head = mail.content.partition(b"\r\n\r\n")[0].decode()
    return [line.partition(":")[0] for line in re.split(r"\r\n(?![ \t])", head)]


def unfolded(mail: Mail, name: str) -> str:
    head = mail.content.partition(b"\r\n\r\n")[0].decode()
    (field,) = (line for line in re.split(r"\r\n(?![ \t])", head) if line.startswith(f"{name}: "))
    return field.removeprefix(f"{name}: ").replace("\r\n", "")


def decoded(text: str) -> str:
    """Read encoded words by RFC 2047: the space between two of them is not part of the text."""
    return str(make_header(decode_header(text)))


def people_of(mail: Mail, name: str) -> list[tuple[str, str]]:
    """Return names and addresses. (``headerregistry`` of older Pythons puts a space between two encoded words.)"""
    return [(decoded(shown), spec) for shown, spec in getaddresses([unfolded(mail, name)])]


def text_of(part: object) -> str:
    assert isinstance(part, EmailMessage)
    return str(part.get_content()).replace("\r\n", "\n")


# --- header fields ------------------------------------------------------------------------------------------


@given(words.filter(lambda text: text.translate(DIRECTIONS).strip() != ""))
@example("=?utf-8?q?a=0D=0ABcc:_spy@evil.example?=")
@example("x" * 900)
@example("Angebot für Köln – 12 %, gültig bis 31.12. ✓")
@example("a" * 61 + " b")
def test_a_subject_comes_back_exactly(subject: str) -> None:
    meant = subject.translate(DIRECTIONS).strip()
    mail = build(subject=subject)
    assert decoded(unfolded(mail, "Subject")) == meant
    assert [name for name in fields_of(mail) if name == "Subject"] == ["Subject"]


@given(words.filter(lambda text: len(text) <= 256))
@example("Müller, Jane (Sales) <x>")
@example("=?utf-8?q?a=0D=0ABcc:_spy@evil.example?=")
@example('O"Brien \\ Sons')
@example("Δοκιμή" * 40)
def test_a_name_beside_an_address_comes_back_exactly(name: str) -> None:
    meant = name.translate(DIRECTIONS).strip()
    people = [Address("buyer@client.example", name), Address("other@client.example", "Plain Name")]
    mail = build(sender=Address("sales@acme.example", name), to=people, cc=Address("c@x.example", name))
    assert people_of(mail, "To") == [(meant, "buyer@client.example"), ("Plain Name", "other@client.example")]
    assert people_of(mail, "From") == [(meant, "sales@acme.example")]
    assert people_of(mail, "Cc") == [(meant, "c@x.example")]
    assert [one.addr_spec for one in read(mail)["To"].addresses] == ["buyer@client.example", "other@client.example"]


local = st.from_regex(r"[a-z0-9!#$%&'*+/=^_`{|}~-]{1,20}(\.[a-z0-9]{1,10}){0,2}", fullmatch=True)
domain = st.from_regex(r"[a-z][a-z0-9]{0,20}(-[a-z0-9]{1,10})?\.(example|test-site\.org|co\.uk)", fullmatch=True)
addresses = st.builds("{}@{}".format, local, domain)


@given(st.lists(addresses, min_size=1, max_size=9), st.lists(addresses, max_size=3), st.lists(addresses, max_size=3))
def test_the_envelope_names_everybody_once_and_the_fields_never_name_bcc(
    to: list[str], cc: list[str], bcc: list[str]
) -> None:
    mail = build(to=to, cc=cc, bcc=bcc)
    assert list(mail.recipients) == list(dict.fromkeys([*to, *cc, *bcc]))
    message = read(mail)
    assert [one.addr_spec for one in message["To"].addresses] == list(dict.fromkeys(to))
    assert "Bcc" not in message
    for hidden in set(bcc) - {*to, *cc}:
        assert f"<{hidden}>".encode() not in mail.content
        assert hidden not in [
            one.addr_spec for name in ("To", "Cc") if message[name] for one in message[name].addresses
        ]


def test_bcc_alone_is_enough_and_leaves_no_trace() -> None:
    mail = build(to=(), bcc="archive@acme.example")
    assert mail.recipients == ("archive@acme.example",)
    assert b"archive" not in mail.content
    assert "To" not in fields_of(mail)


def test_a_reply_goes_where_it_was_asked_for() -> None:
    message = read(build(reply_to=["desk@acme.example", "Jörg <joerg@acme.example>"]))
    assert [(a.display_name, a.addr_spec) for a in message["Reply-To"].addresses] == [
        ("", "desk@acme.example"),
        ("Jörg", "joerg@acme.example"),
    ]


@given(words.filter(lambda text: 0 < len(text.translate(DIRECTIONS).strip()) <= 900))
def test_a_field_of_your_own_comes_back_exactly(value: str) -> None:
    mail = build(headers={"X-Customer": value})
    assert decoded(unfolded(mail, "X-Customer")) == value.translate(DIRECTIONS).strip()


def test_known_fields_are_written_as_given() -> None:
    message = read(build(headers={"In-Reply-To": "<1@x.example>", "Auto-Submitted": "auto-generated"}))
    assert message["In-Reply-To"] == "<1@x.example>"
    assert message["Auto-Submitted"] == "auto-generated"


def test_a_list_can_be_left_with_one_click() -> None:
    """RFC 8058: both fields, and the post field only where there is a page to post to."""
    page, box = "https://acme.example/leave?u=1&t=a%20b", "mailto:leave@acme.example?subject=leave"
    message = read(build(unsubscribe=page))
    assert message["List-Unsubscribe"] == f"<{page}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    message = read(build(unsubscribe=[box, page]))
    assert message["List-Unsubscribe"] == f"<{box}>, <{page}>"
    message = read(build(unsubscribe=box))
    assert (message["List-Unsubscribe"], message["List-Unsubscribe-Post"]) == (f"<{box}>", None)
    assert read(build())["List-Unsubscribe"] is None
    with pytest.raises(MailError, match="given twice"):
        build(unsubscribe=page, headers={"list-unsubscribe": page})


@pytest.mark.parametrize(
    "place",
    ["http://a.example", "javascript:x", "https://a.example/>,<mailto:b@x", "https://a b", "https://ä.example", "", "https://",
     "https://a.example\r\nBcc: b@x", 7, "https://" + "a" * 900, "https://?u=1", "https:///leave", "https://u:p@a.example/", "mailto:",
     "mailto:leave", "mailto:a@x,b@x", "mailto:a@x%0ABcc:b@x", "https://a.example/{contact}"],
)  # fmt: skip
def test_what_is_no_way_to_leave_a_list_is_refused(place: object) -> None:
    with pytest.raises(MailError, match="unsubscribe is an address"):
        build(unsubscribe=[place])


@pytest.mark.parametrize(
    "name",
    ["Bcc", "To", "Subject", "Content-Type", "Resent-To", "X-", "X-a b", "X-a:", "X-a\r\nBcc", "X-\u212a", "", None],
)
def test_fields_that_are_not_for_the_caller_are_refused(name: str) -> None:
    with pytest.raises(MailError, match="header field"):
        build(headers={name: "value"})


def test_one_field_twice_is_refused() -> None:
    with pytest.raises(MailError, match="given twice"):
        build(headers={"X-Customer": "1", "x-customer": "2"})


@pytest.mark.parametrize("bad", INJECTIONS)
@pytest.mark.parametrize(
    ("field", "give"),
    [
        ("subject", lambda bad: {"subject": f"Your quote{bad}"}),
        ("sender", lambda bad: {"sender": f"Acme{bad} <sales@acme.example>"}),
        ("sender", lambda bad: {"sender": f"sales@acme.example{bad}"}),
        ("to", lambda bad: {"to": f"Buyer{bad} <buyer@client.example>"}),
        ("to", lambda bad: {"to": ["ok@client.example", f"buyer@client.example{bad}"]}),
        ("to", lambda bad: {"to": f"buyer{bad}@client.example"}),
        ("cc", lambda bad: {"cc": f"b{bad}@client.example"}),
        ("bcc", lambda bad: {"bcc": f"{bad} <b@client.example>"}),
        ("reply_to", lambda bad: {"reply_to": f"Desk <{bad}desk@acme.example>"}),
        ("X-Customer", lambda bad: {"headers": {"X-Customer": f"17{bad}"}}),
        ("In-Reply-To", lambda bad: {"headers": {"In-Reply-To": f"<1@x.example>{bad}"}}),
        ("Message-ID", lambda bad: {"message_id": f"<1@acme.example>{bad}"}),
    ],
)
def test_nothing_can_end_a_header_field_early(field: str, give: object, bad: str) -> None:
    with pytest.raises(MailError) as refused:
        build(**give(bad))  # type: ignore[operator]
    message = str(refused.value)
    assert field in message, "the refusal names the field"
    assert bad not in message, "and shows the value escaped"
    message.encode()


@pytest.mark.parametrize("bad", INJECTIONS)
def test_nothing_can_end_a_name_early(bad: str) -> None:
    with pytest.raises(MailError, match="name"):
        Address("buyer@client.example", f"Jane{bad}")


# --- addresses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a@x.example, b@evil.example",
        "a@x.example b@evil.example",
        "a@x.example;b@evil.example",
        "alice@x.example<bob@evil.example>",
        "<a@x.example><b@evil.example>",
        "Acme <a@x.example>, b@evil.example",
        "a@x.example> SIZE=1\r\nRCPT TO:<b@evil.example",
        "=?utf-8?q?a?=@x.example",
        "a@x.example\n",
        "\r\nAcme\r\n<a@x.example>",
        f"Acme <a@x.example>{' ' * 2000}, b@evil.example",
        "a@@x.example",
        "a@-x.example",
        "a@x..example",
        "a@" + "x" * 64 + ".example",
        "a@[127.0.0.1]",
        '"a b"@x.example',
        "@x.example",
        "a@",
        "",
        "a" * 10_000,
    ],
)
def test_what_is_not_exactly_one_address_is_refused(text: str) -> None:
    with pytest.raises(MailError) as refused:
        Address.of(text)
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize("value", [None, 7, b"a@x.example", ["a@x.example"]])
def test_what_is_no_text_is_no_address(value: object) -> None:
    with pytest.raises(MailError, match="is text"):
        Address.of(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
@pytest.mark.parametrize("value", [None, 7, [None], [["a@x.example"]]])
def test_what_is_no_list_of_addresses_is_refused_by_the_name_of_the_field(field: str, value: object) -> None:
    with pytest.raises(MailError, match=f"^{field}: "):
        build(**{field: value})


@pytest.mark.parametrize(
    ("text", "spec", "name"),
    [
        ("sales@acme.example", "sales@acme.example", ""),
        ("Acme Ltd <sales@acme.example>", "sales@acme.example", "Acme Ltd"),
        ('"Acme, Ltd" <sales@acme.example>', "sales@acme.example", "Acme, Ltd"),
        ("<sales@acme.example>", "sales@acme.example", ""),
        ("Jane <jane@MÜLLER.example>", "jane@xn--mller-kva.example", "Jane"),
        ("dev@münchen.example", "dev@xn--mnchen-3ya.example", ""),
        ("j.o'neil+tag@x.example", "j.o'neil+tag@x.example", ""),
        ("用户@x.example", "用户@x.example", ""),
    ],
)
def test_an_address_is_read_as_people_write_it(text: str, spec: str, name: str) -> None:
    address = Address.of(text)
    assert (address.spec, address.name) == (spec, name)
    assert Address.of(address) is address


def test_two_spellings_of_one_mailbox_get_one_mail_and_two_mailboxes_get_two() -> None:
    assert build(to=["Buyer@Client.Example", "buyer@client.example"]).recipients == ("Buyer@client.example",)
    assert len(build(to=["strasse@x.example", "straße@x.example"]).recipients) == 2


def test_nobody_to_mail_is_refused() -> None:
    with pytest.raises(MailError, match="at least one recipient"):
        build(to=[], cc=(), bcc=[])


def test_an_address_in_unicode_is_written_in_utf_8() -> None:
    mail = build(to="用户@x.example")
    assert mail.recipients == ("用户@x.example",)
    assert people_of(mail, "To") == [("", "用户@x.example")]


# --- parts --------------------------------------------------------------------------------------------------


def as_mailed(text: str) -> str:
    """Lines end one way in mail, and the last line ends, too."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else text + "\n"


@given(lines, lines)
@example("", "")
@example("a\r\nb\rc\n\n", "<p>é\u0085</p>".replace("\u0085", ""))
@example("=_ --=_ =3D =\n", " \n \t\n")
def test_both_texts_come_back_exactly(text: str, html: str) -> None:
    assert text_of(read(build(text=text))) == as_mailed(text)
    both = read(build(text=text, html=html))
    plain, rich = both.get_body(("plain",)), both.get_body(("html",))
    assert (text_of(plain), text_of(rich)) == (as_mailed(text), as_mailed(html))


names = st.lists(st.one_of(unicode, awkward, st.sampled_from([".pdf", "/", "'", "%", "*", "é"])), max_size=80).map(
    "".join
)
files = st.lists(st.tuples(names, st.binary(max_size=400)), max_size=4)


@given(files)
@example([("Offer.pdf", b"1"), ("offer.PDF", b"2"), ("a/../Offer.pdf", b"3")])
@example([("é" * 100 + ".pdf", b"x" * 58), ('a"b\\c;d=e.pdf', b""), ("it's 100%*.pdf", b"\r\n.\r\n")])
def test_files_come_back_with_their_names_in_order_byte_for_byte(given_files: list[tuple[str, bytes]]) -> None:
    attachments = [Attachment(name, content, "application/pdf") for name, content in given_files]
    message = read(build(attachments=attachments))
    found = list(message.iter_attachments())
    assert [part.get_content() for part in found] == [content for _, content in given_files]
    called = [str(part.get_filename()) for part in found]
    assert len({name.casefold() for name in called}) == len(called)
    for name, attachment in zip(called, attachments, strict=True):
        assert re.sub(r" \(\d+\)(?=(\.\w+)?$)", "", name) == re.sub(r" \(\d+\)(?=(\.\w+)?$)", "", attachment.name)
    assert {part.get_content_type() for part in found} <= {"application/pdf"}
    assert {part.get_content_disposition() for part in found} <= {"attachment"}


def test_a_file_cannot_pose_as_a_part() -> None:
    """Every mark that divides the message comes from the Message-ID, which somebody might guess."""
    seed = re.search(rb'boundary="(=_[^"]*)_\d+"', build(attachments=[Attachment("a", b"")]).content)
    assert seed is not None
    for mark in ("_0", "_0_content", "_1_content"):
        hostile = seed[1].decode() + mark
        mail = build(
            text=f"--{hostile}\n{hostile}",
            html=f"--{hostile}--",
            attachments=[Attachment(hostile, f"\r\n--{hostile}\r\n".encode()), Attachment("b.bin", b"b")],
        )
        first, second = read(mail).iter_attachments()
        assert (first.get_filename(), first.get_content()) == (hostile, f"\r\n--{hostile}\r\n".encode())
        assert (second.get_filename(), second.get_content()) == ("b.bin", b"b")


def test_images_are_shown_by_the_html_part() -> None:
    images = [InlineImage("logo@acme", b"\x89PNG1"), InlineImage("photo.2@acme", b"\xff\xd8", "image/jpeg")]
    html = '<img src="cid:logo@acme"><img src="cid:photo.2@acme">'
    mail = build(html=html, inline_images=images, attachments=[Attachment("Offer.pdf", b"%PDF", "application/pdf")])
    message = read(mail)
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "image/jpeg",
        "application/pdf",
    ]
    rich = message.get_body(("related",))
    assert rich is not None
    assert rich.get_param("type") == "text/html"  # RFC 2387
    shown = [part for part in message.walk() if part.get_content_maintype() == "image"]
    assert [(part["Content-ID"], part.get_content()) for part in shown] == [
        ("<logo@acme>", b"\x89PNG1"),
        ("<photo.2@acme>", b"\xff\xd8"),
    ]
    assert {part.get_content_disposition() for part in shown} == {"inline"}


@given(words.filter(lambda text: len(text) < 200), lines, lines, files)
def test_every_line_is_short_ascii_and_ends_in_crlf(
    name: str, text: str, html: str, given_files: list[tuple[str, bytes]]
) -> None:
    mail = build(
        sender=Address("sales@acme.example", name),
        to=[Address(f"b{number}@client.example", name) for number in range(5)],
        subject=name.translate(DIRECTIONS).strip() or "-",
        text=text,
        html=html,
        attachments=[Attachment(*one) for one in given_files],
        inline_images=[InlineImage("a@b", b"x" * 100)],
        headers={"References": " ".join(f"<{number}@{'x' * 50}.example>" for number in range(14))},
    )
    assert mail.content.isascii()
    assert b"\0" not in mail.content
    assert mail.content.count(b"\r\n") == mail.content.count(b"\n") == mail.content.count(b"\r")
    assert max(map(len, mail.content.split(b"\r\n"))) <= 998  # RFC 5322
    assert mail.content.endswith(b"\r\n")


@pytest.mark.parametrize("part", ["text", "html"])
@pytest.mark.parametrize("bad", ["\0", "\ud800", "\x1b", "\x85", "\ufffe"])
def test_what_mail_cannot_carry_is_refused_with_its_line(part: str, bad: str) -> None:
    with pytest.raises(MailError, match=f"{part} part holds the character .* in line 2"):
        build(**{part: f"one\ntwo{bad}"})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Attachment("a", "text"), "read the file first"),
        (lambda: Attachment("a", b"", "pdf"), "media type"),
        (lambda: Attachment("a", b"", "text/html\r\nX: y"), "media type"),
        (lambda: Attachment(None, b""), "name of a file is text"),
        (lambda: InlineImage("logo", b""), "content id"),
        (lambda: InlineImage("logo@acme>\r\nX: y", b""), "content id"),
        (lambda: build(inline_images=[InlineImage("a@b", b"")]), "HTML part"),
        (lambda: build(html="", inline_images=[InlineImage("a@b", b"")] * 2), "same content id"),
        (lambda: build(attachments=[b"%PDF"]), "attachments: .*Attachment"),
        (lambda: build(attachments=Attachment("a", b"")), "attachments: .*list"),
        (lambda: build(html="", inline_images=[Attachment("a", b"")]), "inline_images: .*InlineImage"),
        (lambda: build(text=None), "text part"),
        (lambda: build(html=b"<p>"), "html part"),
        (lambda: build(subject=""), "subject"),
        (lambda: build(subject="\u202e \u200f"), "subject"),
        (lambda: build(subject="x" * 999), "999 characters"),
        (lambda: build(message_id="1@acme.example"), "Message-ID"),
        (lambda: build(date=datetime(2026, 1, 5)), "aware datetime"),
        (lambda: build(date="2026-01-05"), "aware datetime"),
        (lambda: build(date=datetime(2026, 1, 5, tzinfo=Nowhere())), "aware datetime"),
        (lambda: build(date=datetime.min.replace(tzinfo=timezone(timedelta(hours=9)))), "date of a mail"),
        (lambda: build(headers={"X-A": ""}), "X-A"),
        (lambda: build(headers={"X-A": 3}), "X-A"),
        (lambda: build(headers={"References": "=?utf-8?q?x?="}), "References"),
    ],
)
def test_what_cannot_be_mailed_is_refused_with_a_reason(make: object, words: str) -> None:
    with pytest.raises(MailError, match=words):
        make()  # type: ignore[operator]


class Nowhere(tzinfo):
    """A time zone that does not know its own offset: such a moment is as good as naive."""

    def utcoffset(self, _: datetime | None) -> None:
        return None


def test_a_message_inside_a_mail_stays_a_closed_file() -> None:
    (part,) = read(build(attachments=[Attachment("old.eml", b"From: x\r\n\r\n", "message/rfc822")])).iter_attachments()
    assert (part.get_content_type(), part.get_content()) == ("application/octet-stream", b"From: x\r\n\r\n")


def test_a_mail_that_is_too_large_is_refused_before_and_after_it_is_encoded() -> None:
    small = build(attachments=[Attachment("Offer.pdf", b"x" * 3000)])
    build(attachments=[Attachment("Offer.pdf", b"x" * 3000)], max_bytes=len(small.content))
    for most in (2000, len(small.content) - 1):
        with pytest.raises(MailError, match=r"'Offer\.pdf' alone has 0\.0 MB"):
            build(attachments=[Attachment("Offer.pdf", b"x" * 3000)], max_bytes=most)


def test_nothing_is_shown_of_what_a_file_holds() -> None:
    assert repr(Attachment("a.pdf", b"secret")).count("secret") == 0
    assert repr(InlineImage("a@b", b"secret")).count("secret") == 0


# --- the same every time ------------------------------------------------------------------------------------


@given(words.filter(lambda text: text.translate(DIRECTIONS).strip() != ""), lines, files)
def test_the_same_input_gives_the_same_bytes(subject: str, text: str, given_files: list[tuple[str, bytes]]) -> None:
    def once() -> Mail:
        return build(subject=subject, text=text, html=text, attachments=[Attachment(*one) for one in given_files])

    assert once() == once()


def test_the_delivery_decides_id_date_and_boundaries() -> None:
    message_id = message_id_for("0190f5e4-1", "Sales <sales@müller.example>")
    assert message_id == "<0190f5e4-1@xn--mller-kva.example>"
    moment = datetime(2026, 7, 1, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    one = build(message_id=message_id, date=moment, html="<p>")
    message = read(one)
    assert one.message_id == message["Message-ID"] == message_id
    assert parsedate_to_datetime(message["Date"]) == moment
    assert message["Date"] == "Thu, 02 Jul 2026 04:30:00 +0000"
    assert build(message_id=message_id, date=moment.astimezone(UTC), html="<p>") == one
    other = build(message_id=message_id_for("0190f5e4-2", "sales@acme.example"), date=moment, html="<p>")
    assert read(other).get_boundary() != message.get_boundary()


@pytest.mark.parametrize("key", ["", "a b", "a@b", "a\r\nb", "<a>", "é", "=?x", "a" * 250])
def test_a_key_that_makes_no_message_id_is_refused(key: str) -> None:
    with pytest.raises(MailError, match="Message-ID"):
        message_id_for(key, "sales@acme.example")


def test_a_message_is_written_to_the_byte() -> None:
    """The whole of one message, so that nothing about it changes by accident."""
    mail = build(
        sender=Address("sales@acme.example", "Acme, Ltd"),
        to=Address("buyer@client.example", "Jörg"),
        subject="Größe",
        text="Grüße\n",
        attachments=[Attachment("Angebot für Sie.pdf", b"%PDF", "application/pdf")],
    )
    assert mail.content.decode("ascii").split("\r\n") == [
        "Message-ID: <delivery-1@acme.example>",
        "Date: Mon, 05 Jan 2026 09:30:00 +0000",
        'From: "Acme, Ltd" <sales@acme.example>',
        "To: =?utf-8?b?SsO2cmc=?= <buyer@client.example>",
        "Subject: =?utf-8?b?R3LDtsOfZQ==?=",
        "MIME-Version: 1.0",
        'Content-Type: multipart/mixed; boundary="=_e2e7cd22dd1cceb5177ec26a_0"',
        "",
        "--=_e2e7cd22dd1cceb5177ec26a_0",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "Gr=C3=BC=C3=9Fe",
        "",
        "--=_e2e7cd22dd1cceb5177ec26a_0",
        "Content-Type: application/pdf",
        "Content-Transfer-Encoding: base64",
        "Content-Disposition: attachment;",
        " filename*=utf-8''Angebot%20f%C3%BCr%20Sie.pdf",
        "",
        "JVBERg==",
        "--=_e2e7cd22dd1cceb5177ec26a_0--",
        "",
    ]


@given(words)
def test_what_is_stripped_from_a_name_is_only_direction_and_the_ends(name: str) -> None:
    if len(name) <= 256:
        kept = Address("a@x.example", name).name
        assert [c for c in kept if unicodedata.category(c) == "Cf" and ord(c) in BIDI] == []
        assert kept == name.translate(DIRECTIONS).strip()
