"""A finished message: built once, checked, and the same bytes for the same input.

The parts are written by the standard library's ``email`` (``parts``), the header fields by ``headers`` and
``addresses``; then the bytes are read back and compared with what was meant, so that a fault in any of them is
a refusal and not a mail to somebody else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.headerregistry import AddressHeader
from email.parser import HeaderParser
from email.utils import format_datetime
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

from salespipeline.errors import MailError, shown
from salespipeline.mail.addresses import BIDI, UNSAFE, Address
from salespipeline.mail.headers import address_field, folded, text_field
from salespipeline.mail.parts import Attachment, InlineImage, mime
from salespipeline.ports import Mail

__all__ = ["Address", "Addresses", "Attachment", "InlineImage", "build_mail", "leave_address", "message_id_for"]

MOST_BYTES = 20_000_000  # what most servers still take
_LONGEST_SUBJECT = 998
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_MESSAGE_ID = re.compile(rf"<{_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*>")
_UNSAFE_IN_BODY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# An allow-list: Bcc, Resent-*, Content-* and what this module writes itself are not for the caller.
_FREE = re.compile(r"x-[a-z0-9-]{1,60}|organization|comments|keywords")
_MACHINE = {"in-reply-to", "references", "auto-submitted", "list-id", "list-unsubscribe", "list-unsubscribe-post",
            "precedence", "importance", "priority"}  # fmt: skip

_HOST = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*"
_URL = r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+;=]|%[0-9A-Fa-f]{2})"  # no comma, no space
_LEAVE = re.compile(
    rf"(?=.{{1,800}}\Z)(?:https://{_HOST}(?::\d+)?(?:[/?#]{_URL}*)?|mailto:[A-Za-z0-9._+-]+@{_HOST}(?:\?{_URL}*)?)"
)

_HEADERS = HeaderParser()  # by the old policy, which takes fields apart and leaves their values alone

_Part = TypeVar("_Part", Attachment, InlineImage)
Addresses: TypeAlias = Address | str | Iterable[Address | str]


def message_id_for(key: str, sender: Address | str) -> str:
    """Return the Message-ID of the delivery called *key*: the same one at every attempt (SPEC SEND-6).

    >>> message_id_for("0190f5e4-1", "sales@acme.example")
    '<0190f5e4-1@acme.example>'
    """
    return _checked_id(f"<{key}@{Address.of(sender).spec.rpartition('@')[2]}>")


def _checked_id(value: object) -> str:
    if not isinstance(value, str) or len(value) > 250 or "=?" in value or not _MESSAGE_ID.fullmatch(value):
        message = f"{shown(value)} is not a Message-ID such as '<0190f5e4@acme.example>'; use message_id_for()"
        raise MailError(message)
    return value


def _date(value: object) -> str:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        message = f"the date of a mail is an aware datetime, not {shown(value)}; give it a time zone"
        raise MailError(message)
    try:
        return format_datetime(value.astimezone(UTC))
    except OverflowError:
        message = f"the date of a mail is a moment of the years 1 to 9999, not {shown(value)}"
        raise MailError(message) from None


def _subject(value: object) -> str:
    if not isinstance(value, str) or not value.translate(BIDI).strip():
        message = f"a mail needs a subject, not {shown(value)}"
        raise MailError(message)
    if unsafe := UNSAFE.search(value):
        message = f"the subject {shown(value)} holds the character {shown(unsafe[0])}; a subject is one line of text"
        raise MailError(message)
    if len(value) > _LONGEST_SUBJECT:
        message = f"the subject {shown(value)} has {len(value)} characters; at most {_LONGEST_SUBJECT} are taken"
        raise MailError(message)
    return value.translate(BIDI).strip()


def _body(value: object, part: str) -> str:
    if not isinstance(value, str):
        message = f"the {part} part of a mail is str, not {type(value).__name__}"
        raise MailError(message)
    if unsafe := _UNSAFE_IN_BODY.search(value):
        line = value.count("\n", 0, unsafe.start()) + 1
        message = f"the {part} part holds the character {shown(unsafe[0])} in line {line}, which mail cannot carry"
        raise MailError(message)
    return value


def _address(given: Address | str, field: str) -> Address:
    try:
        return Address.of(given)
    except MailError as error:
        message = f"{field}: {error}"
        raise MailError(message) from None


def _addresses(given: Addresses, field: str) -> tuple[Address, ...]:
    """Return each mailbox once, in the spelling and the place where it is first named."""
    if isinstance(given, Address | str):
        given = (given,)
    if not isinstance(given, Iterable):
        message = f"{field}: give one address or a list of them, not {shown(given)} ({type(given).__name__})"
        raise MailError(message)
    kept: dict[str, Address] = {}
    for one in given:
        address = _address(one, field)
        kept.setdefault(address.key, address)
    return tuple(kept.values())


def _parts(given: Iterable[_Part], kind: type[_Part], field: str) -> tuple[_Part, ...]:
    if not isinstance(given, Iterable):
        message = f"{field}: give a list of {kind.__name__}, not {type(given).__name__}"
        raise MailError(message)
    parts = tuple(given)
    for part in parts:
        if not isinstance(part, kind):
            message = f"{field}: make each of them a mail.{kind.__name__}, not {type(part).__name__}"
            raise MailError(message)
    return parts


def _extra_field(name: object, value: object) -> tuple[str, str]:
    """Return a field of the caller's own, by its name, as it is written."""
    key = name.lower() if isinstance(name, str) and name.isascii() else ""
    free = _FREE.fullmatch(key) is not None
    if not free and key not in _MACHINE:
        message = f"the header field {shown(name)} is not for the caller; fields of your own begin with 'X-'"
        raise MailError(message)
    text = value.translate(BIDI).strip() if isinstance(value, str) and not UNSAFE.search(value) else ""
    if not 0 < len(text) <= 900 or not (free or (text.isascii() and "=?" not in text)):
        message = f"the header field {name} cannot hold {shown(value)}; it takes one short line of text"
        raise MailError(message)
    return str(name), text_field(str(name), text) if free else folded(str(name), text.split())


