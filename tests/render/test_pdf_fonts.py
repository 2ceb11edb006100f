"""Fonts: cut down by us or by fpdf2, the page is the same; other fonts, other scripts, other looks."""

from __future__ import annotations

import contextlib
import io
import re
import struct
from pathlib import Path

import attrs
import pytest
from fontTools.ttLib import TTFont
from pypdf import PdfReader
from tests.render.papers import picture, view
from tests.render.test_pdf import drawn

from salespipeline.errors import Invalid, RenderError
from salespipeline.render.pdf import Layout, PdfRenderer, Theme, embed
from salespipeline.render.pdf.bidi import visual
from salespipeline.render.pdf.canvas import Canvas
from salespipeline.render.pdf.faces import SHIPPED, face


def fallen_back() -> PdfRenderer:
    """Return a renderer on an fpdf2 that is not as we know it."""
    renderer = PdfRenderer()
    renderer._fast = False
    return renderer


def streams(content: bytes) -> list[list[tuple[str, ...]]]:
    """Return what is drawn on each page, with the glyphs written as characters."""
    pages = []
    for page in PdfReader(io.BytesIO(content)).pages:
        fonts = page["/Resources"]["/Font"]
        maps = {name: unicode_of(font.get_object()["/ToUnicode"].get_data()) for name, font in fonts.items()}
        drawn, current = [], {}
        data = page.get_contents().get_data()
        for operation in re.finditer(rb"([^\n(]*)\(((?:[^()\\]|\\.)*)\) Tj([^\n]*)|[^\n]+", data, re.DOTALL):
            if font := re.search(rb"/(F\d+) ([\d.]+) Tf", operation[0]):
                current = maps[f"/{font[1].decode()}"]
                drawn.append(("font", font[2].decode()))
            if operation[2] is not None:
                codes = re.sub(
                    rb"\\(.)", lambda one: b"\r" if one[1] == b"r" else one[1], operation[2], flags=re.DOTALL
                )
                text = "".join(current[number] for (number,) in struct.iter_unpack(">H", codes))
                drawn.append((operation[1].decode(), text, operation[3].decode()))
            elif not font:
                drawn.append((operation[0].decode("latin-1"),))
        pages.append(drawn)
    return pages


def unicode_of(table: bytes) -> dict[int, str]:
    """Return the characters of a ToUnicode table by glyph number."""
    found = {}
    for number, text in re.findall(rb"<([0-9A-F]{4})> <([0-9A-F]+)>", table):
        found[int(number, 16)] = bytes.fromhex(text.decode()).decode("utf-16-be")
    return found


@pytest.mark.parametrize("type", ["quote", "invoice", "delivery_note"])
@pytest.mark.parametrize("locale", ["en_GB", "fr_FR", "de_DE"])
def test_both_roads_draw_the_same_page(type: str, locale: str) -> None:
    shown = view(type, locale, lines=30, draft=True, logo=picture(), note="back\\slash (and) \r return, Ωmega, ﬁ")
    fast, slow = PdfRenderer().render(shown), fallen_back().render(shown)
    assert (fast.pages, fast.missing_glyphs) == (slow.pages, slow.missing_glyphs)
    for page, other in zip(streams(fast.content), streams(slow.content), strict=True):
        for one, two in zip(page, other, strict=True):
            if two[0].startswith("BT "):  # fpdf2 names no colour where it fills with the same one
                assert re.fullmatch(r"q [\d. ]+ rg ", one[0].removesuffix(two[0]))
                assert one[1:] == (two[1], f"{two[2]} Q")
            else:
                assert one == two
    ours, theirs = (PdfReader(io.BytesIO(one.content)) for one in (fast, slow))
    assert [page.extract_text() for page in ours.pages] == [page.extract_text() for page in theirs.pages]
    assert "/OpenAction" not in ours.root_object
    assert "/OpenAction" not in theirs.root_object


