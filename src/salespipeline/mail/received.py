"""A mail that came in, read with suspicion: what is huge, endless, nested, a bomb or not a mail at all is refused."""

from __future__ import annotations

import email
import email.policy
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import Message
from html.parser import HTMLParser

import attrs

from salespipeline.errors import Invalid, MailError, Problem, shown
from salespipeline.mail.addresses import Address

__all__ = ["MARK", "MOST_BYTES", "MOST_PARTS", "Received", "read_mail"]

MOST_BYTES = 25_000_000
MOST_PARTS = 100
MOST_HEADER = 256 * 1024
MOST_ADDRESSES = 200
MOST_TEXT = 100_000
MOST_UNPACKED = 1_000_000_000  # what ZIPs that came may claim to hold
MOST_RATIO = 200
MOST_ENTRIES = 10_000
#: Stands above the text of a mail that may be replied to; what is quoted below it is not part of the reply.
MARK = "## Please write your reply above this line ##"

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BOUNDARY = re.compile(rb"boundary[^\r\n=;]{0,12}=", re.IGNORECASE)
_IDS = re.compile(r"<[^<>\s@]{1,120}@[^<>\s@]{1,120}>")
_ADDRESSES = re.compile(r"[^\s<>,;:\"()\[\]]{1,64}@[^\s<>,;:\"()\[\]]{1,255}")
_RECIPIENTS = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")


@attrs.frozen(kw_only=True)
class Received:
    """What a mail says: who sent it, to which addresses, in reply to which mails, the text, and the files."""

    message_id: str
    sender: Address
    recipients: tuple[str, ...]
    references: tuple[str, ...]
    subject: str
    text: str
    files: tuple[tuple[str, bytes], ...] = ()


def _refused(code: str, message: str) -> Invalid:
    return Invalid(Problem("message", code, f"the mail is refused: {message}"), action="receive")


def read_mail(content: bytes) -> Received:
    r"""Return what a mail says, or raise ``Invalid`` with a code: type, huge, parts, bomb, forged, automatic, unreadable.

    >>> mail = read_mail(b"From: Zoe <zoe@client.example>\r\nTo: a@acme.example\r\nSubject: Re: Floor\r\n\r\n4 t per bay\r\n")
    >>> mail.sender.spec, mail.subject, mail.text
    ('zoe@client.example', 'Re: Floor', '4 t per bay')
    """
    if not isinstance(content, bytes):
        raise _refused("type", f"the bytes of a message are needed, not {shown(content)}")
    if len(content) > MOST_BYTES:
        raise _refused("huge", f"it has {len(content):,} bytes, and at most {MOST_BYTES:,} are taken")
    head = re.split(rb"\r?\n\r?\n", content, maxsplit=1)[0]
    if len(head) > MOST_HEADER:
        raise _refused("huge", f"its header has {len(head):,} bytes, and at most {MOST_HEADER:,} are taken")
    if max(len(_BOUNDARY.findall(content)), content.lower().count(b"message/rfc822")) > MOST_PARTS // 2:
        raise _refused("parts", "its parts are nested deeper than any letter")
    if content.count(b"\n--") > 20 * MOST_PARTS and content.lower().count(b"content-type:") > MOST_PARTS:
        raise _refused("parts", f"it has more than {MOST_PARTS} parts")
    try:
        message = email.message_from_bytes(content, policy=email.policy.compat32)
        return _read(message, content)
    except Invalid:
        raise
    except MailError as error:
        raise _refused("forged", str(error)) from None
    except (ValueError, LookupError, AttributeError, TypeError, AssertionError, RecursionError, MemoryError) as error:
        # Whatever the parser of the standard library trips over, it is not a mail that a person wrote.
        raise _refused("unreadable", f"it cannot be read ({type(error).__name__})") from error


def _read(message: Message, content: bytes) -> Received:
    if (message.get("Auto-Submitted") or "no").strip().lower() != "no" or message.get("X-Auto-Response-Suppress"):
        raise _refused("automatic", "a machine wrote it, and machines that answer machines never stop")
    senders = message.get_all("From") or []
    if len(senders) != 1:
        raise _refused("forged", f"it names {len(senders)} senders, and a mail has one")
    parts = list(_parts(message))
    if len(parts) > MOST_PARTS:
        raise _refused("parts", f"it has {len(parts):,} parts, and at most {MOST_PARTS} are taken")
    files = [(_name(part), _bytes(part)) for part in parts if _is_file(part)]
    _check_zips(files)
    found = _IDS.findall(_header(message, "Message-ID"))
    recipients = ", ".join(str(one) for name in _RECIPIENTS for one in message.get_all(name) or [])
    return Received(
        message_id=found[0] if found else f"<{hashlib.sha256(content).hexdigest()}@no-message-id>",
        sender=Address.of(_one_line(str(senders[0]))),
        recipients=tuple(_ADDRESSES.findall(recipients)[:MOST_ADDRESSES]),
        references=tuple(dict.fromkeys(_IDS.findall(_header(message, "In-Reply-To") + _header(message, "References"))[-50:])),
        subject=_decoded(_header(message, "Subject"))[:200],
        text=_own(_text([part for part in parts if not _is_file(part)])),
        files=tuple(files),
    )  # fmt: skip


