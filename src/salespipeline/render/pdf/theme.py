"""What an embedder sets without touching code: colours, paper, columns, fonts, the foot of each page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import attrs

from salespipeline.errors import Invalid, Problem, shown
from salespipeline.render.content import COLUMNS, SHOWN
from salespipeline.render.labels import known_keys, problem_of
from salespipeline.render.pdf.epc import encoder
from salespipeline.render.pdf.faces import SHIPPED, face

__all__ = ["COLUMNS", "Colour", "Theme"]

Colour = tuple[int, int, int]

PAPERS = {"A4": (210.0, 297.0), "letter": (215.9, 279.4)}
PLACES = ("left", "right", "none")
_HEX = re.compile(r"#[0-9a-fA-F]{6}", re.ASCII)


def _paths(given: Iterable[Path | str]) -> tuple[Path, ...]:
    return (Path(given),) if isinstance(given, str | Path) else tuple(Path(one) for one in given)


def _texts(given: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((given if isinstance(given, dict) else dict(given)).items())


@attrs.frozen(kw_only=True)
class Theme:
    """How documents look. Colours are ``#rrggbb``; whatever is left out is as the house draws it.

    *columns* are those between the description and the right edge, in this order, some of ``position reference
    quantity unit unit_price discount tax_percent amount``; a discount is shown only where a line has one, the
    reference stands below the description unless it has a column, and so does the unit beside the quantity. A
    delivery note never shows prices. *footer* stands at the foot of every page, instead of the seller's name and
    ids. *regular* and *bold* are font files for all text, *fonts* further ones that are asked, in turn, for the
    characters that these do not have. *size* is that of the text, in points. *texts* are words in the place of the
    catalogue's, by the key that they have there: ``{"quote": "Proposal", "due.quote": "Good until"}``, for one
    language ``{"fr:quote": "Offre"}``. *payment_code* puts the code beside the payment details that banking apps
    read, where there is an amount in euros to pay; it asks for ``salespipeline[qr]``. Raises ``Invalid`` with every
    problem.

    >>> from salespipeline.render.pdf import PdfRenderer, Theme
    >>> renderer = PdfRenderer(theme=Theme(accent="#7c2d12", paper="letter", columns=("quantity", "amount")))
    >>> Theme(paper="A5", accent="red")
    Traceback (most recent call last):
        ...
    salespipeline.errors.Invalid: accent: 'red' is not a colour such as '#0c4a6e'
    paper: 'A5' is not one of A4, letter
    """

    accent: str = "#0c4a6e"
    ink: str = "#111827"
    soft: str = "#6b7280"
    rule: str = "#d9dde3"
    mark: str = "#f6e3e1"
    paper: str = "A4"
    logo: str = "left"
    columns: tuple[str, ...] = attrs.field(default=SHOWN, converter=tuple)
    footer: str = ""
    regular: Path = attrs.field(default=SHIPPED[0], converter=Path)
    bold: Path = attrs.field(default=SHIPPED[1], converter=Path)
    fonts: tuple[Path, ...] = attrs.field(default=(), converter=_paths)
    size: float = 9.0
    texts: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_texts)
    payment_code: bool = False

    def __attrs_post_init__(self) -> None:
        problems = [
            Problem(name, "colour", f"{shown(getattr(self, name))} is not a colour such as '#0c4a6e'")
            for name in ("accent", "ink", "soft", "rule", "mark")
            if not isinstance(getattr(self, name), str) or not _HEX.fullmatch(getattr(self, name))
        ]
        for name, choices in (("paper", tuple(PAPERS)), ("logo", PLACES)):
            if getattr(self, name) not in choices:
                problems.append(
                    Problem(name, "choice", f"{shown(getattr(self, name))} is not one of {', '.join(choices)}")
                )
        unknown = [one for one in self.columns if one not in COLUMNS]
        if unknown:
            problems.append(Problem("columns", "choice", f"{shown(unknown[0])} is not one of {', '.join(COLUMNS)}"))
        if len(set(self.columns)) < len(self.columns):
            problems.append(Problem("columns", "duplicate", "a column stands there twice"))
        if not isinstance(self.size, int | float) or not 6 <= self.size <= 14:
            problems.append(Problem("size", "range", f"text has 6 to 14 points, not {shown(self.size)}"))
        if len(self.footer) > 500:
            problems.append(Problem("footer", "range", f"it has {len(self.footer)} characters; 500 fit below a page"))
        problems += _wrong_texts(self.texts)
        for name in ("regular", "bold", "fonts"):
            files = getattr(self, name) if name == "fonts" else (getattr(self, name),)
            for file in files:
                if file not in SHIPPED:
                    try:
                        face(file, name)
                    except Invalid as error:
                        problems += error.problems
        if problems:
            raise Invalid(problems)
        if self.payment_code:
            encoder()

    def words(self, locale: str) -> dict[str, str]:
        """Return the *texts* that hold in the language of *locale*, by key.

        >>> Theme(texts={"quote": "Proposal", "fr:quote": "Offre"}).words("fr_CA")
        {'quote': 'Offre'}
        """
        tag = locale.replace("-", "_").lower()
        found: dict[str, str] = {}
        for prefix in ("", tag.partition("_")[0], tag):
            for key, words in self.texts:
                language, colon, name = key.rpartition(":")
                if language.replace("-", "_").lower() == prefix and bool(colon) is bool(prefix):
                    found[name.lower()] = words
        return found


def _wrong_texts(texts: tuple[tuple[str, str], ...]) -> Iterator[Problem]:
    known = known_keys()
    for key, words in texts:
        name = key.rpartition(":")[2]
        base, _, type = name.lower().partition(".")
        if base not in known or (type and type not in known):
            yield Problem("texts", "unknown", f"{shown(key)} is not the key of a label; locales/en.po lists them")
        elif not isinstance(words, str) or len(words) > 200:
            yield Problem("texts", "range", f"{shown(key)} must be a text of at most 200 characters")
        elif (wrong := problem_of(name, words)) is not None:
            yield Problem("texts", wrong.code, wrong.message)


def rgb(colour: str) -> Colour:
    """Return ``#rrggbb`` as three numbers from 0 to 255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def tint(colour: Colour, part: float) -> Colour:
    """Return *colour* mixed with white, so that *part* of it is left."""
    red, green, blue = (round(255 - (255 - one) * part) for one in colour)
    return red, green, blue