def leave_address(given: object) -> str:
    """Return *given* where it is an address at which a recipient may leave a list, or raise ``MailError``.

    >>> leave_address("https://acme.example/leave?u=1")
    'https://acme.example/leave?u=1'
    """
    if not isinstance(given, str) or not _LEAVE.fullmatch(given):
        message = (
            f"unsubscribe is an address such as 'https://acme.example/leave?u=1' or 'mailto:…', not {shown(given)}"
        )
        raise MailError(message)
    return given


def _unsubscribing(given: str | Iterable[str]) -> list[tuple[str, str]]:
    """Return the fields that let a mail program offer to leave a list, with one click where the address is a page."""
    places = [leave_address(one) for one in ((given,) if isinstance(given, str) else given)]
    if not places:
        return []
    words = [f"<{place}>," for place in places[:-1]] + [f"<{places[-1]}>"]
    fields = [("List-Unsubscribe", folded("List-Unsubscribe", words))]
    if any(place.startswith("https:") for place in places):
        fields.append(("List-Unsubscribe-Post", folded("List-Unsubscribe-Post", ["List-Unsubscribe=One-Click"])))
    return fields


@lru_cache(maxsize=1024)  # the sender is in every mail of a batch, and many a client gets several
def _read_addresses(value: str) -> tuple[str, ...]:
    """Return the addresses that a field holds, as the standard library reads them."""
    read: dict[str, Any] = {"defects": []}
    AddressHeader.parse(value, read)
    return tuple(address.addr_spec for group in read["groups"] for address in group.addresses)


def _verify(content: bytes, fields: Sequence[str], meant: Mapping[str, Sequence[Address]], subject: str) -> None:
    """Read the header fields back, and raise where they are not those that were meant."""
    block = content.partition(b"\r\n\r\n")[0].decode()
    lines = block.split("\r\n")
    read = [(name.lower(), value.replace("\r\n", "")) for name, value in _HEADERS.parsestr(block).items()]
    sound = [name for name, _ in read] == [name.lower() for name in fields]
    sound &= not any("\r" in line or "\n" in line or "\0" in line or len(line) > 998 for line in lines)
    values = dict(read)
    for name, addresses in meant.items():
        found = _read_addresses(values.get(name.lower(), ""))
        sound &= found == tuple(address.spec for address in addresses)
    sound &= str(make_header(decode_header(values.get("subject", "")))) == subject
    if not sound:
        message = (
            "the message that was built does not say what was meant, so it is not sent; "
            "please report the kind of names and subject, and the version of Python"
        )
        raise MailError(message)


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:.1f} MB"


def _check_size(count: int, most: int, files: Sequence[Attachment]) -> None:
    if count > most:
        largest = max(files, key=lambda file: len(file.content), default=None)
        hint = f" ({shown(largest.name)} alone has {_megabytes(len(largest.content))})" if largest else ""
        message = f"the mail has {_megabytes(count)}, and at most {_megabytes(most)} are allowed{hint}; attach less"
        raise MailError(message)


