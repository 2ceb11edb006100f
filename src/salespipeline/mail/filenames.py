"""Names of files that are safe to attach, to write and to unpack, whatever somebody typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from salespipeline.errors import MailError, shown

__all__ = ["safe_filename", "safe_filenames"]

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
    stem, suffix = _parts(name, otherwise)
    used = {_same(other) for other in taken}
    count = 1
    while _same(candidate := _joined(stem, suffix, count)) in used:
        count += 1
    return candidate


def safe_filenames(names: Iterable[str], *, otherwise: str = "file") -> list[str]:
    """Return *names* as safe file names, in their order, no two of which are one file on any system.

    >>> safe_filenames(["../Plan.pdf", "plan.pdf", "CON", "Plan.pdf"])
    ['Plan.pdf', 'plan (2).pdf', '_CON', 'Plan (3).pdf']
    """
    used: set[str] = set()
    counts: dict[str, int] = {}  # so that a thousand files of one name need no million looks
    found = []
    for name in names:
        stem, suffix = _parts(name, otherwise)
        plain = _same(_joined(stem, suffix, 1))
        count = counts.get(plain, 0) + 1
        while _same(candidate := _joined(stem, suffix, count)) in used:
            count += 1
        counts[plain] = count
        used.add(_same(candidate))
        found.append(candidate)
    return found


def _parts(name: str, otherwise: str) -> tuple[str, str]:
    """Return the stem and the suffix of *name*, safe but for their length."""
    text = _clean(name) or otherwise
    if _DEVICES.match(text):
        text = f"_{text}"
    found = _SUFFIX.search(text)
    suffix = found[0] if found else ""
    return text[: len(text) - len(suffix)], suffix


def _joined(stem: str, suffix: str, count: int) -> str:
    mark = f" ({count})" if count > 1 else ""
    return _cut(stem, MOST_BYTES - len(mark) - len(suffix)).rstrip(" .") + mark + suffix


def _same(name: str) -> str:
    """Return what is the same for two names that some file system takes for one: in any case, composed or not."""
    return unicodedata.normalize("NFC", name.casefold())
