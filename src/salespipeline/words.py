"""Which words a text holds, and which are sought: the same on every store, because it is decided here. (SPEC OPP-10)

A word is a run of letters, digits and the marks that belong to them, folded like all text that is compared: no case, no
accents. Everything else parts words, so that no character of a search has a meaning of its own. What cannot be seen, such as a soft
hyphen or a mark of direction, is as if it were not there. Where a script writes without blanks (Chinese, Japanese, Thai,
Lao, Khmer, Burmese), every two characters that stand together are a word, and so is the last one of a run.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import islice

from salespipeline.text import fold

__all__ = ["LONGEST", "MOST", "holding", "sought", "words"]

LONGEST = 64  # characters of a word that count
MOST = 5_000  # different words of one record that count, from its beginning
_MOST_SOUGHT = 20
_UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+)"
)


class _Parting(dict[int, int | None]):
    """What becomes of a character: it stays, it parts words, or it is as if it were not there."""

    def __missing__(self, code: int) -> int | None:
        character = chr(code)
        category = unicodedata.category(character)
        stays = character.isalnum() or category[0] == "M"
        self[code] = found = code if stays else None if category == "Cf" else 32
        return found


_PARTING = _Parting()


def words(text: str) -> tuple[str, ...]:
    """Return the different words of *text*, in their order.

    >>> words("Café Zürich: O'Brien & Söhne, OPP/00017; café")
    ('cafe', 'zurich', 'o', 'brien', 'sohne', 'opp', '00017')
    >>> words("東京都 Lager")
    ('東京', '京都', '都', 'lager')
    """
    return tuple(dict.fromkeys(_words(text)))


def holding(texts: Iterable[str]) -> str:
    """Return the words of several texts as an index holds them: each once, in order, between single blanks.

    >>> holding(["New warehouse", "new racking"])
    ' new racking warehouse '
    """
    found = islice(dict.fromkeys(_words(" ".join(texts))), MOST)
    return f" {' '.join(sorted(found))} "


def sought(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the words that a search must find, and the beginnings of words: its last word may be half typed.

    >>> sought("Zürich ware")
    (('zurich',), ('ware',))
    >>> sought("東京"), sought("京 x")
    ((('東京',), ()), ((), ('京', 'x')))
    """
    whole: dict[str, None] = {}
    beginnings: dict[str, None] = {}
    pieces = list(islice(_pieces(text[:1000]), _MOST_SOUGHT))
    for place, (piece, unspaced) in enumerate(pieces, 1):
        if not unspaced:
            (beginnings if place == len(pieces) else whole)[piece[:LONGEST]] = None
        elif len(piece) == 1:  # it may be the first of two characters, or the last of a run
            beginnings[piece] = None
        else:
            whole |= dict.fromkeys(piece[at : at + 2] for at in range(min(len(piece) - 1, _MOST_SOUGHT)))
    return tuple(whole), tuple(beginnings)


def _words(text: str) -> Iterator[str]:
    for piece, unspaced in _pieces(text):
        if unspaced:
            yield from (piece[at : at + 2] for at in range(len(piece)))
        else:
            yield piece[:LONGEST]


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the runs of letters and digits, each with whether its script writes without blanks."""
    folded = fold(text)
    for run in folded.translate(_PARTING).split():
        if run.isascii():
            yield run, False
        else:
            for at, piece in enumerate(_UNSPACED.split(run)):
                if piece:
                    yield piece, at % 2 == 1