def test_both_roads_write_the_same_widths() -> None:
    def widths(renderer: PdfRenderer) -> dict[str, dict[str, int]]:
        page = PdfReader(io.BytesIO(renderer.render(view(lines=9)).content)).pages[0]
        found = {}
        for font in page["/Resources"]["/Font"].values():
            letters = unicode_of(font["/ToUnicode"].get_data())
            table, sizes = list(font["/DescendantFonts"][0].get_object()["/W"]), {}
            while table:
                if isinstance(table[1], list):
                    start, row = table.pop(0), table.pop(0)
                    sizes |= {start + at: width for at, width in enumerate(row)}
                else:
                    start, end, width = (table.pop(0) for _ in range(3))
                    sizes |= dict.fromkeys(range(start, end + 1), width)
            found[font["/BaseFont"].partition("+")[2]] = {letters[at]: sizes[at] for at in letters if at in sizes}
        return found

    ours, theirs = widths(PdfRenderer()), widths(fallen_back())
    for (name, fast), slow in zip(sorted(ours.items()), (one for _, one in sorted(theirs.items())), strict=True):
        assert len(fast) > 15, name
        assert {letter: slow[letter] for letter in fast} == fast


def test_what_is_cut_down_holds_the_outlines_that_are_used_and_no_others() -> None:
    content = PdfRenderer().render(view(note="Ångström")).content
    fonts = PdfReader(io.BytesIO(content)).pages[0]["/Resources"]["/Font"]
    for font in fonts.values():
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        name = font["/BaseFont"]
        cut = TTFont(io.BytesIO(descriptor["/FontFile2"].get_data()))
        whole = TTFont(SHIPPED["Bold" in name])
        used = set(unicode_of(font["/ToUnicode"].get_data()))
        for number in used:
            there = whole["glyf"].glyphs[whole.getGlyphOrder()[number]]
            here = cut["glyf"][cut.getGlyphOrder()[number]]
            there.expand(whole["glyf"])
            assert here.numberOfContours == there.numberOfContours
            if there.numberOfContours > 0:
                assert here.coordinates == there.coordinates
            assert (
                cut["hmtx"].metrics[cut.getGlyphOrder()[number]] == whole["hmtx"].metrics[whole.getGlyphOrder()[number]]
            )
        filled = [at for at, one in enumerate(cut.getGlyphOrder()) if cut["glyf"][one].numberOfContours]
        assert len(filled) < len(used) + 12  # the parts of composite glyphs, and the one for what is missing


def test_the_fpdf2_that_is_installed_is_one_that_we_know() -> None:
    assert embed.fits()


def test_the_fonts_are_parsed_once_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    PdfRenderer().render(view())

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a font was read again")

    monkeypatch.setattr(embed.FPDF, "add_font", refuse)
    assert PdfRenderer().render(view()).pages == 1


# --- other fonts ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a font that has nothing but 日, 本, a box and a space: the A and the B of ours."""
    path = tmp_path_factory.mktemp("fonts") / "Runes.ttf"
    with TTFont(SHIPPED[0]) as font:
        cmap = font.getBestCmap()
        for table in font["cmap"].tables:
            table.cmap = {ord("日"): cmap[ord("A")], ord("本"): cmap[ord("B")]} if table.isUnicode() else {}
        font.save(path)
    return path


def test_a_given_font_is_asked_for_what_the_others_do_not_have(runes: Path) -> None:
    shown = view(subject="Lager 日本 (日)", note="日 ☕")
    paper = drawn(shown, PdfRenderer(fonts=[runes]))
    assert paper.missing == ("☕",)
    assert "Lager 日本 (日)" in paper.text
    assert drawn(shown, PdfRenderer(fonts=runes)).content == paper.content
    assert drawn(shown, PdfRenderer(theme=Theme(fonts=(runes,)))).content == paper.content
    assert drawn(shown).missing == ("日", "本", "☕")