def build_mail(
    *,
    message_id: str,
    date: datetime,
    sender: Address | str,
    to: Addresses,
    cc: Addresses = (),
    bcc: Addresses = (),
    reply_to: Addresses | None = None,
    subject: str,
    text: str,
    html: str | None = None,
    attachments: Iterable[Attachment] = (),
    inline_images: Iterable[InlineImage] = (),
    headers: Mapping[str, str] | None = None,
    unsubscribe: str | Iterable[str] = (),
    max_bytes: int = MOST_BYTES,
) -> Mail:
    """Return the finished message and its envelope: the same bytes for the same input (SPEC SEND-6).

    *bcc* is in the envelope only. The envelope names each mailbox once, in the order To, Cc, Bcc. Inline
    images need an *html* part. *headers* may hold fields of your own (``X-…``) and a few well-known ones
    (``In-Reply-To``, ``References``, ``Auto-Submitted`` …). *unsubscribe* is where a recipient leaves the list, one or several
    ``https:`` or ``mailto:`` addresses: mail programs show a button for it, and post to the first ``https:`` one (RFC 2369,
    RFC 8058). *max_bytes* bounds what leaves, encoding included.

    Raises ``MailError`` for anything that cannot be mailed exactly as it is meant: line ends in a name, a
    NUL, two addresses in one, a mail that is too large.

    >>> from datetime import datetime, timezone
    >>> mail = build_mail(
    ...     message_id="<1@acme.example>", date=datetime(2026, 1, 5, 9, tzinfo=timezone.utc),
    ...     sender=Address("sales@acme.example", "Acme Ltd"), to="buyer@client.example",
    ...     bcc="archive@acme.example", subject="Your quote", text="Please find it attached.")
    >>> mail.recipients
    ('buyer@client.example', 'archive@acme.example')
    """
    origin = _address(sender, "sender")
    lists = (
        ("From", (origin,)),
        ("To", _addresses(to, "to")),
        ("Cc", _addresses(cc, "cc")),
        ("Reply-To", _addresses(() if reply_to is None else reply_to, "reply_to")),
    )
    listed = {name: addresses for name, addresses in lists if addresses}
    recipients = _addresses((*listed.get("To", ()), *listed.get("Cc", ()), *_addresses(bcc, "bcc")), "to")
    if not recipients:
        raise MailError("a mail needs at least one recipient in to, cc or bcc")
    identity, title = _checked_id(message_id), _subject(subject)
    files = _parts(attachments, Attachment, "attachments")
    images = _parts(inline_images, InlineImage, "inline_images")
    carried: tuple[Attachment | InlineImage, ...] = (*files, *images)
    if images and html is None:
        raise MailError("inline images are shown by an HTML part, and this mail has none; attach them instead")
    if len({image.content_id for image in images}) < len(images):
        raise MailError("two inline images have the same content id; the HTML could show only one of them")
    plain, rich = _body(text, "text"), None if html is None else _body(html, "html")
    _check_size(len(plain) + len(rich or "") + sum(len(part.content) for part in carried), max_bytes, files)

    fields = [("Message-ID", folded("Message-ID", [identity])), ("Date", folded("Date", [_date(date)]))]
    fields += [(name, address_field(name, addresses)) for name, addresses in listed.items()]
    fields += [("Subject", text_field("Subject", title))]
    fields += _unsubscribing(unsubscribe)
    fields += [_extra_field(name, value) for name, value in (headers or {}).items()]
    names = [name for name, _ in fields]
    if len({name.lower() for name in names}) < len(names):
        raise MailError("a header field is given twice; names of fields are the same in capitals and small letters")
    seed = hashlib.sha256(identity.encode()).hexdigest()[:24]
    body, boundaries = mime(plain, rich, files, images, seed=seed)
    content = "".join(f"{written}\r\n" for _, written in fields).encode() + body
    _check_size(len(content), max_bytes, files)

    mime_names = re.findall(rb"^([A-Za-z-]+):", body.partition(b"\r\n\r\n")[0], re.MULTILINE)
    _verify(content, names + [name.decode() for name in mime_names], listed, title)
    if content.count(f"\r\n--=_{seed}_".encode()) != boundaries:
        raise MailError("the parts of the message that was built cannot be told apart, so it is not sent")
    return Mail(message_id=identity, sender=origin.spec, recipients=tuple(a.spec for a in recipients), content=content)
