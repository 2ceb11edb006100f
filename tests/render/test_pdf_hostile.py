"""Documents that mean harm, or were only filled in by people: nothing is lost unnoticed, nothing is opened."""

from __future__ import annotations

import io
import re
import sys
import zlib
from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest
from PIL import Image
from tests.render.papers import BUYER, SELLER, picture, view
from tests.render.test_pdf import drawn

import salespipeline as sp
from salespipeline.errors import RenderError
from salespipeline.money import Money
from salespipeline.ports import DocumentView, SumView
from salespipeline.render.pdf import PdfRenderer, Sheet, Theme
from salespipeline.render.pdf import logo as logos
from salespipeline.render.pdf.canvas import Canvas

HOSTILE = {
    "nothing": "",
    "spaces": "   \t  ",
    "control characters": "a\x00b\x07c\x1b[31m\x7f\x85d",
    "a lone surrogate": "a\ud800b\udfffc",
    "right to left": "שלום עולם 123 abc مرحبا بالعالم",
    "bidi controls": "\u202egnp.exe\u202c \u2066x\u2069 \u200f\u200e",
    "a long word": "Donaudampfschifffahrtsgesellschaft" * 40,
    "a long path": "https://example.org/" + "segment/" * 200,
    "combining marks": "Z" + "\u0310\u0311\u0312" * 200,
    "emoji": "👩‍🚀 ☕️ 🏳️‍🌈",
    "CJK": "株式会社日本 有限公司 주식회사",
    "line ends": "a\r\nb\rc\u2028d\u2029e\x0bf\x0cg",
    "pdf syntax": r"(\) Tj ET Q >> endobj << /JS (x) >> stream",
    "html": "<script>alert(1)</script><img src=/etc/passwd>",
    "markdown": "**x** __y__ [z](javascript:alert(1))",
    "braces": "{page} {pages} {0.__class__} %s %n ${x} {{ x }}",
    "private use and noncharacters": "\ue000\ufdd0\uffff\U0010ffff",
    "zero width": "\u200b\u200c\u200d\ufeff\u2060",
    "much": "lorem ipsum " * 2_000,
}
PLACES: dict[str, Callable[[DocumentView, str], DocumentView]] = {
    "seller": lambda one, text: attrs.evolve(one, seller=attrs.evolve(SELLER, name=text, address=(text,), ids=((text, text),))),
    "buyer": lambda one, text: attrs.evolve(one, buyer=attrs.evolve(BUYER, name=text, person=text, email=text, address=(text,))),
    "description": lambda one, text: attrs.evolve(one, lines=(attrs.evolve(one.lines[0], description=text), *one.lines[1:])),
    "line": lambda one, text: attrs.evolve(one, lines=(attrs.evolve(one.lines[0], reference=text, unit=text[:12]), *one.lines[1:])),
    "heads": lambda one, text: attrs.evolve(one, reference=text, subject=text, related=((text, text),)),
    "prose": lambda one, text: attrs.evolve(one, note=text, terms=text),
    "sums": lambda one, text: attrs.evolve(
        one, steps=(SumView(label=text or "Freight", amount=one.net),), exchange=text,
        taxes=tuple(attrs.evolve(tax, reason=text, code=text[:9]) for tax in one.taxes),
    ),
    "payment": lambda one, text: attrs.evolve(one, payment=((text, text), ("iban", text), ("bic", text))),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", HOSTILE)
def test_any_text_is_drawn_anywhere(name: str, place: str) -> None:
    text = HOSTILE[name]
    if place not in ("prose", "description", "payment"):
        text = text[:250]
    paper = drawn(PLACES[place](view("invoice"), text))
    assert "€34,013.09" in paper.text
    seen = {letter for letter in text if letter.isprintable() and not letter.isspace() and letter < "\u2000"}
    drawn_or_told = set(paper.text) | set(paper.missing)
    if place == "description" and name != "combining marks":  # these are composed where they can be
        assert {letter for letter in seen if letter not in drawn_or_told} - set(HOSTILE["right to left"]) == set()


@pytest.mark.parametrize("place", PLACES)
def test_every_letter_of_every_field_comes_to_the_pen(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: set[str] = set()
    put = Canvas.put

    def watched(self: Canvas, x: float, y: float, text: str, *how: object, **more: object) -> None:
        heard.update(text)
        put(self, x, y, text, *how, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Canvas, "put", watched)
    for name, text in HOSTILE.items():
        heard.clear()
        PdfRenderer().render(PLACES[place](view("invoice"), text[:250]))
        assert {one for one in text[:250] if one.isprintable() and not one.isspace()} - heard == set(), name


def test_a_character_that_no_font_has_is_reported_and_stands_as_a_box() -> None:
    paper = drawn(view(note="Kaffee ☕ 日本 and more", subject="日"))
    assert paper.missing == ("日", "☕", "本")
    assert "Kaffee" in paper.text
    assert "and more" in paper.text
    assert "日" not in paper.text


def test_a_control_character_is_neither_drawn_nor_missed() -> None:
    paper = drawn(view(note="so\u200b f\u00adar\x07 so go\u2066od\u2069"))
    assert paper.missing == ()
    assert "so far so good" in paper.text


@pytest.mark.parametrize("amount", ["999999999999999.99", "-999999999999999999.99"])
def test_a_huge_amount_is_drawn_in_full(amount: str) -> None:
    shown = view(rates=1)
    huge = Money(amount, "EUR")
    line = attrs.evolve(shown.lines[0], net=huge, unit_price=huge.amount, quantity=Decimal(1))
    tax = attrs.evolve(shown.taxes[0], net=huge, tax=huge)
    paper = drawn(attrs.evolve(shown, lines=(line,), net=huge, tax=huge, total=huge, taxes=(tax,)))
    assert paper.text.count(f"{abs(huge.amount):,}") >= 5


def test_amounts_too_wide_for_the_page_are_refused_by_name() -> None:
    line = attrs.evolve(view().lines[0], unit_price=Decimal("9" * 60), quantity=Decimal("9" * 60))
    with pytest.raises(RenderError, match=r"QUO/000017 do not fit .* show fewer columns") as refused:
        PdfRenderer().render(
            view(lines=1, rates=1).__class__(**attrs.asdict(view(), recurse=False) | {"lines": (line,)})
        )
    assert (refused.value.document, refused.value.part) == ("QUO/000017", "lines")


def test_ten_thousand_lines_are_drawn_and_one_more_is_refused_by_name() -> None:
    line = attrs.evolve(view().lines[1], description="Bay")
    done = PdfRenderer().render(attrs.evolve(view("invoice"), lines=(line,) * 10_000))
    assert done.pages > 200
    with pytest.raises(RenderError, match="10,001 lines, and at most 10,000 are drawn") as refused:
        PdfRenderer().render(attrs.evolve(view("invoice"), lines=(line,) * 10_001))
    assert (refused.value.document, refused.value.part) == ("2026-00017", "lines")


def test_nothing_overlaps_and_nothing_leaves_the_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every text lies between the margins, by the positions that were asked for."""
    written: list[tuple[float, float, float, float]] = []
    put = Canvas.put

    def watched(self: Canvas, x: float, y: float, text: str, size: float, ink: object, **how: bool) -> None:
        width = self.measure(text, size, how.get("bold", False))
        start = x - width if how.get("end") else x
        written.append((start, start + width, y, self.height))
        put(self, x, y, text, size, ink, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Canvas, "put", watched)
    for text in (HOSTILE["a long word"], HOSTILE["a long path"], HOSTILE["much"][:900]):
        for place in PLACES.values():
            PdfRenderer().render(
                place(view("invoice"), text[: 2000 if place in (PLACES["prose"], PLACES["payment"]) else 250])
            )
    assert len(written) > 1000
    for start, end, y, height in written:
        assert start >= 17.9
        assert end <= 210 - 17.9
        assert 0 < y < height - 5


@pytest.mark.parametrize("place", ["seller", "buyer", "heads"])
def test_a_head_of_more_than_a_page_is_refused(place: str) -> None:
    with pytest.raises(RenderError, match="takes a whole page; shorten names") as refused:
        PdfRenderer().render(PLACES[place](view(reference="Q-1"), "lorem ipsum " * 2000))
    assert refused.value.part == "head"


# --- logos ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("format", "mode"), [("PNG", "RGB"), ("PNG", "RGBA"), ("PNG", "P"), ("PNG", "L"), ("PNG", "1"), ("JPEG", "RGB"), ("JPEG", "L")]
)  # fmt: skip
@pytest.mark.parametrize("place", ["left", "right"])
def test_a_logo_is_drawn_within_its_box(format: str, mode: str, place: str) -> None:
    paper = drawn(view(logo=picture(format, mode=mode)), PdfRenderer(theme=Theme(logo=place)))
    (image,) = paper.reader.pages[0].images
    assert image.image is not None
    stream = paper.reader.pages[0].get_contents().get_data().decode("latin-1")
    width, height, x = (float(one) for one in re.search(r"([\d.]+) 0 0 ([\d.]+) ([\d.]+) [\d.]+ cm", stream).groups())
    assert (width / height, width <= 58 * 72 / 25.4 + 0.1) == (pytest.approx(4, rel=0.01), True)
    assert (x < 60) is (place == "left")


def test_a_theme_may_leave_the_logo_out() -> None:
    assert len(drawn(view(logo=picture()), PdfRenderer(theme=Theme(logo="none"))).reader.pages[0].images) == 0


def test_a_large_logo_is_made_as_small_as_print_needs() -> None:
    content = PdfRenderer().render(view(logo=picture(size=(4000, 1000)))).content
    assert len(content) < 40_000


def bomb(width: int, height: int) -> bytes:
    """Return a small PNG file that says it is a huge picture."""
    head = width.to_bytes(4) + height.to_bytes(4) + bytes([1, 0, 0, 0, 0])
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b"")]
    body = b"".join(len(data).to_bytes(4) + tag + data + zlib.crc32(tag + data).to_bytes(4) for tag, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def animated() -> bytes:
    """Return a GIF."""
    out = io.BytesIO()
    Image.new("P", (4, 4)).save(out, "GIF")
    return out.getvalue()


REFUSED = {
    "nothing": (b"", "0 bytes"),
    "text": (b"/etc/passwd", "cannot identify"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", "cannot identify"),
    "GIF": (animated(), "cannot identify"),
    "100 megapixels": (bomb(10_000, 10_000), "100,000,000|bomb|pixels"),
    "30,000 squared": (bomb(30_000, 30_000), "bomb|pixels"),
    "cut short": (picture()[:200], "logo"),
    "CMYK": (picture("JPEG", mode="CMYK"), "CMYK"),
    "6 MB": (picture() + bytes(6 * 1024 * 1024), "bytes"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_logo_is_refused_by_document_and_part(name: str) -> None:
    content, why = REFUSED[name]
    with pytest.raises(RenderError, match=why) as refused:
        PdfRenderer().render(view(logo=content))
    assert (refused.value.document, refused.value.part) == ("QUO/000017", "logo")
    assert "QUO/000017" in str(refused.value)


def test_logos_are_remembered_but_not_for_ever() -> None:
    for size in range(100, 130):
        PdfRenderer().render(view(logo=picture(size=(size, 50))))
    assert len(logos._kept) == logos.KEPT


# --- the world outside ------------------------------------------------------------------------------------


def test_no_file_is_opened_and_no_line_is_dialled() -> None:
    renderer = PdfRenderer()
    renderer.render(view(logo=picture(), draft=True))  # what is read once a process is read
    seen: list[tuple[str, object]] = []
    watching = [True]

    def hook(event: str, args: tuple[object, ...]) -> None:
        if watching[0] and event in ("open", "os.system", "subprocess.Popen", "socket.connect", "socket.getaddrinfo"):
            seen.append((event, args[0]))

    sys.addaudithook(hook)
    try:
        for text in HOSTILE.values():
            for place in PLACES.values():
                renderer.render(place(view(logo=picture()), text[:250]))
    finally:
        watching[0] = False
    assert [one for one in seen if not str(one[1]).endswith((".py", ".pyc"))] == []


def test_what_people_type_is_refused_or_drawn_and_nothing_is_opened(opened: Callable[..., sp.Sales]) -> None:
    sales = opened("memory:")
    desk, edit = sales.documents, sales.settings.edit_organisation
    edit(name="Northgate Ltd", email="sales@northgate.example")
    acme = sales.contacts.add("Acme Ltd", email="buyer@acme.example")
    line = {"description": "Bay", "unit_price": "5", "tax": "20"}
    desk.html(desk.draft(acme, "quote", lines=[line]))  # what is read once a process
    seen: list[object] = []
    tried = {"drawn": 0, "refused": 0}
    watching = [True]

    def hook(event: str, args: tuple[object, ...]) -> None:
        if watching[0] and (event == "open" or event.startswith(("socket.", "subprocess", "os.system"))):
            seen.append((event, args))

    def attempt(call: Callable[..., Any], *given: object, **facts: object) -> Any:
        try:
            made = call(*given, **facts)
        except sp.Invalid:
            tried["refused"] += 1
            return None
        if isinstance(made, sp.Document):
            assert desk.pdf(made)[:5] == b"%PDF-"
            assert desk.html(made)[:5] == "<!doc"
        tried["drawn"] += 1
        return made

    sys.addaudithook(hook)
    try:
        for text in HOSTILE.values():
            attempt(edit, name=text, address=text, payment={"iban": text}, terms={"quote": text})
            contact = attempt(sales.contacts.add, text, address=text) or acme
            for field in ("subject", "note", "terms", "customer_reference"):
                attempt(desk.draft, contact, "quote", lines=[line], **{field: text})
            for field in ("description", "reference", "unit"):
                attempt(desk.draft, contact, "invoice", lines=[line | {field: text}])
    finally:
        watching[0] = False
    assert seen == []
    assert tried["drawn"] > 60
    assert tried["refused"] > 20


def test_fpdf_is_told_to_open_nothing() -> None:
    from fpdf import FPDF
    from fpdf.enums import ResourceAccessPolicy

    sheet = Sheet(view(), Theme())
    assert sheet.canvas.pdf.resource_access_policy == ResourceAccessPolicy.NONE
    assert isinstance(sheet.canvas.pdf, FPDF)


def test_the_source_reads_no_other_files() -> None:
    package = Path(sys.modules["salespipeline.render.pdf"].__file__).parent
    for path in package.glob("*.py"):
        source = path.read_text("utf-8")
        assert "file_path" not in source  # facturx.py embeds bytes that it was given
        assert "embed_file" not in source or path.name == "facturx.py"
        assert "write_html" not in source
        assert "markdown=True" not in source


def test_order_of_drawing_changes_nothing() -> None:
    renderer = PdfRenderer()
    shown = [view(type, locale) for type in ("quote", "invoice") for locale in ("en_GB", "de_DE")]
    there = [renderer.render(one).content for one in shown]
    back = [renderer.render(one).content for one in reversed(shown)][::-1]
    assert there == back
    assert all(first != second for first, second in pairwise(there))
