"""Names of files that are safe to attach, to write and to unpack, whatever somebody typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from salespipeline.errors import MailError, shown

__all__ = ["safe_filename"]

MOST_BYTES = 150  # of UTF-8: room for a suffix within the 255 that file systems take
_LONGEST = 4096  # characters looked at
_HIDDEN = {"Cc", "Cf", "Cs", "Cn", "Co"}  # controls, bidi and zero-width marks, surrogates, unassigned, private
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,15}\Z")
_DEVICES = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|CLOCK\$|COM[0-9]|LPT[0-9])\s*(?:\.|\Z)", re.IGNORECASE)


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore")


def _clean(name: object) -> str:
    if not isinstance(name, str):
        message = f"the name of a file is text, not {shown(name)} ({type(name).__name__})"
        raise MailError(message)
    if len(name) > _LONGEST:  # keep both ends: the extension is at the last one
        name = name[: _LONGEST // 2] + name[-_LONGEST // 2 :]
    # Hidden characters go first: what stood on both sides of one may be composed, or name a folder.
    text = "".join(" " if c.isspace() else c for c in name if c.isspace() or unicodedata.category(c) not in _HIDDEN)
    parts = [part for part in re.split(r"[/\\]", unicodedata.normalize("NFKC", text)) if part.strip(" .")]
    text = parts[-1] if parts else ""
    return re.sub(r" {2,}", " ", _FORBIDDEN.sub("_", text)).strip(" .")


def safe_filename(name: str, taken: Iterable[str] = (), *, otherwise: str = "file") -> str:
    r"""Return *name* as a file name that is safe everywhere, and unlike those *taken*.

    Folders are dropped (``/`` and ``\``), full-width look-alikes are folded first, controls, bidi marks and
    surrogates removed, ``<>:"|?*`` become ``_``, names of Windows devices get a ``_`` in front, leading and
    trailing dots and spaces go, and at most 150 bytes are kept, the extension among them. Where nothing is
    left, it is *otherwise*. Raises ``MailError`` where *name* is not text.

    >>> safe_filename("../../etc/passwd")
    'passwd'
    >>> safe_filename("Offer.pdf", taken=["offer.pdf"])
    'Offer (2).pdf'
    """
    text = _clean(name) or otherwise
    if _DEVICES.match(text):
        text = f"_{text}"
    found = _SUFFIX.search(text)
    suffix = found[0] if found else ""
    stem = text[: len(text) - len(suffix)]
    used = {other.casefold() for other in taken}
    count, mark = 1, ""
    while True:
        candidate = _cut(stem, MOST_BYTES - len(mark) - len(suffix)).rstrip(" .") + mark + suffix
        if candidate.casefold() not in used:
            return candidate
        count += 1
        mark = f" ({count})"
