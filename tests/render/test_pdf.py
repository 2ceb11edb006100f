"""What stands on a drawn document, read back from the file. (SPEC DOC-10, MON-3)"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from decimal import Decimal

import attrs
import pytest
from pypdf import PdfReader
from tests.render.papers import BUYER, PAYMENT, SELLER, picture, view

from salespipeline.money import Money
from salespipeline.ports import DocumentView
from salespipeline.render import labels
from salespipeline.render.pdf import PdfRenderer, Theme

RENDERER = PdfRenderer()
TYPES = ("quote", "pro_forma", "invoice", "purchase_order", "credit_note", "delivery_note", "application_for_payment")
LOCALES = ("en_GB", "fr_FR", "de_DE")


@dataclass
class Paper:
    """A drawn document, read by another program than ours."""

    content: bytes
    missing: tuple[str, ...]
    reader: PdfReader
    pages: list[str]

    @property
    def text(self) -> str:
        """Everything, page after page, with plain spaces."""
        return "\n".join(self.pages)


def drawn(shown: DocumentView, renderer: PdfRenderer = RENDERER) -> Paper:
    """Draw a document and read it back."""
    done = renderer.render(shown)
    assert done.media_type == "application/pdf"
    reader = PdfReader(io.BytesIO(done.content), strict=True)
    pages = [re.sub(r"[\u00a0\u202f]", " ", page.extract_text()) for page in reader.pages]
    assert done.pages == len(pages)
    return Paper(done.content, done.missing_glyphs, reader, pages)


# --- words, numbers and dates in the document's language ---------------------------------------------------

IN_WORDS = {
    "en_GB": ("Quotation", "Prepared for", "24 November 2026", "24 December 2026", "348.35", "2.5 d", "−4%", "5,350.66",
              "26,849.66", "5,369.93", "5.5%", "93.50", "€28,549.66", "€5,463.43", "€34,013.09", "Page 1 of 1"),
    "fr_FR": ("Devis", "À l’attention de", "24 novembre 2026", "24 décembre 2026", "348,35", "2,5 d", "−4 %", "5 350,66",
              "26 849,66", "5 369,93", "5,5 %", "93,50", "28 549,66 €", "5 463,43 €", "34 013,09 €", "Page 1 sur 1"),
    "de_DE": ("Angebot", "24. November 2026", "24. Dezember 2026", "348,35", "2,5 d", "−4 %", "5.350,66",
              "26.849,66", "5.369,93", "5,5 %", "93,50", "28.549,66 €", "5.463,43 €", "34.013,09 €", "Seite 1 von 1"),
}  # fmt: skip


@pytest.mark.parametrize("locale", LOCALES)
def test_a_quote_speaks_the_language_of_the_document(locale: str) -> None:
    paper = drawn(view("quote", locale))
    assert [word for word in IN_WORDS[locale] if word not in paper.text] == []
    assert paper.missing == ()
    assert paper.reader.trailer["/Root"]["/Lang"] == locale.replace("_", "-")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("type", TYPES)
def test_every_type_says_what_it_is_who_sells_and_who_buys(type: str, locale: str) -> None:
    text = drawn(view(type, locale)).text
    for words in (labels.label(type, locale), "Northgate Storage Ltd", "Müßig & Søn GmbH", "20457 Hamburg", "PO 4711"):
        assert words in text
    assert "Thank you for the friendly visit." in text
    assert "Our general terms of delivery hold" in text


def test_a_delivery_note_shows_no_price_whatever_its_columns() -> None:
    theme = Theme(columns=("quantity", "unit_price", "discount", "tax_percent", "amount"))
    text = drawn(view("delivery_note"), PdfRenderer(theme=theme)).text
    assert "16 pc" in text
    for price in ("348.35", "5,350.66", "34,013.09", "€", "VAT rate", "−4%"):
        assert price not in text


def test_one_rate_stands_beside_the_tax_and_several_in_a_table() -> None:
    one, two = drawn(view(rates=1)).text, drawn(view(rates=2)).text
    assert "VAT 20%" in one
    assert "VAT rate" not in one
    assert "VAT rate" in two
    assert "€5,709.93" in one


def test_forty_rates_go_over_pages_and_every_one_is_there() -> None:
    shown = view(rates=1)
    rates = tuple(
        attrs.evolve(shown.taxes[0], percent=Decimal(at), tax=Money(f"{at}.07", "EUR"), net=Money(f"{at}00", "EUR"))
        for at in range(1, 61)
    )
    text = drawn(attrs.evolve(shown, taxes=rates)).text
    assert [at for at in range(1, 61) if f"{at}.07" not in text] == []


def test_two_taxes_of_one_rate_are_told_apart_by_their_codes() -> None:
    shown = view(rates=1)
    taxes = tuple(attrs.evolve(shown.taxes[0], percent=Decimal(0), code=code) for code in ("EXEMPT", "REVERSE"))
    text = drawn(attrs.evolve(shown, taxes=taxes)).text
    assert "0% EXEMPT" in text
    assert "0% REVERSE" in text


@pytest.mark.parametrize(
    ("currency", "total"), [("JPY", "JP¥34,014"), ("KWD", "KWD 34,013.087"), ("USD", "US$34,013.09")]
)
def test_sums_have_the_digits_of_their_currency(currency: str, total: str) -> None:
    assert total in drawn(view(currency=currency)).text


def test_a_discount_is_shown_only_where_a_line_has_one() -> None:
    plain = view()
    without = tuple(attrs.evolve(line, discount_percent=None) for line in plain.lines)
    assert "Discount" in drawn(plain).text
    assert "Discount" not in drawn(attrs.evolve(plain, lines=without)).text
    amount = (attrs.evolve(without[0], discount_amount=Money("12.34", "EUR")), *without[1:])
    assert "−12.34" in drawn(attrs.evolve(plain, lines=amount)).text


def test_a_credit_note_may_be_negative() -> None:
    shown = view("credit_note", rates=1)
    tax = attrs.evolve(shown.taxes[0], net=-shown.net, tax=-shown.tax)
    text = drawn(attrs.evolve(shown, net=-shown.net, tax=-shown.tax, total=-shown.total, taxes=(tax,))).text
    assert "-€34,259.59" in text


# --- what is paid and signed ------------------------------------------------------------------------------


@pytest.mark.parametrize("type", TYPES)
def test_where_to_pay_to_stands_on_what_is_paid(type: str) -> None:
    text = drawn(view(type)).text
    payable = type in ("invoice", "pro_forma", "application_for_payment")
    assert ("DE89 3704 0044 0532 0130 00" in text) is payable
    assert ("Example Bank, Leeds" in text) is payable
    assert ("Payment reference" in text) is payable


@pytest.mark.parametrize(("type", "words"), [("quote", "Accepted for"), ("delivery_note", "Received by")])
def test_there_is_a_line_to_sign_on(type: str, words: str) -> None:
    text = drawn(view(type)).text
    assert words in text
    assert "Date and signature" in text
    assert "Date and signature" not in drawn(view("invoice")).text


def test_the_mark_of_a_draft_stands_on_every_page() -> None:
    marked = drawn(view(lines=60, draft=True))
    assert len(marked.pages) > 2
    assert all("DRAFT" in page for page in marked.pages)
    assert "DRAFT" not in drawn(view()).text
    assert "BROUILLON" in drawn(view(locale="fr_FR", draft=True)).text


# --- many pages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("paper", "lines"), [("A4", 1), ("A4", 30), ("A4", 1000), ("letter", 30)])
def test_every_line_is_drawn_once_and_every_page_says_which_it_is(paper: str, lines: int) -> None:
    shown = view(lines=lines)
    numbered = tuple(
        attrs.evolve(line, description=f"Item <{at}> {line.description}") for at, line in enumerate(shown.lines, 1)
    )
    found = drawn(attrs.evolve(shown, lines=numbered), PdfRenderer(theme=Theme(paper=paper)))
    seen = [int(at) for at in re.findall(r"Item <(\d+)>", found.text)]
    assert sorted(seen) == list(range(1, lines + 1))
    count = len(found.pages)
    for at, page in enumerate(found.pages, 1):
        assert f"Page {at} of {count}" in page
        assert at == 1 or "Quotation QUO/000017" in page
    assert found.reader.pages[0].mediabox.width == pytest.approx(595.28 if paper == "A4" else 612, abs=0.1)


@pytest.mark.parametrize("lines", [9, 30, 31, 200])
def test_what_the_lines_so_far_come_to_is_carried_forward(lines: int) -> None:
    shown = view(lines=lines)
    amounts = {f"Item <{at}>": line.net for at, line in enumerate(shown.lines)}
    numbered = tuple(attrs.evolve(line, description=f"Item <{at}>") for at, line in enumerate(shown.lines))
    pages = drawn(attrs.evolve(shown, lines=numbered)).pages
    sofar = Money.zero("EUR")
    for at, page in enumerate(pages):
        brought = re.search(r"Brought forward\s*([\d,.]+)", page)
        if at and re.search(r"Item <", page):
            assert brought is not None
            assert brought[1] == f"{sofar.amount:,}"
            assert "Description" in page  # the head of the table is repeated
        for name in re.findall(r"Item <\d+>", page):
            sofar += amounts[name]
        forward = re.search(r"Carried forward\s*([\d,.]+)", page)
        if forward is not None:
            assert forward[1] == f"{sofar.amount:,}"
    assert sofar == shown.net


@pytest.mark.parametrize("lines", range(1, 40))
def test_the_sums_are_never_parted_from_the_last_line(lines: int) -> None:
    shown = view(lines=lines)
    last = attrs.evolve(shown.lines[-1], description="The very last")
    pages = drawn(attrs.evolve(shown, lines=(*shown.lines[:-1], last))).pages
    (page,) = (page for page in pages if "The very last" in page)
    assert "Subtotal" in page
    assert "Total" in page.replace("Subtotal", "")


def test_a_description_taller_than_a_page_is_divided_and_nothing_of_it_is_lost() -> None:
    words = "\n".join(f"Row {at} of the description" for at in range(150))
    shown = view()
    tall = attrs.evolve(shown.lines[0], description=words)
    paper = drawn(attrs.evolve(shown, lines=(shown.lines[1], tall, shown.lines[2])))
    assert [at for at in range(150) if f"Row {at} of" not in paper.text] == []
    assert len(paper.pages) in (3, 4)


def test_long_terms_flow_over_pages() -> None:
    terms = "\n".join(f"Clause {at}: nothing is promised that is not written." for at in range(200))
    paper = drawn(view(terms=terms))
    assert [at for at in range(200) if f"Clause {at}:" not in paper.text] == []
    assert len(paper.pages) > 3


def test_a_document_with_next_to_nothing_is_drawn() -> None:
    zero = Money.zero("EUR")
    empty = DocumentView(
        type="quote", reference="", locale="en_GB", seller=attrs.evolve(SELLER, name="", address=(), ids=()),
        buyer=attrs.evolve(BUYER, name="", address=()), lines=(), taxes=(), net=zero, tax=zero, total=zero,
    )  # fmt: skip
    text = drawn(empty).text
    assert "Quotation" in text
    assert "€0.00" in text


# --- the file ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("type", TYPES)
def test_the_same_document_gives_the_same_bytes(type: str) -> None:
    shown = view(type, logo=picture(), draft=True)
    first = RENDERER.render(shown).content
    RENDERER.render(view("invoice", "fr_FR", lines=40))
    assert RENDERER.render(shown).content == first
    assert PdfRenderer().render(view(type, logo=picture(), draft=True)).content == first


def test_the_file_names_itself_and_has_an_outline() -> None:
    paper = drawn(view("invoice", "de_DE", lines=30))
    facts = paper.reader.metadata
    assert (facts.title, facts.author) == ("Rechnung 2026-00017", "Northgate Storage Ltd")
    assert facts.creation_date.isoformat() == "2026-11-24T09:30:00+00:00"
    assert paper.reader.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"].value is True
    top, below = paper.reader.outline
    assert top.title == "Rechnung 2026-00017"
    assert [part.title for part in below] == [
        "Beschreibung",
        "Gesamtbetrag",
        "Zahlungsangaben",
        "Hinweise",
        "Bedingungen",
    ]
    assert paper.reader.get_destination_page_number(below[-1]) == len(paper.pages) - 1


def test_nothing_in_the_file_acts() -> None:
    shown = view(
        note="javascript:alert(1) /JavaScript (x) >> /OpenAction << /JS (app.alert(1))",
        subject="[x](javascript:alert(1)) http://x/)>>/JS(1)",
        seller=attrs.evolve(SELLER, website="javascript:alert(1)", email="x@y)/Launch"),
        reference="Q)/Launch<</S/URI",
    )
    paper = drawn(shown)
    bare = re.sub(rb"\((?:[^()\\]|\\.)*\)", b"()", paper.content)  # without what stands in strings
    assert b"/Title ()" in bare
    for action in (b"/JavaScript", b"/JS", b"/OpenAction", b"/AA", b"/EmbeddedFile", b"/URI", b"/Launch", b"/Annots"):
        assert action not in bare


def test_the_file_is_small() -> None:
    assert len(RENDERER.render(view(lines=10)).content) <= 25_000


def test_what_is_paid_is_not_missing_without_details() -> None:
    assert "Payment" not in drawn(view("invoice", payment=())).text
    details = (*PAYMENT, ("Vessel", "MS Anna"))
    assert "Vessel" in drawn(view("invoice", payment=details)).text
