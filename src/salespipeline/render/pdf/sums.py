"""What a document comes to: the tax of each rate, and the total that nobody misses."""

from __future__ import annotations

from salespipeline.render.pdf.sheet import Sheet

__all__ = ["MOST_BESIDE", "draw_sums", "draw_taxes", "sums_height"]

MOST_BESIDE = 14  # rates in the table beside the sums; more go above them, over as many pages as it takes
APART = 2.0
ABOVE, STEP, TOTAL = 4.0, 5.4, 10.0


def sums_height(sheet: Sheet) -> float:
    """Return the height of what stays with the last line."""
    if not sheet.priced:
        return 0.0
    taxes = len(sheet.view.taxes)
    beside = taxes + 1 if 1 < taxes <= MOST_BESIDE else 0
    reasons = len(_reasons(sheet))
    told = APART + sheet.lead(sheet.small) * reasons if reasons else 0.0
    return ABOVE + max(_Sums(sheet).height, beside * STEP) + 1.0 + told


def draw_taxes(sheet: Sheet, *, flowing: bool) -> None:
    """Draw the table of the tax rates from *y* on; a *flowing* one may go over pages."""
    heads, *rows = sheet.content.taxes()
    measure, put, size = sheet.canvas.measure, sheet.canvas.put, sheet.small
    ends: list[float] = []
    end = sheet.left + 1.5
    for place, head in enumerate(heads):
        widest = max([measure(head, size, True), *(measure(row[place], size) for row in rows)])
        end += min(widest, 48.0) + (0 if place == 0 else 6)
        ends.append(end)

    def write(texts: tuple[str, ...], bold: bool) -> None:
        y = sheet.y + STEP * 0.68
        for place, text in enumerate(texts):
            ink = sheet.accent if bold else sheet.ink
            put(sheet.left + 1.5 if place == 0 else ends[place], y, text, size, ink, bold=bold, end=place > 0)
        sheet.y += STEP
        sheet.canvas.line(sheet.left, sheet.y, ends[-1] + 1.5, sheet.ruled)

    write(heads, True)
    for row in rows:
        if flowing and sheet.y + STEP > sheet.low:
            sheet.page()
            write(heads, True)
        write(row, False)


def draw_sums(sheet: Sheet) -> None:
    """Draw net, tax and total at the right, and, with several rates, what was taxed at each at the left."""
    taxes = sheet.view.taxes
    sheet.y += ABOVE
    top = sheet.y
    if 1 < len(taxes) <= MOST_BESIDE:
        draw_taxes(sheet, flowing=False)
    below, sheet.y = sheet.y, top
    _Sums(sheet).draw()
    sheet.y = max(sheet.y, below)
    reasons = _reasons(sheet)
    sheet.y += APART if reasons else 0
    for text in reasons:
        sheet.line(text, sheet.small, soft=True)


def _reasons(sheet: Sheet) -> list[str]:
    """Return why no tax is taken, and by which rate of exchange prices were converted, in lines."""
    wrap = sheet.canvas.wrap
    return [part for text in sheet.content.reasons() for part in wrap(text, sheet.width, sheet.small)]


class _Sums:
    """The steps to the total, one below the other, and the total in a box as wide as it needs."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        measure = sheet.canvas.measure
        self.word, self.total = sheet.content.total()
        self.large = sheet.size + 3
        rows = sheet.content.sums()
        need = measure(self.word, self.large, True) + measure(self.total, self.large, True) + 14
        self.width = min(max(sheet.width * 0.42, need), sheet.width)
        if need > self.width:
            self.large *= (self.width - 8) / (need - 8)
        widest = max(measure(value, sheet.size) for _, value in rows)
        self.rows = [(sheet.canvas.wrap(name, self.width - widest - 9, sheet.size), value) for name, value in rows]

    @property
    def height(self) -> float:
        """The height of everything."""
        lead = self.sheet.lead(self.sheet.size)
        return sum(STEP + lead * (len(names) - 1) for names, _ in self.rows) + TOTAL

    def draw(self) -> None:
        """Draw the rows and the total from ``sheet.y`` on."""
        sheet, put = self.sheet, self.sheet.canvas.put
        left, right, lead = sheet.right - self.width, sheet.right - 3, sheet.lead(sheet.size)
        for names, value in self.rows:
            y = sheet.y + STEP * 0.68
            for at, name in enumerate(names):
                put(left + 3, y + at * lead, name, sheet.size, sheet.soft)
            put(right, y, value, sheet.size, sheet.ink, end=True)
            sheet.y += STEP + lead * (len(names) - 1)
        sheet.y += 1.0
        sheet.canvas.box(left, sheet.y, self.width, TOTAL - 1, sheet.accent)
        y = sheet.y + (TOTAL - 1) / 2 + self.large * 0.125
        put(left + 3, y, self.word, self.large, (255, 255, 255), bold=True)
        put(right, y, self.total, self.large, (255, 255, 255), bold=True, end=True)
        sheet.y += TOTAL - 1
