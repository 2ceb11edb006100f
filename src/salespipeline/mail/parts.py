"""What a mail carries, and how it is put together: text, HTML, images shown in it, and files (RFC 2045, 2387)."""

from __future__ import annotations

import base64
import email.policy
import re
from collections.abc import Sequence
from email.message import EmailMessage, MIMEPart
from functools import cached_property
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


def _children(part: MIMEPart) -> list[MIMEPart]:
    return cast("list[MIMEPart]", part.get_payload()) if part.is_multipart() else []


def mime(
    text: str, html: str | None, files: Sequence[Attachment], images: Sequence[InlineImage], *, seed: str
) -> tuple[bytes, int]:
    """Return the MIME fields and the body of a message, and how many boundary lines it has.

    Everything that must be unlike all content is made from *seed*. Texts are quoted-printable and files are
    base64, neither of which ever holds ``=_``, so that no boundary can occur inside a part.
    """
    body = EmailMessage(_POLICY)
    body.set_content(text, cte="quoted-printable")
    encoded: dict[bytes, bytes] = {}

    def stand_in(part: MIMEPart, content: bytes) -> None:
        token = f"=_{seed}_{len(encoded)}_content"
        encoded[token.encode()] = content
        part.set_payload(token)

    if html is not None:
        body.add_alternative(html, subtype="html", cte="quoted-printable")
        rich = _children(body)[-1]
        for image in images:
            kind, _, subtype = image.media_type.partition("/")
            rich.add_related(b"", kind, subtype, cid=f"<{image.content_id}>", disposition="inline")
            stand_in(_children(rich)[-1], image.encoded)
        if images:
            rich.set_param("type", "text/html")
    for file, name in zip(files, safe_filenames(file.name for file in files), strict=True):
        kind, _, subtype = file.media_type.partition("/")
        body.add_attachment(b"", kind, subtype, filename=name)
        stand_in(_children(body)[-1], file.encoded)
    boundaries = 0
    for position, part in enumerate(body.walk()):
        if part is not body:
            del part["MIME-Version"]
        if part.is_multipart():
            part.set_boundary(f"=_{seed}_{position}")
            boundaries += len(_children(part)) + 1
    # The files join as bytes at the end: the library would cut each of them into lines and back again. A stand-in
    # is a whole body, so that the name of a file that reads like one is left alone.
    pieces = re.split(rb"(?<=\r\n\r\n)(=_%s_\d+_content)(?=\r\n--=_)" % seed.encode(), body.as_bytes())
    return b"".join([encoded.get(piece, piece) for piece in pieces]), boundaries
