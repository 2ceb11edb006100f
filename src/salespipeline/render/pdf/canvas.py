"""A pen on paper: measured text in the fonts of the theme, lines, boxes, pages. Millimetres from the top left."""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import Any

from fpdf import FPDF, ViewerPreferences
from fpdf.enums import ResourceAccessPolicy

from salespipeline.render.pdf.bidi import needs_order, visual
from salespipeline.render.pdf.embed import add_face, draw_image, draw_line, draw_squares, draw_text, use_face, written
from salespipeline.render.pdf.faces import PLAIN, Face, face
from salespipeline.render.pdf.theme import PAPERS, Colour, Theme

__all__ = ["POINT", "Canvas"]

POINT = 25.4 / 72
STAND_INS = "\ufffd\u25a1?"  # for a character that no font has: the first of these that there is
UNSEEN = ("Cc", "Cf", "Cs")
BREAKS = frozenset("-/_.,;:@&?=–")
UNTOLD = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


class Canvas:
    """One file while it is drawn. What no font can show is drawn as a box and kept in *missing*.

    With *archive* it keeps to PDF/A-3B, which may hold other files.
    """

    def __init__(
        self,
        theme: Theme,
        *,
        title: str,
        author: str,
        language: str,
        created: dt.datetime | None,
        fast: bool = True,
        archive: bool = False,
    ) -> None:
        self.regular, self.bold = face(theme.regular, "regular"), face(theme.bold, "bold")
        self.others = tuple(face(path) for path in theme.fonts)
        self.missing: dict[str, None] = {}
        self.width, self.height = PAPERS[theme.paper]
        kept: dict[str, Any] = {"enforce_compliance": "PDF/A-3B"} if archive else {}
        pdf = FPDF(unit="mm", format=(self.width, self.height), **kept)
        pdf.resource_access_policy = ResourceAccessPolicy.NONE
        pdf.set_auto_page_break(False)
        self.created = created or UNTOLD
        pdf.set_creation_date(self.created)
        pdf.set_title(_encodable(title))
        pdf.set_author(_encodable(author))
        pdf.set_lang(language)
        pdf.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self._faces = {"r": self.regular, "b": self.bold, **{f"o{at}": one for at, one in enumerate(self.others)}}
        self._fast = fast
        self.pdf = pdf
        self._style: tuple[str, float] | None = None
        self._pen: tuple[Colour, float] | None = None

    # --- measuring ----------------------------------------------------------------------------------------

    def measure(self, text: str, size: float, bold: bool = False) -> float:
        """Return the width of *text* in millimetres."""
        widths = (self.bold if bold else self.regular).widths
        try:
            units: int = sum(map(widths.__getitem__, text))
        except KeyError:
            units = sum(
                one.widths[letter]
                for run, one, _ in self._runs(text, self.bold if bold else self.regular)
                for letter in run
            )
        return units * size * POINT / 1000

    def wrap(self, text: str, width: float, size: float, bold: bool = False) -> list[str]:
        """Break *text* into lines that fit; a word that is too long is cut, after a hyphen or the like if it has one."""
        lines: list[str] = []
        space = self.measure(" ", size, bold)
        for paragraph in text.split("\n"):
            if self.measure(paragraph, size, bold) <= width:
                lines.append(paragraph)
                continue
            current, used = "", 0.0
            for word in paragraph.split(" "):
                room = self.measure(word, size, bold)
                if current and used + space + room <= width:
                    current, used = f"{current} {word}", used + space + room
                    continue
                if current:
                    lines.append(current)
                while room > width and len(word) > 1:
                    cut = self._fitting(word, width, size, bold)
                    lines.append(word[:cut])
                    word = word[cut:]
                    room = self.measure(word, size, bold)
                current, used = word, room
            lines.append(current)
        return lines

    def _fitting(self, word: str, width: float, size: float, bold: bool) -> int:
        used, cut = 0.0, 0
        for letter in word:
            used += self.measure(letter, size, bold)
            if used > width:
                break
            cut += 1
        while 1 < cut < len(word) and unicodedata.combining(word[cut]):
            cut -= 1
        for at in range(cut, cut * 2 // 3, -1):
            if word[at - 1] in BREAKS:
                return at
        return max(cut, 1)

    # --- drawing ------------------------------------------------------------------------------------------

    def put(
        self, x: float, y: float, text: str, size: float, ink: Colour, *, bold: bool = False, end: bool = False
    ) -> None:
        """Write one line of text at the baseline *y*, from *x*, or up to *x* if *end*."""
        main, family = (self.bold, "b") if bold else (self.regular, "r")
        if needs_order(text):
            text = visual(text)
        if end:
            x -= self.measure(text, size, bold)
        text = text.translate(PLAIN)
        if main.characters.issuperset(text):
            if text:
                self._write(x, y, text, family, size, ink)
            return
        for run, one, name in self._runs(text, main):
            self._write(x, y, run, name, size, ink)
            x += sum(map(one.widths.__getitem__, run)) * size * POINT / 1000

    def _write(self, x: float, y: float, text: str, family: str, size: float, ink: Colour) -> None:
        if self._style != (family, size):
            if family in self._faces:
                add_face(self.pdf, family, self._faces.pop(family), fast=self._fast)
            use_face(self.pdf, family, size)
            self._style = (family, size)
        draw_text(self.pdf, x, y, text, ink)

    def _runs(self, text: str, main: Face) -> list[tuple[str, Face, str]]:
        """Divide *text* by the faces that have its characters; what none has becomes a box and is reported."""
        faces = [(main, "b" if main is self.bold else "r"), *((one, f"o{at}") for at, one in enumerate(self.others))]
        runs: list[tuple[str, Face, str]] = []
        for letter in unicodedata.normalize("NFC", text.translate(PLAIN)):
            found = next((pair for pair in faces if letter in pair[0].widths), None)
            if found is None:
                if unicodedata.category(letter) in UNSEEN or "\ufe00" <= letter <= "\ufe0f":
                    continue  # nothing to see: a joiner, a direction, a variant of the sign before it
                self.missing[letter] = None
                letter = next(one for one in STAND_INS if one in main.widths or one == "?")
                found = next((pair for pair in faces if letter in pair[0].widths), None)
                if found is None:
                    continue
            if runs and runs[-1][1] is found[0]:
                runs[-1] = (runs[-1][0] + letter, *found)
            else:
                runs.append((letter, *found))
        return runs

    def line(self, x: float, y: float, to: float, ink: Colour, weight: float = 0.15) -> None:
        """Draw a horizontal line."""
        if self._pen != (ink, weight):
            self.pdf.set_draw_color(*ink)
            self.pdf.set_line_width(weight)
            self._pen = (ink, weight)
        draw_line(self.pdf, x, y, to)

    def box(self, x: float, y: float, width: float, height: float, fill: Colour) -> None:
        """Fill a rectangle."""
        self.pdf.set_fill_color(*fill)
        self.pdf.rect(x, y, width, height, style="F")

    def code(self, runs: list[tuple[int, int, int]], x: float, y: float, size: float, ink: Colour) -> None:
        """Draw a square of *size* made of dark runs (row, first, how many)."""
        unit = size / (1 + max(row for row, _, _ in runs))
        draw_squares(self.pdf, ((x + at * unit, y + row * unit, count * unit, unit) for row, at, count in runs), ink)

    def image(self, content: bytes, x: float, y: float, width: float, height: float) -> None:
        """Draw the PNG or JPEG in *content*."""
        draw_image(self.pdf, content, x, y, width, height)

    def turned(self, text: str, size: float, ink: Colour, angle: float) -> None:
        """Write *text* across the middle of the page."""
        x, y = self.width / 2, self.height / 2
        with self.pdf.rotation(angle, x, y):
            self._forget()
            self.put(x - self.measure(text, size, True) / 2, y + size * POINT * 0.36, text, size, ink, bold=True)
        self._forget()

    # --- pages --------------------------------------------------------------------------------------------

    def page(self) -> None:
        """Begin a page."""
        self.pdf.add_page()
        self._forget()

    def back_to(self, page: int) -> None:
        """Go on drawing on an earlier page."""
        self.pdf.page = page
        self.pdf.current_font_is_set_on_page = False
        self._forget()

    def section(self, name: str, y: float, level: int) -> None:
        """Add an entry to the outline of the document."""
        self.pdf.set_y(max(y, 0))
        self.pdf.start_section(_encodable(name), level=level)

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return len(self.pdf.pages)

    def finished(self) -> bytes:
        """Return the file."""
        return written(self.pdf)

    def _forget(self) -> None:
        self._style = self._pen = None


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")
