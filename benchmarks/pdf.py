"""A quote as PDF with an embedded font beside WeasyPrint, reportlab's canvas and fpdf2's own ``table()``.

All four draw the same facts on A4 with Liberation Sans. The peers are as short as such code is usually written, with
what is done once a process (the template's parts, reportlab's fonts) done once. Ours draws a letterhead, the draft mark,
page numbers and an outline as well. "two processes" is the time for the same documents with two workers and with one.
"""

from __future__ import annotations

import gc
import html
import io
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from _common import Row, arguments, compare, row, show

from salespipeline.money import Money
from salespipeline.ports import DocumentView, LineView, PartyView, TaxView
from salespipeline.render import formats
from salespipeline.render.pdf import PdfRenderer
from salespipeline.render.pdf.faces import SHIPPED

RENDERER = PdfRenderer()
LOCALE = "en_GB"
HEADS = ("Description", "Quantity", "Price", "Discount", "Tax", "Amount")
WIDTHS = (72, 20, 22, 20, 16, 24)
CSS = """@page { size: A4; margin: 18mm; @bottom-right { content: counter(page) " / " counter(pages) } }
body { font: 9pt "Liberation Sans"; color: #111827 } h1 { font-size: 24pt } table { width: 100%; border-collapse: collapse }
th, td { padding: 4pt; text-align: right; border-bottom: 0.4pt solid #d9dde3 } th:first-child, td:first-child { text-align: left }
thead { display: table-header-group; color: #0c4a6e } .sums { width: 45%; margin-left: 55% }"""


@lru_cache
def quote(lines: int) -> DocumentView:
    """Return a quote of so many lines, each unlike the others."""
    prices = [Decimal(4500 + 731 * at % 40000) / 100 for at in range(lines)]
    nets = [Money(price * (at % 9 + 1), "EUR") for at, price in enumerate(prices)]
    net = Money.total(nets, "EUR")
    tax = Money.rounded(net.amount / 5, "EUR")
    return DocumentView(
        type="quote",
        reference="QUO/000017",
        locale=LOCALE,
        seller=PartyView(
            name="Northgate Storage Ltd",
            address=("Unit 4, Kirkstall Road", "Leeds LS4 2AZ"),
            email="sales@northgate.example",
            phone="+44 113 496 0000",
            website="https://northgate.example",
            ids=(("vat", "GB 123 4567 89"), ("company_number", "07654321")),
        ),
        buyer=PartyView(name="Müßig & Søn GmbH", person="Eva Lindqvist", address=("Hafenstraße 12", "20457 Hamburg")),
        lines=tuple(
            LineView(
                description=f"Pallet racking, bay {at + 1}, {at % 7 + 2} levels, galvanised, with safety pins",
                quantity=Decimal(at % 9 + 1),
                unit_price=price,
                net=nets[at],
                unit="pc",
                tax_percent=Decimal(20),
            )
            for at, price in enumerate(prices)
        ),
        taxes=(TaxView(percent=Decimal(20), net=net, tax=tax),),
        net=net,
        tax=tax,
        total=net + tax,
        subject="New warehouse",
        date=date(2026, 11, 24),
        due=date(2026, 12, 24),
        note="Delivery within four weeks.\nInstallation is included.",
        terms="This quotation is valid for thirty days. Our general terms of delivery hold.",
        created_at=datetime(2026, 11, 24, 9, tzinfo=UTC),
        draft=True,
    )


def ours(view: DocumentView) -> bytes:
    """Draw it as the library does."""
    return RENDERER.render(view).content


# --- the peers --------------------------------------------------------------------------------------------


def table_of(view: DocumentView) -> list[tuple[str, ...]]:
    """Return the texts of the lines, formatted as ours are."""
    return [
        (
            line.description,
            f"{formats.number(line.quantity, LOCALE)} {line.unit}",
            formats.price(line.unit_price, "EUR", LOCALE),
            "",
            formats.percent(line.tax_percent, LOCALE),
            formats.plain_money(line.net, LOCALE),
        )
        for line in view.lines
    ]


def head_of(view: DocumentView) -> list[str]:
    """Return what stands above the lines."""
    seller, buyer = view.seller, view.buyer
    assert view.date is not None
    return [seller.name, *seller.address, seller.phone, seller.email, buyer.name, buyer.person, *buyer.address,
            formats.day(view.date, LOCALE), view.subject]  # fmt: skip


def sums_of(view: DocumentView) -> list[tuple[str, str]]:
    """Return what stands below them."""
    return [
        ("Net", formats.money(view.net, LOCALE)),
        ("VAT 20%", formats.money(view.tax, LOCALE)),
        ("Total", formats.money(view.total, LOCALE)),
    ]


def weasyprint(view: DocumentView) -> bytes:
    """Draw it from HTML and CSS."""
    from weasyprint import HTML

    def cells(texts: tuple[str, ...], tag: str = "td") -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts) + "</tr>"

    page = (
        f"<html lang=en><style>{CSS}</style><title>Quotation</title>"
        + "".join(f"<div>{html.escape(text)}</div>" for text in head_of(view))
        + f"<h1>Quotation {view.reference}</h1><table><thead>{cells(HEADS, 'th')}</thead>"
        + "".join(map(cells, table_of(view)))
        + f"</table><table class=sums>{''.join(map(cells, sums_of(view)))}</table>"
        + f"<p>{html.escape(view.note)}<p>{html.escape(view.terms)}"
    )
    return bytes(HTML(string=page).write_pdf())


