"""Financial documents as PDF: our own layout, drawn with fpdf2's ``text`` and ``line``. (SPEC DOC-10)

The same view gives the same bytes. Nothing is opened but our fonts, and images only as bytes that were given.
"""

from __future__ import annotations

import io
import warnings
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from fpdf import FPDF
from fpdf.errors import FPDFException

from salespipeline.errors import RenderError
from salespipeline.ports import DocumentView, LineView, PartyView, Rendered
from salespipeline.render import formats
from salespipeline.render.labels import label

__all__ = ["PdfRenderer"]

FONTS = Path(__file__).parent / "fonts"
INK, SOFT, RULE, ACCENT, MARK = (17, 24, 39), (107, 114, 128), (209, 213, 219), (12, 74, 110), (243, 232, 232)
LEFT, TOP, BOTTOM = 18.0, 18.0, 22.0
LINE = 4.6
REPLACEMENT = "\ufffd"
MOST_LOGO = 5 * 1024 * 1024
MOST_PIXELS = 25_000_000


@lru_cache(maxsize=1)
def _widths() -> tuple[dict[str, float], dict[str, float], frozenset[str]]:
    """Return the widths of every character, in thousandths of the size, regular and bold; read once a process."""
    from fontTools.ttLib import TTFont

    found = []
    for name in ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"):
        with TTFont(FONTS / name, lazy=True) as font:
            scale, metrics = 1000 / font["head"].unitsPerEm, font["hmtx"].metrics
            found.append({chr(code): metrics[glyph][0] * scale for code, glyph in font.getBestCmap().items()})
    return found[0], found[1], frozenset(found[0]) & frozenset(found[1])


class PdfRenderer:
    """Draws documents on A4 or letter paper. May be shared between threads."""

    def __init__(self, *, page: str = "A4") -> None:
        if page not in ("A4", "letter"):
            raise RenderError(f"paper is 'A4' or 'letter', not {page!r}")
        self.page = page

    def render(self, view: DocumentView) -> Rendered:
        """Draw *view*; raises ``RenderError`` naming the document and the part."""
        try:
            return _Sheet(view, self.page).drawn()
        except RenderError:
            raise
        except (FPDFException, ValueError, OSError, OverflowError) as error:
            name = view.reference or view.type
            raise RenderError(f"{name} could not be drawn: {error}", document=name, part="page") from error


