"""What leaves as an electronic invoice, and the protocols of those who draw and who transmit it. Nothing here is concrete."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import attrs

from salespipeline.ports import DocumentView, Outcome, Rendered

__all__ = ["EInvoice", "HybridRenderer", "Transmitter"]


@attrs.frozen(kw_only=True)
class EInvoice:
    """An electronic invoice: the file, and *xml*, the invoice in it. *format* is ``facturx``, ``cii`` or ``ubl``.

    *reference* is the number of the document. *missing_glyphs* are characters that no font of the renderer could show.
    """

    reference: str
    content: bytes
    media_type: str
    name: str
    format: str
    profile: str
    xml: bytes
    missing_glyphs: tuple[str, ...] = ()

    def plain(self) -> EInvoice:
        """Return the CII that a Factur-X holds, as a file of its own.

        >>> EInvoice(reference="1", content=b"%PDF", media_type="application/pdf", name="1.pdf", format="facturx",
        ...          profile="en16931", xml=b"<a/>").plain().name
        '1.xml'
        """
        name = self.name.removesuffix(".pdf") + ".xml"
        return attrs.evolve(self, content=self.xml, media_type="application/xml", name=name, format="cii")


@runtime_checkable
class HybridRenderer(Protocol):
    """What a renderer may offer beyond drawing: a file that people read, with the invoice in it that machines read."""

    def facturx(self, view: DocumentView, xml: bytes, profile: str) -> Rendered:
        """Draw *view* as PDF/A-3B that holds *xml*, an invoice in a *profile* of Factur-X. Same input, same bytes."""
        ...


class Transmitter(Protocol):
    """Something that hands electronic invoices to a platform. It never raises for one that was refused: it answers.

    The answers are those of a mailer: ``Accepted`` with the platform's *reply*, such as its own number; ``NotSent`` where
    it certainly did not arrive; ``Unknown`` where nobody can know.
    """

    def transmit(self, invoice: EInvoice) -> Outcome:
        """Try once to hand over *invoice*, and say truly what became of it."""
        ...