def reportlab(view: DocumentView) -> bytes:
    """Draw it on a canvas, text by text."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    if "r" not in pdfmetrics.getRegisteredFontNames():
        for name, path in zip("rb", SHIPPED, strict=True):
            pdfmetrics.registerFont(TTFont(name, str(path)))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    left, right, y = 51.0, A4[0] - 51.0, A4[1] - 51.0

    def put(texts: tuple[str, ...], font: str = "r", size: float = 9) -> None:
        nonlocal y
        canvas.setFont(font, size)
        canvas.drawString(left, y, texts[0])
        end = left + WIDTHS[0] * 2.83
        for text, width in zip(texts[1:], WIDTHS[1:], strict=False):
            end += width * 2.83
            canvas.drawRightString(end, y, text)
        y -= size * 1.8

    for text in head_of(view):
        put((text,))
    put((f"Quotation {view.reference}",), "b", 24)
    put(HEADS, "b")
    for texts in table_of(view):
        if y < 80:
            canvas.showPage()
            y = A4[1] - 51.0
            put(HEADS, "b")
        put(texts)
        canvas.line(left, y + 12, right, y + 12)
    for name, value in sums_of(view):
        put((name, value), "b", 11)
    for text in (view.note, view.terms):
        put((text.replace("\n", " "),))
    canvas.save()
    return out.getvalue()


def fpdf_table(view: DocumentView) -> bytes:
    """Draw it with fpdf2's table."""
    from fpdf import FPDF

    pdf = FPDF(format="A4")
    pdf.add_font("f", "", SHIPPED[0])
    pdf.add_font("f", "B", SHIPPED[1])
    pdf.add_page()
    pdf.set_font("f", "", 9)
    for text in head_of(view):
        pdf.cell(0, 5, text, new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("f", "B", 24)
    pdf.cell(0, 14, f"Quotation {view.reference}", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("f", "", 9)
    with pdf.table(col_widths=WIDTHS, text_align=("LEFT", *["RIGHT"] * 5), borders_layout="HORIZONTAL_LINES") as table:
        for texts in [HEADS, *table_of(view)]:
            table.row(texts)
    for name, value in sums_of(view):
        pdf.cell(0, 6, f"{name}  {value}", align="R", new_x="LMARGIN", new_y="NEXT")
    for text in (view.note, view.terms):
        pdf.multi_cell(0, 5, text, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


# --- the rows ---------------------------------------------------------------------------------------------


def beside_peers(lines: int, rounds: int) -> Iterator[Row]:
    """Yield the time and the size beside each peer."""
    view = quote(lines)
    peers: list[tuple[Any, str, str]] = [
        (weasyprint, "WeasyPrint", "<= 0.055" if lines <= 10 else "<= 0.014"),
        (reportlab, "reportlab, TTF", "<= 0.5"),
        (fpdf_table, "fpdf2 table()", "<= 0.04" if lines <= 10 else ""),
    ]
    for peer, name, goal in peers:
        few = max(2, rounds if lines <= 10 else rounds // 5)
        yield compare(
            f"pdf: {lines:,} lines",
            lambda: ours(view),
            lambda peer=peer: peer(view),  # type: ignore[misc]
            peer_name=name,
            goal=goal,
            rounds=few,
        )
    sizes = {name: len(peer(view)) / 1000 for peer, name, _ in peers}
    size = len(ours(view)) / 1000
    if lines <= 10:
        sizes = {"what a mail should carry": 25.0, **sizes}
    for name, other in sizes.items():
        goal = "<= 1" if name == "what a mail should carry" else ""
        yield row(f"pdf: {lines:,} lines, size", size, other, peer_name=name, unit="kB", goal=goal)


def drawn(documents: int) -> int:
    """Draw so many quotes in this process."""
    return sum(len(ours(quote(10))) for _ in range(documents))


def two_processes(documents: int, rounds: int) -> Row:
    """Compare two workers, each with half of the documents, with one that has them all."""
    best = [float("inf"), float("inf")]
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(drawn, [20] * 4))  # both are up and have read their fonts
        for _ in range(rounds):
            for place, parts in enumerate(([documents // 2] * 2, [documents])):
                start = time.perf_counter()
                list(pool.map(drawn, parts))
                best[place] = min(best[place], time.perf_counter() - start)
    two, one = (time * 1e3 / documents for time in best)
    return row("pdf: 10 lines, two processes", two, one, peer_name="one process", unit="ms", goal="<= 0.56")


def memory(documents: int) -> Row:
    """Compare what is held after many documents with what is held after a few."""
    tracemalloc.start()
    held = []
    for count in (20, documents):
        drawn(count)
        gc.collect()
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    few, many = held
    name = f"pdf: held after {documents:,} more documents"
    return row(name, many / 1000, few / 1000, peer_name="after the first 20", unit="kB", goal="<= 1.1")


def main() -> None:
    """Compare in turns."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--lines", type=int, nargs="+", default=[10, 1000], help="sizes of the quote")
    parser.add_argument("--documents", type=int, default=1000, help="how many are drawn to see whether memory grows")
    chosen = parser.parse_args()
    rows = [memory(chosen.documents)]  # first: it counts the fonts and tables that are read once
    rows += [one for lines in chosen.lines for one in beside_peers(lines, chosen.rounds)]
    rows.append(two_processes(200, max(3, chosen.rounds // 3)))
    show(rows, chosen.json)


if __name__ == "__main__":
    main()
