"""What makes a drawn document Factur-X: the invoice as XML embedded in it, and the metadata that name it. (PDF/A-3B)"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

from fpdf.enums import OutputIntentSubType
from fpdf.output import PDFICCProfile

__all__ = ["FILE", "embed"]

FILE = "factur-x.xml"
_URN = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
PRODUCER = "salespipeline"
_LEVELS = {"en16931": "EN 16931", "extended": "EXTENDED"}


def embed(pdf: Any, xml: bytes, profile: str, *, title: str, author: str, at: dt.datetime) -> None:
    """Embed *xml* in *pdf*, a document of fpdf2 that keeps to PDF/A-3B; *at* is when both were made."""
    from facturx import generate_xmp_object
    from lxml import etree

    pdf.embed_file(
        bytes=xml,
        basename=FILE,
        mime_type="text/xml",
        associated_file_relationship="Alternative",
        modification_date=at,
        desc="Factur-X",
        compress=True,
    )
    pdf.set_producer(PRODUCER)
    pdf.set_creator(PRODUCER)
    stamp = at.astimezone(dt.UTC).isoformat(timespec="seconds")
    tree = generate_xmp_object(
        {
            "pdfa3_flavor": "B",
            "title": title,
            "author": author,
            "subject": title,
            "producer": PRODUCER,
            "creator_tool": PRODUCER,
            "timestamp": stamp,
            "documenttype": "INVOICE",
            "xml_filename": FILE,
            "version": "1.0",
            "xmp_level": _LEVELS[profile],
            "urn": _URN,
        }
    )
    pdf.add_output_intent(
        OutputIntentSubType.PDFA,
        output_condition_identifier="sRGB",
        output_condition="IEC 61966-2-1:1999",
        registry_name="http://www.color.org",
        dest_output_profile=PDFICCProfile(contents=_srgb(), n=3, alternate="DeviceRGB"),
        info="sRGB2014 (v2)",
    )
    pdf.set_xmp_metadata(etree.tostring(tree, encoding="unicode", pretty_print=True))


@lru_cache(maxsize=1)
def _srgb() -> bytes:
    """Return the colour profile that fpdf2 ships, read once a process: fpdf2 would read it for every document."""
    from fpdf.util import builtin_srgb2014_bytes

    return bytes(builtin_srgb2014_bytes())
