"""Reading back the XML that a PDF holds."""

from __future__ import annotations

import io

from salespipeline.einvoice.writing import facturx

__all__ = ["embedded"]

FILE = "factur-x.xml"


def embedded(content: bytes) -> bytes | None:
    """Return the XML that the PDF in *content* holds, byte for byte; ``None`` where it is a plain one."""
    if FILE.encode() not in content:  # a plain PDF, which is nearly every one, is not read for it
        return None
    facturx()
    from pypdf import PdfReader

    found = PdfReader(io.BytesIO(content)).attachments.get(FILE)
    return found[0] if found else None