def test_a_theme_may_set_everything_in_another_font(tmp_path: Path) -> None:
    path = tmp_path / "House.ttf"
    path.write_bytes(SHIPPED[1].read_bytes())
    paper = drawn(view(), PdfRenderer(theme=Theme(regular=path)))
    names = {font["/BaseFont"].partition("+")[2] for font in paper.reader.pages[0]["/Resources"]["/Font"].values()}
    assert names == {"LiberationSansBold"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.ttf", b""),
        ("x.ttf", b"no font"),
        ("x.txt", b"no font"),
        ("y.otf", SHIPPED[0].read_bytes()[:5000]),
        ("gone.ttf", None),
    ],
)
def test_a_file_that_is_no_font_is_refused_by_name(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    for make in (lambda: PdfRenderer(fonts=[path]), lambda: Theme(bold=path)):
        with pytest.raises(Invalid, match="cannot be used as a font") as refused:
            make()
        assert name in str(refused.value)


@pytest.mark.parametrize("end", range(1000, 60_000, 4999))
def test_a_font_cut_short_never_crashes(tmp_path: Path, end: int) -> None:
    path = tmp_path / "cut.ttf"
    path.write_bytes(SHIPPED[0].read_bytes()[:end])
    with contextlib.suppress(Invalid, RenderError):
        PdfRenderer(theme=Theme(regular=path)).render(view())


# --- scripts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("abc אבג", "abc גבא"),
        ("שלום 123", "123 םולש"),
        ("(אב)", "(בא)"),
        ("محمد", "ﺪﻤﺤﻣ"),
        ("لا", "ﻻ"),
        ("plain", "plain"),
        ("مُحَمَّد", "ﺪﱠﻤَﺤُﻣ"),
    ],
)
def test_right_to_left_text_is_put_in_the_order_and_the_shapes_that_are_seen(text: str, seen: str) -> None:
    import unicodedata

    got = visual(text)
    bare = "".join(one for one in got if not unicodedata.combining(one))
    assert bare == "".join(one for one in seen if not unicodedata.combining(one) and one != "ﱠ")


def test_a_hebrew_name_is_drawn_with_the_fonts_that_ship() -> None:
    paper = drawn(view(subject="עסקה חדשה"))
    assert paper.missing == ()
    assert "השדח הקסע" in paper.text or "עסקה חדשה" in paper.text


# --- looks ------------------------------------------------------------------------------------------------


def test_a_wrong_theme_is_refused_with_every_problem() -> None:
    with pytest.raises(Invalid) as refused:
        Theme(
            accent="blue",
            ink="#12",
            paper="A5",
            logo="top",
            columns=("amount", "amount", "x"),
            size=40,
            footer="f" * 600,
        )
    assert [one.path for one in refused.value.problems] == [
        "accent", "ink", "paper", "logo", "columns", "columns", "size", "footer",
    ]  # fmt: skip


def test_columns_are_those_of_the_theme_in_its_order() -> None:
    columns = ("position", "reference", "quantity", "unit", "unit_price", "amount")
    text = drawn(view(), PdfRenderer(theme=Theme(columns=columns))).text
    head = next(line for line in text.splitlines() if "Description" in line)
    places = [head.find(word) for word in ("#", "Item", "Description", "Qty", "Unit", "Unit price", "Amount")]
    assert -1 not in places
    assert places == sorted(places)
    assert "−4%" not in text


def test_colours_and_the_foot_are_those_of_the_theme() -> None:
    plain, red = (
        PdfReader(io.BytesIO(PdfRenderer(theme=theme).render(view()).content)).pages[0]
        for theme in (Theme(), Theme(accent="#ff0000", footer="Northgate · Leeds · Hamburg"))
    )
    assert b"1 0 0 rg" in red.get_contents().get_data()
    assert b"1 0 0 rg" not in plain.get_contents().get_data()
    assert "Northgate · Leeds · Hamburg" in red.extract_text()


def test_a_layout_of_ones_own_changes_a_part_and_keeps_the_others() -> None:
    class Brief(Layout):
        def signature(self) -> None:
            self.sheet.line("To accept, simply reply.")

        def prose(self) -> None:
            pass

    text = drawn(view(), PdfRenderer(layout=Brief)).text
    assert "To accept, simply reply." in text
    assert "Date and signature" not in text
    assert "Thank you" not in text
    assert "€34,013.09" in text


def test_text_that_is_broken_fits_and_nothing_of_it_is_lost() -> None:
    canvas = Canvas(Theme(), title="t", author="a", language="en", created=None)
    text = "A very-long/word.with,breaks " * 9 + "Donaudampfschifffahrtsgesellschaft" * 3 + "\n\nlast"
    for width in (8.0, 20.0, 55.0, 170.0):
        parts = canvas.wrap(text, width, 9)
        assert all(canvas.measure(part, 9) <= width for part in parts)
        assert "".join(parts).replace(" ", "") == text.replace(" ", "").replace("\n", "")


def test_a_face_knows_every_character_of_its_font() -> None:
    one = face(SHIPPED[0])
    with TTFont(SHIPPED[0]) as font:
        assert {ord(letter) for letter in one.characters} == set(font.getBestCmap())
    assert one.widths["€"] == 556
    assert face(SHIPPED[0]) is one
    assert attrs.evolve(Theme(), accent="#000000").accent == "#000000"
