"""Font files, each read once a process: which characters they have, and how wide these are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from salespipeline.errors import Invalid, Problem, shown
from salespipeline.render.pdf.glyphs import Glyphs

__all__ = ["PLAIN", "SHIPPED", "Face", "face"]

SHIPPED = (
    Path(__file__).parent.parent / "fonts" / "LiberationSans-Regular.ttf",
    Path(__file__).parent.parent / "fonts" / "LiberationSans-Bold.ttf",
)
# What is drawn in the place of a character: a space for those as good as one, nothing for what cannot be seen.
PLAIN: dict[int, str | None] = {
    **dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), 0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F))),
    **dict.fromkeys((*range(0x2060, 0x2070), 0xFEFF)),
    **dict.fromkeys((0x09, 0x0A, 0x0D, 0xA0, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000), " "),
}
ENDINGS = (".ttf", ".otf", ".ttc")


class Face:
    """One face of a font: its *characters*, and their *widths* in thousandths of the size. Threads may share it.

    What is never drawn as itself has a width, but is not among the characters: see ``PLAIN``.

    *numbers* are the glyphs' numbers by code point, and *glyphs* the outlines; there are none where the file holds
    no TrueType outlines, and then fpdf2 embeds the font in its own, slower way.
    """

    __slots__ = ("characters", "glyphs", "numbers", "path", "widths")

    def __init__(self, path: Path) -> None:
        from fontTools.ttLib import TTFont

        self.path = path
        with path.open("rb") as file, TTFont(file, lazy=True, fontNumber=0) as font:
            scale, metrics = 1000 / font["head"].unitsPerEm, font["hmtx"].metrics
            names: dict[int, str] = font.getBestCmap() or {}
            self.widths = {chr(code): round(metrics[name][0] * scale + 0.001) for code, name in names.items()}
            self.numbers: dict[int, int] = {code: font.getGlyphID(name) for code, name in names.items()}
            tables = {tag: font.reader[tag] for tag in ("head", "hhea", "hmtx", "maxp")}
            plain = "glyf" in font and "loca" in font
            if plain:
                tables |= {tag: font.reader[tag] for tag in ("glyf", "loca")}
        if not self.widths:
            raise ValueError("it has no table of Unicode characters")
        self.characters = frozenset(self.widths)
        space = self.widths.get(" ", 0)
        self.widths |= {chr(code): 0 if plain is None else space for code, plain in PLAIN.items()}
        self.glyphs: Glyphs | None = Glyphs(tables) if plain else None


def face(path: Path | str, field: str = "fonts") -> Face:
    """Return the face in the file *path*; raises ``Invalid`` for a file that is not a font."""
    path = Path(path)
    problem = ""
    if path.suffix.lower() not in ENDINGS:
        problem = f"its name must end in one of {', '.join(ENDINGS)}"
    else:
        from fontTools.ttLib import TTLibError

        try:
            return _read(path)
        except (OSError, TTLibError, ValueError, KeyError, IndexError, AssertionError) as error:
            problem = str(error) or type(error).__name__
    raise Invalid(Problem(field, "font", f"{shown(str(path))} cannot be used as a font: {problem}"))


@lru_cache(maxsize=32)
def _read(path: Path) -> Face:
    return Face(path)
