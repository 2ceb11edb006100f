"""Drawing documents: PDF, labels and formats by language, bodies of mails."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from salespipeline.render.bodies import MailTemplate
    from salespipeline.render.pdf import PdfRenderer

__all__ = ["MailTemplate", "PdfRenderer"]


if not TYPE_CHECKING:  # a type checker knows the names above, and no others

    def __getattr__(name: str) -> object:
        """Load the renderer when somebody asks for it: it brings fpdf2 along."""
        if name == "PdfRenderer":
            from salespipeline.render.pdf import PdfRenderer

            return PdfRenderer
        if name == "MailTemplate":
            from salespipeline.render.bodies import MailTemplate

            return MailTemplate
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
