"""The only file that knows fpdf2 from within: fonts parsed once a process, cut down quickly, embedded by us.

fpdf2 parses a font file for every document and cuts it down with fontTools, which together cost more than thirty
times the drawing. Here its parsed font is kept and shared: each document gets a light copy that writes glyph numbers
and remembers which characters it wrote, and a producer of the file that embeds just these. Where fpdf2 is not as
this file knows it, or a font has no TrueType outlines, fpdf2's own way is taken: the same page, more slowly.
"""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import fpdf
from fpdf import FPDF, fonts, image_datastructures, image_parsing, outline, output, syntax
from fpdf.drawing_primitives import convert_to_device_color

from salespipeline.render.pdf.faces import Face

__all__ = [
    "add_face",
    "draw_image",
    "draw_line",
    "draw_squares",
    "draw_text",
    "fits",
    "reordered",
    "use_face",
    "written",
]

_MIRRORED = dict(zip("<>«»‹›≤≥", "><»«›‹≥≤", strict=True))  # beside brackets, in text from right to left
_SPECIAL = (b"\\", b"(", b")", b"\r")  # what ends a string of a PDF, or is changed in it; the first one first
_LINKS = frozenset(["title", "parent", "prev", "next", "first", "last", "count", "dest"])
_SLOTS = frozenset(["i", "fontkey", "desc", "cw", "name", "emphasis", "color_font", "missing_glyphs", "is_cff"])


@lru_cache(maxsize=1)
def fits() -> bool:
    """Say whether the installed fpdf2 is one that this file knows from within."""
    version = tuple(int(part) for part in fpdf.__version__.split(".")[:3] if part.isdigit())
    names = ("_add_fonts", "_add_pdf_obj", "_add_document_outline")
    return (
        (2, 8, 4) <= version < (2, 9)
        and set(getattr(fonts.TTFFont, "__slots__", ())) >= _SLOTS
        and all(hasattr(output.OutputProducer, name) for name in names)
        and set(getattr(outline.OutlineItemDictionary, "__slots__", ())) >= _LINKS
        and all(hasattr(syntax, name) for name in ("PDFObject", "build_obj_dict"))
    )


def add_face(pdf: FPDF, family: str, face: Face, *, fast: bool) -> None:
    """Make *face* available in *pdf* as *family*."""
    if not (fast and fits() and face.glyphs is not None):
        pdf.add_font(family, "", face.path)
        return
    kept = _parsed(face.path)
    font = _Shared.__new__(_Shared)
    for slot in fonts.TTFFont.__slots__:
        if hasattr(kept, slot):
            setattr(font, slot, getattr(kept, slot))
    font.i, font.fontkey = len(pdf.fonts) + 1, family
    font.missing_glyphs = []
    font.face, font.used = face, set()
    pdf.fonts[family] = font


def use_face(pdf: FPDF, family: str, size: float) -> None:
    """Set the font and the size of what is written next."""
    font = pdf.fonts[family]
    if not isinstance(font, _Shared):
        pdf.set_font(family, "", size)
        return
    # What pdf.set_font() does, without its questions.
    pdf.font_family, pdf.font_style, pdf.font_size_pt = family, "", size
    pdf.current_font, pdf.current_font_is_set_on_page = font, False


def draw_text(pdf: FPDF, x: float, y: float, text: str, ink: tuple[int, int, int]) -> None:
    """Write *text* from *x* at the baseline *y*, in the font that is set."""
    font = pdf.current_font
    if not isinstance(font, _Shared):
        pdf.set_text_color(*ink)
        pdf.text(x, y, text)
        return
    if not pdf.current_font_is_set_on_page:
        pdf._out(pdf._set_font_for_page(font, pdf.font_size_pt))
    # What pdf.text() writes, without its questions: half of the time that a long document takes.
    page: Any = pdf.pages[pdf.page]
    page.contents += b"q %b BT %.2f %.2f Td %b ET Q\n" % (
        _painted(ink),
        x * pdf.k,
        (pdf.h - y) * pdf.k,
        font.shown(text),
    )


def draw_line(pdf: FPDF, x: float, y: float, to: float) -> None:
    """Draw a horizontal line with the pen that is set."""
    page: Any = pdf.pages[pdf.page]
    k, at = pdf.k, (pdf.h - y) * pdf.k
    page.contents += b"%.2f %.2f m %.2f %.2f l S\n" % (x * k, at, to * k, at)


