"""What kind of file it is, by what stands in it. (SPEC ATT-1)

The name is believed only where the content leaves it open, and never where it says something else: what is called
``offer.pdf`` and is a web page is a web page. See docs/decisions for why this is a table of our own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["HEAD", "is_picture", "media_type"]

HEAD = 8192  # how many bytes of the beginning are looked at
OTHERWISE = "application/octet-stream"

# (where, bytes, type): the first one that fits decides.
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (8, b"AVI ", "video/x-msvideo"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"PK\x05\x06", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"%!PS", "application/postscript"),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
    (0, b"AC10", "image/vnd.dwg"),
    (0, b"BM", "image/bmp"),
)
_ARE_RIFF = ("image/webp", "audio/wav", "video/x-msvideo")

# What a container holds is told by its first entries, or else by its name.
_IN_ZIP: tuple[tuple[bytes, str], ...] = (
    (b"mimetypeapplication/vnd.oasis.opendocument.text", "application/vnd.oasis.opendocument.text"),
    (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "application/vnd.oasis.opendocument.spreadsheet"),
    (b"mimetypeapplication/vnd.oasis.opendocument.presentation", "application/vnd.oasis.opendocument.presentation"),
    (b"mimetypeapplication/epub+zip", "application/epub+zip"),
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_BY_NAME: Mapping[str, Mapping[str, str]] = {
    "application/zip": {
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    },
    "application/x-ole-storage": {
        "doc": "application/msword",
        "xls": "application/vnd.ms-excel",
        "ppt": "application/vnd.ms-powerpoint",
        "msg": "application/vnd.ms-outlook",
    },
    "text/plain": {
        "csv": "text/csv",
        "tsv": "text/tab-separated-values",
        "md": "text/markdown",
        "ics": "text/calendar",
        "vcf": "text/vcard",
        "json": "application/json",
        "eml": "message/rfc822",
        "dxf": "image/vnd.dxf",
    },
}
_PAGE = re.compile(
    rb"\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|body|script|iframe|meta)\b", re.IGNORECASE | re.DOTALL
)
_DRAWING = re.compile(rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?(?:<!--.{0,500}?-->\s*)?(?:<!doctype\s+svg[^>]{0,500}>\s*)?<svg\b",
                      re.IGNORECASE | re.DOTALL)  # fmt: skip
_LETTER = re.compile(
    rb"(?:(?:received|return-path|message-id|mime-version|from|date|subject):[^\n]*\n){2}", re.IGNORECASE
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def media_type(head: bytes, name: str = "") -> str:
    """Return the media type of a file that begins with *head* and is called *name*.

    >>> media_type(b"%PDF-1.7 ...", "offer.exe"), media_type(b"a;b", "list.csv"), media_type(b"<script>", "offer.pdf")
    ('application/pdf', 'text/csv', 'text/html')
    """
    head = head[:HEAD]
    found = _by_content(head)
    suffix = name.rpartition(".")[2].lower() if "." in name else ""
    return _BY_NAME.get(found, {}).get(suffix, found)


def is_picture(head: bytes) -> bool:
    r"""Say whether a file that begins with *head* is a picture that documents show: a PNG or a JPEG.

    >>> is_picture(b"\x89PNG\r\n\x1a\n..."), is_picture(b"GIF89a...")
    (True, False)
    """
    return media_type(head) in ("image/png", "image/jpeg")


def _by_content(head: bytes) -> str:
    for place, magic, type in _MAGIC:
        if not head.startswith(magic, place) or (magic.isalnum() and not _CONTROL.search(head)):
            continue  # letters alone may begin any text
        if type not in _ARE_RIFF or head.startswith(b"RIFF"):
            if type == "application/zip":
                return next((inner for mark, inner in _IN_ZIP if mark in head), type)
            return type
    return _by_text(head)


def _by_text(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text/plain"  # UTF-16, as some programs write it
    plain = head.removeprefix(b"\xef\xbb\xbf")
    if _PAGE.match(plain):
        return "text/html"
    if _DRAWING.match(plain):
        return "image/svg+xml"
    if not head or _CONTROL.search(plain):
        return OTHERWISE
    if plain.lstrip().startswith(b"<?xml"):
        return "application/xml"
    if _LETTER.match(plain):
        return "message/rfc822"
    return "text/plain"
