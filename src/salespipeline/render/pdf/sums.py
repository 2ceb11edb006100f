"""What a document comes to: the tax of each rate, and the total that nobody misses."""

from __future__ import annotations

from salespipeline.ports import TaxView
from salespipeline.render import formats
from salespipeline.render.pdf.sheet import Sheet

__all__ = ["MOST_BESIDE", "draw_sums", "draw_taxes", "sums_height"]

MOST_BESIDE = 14  # rates in the table beside the sums; more go above them, over as many pages as it takes
ABOVE, STEP, TOTAL = 4.0, 5.4, 10.0


def sums_height(sheet: Sheet) -> float:
    """Return the height of what stays with the last line."""
    if not sheet.priced:
        return 0.0
    taxes = len(sheet.view.taxes)
    rows = 3 if taxes > MOST_BESIDE else max(2 if taxes > 1 else 1 + taxes, 0)
    beside = taxes + 1 if 1 < taxes <= MOST_BESIDE else 0
    rows += len(sheet.view.steps)
    return ABOVE + max(rows * STEP + TOTAL, beside * STEP) + 1.0


def draw_taxes(sheet: Sheet, taxes: tuple[TaxView, ...], *, flowing: bool) -> None:
    """Draw the table of the tax rates from *y* on; a *flowing* one may go over pages."""
    columns = ("tax_rate", "taxable", "tax_amount")
    several = {tax.percent for tax in taxes}
    rows = []
    for tax in taxes:
        rate = formats.percent(tax.percent, sheet.locale)
        if len(several) < len(taxes) and tax.code:
            rate = f"{rate} {tax.code}"
        rows.append((rate, formats.plain_money(tax.net, sheet.locale), formats.plain_money(tax.tax, sheet.locale)))
    measure, put, size = sheet.canvas.measure, sheet.canvas.put, sheet.small
    heads = [sheet.word(name) for name in columns]
    ends: list[float] = []
    end = sheet.left + 1.5
    for place, head in enumerate(heads):
        widest = max([measure(head, size, True), *(measure(row[place], size) for row in rows)])
        end += min(widest, 48.0) + (0 if place == 0 else 6)
        ends.append(end)

    def write(texts: tuple[str, ...] | list[str], bold: bool) -> None:
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
    view, canvas, locale = sheet.view, sheet.canvas, sheet.locale
    taxes = view.taxes
    sheet.y += ABOVE
    top = sheet.y
    if 1 < len(taxes) <= MOST_BESIDE:
        draw_taxes(sheet, taxes, flowing=False)
    below, sheet.y = sheet.y, top
    rows = []
    for step in view.steps:
        name = sheet.word(step.label)
        if step.percent is not None:
            name = f"{name} {formats.percent(step.percent, locale)}"
        rows.append((name, formats.money(step.amount, locale)))
    rows.append((sheet.word("net"), formats.money(view.net, locale)))
    if len(taxes) == 1:
        rows.append(
            (f"{sheet.word('tax')} {formats.percent(taxes[0].percent, locale)}", formats.money(view.tax, locale))
        )
    elif taxes:
        rows.append((sheet.word("tax"), formats.money(view.tax, locale)))
    word, total = sheet.word("total"), formats.money(view.total, locale)
    large = sheet.size + 3
    need = canvas.measure(word, large, True) + canvas.measure(total, large, True) + 14
    width = min(max(sheet.width * 0.42, need), sheet.width)
    if need > width:
        large *= (width - 8) / (need - 8)
    left, right = sheet.right - width, sheet.right - 3
    for name, value in rows:
        y = sheet.y + STEP * 0.68
        canvas.put(left + 3, y, name, sheet.size, sheet.soft)
        canvas.put(right, y, value, sheet.size, sheet.ink, end=True)
        sheet.y += STEP
    sheet.y += 1.0
    canvas.box(left, sheet.y, width, TOTAL - 1, sheet.accent)
    y = sheet.y + (TOTAL - 1) / 2 + large * 0.125
    canvas.put(left + 3, y, word, large, (255, 255, 255), bold=True)
    canvas.put(right, y, total, large, (255, 255, 255), bold=True, end=True)
    sheet.y = max(sheet.y + TOTAL, below)