def draw_squares(pdf: FPDF, squares: Iterable[tuple[float, float, float, float]], ink: tuple[int, int, int]) -> None:
    """Fill rectangles (x, y, width, height) at once, so that no light shows between those that touch."""
    k = pdf.k
    paths = [b"%.3f %.3f %.3f %.3f re" % (x * k, (pdf.h - y) * k, w * k, -h * k) for x, y, w, h in squares]
    pdf._out(b"q %b %b f Q" % (_painted(ink), b" ".join(paths)))


@lru_cache(maxsize=64)
def _painted(ink: tuple[int, int, int]) -> bytes:
    """Return the operator that sets the colour of text."""
    return str(convert_to_device_color(*ink).serialize()).lower().encode()


def written(pdf: FPDF) -> bytes:
    """Return the bytes of *pdf*."""
    fast = any(isinstance(font, _Shared) for font in pdf.fonts.values())
    return bytes(pdf.output(output_producer_class=_Producer if fast else _Quiet))


def draw_image(pdf: FPDF, content: bytes, x: float, y: float, width: float, height: float) -> None:
    """Draw the PNG or JPEG in *content*, unpacked once a process."""
    if fits():
        info = _image(content)
        if info.get("iccp") is None:
            name = hashlib.md5(content.strip(), usedforsecurity=False).hexdigest()  # what fpdf2 calls it
            fresh = image_datastructures.RasterImageInfo(info)
            fresh |= {"i": len(pdf.image_cache.images) + 1, "usages": 0, "iccp_i": None}
            pdf.image_cache.images.setdefault(name, fresh)
    pdf.image(io.BytesIO(content), x, y, width, height)


@lru_cache(maxsize=16)
def _image(content: bytes) -> Any:
    return image_parsing.get_img_info("logo", io.BytesIO(content))


def reordered(text: str) -> str:
    """Return *text* in visual order, by the Unicode bidirectional algorithm."""
    from fpdf.bidi import BIDI_BRACKETS, BidiParagraph

    return "".join(
        _MIRRORED.get(one.character) or BIDI_BRACKETS.get(one.character, {}).get("pair", one.character)
        if one.embedding_level % 2
        else one.character
        for one in BidiParagraph(text=text).get_reordered_characters()
    )


@lru_cache(maxsize=32)
def _parsed(path: Path) -> Any:
    pdf = FPDF()
    pdf.add_font("s", "", path)
    return pdf.fonts["s"]


class _Shared(fonts.TTFFont):  # type: ignore[misc, unused-ignore]
    """A font of one document, whose parsed parts belong to all."""

    __slots__ = ("face", "used")
    face: Face
    used: set[str]

    def shown(self, text: str) -> bytes:
        """Return the operator that shows *text*, by the numbers of its glyphs."""
        self.used.update(text)
        codes = text.translate(self.face.numbers).encode("utf-16-be", "surrogatepass")
        for special in _SPECIAL:
            if special in codes:
                codes = codes.replace(special, b"\\r" if special == b"\r" else b"\\" + special)
        return b"(%b) Tj" % codes

    def encode_text(self, text: str) -> str:
        """Return the same as text: fpdf2 asks for it where it writes by itself."""
        return self.shown(text).decode("latin-1")

    def close(self) -> None:
        """Leave open what others use."""


class _Quiet(output.OutputProducer):  # type: ignore[misc, unused-ignore]
    """Writes the file, without the action that would set the viewer's zoom when it is opened."""

    def _finalize_catalog(self, catalog_obj: Any, *given: Any, **named: Any) -> None:
        super()._finalize_catalog(catalog_obj, *given, **named)
        catalog_obj.open_action = None


