"""The parts of a document in their order. A house that wants another one writes a subclass."""

from __future__ import annotations

from itertools import zip_longest

from salespipeline.errors import RenderError
from salespipeline.ports import PartyView
from salespipeline.render.pdf.epc import code_of, coded
from salespipeline.render.pdf.logo import logo
from salespipeline.render.pdf.sheet import Sheet
from salespipeline.render.pdf.sums import MOST_BESIDE, draw_sums, draw_taxes, sums_height
from salespipeline.render.pdf.table import Table

__all__ = ["Layout"]

CODE = 28.0  # millimetres, with the light around it that readers need
HEAD_ROOM = 40.0  # of the first page, for the lines that begin on it
SIGNED = {"quote": "accepted_by", "delivery_note": "received_by"}


class Layout:
    """Draws a document on its sheet, from the letterhead to the signature.

    Each method draws one part at ``sheet.y`` and moves it on; ``sheet`` writes text and turns pages,
    ``sheet.canvas`` draws, ``sheet.view`` is the document. To change a part, override its method; to change their
    order, override ``draw``; and give the class to the renderer.

    >>> from salespipeline.render.pdf import PdfRenderer
    >>> class Brief(Layout):
    ...     def signature(self):
    ...         self.sheet.line("To accept, simply reply to our mail.")
    >>> renderer = PdfRenderer(layout=Brief)
    """

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet

    def draw(self) -> None:
        """Draw everything."""
        self.sheet.page()
        self.letterhead()
        self.heading()
        self.parties()
        self.table()
        self.sums()
        self.payment()
        self.prose()
        self.signature()
        self.sheet.feet()

    def letterhead(self) -> None:
        """Draw the logo and who the document comes from."""
        sheet, seller = self.sheet, self.sheet.view.seller
        top, content = sheet.y, sheet.view.logo if sheet.theme.logo != "none" else None
        reach = sheet.content.reach()
        if content is None:
            sheet.y += 1
            self._named(seller.name, sheet.left, sheet.width * 0.56, 16)
            sheet.lines(seller.address, sheet.small, sheet.width * 0.56, soft=True)
            below, sheet.y = sheet.y, top + 1.6
            self._ending(reach)
        else:
            image = logo(content, sheet.named)
            left = sheet.theme.logo == "left"
            sheet.canvas.image(
                image.content, sheet.left if left else sheet.right - image.width, top, image.width, image.height
            )
            below = top + image.height
            if left:
                self._ending([*seller.address, *reach], seller.name)
            else:
                self._named(seller.name, sheet.left, sheet.width * 0.6, 12)
                sheet.lines([*seller.address, *reach], sheet.small, sheet.width * 0.6, soft=True)
        sheet.y = max(sheet.y, below, top + 16) + 7

    def _named(self, name: str, x: float, width: float, size: float) -> None:
        sheet = self.sheet
        for text in sheet.canvas.wrap(name, width, size, True):
            height = sheet.lead(size)
            sheet.canvas.put(x, sheet.y + height * 0.7, text, size, sheet.accent, bold=True)
            sheet.y += height

    def _ending(self, texts: list[str], name: str = "") -> None:
        """Write texts that end at the right margin."""
        sheet, width = self.sheet, self.sheet.width * 0.42
        for size, bold, parts in ((sheet.size + 1, True, [name]), (sheet.small, False, texts)):
            height = sheet.lead(size)
            for text in parts:
                for part in sheet.canvas.wrap(text, width, size, bold) if text else ():
                    ink = sheet.ink if bold else sheet.soft
                    sheet.canvas.put(sheet.right, sheet.y + height * 0.74, part, size, ink, bold=bold, end=True)
                    sheet.y += height

    def heading(self) -> None:
        """Write what it is, and its reference."""
        sheet, put, measure = self.sheet, self.sheet.canvas.put, self.sheet.canvas.measure
        sheet.canvas.section(sheet.title, sheet.y, 0)
        size = min(24.0, 24.0 * sheet.width / measure(sheet.name, 24, True)) if sheet.name else 24.0
        y = sheet.y + 7
        put(sheet.left, y, sheet.name, size, sheet.ink, bold=True)
        reference = sheet.view.reference
        if reference:
            if measure(sheet.name, size, True) + 6 + measure(reference, 14) > sheet.width:
                sheet.y = y + 3
                sheet.lines([reference], 12, sheet.width, soft=True)
                y = sheet.y - 2
            else:
                put(sheet.right, y, reference, 14, sheet.accent, end=True)
        sheet.canvas.box(sheet.left, y + 3.4, 16, 0.9, sheet.accent)
        sheet.y = y + 9.5

    def parties(self) -> None:
        """Write whom it is for at the left, the dates and references at the right, the subject below."""
        sheet, view = self.sheet, self.sheet.view
        top, middle = sheet.y, sheet.left + sheet.width * 0.56
        sheet.caption(sheet.word("recipient"))
        self.party(view.buyer, sheet.left, middle - sheet.left - 8)
        below, sheet.y = sheet.y, top
        for name, value in sheet.content.facts():
            self._fact(name, value, middle)
        sheet.y = max(sheet.y, below) + 7
        if view.subject:
            sheet.lines([view.subject], sheet.size + 2, sheet.width, bold=True)
            sheet.y += 3
        if sheet.y > sheet.low - HEAD_ROOM:
            message = f"what stands above the lines of {sheet.named} takes a whole page"
            raise RenderError(
                f"{message}; shorten names, addresses, ids or the subject", document=sheet.named, part="head"
            )

    def party(self, party: PartyView, x: float, width: float) -> None:
        """Write a name, an address and ids."""
        sheet = self.sheet
        sheet.lines([party.name], sheet.size + 1.5, width, x=x, bold=True)
        sheet.lines(sheet.content.address(party), sheet.size, width, x=x)
        sheet.lines(sheet.content.identity(party), sheet.small, width, x=x, soft=True)

    def _fact(self, name: str, value: str, x: float) -> None:
        """Write a name and, beside it where there is room, its value."""
        sheet, canvas, size = self.sheet, self.sheet.canvas, self.sheet.size
        height, width = sheet.lead(size) + 0.5, self.sheet.right - x
        names = canvas.wrap(name, width, size)
        beside = width - max(canvas.measure(one, size) for one in names) - 5
        if beside < min(canvas.measure(value, size), 25):
            at, beside = len(names), width
        else:
            at = 0
        values = [""] * at + canvas.wrap(value, beside, size)
        for left, right in zip_longest(names, values, fillvalue=""):
            y = sheet.y + height * 0.74
            canvas.put(x, y, left, size, sheet.soft)
            canvas.put(sheet.right, y, right, size, sheet.ink, end=True)
            sheet.y += height

    def table(self) -> None:
        """Draw the lines; the last one stays with the sums."""
        self.sheet.canvas.section(self.sheet.word("description"), self.sheet.y, 1)
        Table(self.sheet, sums_height(self.sheet)).draw()

    def sums(self) -> None:
        """Draw net, tax and total; a delivery note has none."""
        sheet = self.sheet
        if sheet.priced:
            sheet.room(sums_height(sheet))
            sheet.canvas.section(sheet.word("total"), sheet.y, 1)
            draw_sums(sheet)
            if len(sheet.view.taxes) > MOST_BESIDE:
                sheet.y += 6
                sheet.room(16)
                draw_taxes(sheet, flowing=True)
        sheet.y += 8

    def payment(self) -> None:
        """Write where to pay to, on what is paid."""
        sheet, view = self.sheet, self.sheet.view
        rows = sheet.content.payment()
        if not rows:
            return
        name = min(max(sheet.canvas.measure(one, sheet.size) for one, _ in rows) + 8, sheet.width * 0.4)
        height = sheet.lead(sheet.size)
        text = coded(view) if sheet.theme.payment_code else None
        code = code_of(text) if text is not None else None
        beside = CODE + 12 if code is not None else 0.0
        sheet.room(max(height * (len(rows) + 2), beside))
        sheet.canvas.section(sheet.word("payment"), sheet.y, 1)
        page, below = sheet.canvas.pages, sheet.y + beside
        if code is not None:
            sheet.canvas.code(code, sheet.right - CODE, sheet.y + 1, CODE, sheet.ink)
            words = sheet.canvas.wrap(sheet.word("payment_code"), beside, sheet.small - 1)[0]
            sheet.canvas.put(sheet.right, sheet.y + CODE + 5, words, sheet.small - 1, sheet.soft, end=True)
        sheet.caption(sheet.word("payment"))
        wrap = sheet.canvas.wrap
        for one, value in rows:
            names, values = wrap(one, name - 4, sheet.size), wrap(value, sheet.width - name - beside, sheet.size)
            for left, right in zip_longest(names, values, fillvalue=""):
                sheet.room(height)
                y = sheet.y + height * 0.74
                sheet.canvas.put(sheet.left, y, left, sheet.size, sheet.soft)
                sheet.canvas.put(sheet.left + name, y, right, sheet.size, sheet.ink)
                sheet.y += height
        if sheet.canvas.pages == page:
            sheet.y = max(sheet.y, below - 5)
        sheet.y += 5

    def prose(self) -> None:
        """Write notes and terms, over as many pages as they take."""
        sheet = self.sheet
        for key, text in sheet.content.prose():
            size = sheet.size if key == "note" else sheet.small
            parts = sheet.canvas.wrap(text, sheet.width, size)
            sheet.room(sheet.lead(sheet.small) + sheet.lead(size) * min(len(parts), 3))
            sheet.canvas.section(sheet.word(key), sheet.y, 1)
            sheet.caption(sheet.word(key))
            for part in parts:
                sheet.room(sheet.lead(size))
                sheet.line(part, size)
            sheet.y += 5

    def signature(self) -> None:
        """Draw lines to sign on: below a quote for the buyer, below a delivery note for who took the goods."""
        sheet, canvas = self.sheet, self.sheet.canvas
        word = SIGNED.get(sheet.view.type)
        if word is None:
            return
        sheet.room(22)
        sheet.y += 3
        canvas.section(sheet.word(word), sheet.y, 1)
        buyer = sheet.view.buyer.name if word == "accepted_by" else ""
        sheet.caption(canvas.wrap(f"{sheet.word(word)} {buyer}".strip(), sheet.width, sheet.small, True)[0])
        y, width = sheet.y + 13, (sheet.width - 10) / 2
        for x, key in ((sheet.left, "name"), (sheet.left + width + 10, "signature")):
            canvas.line(x, y, x + width, sheet.soft, 0.2)
            canvas.put(x, y + 3.6, sheet.word(key), sheet.small - 0.5, sheet.soft)
        sheet.y = y + 8
