"""Every kind of invoice by the schema, the rules of EN 16931, those of French platforms, and PDF/A. (SPEC MON-3)"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from tests.einvoice.kinds import KINDS

from salespipeline.einvoice.parties import country_code
from salespipeline.einvoice.reading import embedded
from salespipeline.einvoice.rules import broken_rules

pytest.importorskip("facturx", reason="pip install 'salespipeline[einvoice]'")
pytest.importorskip("saxonche", reason="pip install 'salespipeline[einvoice-rules]'")
page = pytest.importorskip("page", reason="pip install page-validation")

etree = pytest.importorskip("lxml.etree", reason="pip install 'salespipeline[einvoice]'")

EVERY = pytest.mark.parametrize("kind", KINDS)
RAM = "{urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100}"


@cache
def made(kind: str) -> tuple[Any, Any]:
    return KINDS[kind]()


def french(document: Any) -> bool:
    return country_code(document.seller.country) == "FR"


def test_there_are_forty_kinds_and_more() -> None:
    assert len(KINDS) >= 40


@EVERY
def test_the_cii_breaks_no_rule(kind: str) -> None:
    sales, document = made(kind)
    assert sales.documents.einvoice_problems(document) == ()
    file = sales.documents.einvoice(document, "cii")
    assert broken_rules(file.content, file.profile, french=french(document)) == []


@EVERY
def test_the_ubl_breaks_no_rule(kind: str) -> None:
    sales, document = made(kind)
    file = sales.documents.einvoice(document, "ubl")
    assert broken_rules(file.content, "ubl", french=french(document)) == []


@EVERY
def test_the_facturx_is_pdf_a_3b_and_holds_the_cii_byte_for_byte(kind: str) -> None:
    sales, document = made(kind)
    file = sales.documents.einvoice(document)
    report = page.validate_pdf_bytes(file.content, profile="3b")
    assert [(one.rule_id, one.message) for one in report.failures] == []
    assert report.is_compliant
    assert embedded(file.content) == file.xml == sales.documents.einvoice(document, "cii").content
    assert sales.documents.einvoice(document).content == file.content  # same input, same bytes


@EVERY
def test_the_sums_are_those_of_the_document(kind: str) -> None:
    sales, document = made(kind)
    tree = etree.fromstring(sales.documents.einvoice(document, "cii").content)
    sums = next(tree.iter(f"{RAM}SpecifiedTradeSettlementHeaderMonetarySummation"))
    sign = -1 if document.type == "credit_note" else 1
    totals = document.totals
    found = {
        name: sums.findtext(f"{RAM}{name}") for name in ("LineTotalAmount", "TaxBasisTotalAmount", "GrandTotalAmount")
    }
    wanted = {"LineTotalAmount": totals.lines, "TaxBasisTotalAmount": totals.net, "GrandTotalAmount": totals.total}
    assert found == {name: str((sign * one.amount) + 0) for name, one in wanted.items()}
    assert sums.findtext(f"{RAM}TaxTotalAmount") == str(sign * totals.tax.amount + 0)
