"""Financial documents as PDF: our own layout, drawn with fpdf2. (SPEC DOC-10)

The same view gives the same bytes. Nothing is opened but fonts, and images only as bytes that were given.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

import attrs
from fpdf.errors import FPDFException

from salespipeline.errors import Invalid, RenderError
from salespipeline.ports import DocumentView, Rendered
from salespipeline.render.pdf.layout import Layout
from salespipeline.render.pdf.sheet import Sheet
from salespipeline.render.pdf.theme import Theme

__all__ = ["Layout", "PdfRenderer", "Sheet", "Theme"]


class PdfRenderer:
    """Draws documents. May be shared between threads.

    *theme* says how they look; *fonts* are further font files, asked for the characters that the theme's fonts do
    not have; *layout* is the class that draws the parts. Raises ``Invalid`` for files that are not fonts.

    >>> from salespipeline.render.pdf import PdfRenderer, Theme
    >>> from salespipeline.views import view_of
    >>> renderer = PdfRenderer(theme=Theme(paper="letter", accent="#14532d"))
    >>> drawn = renderer.render(view_of(quote, acme, sales.settings.snapshot, today=quote.created_at.date()))
    >>> drawn.media_type, drawn.pages, drawn.missing_glyphs
    ('application/pdf', 1, ())
    """

    def __init__(
        self, *, theme: Theme | None = None, fonts: Iterable[Path | str] = (), layout: type[Layout] = Layout
    ) -> None:
        theme = theme if theme is not None else Theme()
        more = (Path(fonts),) if isinstance(fonts, str | Path) else tuple(Path(one) for one in fonts)
        self.theme = attrs.evolve(theme, fonts=theme.fonts + more) if more else theme
        self.layout = layout
        self._fast = True

    def render(self, view: DocumentView) -> Rendered:
        """Draw *view*; raises ``RenderError`` naming the document and the part."""
        return self._drawn(view, None)

    def facturx(self, view: DocumentView, xml: bytes, profile: str) -> Rendered:
        """Draw *view* as PDF/A-3B that holds *xml*, an invoice in a *profile* of Factur-X; raises as ``render`` does.

        >>> from salespipeline.render.pdf import PdfRenderer
        >>> from salespipeline.views import view_of
        >>> view = view_of(quote, acme, sales.settings.snapshot, today=quote.created_at.date())
        >>> b"factur-x.xml" in PdfRenderer().facturx(view, b"<invoice/>", "en16931").content
        True
        """
        return self._drawn(view, (xml, profile))

    def _drawn(self, view: DocumentView, invoice: tuple[bytes, str] | None) -> Rendered:
        try:
            sheet = Sheet(view, self.theme, fast=self._fast, archive=invoice is not None)
            self.layout(sheet).draw()
            if invoice is not None:
                from salespipeline.render.pdf.facturx import embed

                canvas = sheet.canvas
                embed(canvas.pdf, *invoice, title=sheet.title, author=view.seller.name, at=canvas.created)
            content = sheet.canvas.finished()
        except RenderError:
            raise
        except (FPDFException, Invalid, ValueError, OSError, ArithmeticError, LookupError, struct.error) as error:
            name = view.reference or view.type
            raise RenderError(f"{name} could not be drawn: {error}", document=name, part="page") from error
        return Rendered(
            content=content,
            media_type="application/pdf",
            missing_glyphs=tuple(sheet.canvas.missing),
            pages=sheet.canvas.pages,
        )
