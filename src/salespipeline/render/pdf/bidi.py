"""Right-to-left text in the order and the shapes in which it is seen.

fpdf2's ``text`` draws characters one after the other. Hebrew needs no more than their visual order, by the Unicode
bidirectional algorithm. Arabic letters also join: each is replaced by the form that Unicode has for its place in
the word, where a font has it. Ligatures beyond lam-alef, and scripts that need shaping (Devanagari, Thai marks),
are not set as a typographer would. What is copied out of the file is in visual order.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from salespipeline.render.pdf.embed import reordered

__all__ = ["needs_order", "visual"]

FIRST = "\u0590"  # nothing before it is written from the right


def needs_order(text: str) -> bool:
    """Say whether some of *text* is written from right to left."""
    if not text or max(text) < FIRST:
        return False
    return any(unicodedata.bidirectional(one) in ("R", "AL", "AN", "RLE", "RLO", "RLI") for one in text)


def visual(text: str) -> str:
    """Return *text* as it is seen from left to right, with Arabic letters joined.

    >>> visual("abc \u05d0\u05d1\u05d2")
    'abc \u05d2\u05d1\u05d0'
    """
    return reordered(_joined(text))


@lru_cache(maxsize=1)
def _forms() -> dict[str, dict[str, str]]:
    """Return the forms of Arabic letters: by letter (or lam-alef), by place in the word."""
    forms: dict[str, dict[str, str]] = {}
    for code in (*range(0xFB50, 0xFBC2), *range(0xFBD3, 0xFC00), *range(0xFE80, 0xFEFD)):
        kind, *parts = unicodedata.decomposition(chr(code)).split() or [""]
        if not parts:  # not assigned, or no form of another letter
            continue
        letters = "".join(chr(int(part, 16)) for part in parts)
        if len(letters) == 1 or letters[0] == "\u0644":
            forms.setdefault(letters, {})[kind.strip("<>")] = chr(code)
    return forms


def _joined(text: str) -> str:
    forms = _forms()
    out: list[str] = []
    joins = False  # whether the letter before reaches out to this one
    at = 0
    while at < len(text):
        letter = text[at : at + 2] if text[at : at + 2] in forms else text[at]
        at += len(letter)
        known = forms.get(letter)
        if known is None:
            out.append(letter)
            if not unicodedata.combining(letter):
                joins = letter == "\u0640"
            continue
        follows = next((one for one in text[at:] if not unicodedata.combining(one)), "")
        reaches = "initial" in known and ("final" in forms.get(follows, ()) or follows == "\u0640")
        place = "medial" if joins and reaches else "final" if joins else "initial" if reaches else "isolated"
        out.append(known.get(place, letter))
        joins = reaches
    return "".join(out)
