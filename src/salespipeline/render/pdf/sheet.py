"""A document on its pages: margins, what stands at the head and foot of each, and where drawing has come to."""

from __future__ import annotations

from collections.abc import Iterable

from salespipeline.ports import DocumentView
from salespipeline.render.content import Content
from salespipeline.render.pdf.canvas import POINT, Canvas
from salespipeline.render.pdf.theme import Theme, rgb, tint

__all__ = ["Sheet"]

MARGIN = 18.0
TOP = 17.0
LEADING = 1.38  # height of a line of text, in sizes


class Sheet:
    """The pages of one document. *y* is where the next part begins; parts draw with ``canvas`` and move it on."""

    def __init__(self, view: DocumentView, theme: Theme, *, fast: bool = True, archive: bool = False) -> None:
        self.view, self.theme, self.locale = view, theme, view.locale
        self.ink, self.soft, self.ruled = rgb(theme.ink), rgb(theme.soft), rgb(theme.rule)
        self.accent = rgb(theme.accent)
        self.pale = tint(self.accent, 0.08)
        self.size = theme.size
        self.small = theme.size - 1
        self.content = Content(view, theme.words(view.locale))
        self.priced, self.name = self.content.priced, self.content.name
        self.title, self.named = self.content.title, self.content.named
        self.canvas = Canvas(
            theme,
            title=self.title,
            author=view.seller.name,
            language=view.locale.replace("_", "-"),
            created=view.created_at,
            fast=fast,
            archive=archive,
        )
        self.left, self.right = MARGIN, self.canvas.width - MARGIN
        self.width = self.right - self.left
        self._foot = self._foot_lines()
        self.low = self.canvas.height - 15 - self.lead(7) * len(self._foot)
        self.y = TOP
        self.fresh = TOP + 10  # where the text of a further page begins

    def word(self, key: str) -> str:
        """Return the label called *key*, as it reads on this type of document."""
        return self.content.word(key)

    def label(self, key: str) -> str:
        """Return the label called *key*, whatever the type."""
        return self.content.label(key)

    @staticmethod
    def lead(size: float) -> float:
        """Return the height of a line of text."""
        return size * POINT * LEADING

    def line(
        self, text: str, size: float | None = None, *, x: float | None = None, soft: bool = False, bold: bool = False
    ) -> None:
        """Write one line at *y*, and move on below it."""
        size = size or self.size
        height = self.lead(size)
        x = self.left if x is None else x
        self.canvas.put(x, self.y + height * 0.74, text, size, self.soft if soft else self.ink, bold=bold)
        self.y += height

    def lines(
        self,
        texts: Iterable[str],
        size: float,
        width: float,
        *,
        x: float | None = None,
        soft: bool = False,
        bold: bool = False,
    ) -> None:
        """Write texts, wrapped to *width*."""
        for text in texts:
            if text:
                for part in self.canvas.wrap(text, width, size, bold):
                    self.line(part, size, x=x, soft=soft, bold=bold)

    def caption(self, text: str, x: float | None = None) -> None:
        """Write the small heading of a part."""
        height = self.lead(self.small)
        at = self.left if x is None else x
        self.canvas.put(at, self.y + height * 0.74, text, self.small, self.accent, bold=True)
        self.y += height + 0.8

    def page(self) -> None:
        """Begin a page; the first has its letterhead, the others a line that says what they belong to."""
        canvas = self.canvas
        canvas.page()
        self.y = TOP
        if self.view.draft:
            mark = self.label("draft")
            size = min(120.0, 120 * 150 / max(canvas.measure(mark, 120, True), 1))
            canvas.turned(mark, size, rgb(self.theme.mark), 40)
        if canvas.pages > 1:
            half = self.width * 0.55
            canvas.put(self.left, TOP, canvas.wrap(self.view.seller.name, half, 8)[0], 8, self.soft)
            canvas.put(self.right, TOP, canvas.wrap(self.title, self.width - half - 4, 8)[0], 8, self.soft, end=True)
            canvas.line(self.left, TOP + 2.6, self.right, self.ruled)
            self.y = self.fresh

    def room(self, height: float) -> None:
        """Begin a page unless *height* is left on this one."""
        if self.y + height > self.low and self.y > self.fresh:
            self.page()

    def feet(self) -> None:
        """Draw the foot of every page, when all are there."""
        pages = self.canvas.pages
        form = self.label("page").replace("{pages}", str(pages))
        for page in range(1, pages + 1):
            self.canvas.back_to(page)
            y = self.low + 6
            self.canvas.line(self.left, y, self.right, self.ruled)
            y += 1.6 + self.lead(7) * 0.74
            self.canvas.put(self.right, y, form.replace("{page}", str(page)), 7, self.soft, end=True)
            for text in self._foot:
                self.canvas.put(self.left, y, text, 7, self.soft)
                y += self.lead(7)

    def _foot_lines(self) -> list[str]:
        text = self.theme.footer or self.content.imprint()
        return self.canvas.wrap(text, self.width - 32, 7)[:4] or [""]