def _header(message: Message, name: str) -> str:
    return _one_line(str(message.get(name) or ""))


def _one_line(value: str) -> str:
    return _UNSAFE.sub(" ", value.replace("\r", " ").replace("\n", " ").replace("\t", " ")).strip()


def _decoded(value: str) -> str:
    try:
        return _one_line(str(make_header(decode_header(value))))
    except (LookupError, UnicodeError, ValueError):
        return value


def _parts(message: Message, depth: int = 0) -> Iterator[Message]:
    """Yield the leaves; a mail within the mail is one of them."""
    if depth > MOST_PARTS // 2:
        raise _refused("parts", "its parts are nested deeper than any letter")
    if message.get_content_maintype() == "multipart" and isinstance(payload := message.get_payload(), list):
        for part in payload:
            if isinstance(part, Message):
                yield from _parts(part, depth + 1)
    else:
        yield message


def _is_file(part: Message) -> bool:
    text = part.get_content_type() in ("text/plain", "text/html")
    return not text or part.get_content_disposition() == "attachment" or part.get_filename() is not None


def _name(part: Message) -> str:
    name = _decoded(part.get_filename() or "")[:200]
    return name or ("message.eml" if part.get_content_maintype() == "message" else "file")


def _bytes(part: Message) -> bytes:
    payload = part.get_payload()
    if isinstance(payload, list):
        return b"".join(one.as_bytes() for one in payload if isinstance(one, Message))
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _check_zips(files: list[tuple[str, bytes]]) -> None:
    """Refuse ZIPs that unpack to far more than they are. They are never unpacked here, but somebody will."""
    unpacked = 0
    for name, content in files:
        if b"PK\x05\x06" not in content[-70_000:]:
            continue
        try:
            entries = zipfile.ZipFile(io.BytesIO(content)).infolist()
        except (zipfile.BadZipFile, ValueError, LookupError, OSError, NotImplementedError, OverflowError):
            continue  # not a ZIP, for all that it ends like one
        size = sum(one.file_size for one in entries)
        unpacked += size
        overlapping = sum(one.compress_size for one in entries) > len(content)
        swollen = size > MOST_RATIO * max(len(content), 1) and size > 10_000_000
        if len(entries) > MOST_ENTRIES or overlapping or swollen or unpacked > MOST_UNPACKED:
            message = f"{shown(name)} is a ZIP of {len(content):,} bytes that claims to hold {len(entries):,} files of {size:,}"
            raise _refused("bomb", message)


def _text(parts: list[Message]) -> str:
    for wanted in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == wanted:
                charset = part.get_content_charset("utf-8")
                try:
                    said = _bytes(part).decode(charset, "replace")
                except (LookupError, ValueError):
                    said = _bytes(part).decode("utf-8", "replace")
                return said if wanted == "text/plain" else _Plain.of(said[: 20 * MOST_TEXT])
    return ""


def _own(said: str) -> str:
    """Return what somebody wrote themselves: the text above our mark, without what announces the quotation."""
    lines = said.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    end = next((place for place, line in enumerate(lines) if MARK in line), None)
    if end is not None:
        lines = lines[:end]
        while lines and lines[-1].strip(" >") == "":
            lines.pop()
        if lines and lines[-1].rstrip().endswith(":"):  # On Tuesday, Northgate Ltd wrote:
            lines.pop()
    own = "\n".join(_UNSAFE.sub("", line).rstrip() for line in lines)
    return own.strip()[:MOST_TEXT]


class _Plain(HTMLParser):
    """The text of an HTML part."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.said: list[str] = []
        self._hidden = 0

    @classmethod
    def of(cls, html: str) -> str:
        parser = cls()
        parser.feed(html)
        parser.close()
        return re.sub(r"\n{3,}", "\n\n", "".join(parser.said))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in ("script", "style", "head")
        if tag in ("br", "p", "div", "li", "tr", "blockquote"):
            self.said.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style", "head") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.said.append(data)