class _Producer(_Quiet):
    """Writes the file, with our way of embedding for our fonts."""

    def _add_fonts(self, *given: Any) -> dict[int, Any]:
        fonts = self.fpdf.fonts
        ours = {key: font for key, font in fonts.items() if isinstance(font, _Shared)}
        for key in ours:
            del fonts[key]
        found: dict[int, Any] = super()._add_fonts(*given)
        fonts |= ours
        for font in ours.values():
            found[font.i] = self._embedded(font)
        return found

    def _add_document_outline(self) -> Any:
        found = super()._add_document_outline()
        for item in found[1]:
            item.__class__ = _Section
        return found

    def _embedded(self, font: _Shared) -> Any:
        numbers, widths = font.face.numbers, font.face.widths
        named = _named(font.face.path)
        letters: dict[int, str] = {}
        for one in sorted(font.used, reverse=True):  # of two characters with one glyph, the lower is what is read
            letters[numbers[ord(one)]] = one
        ordered = sorted(letters)
        name = f"/{_tag(ordered)}+{font.name}"
        length, packed = _subset(font.face, tuple(ordered))
        file = self._added(_stream(packed, f"/Length1 {length}\n"))
        described = self._added(
            f"<<\n{_descriptor(font.face.path)}/FontFile2 {file.ref}\n/FontName {name}\n>>".encode()
        )
        for number in ordered:
            if (number, letters[number]) not in named:
                named[number, letters[number]] = _row(number, letters[number])
        rows = [named[number, letters[number]] for number in ordered]
        to_unicode = self._added(_stream(zlib.compress(_to_unicode(rows))))
        each = " ".join([f"{number} [{widths[letters[number]]}]" for number in ordered])
        part = self._added(
            f"<<\n/Type /Font\n/Subtype /CIDFontType2\n/BaseFont {name}\n/FontDescriptor {described.ref}\n"
            "/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>>\n/CIDToGIDMap /Identity\n"
            f"/DW {font.desc.missing_width}\n/W [{each}]\n>>".encode()
        )
        return self._added(
            f"<<\n/Type /Font\n/Subtype /Type0\n/BaseFont {name}\n/Encoding /Identity-H\n"
            f"/DescendantFonts [{part.ref}]\n/ToUnicode {to_unicode.ref}\n>>".encode()
        )

    def _added(self, body: bytes) -> _Written:
        made = _Written(body)
        self._add_pdf_obj(made, "fonts")
        return made


class _Written(syntax.PDFObject):  # type: ignore[misc, unused-ignore]
    """An object of the file, in the bytes that it has there: fpdf2 asks its own for each of their attributes."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self._body = body

    def serialize(self, *_: Any, **__: Any) -> Any:
        """Return the bytes, under the number that it was given."""
        return b"%d 0 obj\n%b\nendobj" % (self.id, self._body)


class _Section(outline.OutlineItemDictionary):  # type: ignore[misc, unused-ignore]
    """A line of the outline, written as ``_Written`` is."""

    __slots__ = ()

    def serialize(self, *_: Any, **__: Any) -> str:
        """Return the object as text."""
        near = {"Parent": self.parent, "Prev": self.prev, "Next": self.next, "First": self.first, "Last": self.last}
        facts = "".join([f"/{name} {one.ref}\n" for name, one in near.items() if one is not None])
        assert self.dest is not None  # noqa: S101 - every section has its place
        title, dest = self.title.serialize(), self.dest.serialize()
        return f"{self.id} 0 obj\n<<\n/Count {self.count}\n{facts}/Dest {dest}\n/Title {title}\n>>\nendobj"


def _stream(packed: bytes, more: str = "") -> bytes:
    head = f"<<\n/Filter /FlateDecode\n/Length {len(packed)}\n{more}>>\nstream\n"
    return b"%b%b\nendstream" % (head.encode(), packed)


@lru_cache(maxsize=32)
def _descriptor(path: Path) -> str:
    """Return what is said of a font whichever of its characters are used."""
    desc = _parsed(path).desc
    names = [name for name in dir(desc) if name not in ("id", "ref")]
    facts = syntax.build_obj_dict({name: getattr(desc, name) for name in names})
    return "".join([f"{key} {value}\n" for key, value in facts.items() if key not in ("/FontName", "/FontFile2")])


def _tag(numbers: list[int]) -> str:
    """Return the six letters that tell a subset from another one of the same font."""
    sum = zlib.crc32(repr(numbers).encode())
    return "".join(chr(65 + sum // 26**place % 26) for place in range(6))


@lru_cache(maxsize=32)
def _named(_font: Path) -> dict[tuple[int, str], str]:
    """Return what was said already of the characters of a font, by number and character."""
    return {}


def _row(number: int, letter: str) -> str:
    return f"<{number:04X}> <{letter.encode('utf-16-be').hex().upper()}>\n"


def _to_unicode(rows: list[str]) -> bytes:
    blocks = (rows[start : start + 100] for start in range(0, len(rows), 100))
    body = "".join(f"{len(block)} beginbfchar\n{''.join(block)}endbfchar\n" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n{body}"
        "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    ).encode("latin-1")


@lru_cache(maxsize=128)
def _subset(face: Face, numbers: tuple[int, ...]) -> tuple[int, bytes]:
    assert face.glyphs is not None  # noqa: S101 - or add_face had taken the other road
    contents = face.glyphs.subset(numbers)
    return len(contents), zlib.compress(contents)