class _Sheet:
    """One document while it is drawn."""

    def __init__(self, view: DocumentView, page: str) -> None:
        self.view = view
        self.locale = view.locale
        self.regular, self.bold, self.known = _widths()
        self.missing: dict[str, None] = {}
        self.priced = view.type != "delivery_note"
        pdf = FPDF(format=page, unit="mm")
        pdf.set_auto_page_break(False)
        pdf.set_creation_date(view.created_at or datetime(2000, 1, 1, tzinfo=UTC))
        pdf.add_font("s", "", FONTS / "LiberationSans-Regular.ttf")
        pdf.add_font("s", "B", FONTS / "LiberationSans-Bold.ttf")
        self.title = f"{label(view.type, self.locale)} {view.reference}".strip()
        pdf.set_title(self.clean(self.title))
        pdf.set_author(self.clean(view.seller.name))
        pdf.set_lang(view.locale.replace("_", "-"))
        self.pdf = pdf
        self.right, self.low = pdf.w - LEFT, pdf.h - BOTTOM
        self.style: tuple[str, float, tuple[int, int, int]] | None = None
        self.y = TOP

    # --- drawing ------------------------------------------------------------------------------------------

    def clean(self, text: str) -> str:
        """Return *text* with a visible mark for what no font of ours can show; what it was is reported."""
        out = []
        for one in text:
            if one in self.known:
                out.append(one)
            elif one in "\n\t" or one.isspace():
                out.append(" ")
            elif one.isprintable() or ord(one) > 159:
                self.missing[one] = None
                out.append(REPLACEMENT if REPLACEMENT in self.known else "?")
        return "".join(out)

    def width(self, text: str, size: float, bold: bool = False) -> float:
        table = self.bold if bold else self.regular
        return sum(table[one] for one in text) * size * 0.352778 / 1000

    def put(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 9,
        *,
        bold: bool = False,
        ink: tuple[int, int, int] = INK,
        end: bool = False,
    ) -> None:
        """Write one line at the baseline *y*; *end* aligns its right end with *x*."""
        text = self.clean(text)
        if not text:
            return
        style = ("B" if bold else "", size, ink)
        if style != self.style:
            self.pdf.set_font("s", style[0], size)
            self.pdf.set_text_color(*ink)
            self.style = style
        self.pdf.text(x - self.width(text, size, bold) if end else x, y, text)

    def wrap(self, text: str, width: float, size: float) -> list[str]:
        """Break *text* into lines that fit; a word that is too long is cut."""
        lines: list[str] = []
        for part in text.split("\n"):
            current = ""
            for word in self.clean(part).split(" "):
                joined = f"{current} {word}" if current else word
                if self.width(joined, size) <= width:
                    current = joined
                    continue
                if current:
                    lines.append(current)
                while self.width(word, size) > width:
                    cut = len(word)
                    while cut > 1 and self.width(word[:cut], size) > width:
                        cut -= max(1, cut // 8)
                    lines.append(word[:cut])
                    word = word[cut:]
                current = word
            lines.append(current)
        return lines

    def rule(self, y: float, ink: tuple[int, int, int] = RULE, width: float = 0.2) -> None:
        self.pdf.set_draw_color(*ink)
        self.pdf.set_line_width(width)
        self.pdf.line(LEFT, y, self.right, y)

    # --- the parts ----------------------------------------------------------------------------------------

    def drawn(self) -> Rendered:
        self.new_page()
        self.head()
        self.table()
        self.sums()
        self.notes()
        self.feet()
        out = bytes(self.pdf.output())
        return Rendered(
            content=out, media_type="application/pdf", missing_glyphs=tuple(self.missing), pages=len(self.pdf.pages)
        )

    def new_page(self) -> None:
        self.pdf.add_page()
        self.style, self.y = None, TOP
        if self.view.draft:
            mark = self.clean(label("draft", self.locale))
            self.pdf.set_font("s", "B", 96)
            self.pdf.set_text_color(*MARK)
            with self.pdf.rotation(38, self.pdf.w / 2, self.pdf.h / 2):
                self.pdf.text((self.pdf.w - self.width(mark, 96, True)) / 2, self.pdf.h / 2 + 12, mark)

    def head(self) -> None:
        view, top = self.view, TOP
        if view.logo is not None:
            self.logo(view.logo, LEFT, top)
        x = LEFT + (24 if view.logo is not None else 0)
        self.put(x, top + 5.5, view.seller.name, 13, bold=True, ink=ACCENT)
        y = top + 10.5
        for line in view.seller.address:
            self.put(x, y, line, 8.5, ink=SOFT)
            y += 4
        yr = top + 5.5
        for line in (view.seller.phone, view.seller.email, view.seller.website):
            if line:
                self.put(self.right, yr, line, 8.5, ink=SOFT, end=True)
                yr += 4
        self.y = max(y, yr, top + 20) + 8
        self.put(LEFT, self.y + 6, label(view.type, self.locale), 22, bold=True)
        self.put(self.right, self.y + 6, view.reference, 13, ink=SOFT, end=True)
        self.y += 16
        self.parties()
        if view.subject:
            for line in self.wrap(view.subject, self.right - LEFT, 11):
                self.put(LEFT, self.y, line, 11, bold=True)
                self.y += 5.5
            self.y += 2.5

    def parties(self) -> None:
        view, locale = self.view, self.locale
        start, middle = self.y, LEFT + (self.right - LEFT) * 0.58
        self.put(LEFT, start, label("recipient", locale, view.type), 8, ink=SOFT)
        y = self.party(view.buyer, LEFT, start + 5, middle - LEFT - 6)
        facts = [(label("date", locale, view.type), formats.day(view.date, locale) if view.date else "")]
        facts.append((label("due", locale, view.type), formats.day(view.due, locale) if view.due else ""))
        facts += [(label(key, locale, view.type), value) for key, value in view.related]
        yr = start
        for name, value in facts:
            if value:
                self.put(middle, yr, name, 8.5, ink=SOFT)
                self.put(self.right, yr, value, 9, end=True)
                yr += 5
        self.y = max(y, yr) + 8

    def party(self, party: PartyView, x: float, y: float, width: float) -> float:
        for at, line in enumerate(self.wrap(party.name, width, 10)):
            self.put(x, y + at * LINE, line, 10, bold=True)
        y += LINE * len(self.wrap(party.name, width, 10))
        for text in (party.person, *party.address, *(f"{label(key, self.locale)} {value}" for key, value in party.ids)):
            for line in self.wrap(text, width, 9) if text else ():
                self.put(x, y, line, 9)
                y += LINE
        return y

    def logo(self, content: bytes, x: float, y: float) -> None:
        from PIL import Image, UnidentifiedImageError

        name = self.view.reference or self.view.type
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                if not content or len(content) > MOST_LOGO:
                    raise ValueError(f"it has {len(content):,} bytes; 1 to {MOST_LOGO:,} are taken")
                with Image.open(io.BytesIO(content)) as image:
                    if image.format not in ("PNG", "JPEG") or image.mode == "CMYK":
                        raise ValueError(f"it is {image.format} {image.mode}; an RGB PNG or JPEG is needed")
                    if image.width * image.height > MOST_PIXELS:
                        raise ValueError(
                            f"it has {image.width} × {image.height} pixels; at most {MOST_PIXELS:,} are taken"
                        )
                    scale = min(20 / image.width, 18 / image.height)
                    self.pdf.image(io.BytesIO(content), x, y, image.width * scale, image.height * scale)
        except (UnidentifiedImageError, ValueError, OSError, SyntaxError, Warning, FPDFException) as error:
            raise RenderError(f"the logo of {name} cannot be drawn: {error}", document=name, part="logo") from error

    def columns(self) -> list[tuple[str, float]]:
        """Return the columns behind the description: label and right end."""
        discounts = any(
            line.discount_percent is not None or line.discount_amount is not None for line in self.view.lines
        )
        names = ["quantity"]
        if self.priced:
            names += ["unit_price", *(["discount"] if discounts else []), "tax_percent", "amount"]
        widths = {"quantity": 20.0, "unit_price": 26.0, "discount": 20.0, "tax_percent": 15.0, "amount": 30.0}
        end, found = self.right, []
        for name in reversed(names):
            found.append((name, end))
            end -= widths[name]
        self.room = end - LEFT - 4
        return list(reversed(found))

    def table_head(self, columns: list[tuple[str, float]]) -> None:
        self.put(LEFT, self.y, label("description", self.locale), 8, ink=SOFT)
        for name, end in columns:
            self.put(end, self.y, label(name, self.locale), 8, ink=SOFT, end=True)
        self.y += 2.2
        self.rule(self.y, INK, 0.3)
        self.y += 5

    def cells(self, line: LineView) -> dict[str, str]:
        locale, currency = self.locale, str(line.net.currency)
        discount = ""
        if line.discount_percent is not None:
            discount = f"−{formats.percent(line.discount_percent, locale)}"
        elif line.discount_amount is not None:
            discount = f"−{formats.plain_money(line.discount_amount, locale)}"
        return {
            "quantity": f"{formats.number(line.quantity, locale)} {line.unit}".strip(),
            "unit_price": formats.price(line.unit_price, currency, locale),
            "discount": discount,
            "tax_percent": formats.percent(line.tax_percent, locale),
            "amount": formats.plain_money(line.net, locale),
        }

    def table(self) -> None:
        columns = self.columns()
        self.table_head(columns)
        carried = None
        for at, line in enumerate(self.view.lines):
            words = self.wrap(line.description, self.room, 9)
            reference = [line.reference] if line.reference else []
            height = LINE * (len(words) + len(reference)) + 3
            # The last line stays on one page with the totals.
            after = self.sums_height() if at == len(self.view.lines) - 1 else 8.0
            tall = min(height, self.low - TOP - 40)
            if self.y + tall + after > self.low and self.y > TOP + 30:
                if self.priced and carried is not None:
                    self.put(LEFT, self.y, label("carried_forward", self.locale), 8.5, ink=SOFT)
                    self.put(self.right, self.y, formats.plain_money(carried, self.locale), 9, end=True)
                self.new_page()
                self.table_head(columns)
                if self.priced and carried is not None:
                    self.put(LEFT, self.y, label("brought_forward", self.locale), 8.5, ink=SOFT)
                    self.put(self.right, self.y, formats.plain_money(carried, self.locale), 9, end=True)
                    self.y += LINE + 3
            values = self.cells(line)
            for name, end in columns:
                self.put(end, self.y, values[name], 9, end=True)
            for word in words:
                if self.y > self.low:
                    self.new_page()
                    self.table_head(columns)
                self.put(LEFT, self.y, word, 9)
                self.y += LINE
            for word in reference:
                self.put(LEFT, self.y - 0.6, word, 7.5, ink=SOFT)
                self.y += LINE
            self.rule(self.y - 2.4)
            self.y += 2.6
            carried = line.net if carried is None else carried + line.net

    def sums_height(self) -> float:
        return (len(self.view.taxes) + 3) * 5.4 + 10 if self.priced else 6.0

    def sums(self) -> None:
        if not self.priced:
            return
        view, locale, x = self.view, self.locale, LEFT + (self.right - LEFT) * 0.52
        self.y += 3
        rows = [(label("net", locale), formats.money(view.net, locale))]
        for tax in view.taxes:
            name = f"{label('tax', locale)} {formats.percent(tax.percent, locale)}"
            if len(view.taxes) > 1:
                name += f"  ({label('taxable', locale)} {formats.plain_money(tax.net, locale)})"
            rows.append((name, formats.money(tax.tax, locale)))
        for name, value in rows:
            self.put(x, self.y, name, 9, ink=SOFT)
            self.put(self.right, self.y, value, 9, end=True)
            self.y += 5.4
        self.pdf.set_draw_color(*INK)
        self.pdf.set_line_width(0.3)
        self.pdf.line(x, self.y - 2, self.right, self.y - 2)
        self.y += 4
        self.put(x, self.y, label("total", locale, view.type), 12, bold=True)
        self.put(self.right, self.y, formats.money(view.total, locale), 12, bold=True, end=True)
        self.y += 12

    def notes(self) -> None:
        view, locale = self.view, self.locale
        parts = [("", view.note), (label("terms", locale), view.terms)]
        if self.priced and view.payment and view.type in ("invoice", "pro_forma", "application_for_payment"):
            parts.append((label("payment", locale), "\n".join(f"{label(k, locale)}  {v}" for k, v in view.payment)))
        for title, body in parts:
            if not body:
                continue
            words = self.wrap(body, self.right - LEFT, 9)
            if self.y + LINE * 3 > self.low:
                self.new_page()
            if title:
                self.put(LEFT, self.y, title, 8, ink=SOFT)
                self.y += 5
            for word in words:
                if self.y > self.low:
                    self.new_page()
                self.put(LEFT, self.y, word, 9)
                self.y += LINE
            self.y += 4

    def feet(self) -> None:
        pages = len(self.pdf.pages)
        seller = self.view.seller
        line = "  ·  ".join([seller.name, *(f"{label(key, self.locale)} {value}" for key, value in seller.ids)])
        for page in range(1, pages + 1):
            self.pdf.page = page
            self.style = None
            y = self.pdf.h - 12
            self.rule(y - 4.5)
            self.put(LEFT, y, line, 7.5, ink=SOFT)
            text = label("page", self.locale).replace("{page}", str(page)).replace("{pages}", str(pages))
            self.put(self.right, y, text, 7.5, ink=SOFT, end=True)
