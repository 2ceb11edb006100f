"""The lines of a document: columns as wide as what stands in them, over as many pages as it takes."""

from __future__ import annotations

from typing import NamedTuple

from salespipeline.errors import RenderError
from salespipeline.money import Money
from salespipeline.render import formats
from salespipeline.render.content import BEFORE
from salespipeline.render.pdf.sheet import Sheet

__all__ = ["Table"]

HEAD = 7.2  # millimetres
ABOVE, BELOW = 1.4, 1.5  # the text of a row
GAP = 4.5
NARROWEST, LEAST = 44.0, 25.0  # of the description: below the first the text gets smaller, below the second it is over
SMALLEST = 6.0
WIDEST_REFERENCE = 30.0


class Row(NamedTuple):
    """A line, ready to be drawn: one text a column, the lines of its reference and of its description."""

    cells: tuple[str, ...]
    reference: list[str]
    words: list[str]
    net: Money


class Table:
    """Draws the lines on *sheet*. What stays with the last line, the sums, is *after* millimetres high."""

    def __init__(self, sheet: Sheet, after: float) -> None:
        self.sheet, self.after = sheet, after
        self.carried: Money | None = None
        view = sheet.view
        names = sheet.content.columns(sheet.theme.columns)
        self.apart = "reference" in names
        self.before = "position" in names
        self.names = [name for name in names if name not in BEFORE]
        cell = sheet.content.cell
        cells = [tuple([cell(name, line, self.names) for name in self.names]) for line in view.lines]
        self._fit(cells)
        self.step = sheet.lead(self.size)
        self.carry = self.step + ABOVE + BELOW if sheet.priced else 0.0
        wrap, room, size = sheet.canvas.wrap, self.room, self.size
        self.rows = [
            Row(
                row,
                wrap(line.reference, self.beside, size - 1) if line.reference else [],
                wrap(line.description, room, size),
                line.net,
            )
            for row, line in zip(cells, view.lines, strict=True)
        ]

    def _fit(self, cells: list[tuple[str, ...]]) -> None:
        """Give each column the width of its widest text; where too little is left, make the text smaller."""
        sheet, measure = self.sheet, self.sheet.canvas.measure
        columns = [frozenset(column) for column in zip(*cells, strict=True)] or [frozenset()] * len(self.names)
        size = sheet.size
        while True:
            small = min(sheet.small, size)
            left = sheet.left + 1.5
            if self.before:
                left += measure(str(len(cells)), size) + GAP
            beside = 0.0
            if self.apart:
                texts = {line.reference for line in sheet.view.lines}
                beside = max((measure(one, size - 1) for one in texts), default=0.0)
                beside = max(min(beside, WIDEST_REFERENCE), measure(self._head("reference"), small, True)) + 0.1
            description = left + (beside + GAP if self.apart else 0.0)
            end, ends = sheet.right - 1.5, []
            for name, column in zip(reversed(self.names), reversed(columns), strict=True):
                ends.append(end)
                widest = max((measure(one, size) for one in column), default=0.0)
                end -= max(widest, measure(self._head(name), small, True)) + GAP
            room = end - description
            if room >= NARROWEST or size <= SMALLEST:
                break
            size = max(SMALLEST, size - 0.5)
        if room < LEAST:
            message = (
                f"the lines of {sheet.named} do not fit on the page: {max(room, 0):.0f} mm are left for the description"
            )
            raise RenderError(f"{message}; show fewer columns", document=sheet.named, part="lines")
        self.size, self.small, self.ends, self.room = size, small, ends[::-1], room
        self.numbered, self.description = left - GAP, description
        self.beside = beside if self.apart else room

    def _head(self, name: str) -> str:
        return self.sheet.content.head(name)

    # --- drawing ------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """Draw everything, over as many pages as it takes."""
        sheet = self.sheet
        first = self.rows[0] if self.rows else None
        sheet.room(HEAD + (self._height(first) if first is not None else 0) + self.carry)
        self._heads()
        for at, row in enumerate(self.rows, 1):
            self._row(at, row, self.after if at == len(self.rows) else self.carry)

    def _heads(self) -> None:
        sheet, put = self.sheet, self.sheet.canvas.put
        sheet.canvas.box(sheet.left, sheet.y, sheet.width, HEAD, sheet.pale)
        y = sheet.y + HEAD / 2 + self.small * 0.125
        if self.before:
            put(self.numbered, y, self._head("position"), self.small, sheet.accent, bold=True, end=True)
        if self.apart:
            put(self.description - GAP - self.beside, y, self._head("reference"), self.small, sheet.accent, bold=True)
        put(self.description, y, sheet.word("description"), self.small, sheet.accent, bold=True)
        for name, end in zip(self.names, self.ends, strict=True):
            put(end, y, self._head(name), self.small, sheet.accent, bold=True, end=True)
        sheet.y += HEAD
        sheet.canvas.line(sheet.left, sheet.y, sheet.right, sheet.accent, 0.35)

    def _height(self, row: Row) -> float:
        below = 0 if self.apart else len(row.reference)
        return max(len(row.words) + below, len(row.reference)) * self.step + ABOVE + BELOW

    def _row(self, at: int, row: Row, after: float) -> None:
        """Draw a row; one that is taller than what is left goes to the next page, a very tall one is divided."""
        sheet, step = self.sheet, self.step
        words = [(text, False) for text in row.words]
        if not self.apart:
            words += [(text, True) for text in row.reference]
        while len(words) < len(row.reference):
            words.append(("", False))
        fresh = sheet.low - sheet.fresh - HEAD - self.carry  # what a new page has
        begun = False
        while True:
            need = len(words) * step + ABOVE + BELOW
            if sheet.y + need + after <= sheet.low:
                self._piece(at, None if begun else row, words)
                sheet.canvas.line(sheet.left, sheet.y, sheet.right, sheet.ruled)
                return
            lines = int((sheet.low - sheet.y - self.carry - ABOVE - BELOW) / step)
            if lines < 3 or (need + after <= fresh and need <= fresh * 0.45):
                self._turn()
                continue
            lines = max(1, min(lines, len(words) - 2))
            self._piece(at, None if begun else row, words[:lines])
            words, begun = words[lines:], True
            self._turn()

    def _piece(self, at: int, row: Row | None, words: list[tuple[str, bool]]) -> None:
        """Draw lines of a description, and, with the first of them, what stands beside it."""
        sheet, put, size = self.sheet, self.sheet.canvas.put, self.size
        y = sheet.y + ABOVE + self.step * 0.74
        if row is not None:
            for text, end in zip(row.cells, self.ends, strict=True):
                if text:
                    put(end, y, text, size, sheet.ink, end=True)
            if self.before:
                put(self.numbered, y, str(at), size, sheet.soft, end=True)
            if self.apart:
                for place, text in enumerate(row.reference):
                    put(self.description - GAP - self.beside, y + place * self.step, text, size - 1, sheet.soft)
            if sheet.priced:
                self.carried = row.net if self.carried is None else self.carried + row.net
        for text, soft in words:
            if text:
                put(self.description, y, text, size - 1 if soft else size, sheet.soft if soft else sheet.ink)
            y += self.step
        sheet.y += ABOVE + len(words) * self.step + BELOW

    def _turn(self) -> None:
        """Go to the next page: what the lines so far come to is carried forward."""
        self._carry("carried_forward")
        self.sheet.page()
        self._heads()
        self._carry("brought_forward")

    def _carry(self, word: str) -> None:
        if self.carried is None:
            return
        sheet, put = self.sheet, self.sheet.canvas.put
        y = sheet.y + ABOVE + self.step * 0.74
        amount = formats.plain_money(self.carried, sheet.locale)
        put(self.description, y, sheet.word(word), self.size, sheet.soft)
        put(sheet.right - 1.5, y, amount, self.size, sheet.soft, bold=True, end=True)
        sheet.y += self.carry
        if word == "brought_forward":
            sheet.canvas.line(sheet.left, sheet.y, sheet.right, sheet.ruled)
