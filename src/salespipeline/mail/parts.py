"""What a mail carries, and how it is put together: text, HTML, images shown in it, and files (RFC 2045, 2387)."""

from __future__ import annotations

import base64
import binascii
import email.policy
import re
import secrets
from collections.abc import Sequence
from email.message import EmailMessage, MIMEPart
from functools import cached_property, lru_cache
from typing import cast

import attrs

from salespipeline.errors import MailError, shown
from salespipeline.mail.filenames import safe_filename, safe_filenames

__all__ = ["Attachment", "InlineImage", "mime"]

# Seven bits whatever it carries, so that every server can pass it on.
_POLICY = email.policy.SMTP.clone(cte_type="7bit")
_CONTENT_ID = re.compile(r"[A-Za-z0-9._-]{1,100}@[A-Za-z0-9.-]{1,100}")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")


def _media_type(value: object) -> str:
    lower = value.lower() if isinstance(value, str) else ""
    if not _MEDIA_TYPE.fullmatch(lower):
        message = f"{shown(value)} is not a media type such as 'application/pdf'"
        raise MailError(message)
    # These two may not be in base64 (RFC 2046), and nobody wants them opened inside the mail.
    return "application/octet-stream" if lower.startswith(("message/", "multipart/")) else lower


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        message = f"the content of an attachment is bytes, not {type(value).__name__}; read the file first"
        raise MailError(message)
    return bytes(value)


def _content_id(value: object) -> str:
    if not isinstance(value, str) or not _CONTENT_ID.fullmatch(value):
        message = f"{shown(value)} is not a content id such as 'logo@acme'; the HTML shows it as src=\"cid:logo@acme\""
        raise MailError(message)
    return value


def _size(content: bytes) -> str:
    return f"<{len(content)} bytes>"


def _base64(content: bytes) -> bytes:
    text = base64.b64encode(content)
    return b"\r\n".join([text[at : at + 76] for at in range(0, len(text), 76)])


@attrs.frozen
class Attachment:
    """A file that goes with a mail. Share one among the mails of a batch: it is encoded once.

    The *name* is made safe (see ``safe_filename``). Raises ``MailError`` for what is not a file.

    >>> Attachment("../Offer.pdf", b"%PDF-1.7", "application/pdf").name
    'Offer.pdf'
    """

    name: str = attrs.field(converter=safe_filename)
    content: bytes = attrs.field(converter=_bytes, repr=_size)
    media_type: str = attrs.field(default="application/octet-stream", converter=_media_type)

    @cached_property
    def encoded(self) -> bytes:
        """The content in base64, in lines."""
        return _base64(self.content)


@attrs.frozen
class InlineImage:
    """An image that the HTML part shows as ``<img src="cid:…">`` with this *content_id*.

    >>> InlineImage("logo@acme", b"...", "image/png")
    InlineImage(content_id='logo@acme', content=<3 bytes>, media_type='image/png')
    """

    content_id: str = attrs.field(converter=_content_id)
    content: bytes = attrs.field(converter=_bytes, repr=_size)
    media_type: str = attrs.field(default="image/png", converter=_media_type)

    @cached_property
    def encoded(self) -> bytes:
        """The content in base64, in lines."""
        return _base64(self.content)


_SEED = secrets.token_hex(12)  # stands for that of each mail, as long as it, and in no text or name that anybody gives
_MARK = re.compile(rb"(=_%s_(?:text|html|image\d+|file\d+|name\d+)_)" % _SEED.encode())
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,25}")  # fits its line as any other of them, and is never encoded


def _mark(what: str) -> str:
    return f"=_{_SEED}_{what}_"


@attrs.frozen
class _Mould:
    """A message but for what it says: in turns what is the same in each, and a mark where something belongs."""

    pieces: tuple[bytes, ...]
    boundaries: int


def _children(part: MIMEPart) -> list[MIMEPart]:
    return cast("list[MIMEPart]", part.get_payload()) if part.is_multipart() else []


@lru_cache(maxsize=64)
def _mould(rich: bool, images: tuple[tuple[str, str], ...], files: tuple[tuple[str, str], ...]) -> _Mould:
    """Return the mould of messages with these images, by content id and type, and these files, by name and type.

    The standard library writes it, once for all mails that are alike: to do so for each would be most of their cost.
    """
    body = EmailMessage(_POLICY)
    body.set_content("", cte="quoted-printable")
    text = body
    if rich:
        body.add_alternative("", subtype="html", cte="quoted-printable")
        text, html = cast("list[EmailMessage]", _children(body))
        for number, (content_id, media_type) in enumerate(images):
            html.add_related(b"", *media_type.split("/"), cid=f"<{content_id}>", disposition="inline")
            _children(html)[-1].set_payload(_mark(f"image{number}"))
        (_children(html) or [html])[0].set_payload(_mark("html"))
        if images:
            html.set_param("type", "text/html")
    text.set_payload(_mark("text"))
    for number, (name, media_type) in enumerate(files):
        body.add_attachment(b"", *media_type.split("/"), filename=name)
        _children(body)[-1].set_payload(_mark(f"file{number}"))
    boundaries = 0
    for position, part in enumerate(body.walk()):
        if part is not body:
            del part["MIME-Version"]
        if part.is_multipart():
            part.set_boundary(f"=_{_SEED}_{position}")
            boundaries += len(_children(part)) + 1
    return _Mould(tuple(_MARK.split(body.as_bytes())), boundaries)


def _quoted(text: str) -> bytes:
    """Return *text* in quoted-printable: every line ends in CRLF, the last one too."""
    plain = b"".join([line + b"\r\n" for line in text.encode().splitlines()]) or b"\r\n"
    written = binascii.b2a_qp(plain)
    if binascii.a2b_qp(written) != plain:
        raise MailError("the text that was encoded cannot be read back as it was meant, so it is not sent")
    return written


def mime(
    text: str, html: str | None, files: Sequence[Attachment], images: Sequence[InlineImage], *, seed: str
) -> tuple[bytes, int]:
    """Return the MIME fields and the body of a message, and how many boundary lines it has.

    Everything that must be unlike all content is made from *seed*, 24 hex digits. Texts are quoted-printable and files are
    base64, neither of which ever holds ``=_``, so that no boundary can occur inside a part.
    """
    filled = {_mark("text").encode(): _quoted(text)}
    if html is not None:
        filled[_mark("html").encode()] = _quoted(html)
    filled |= {_mark(f"image{number}").encode(): image.encoded for number, image in enumerate(images)}
    called = []
    for number, (file, name) in enumerate(zip(files, safe_filenames(file.name for file in files), strict=True)):
        filled[_mark(f"file{number}").encode()] = file.encoded
        plain = _PLAIN_NAME.fullmatch(name) is not None
        if plain:  # or there would be a mould for each document
            filled[_mark(f"name{number}").encode()] = name.encode()
        called.append((_mark(f"name{number}") if plain else name, file.media_type))
    shown = tuple((image.content_id, image.media_type) for image in images)
    mould = _mould(html is not None, shown, tuple(called))
    ours, mine = _SEED.encode(), seed.encode()
    pieces = [filled[piece] if at % 2 else piece.replace(ours, mine) for at, piece in enumerate(mould.pieces)]
    return b"".join(pieces), mould.boundaries
