"""Words of ones own, steps to the total, reasons for no tax, and the code that banking apps read."""

from __future__ import annotations

import re
import sys
from decimal import Decimal

import attrs
import pytest
import segno
from tests.render.papers import PAYMENT, picture, view
from tests.render.test_pdf import drawn

from salespipeline.errors import Invalid
from salespipeline.money import Money
from salespipeline.ports import SumView
from salespipeline.render.labels import problem_of
from salespipeline.render.pdf import PdfRenderer, Sheet, Theme
from salespipeline.render.pdf.epc import code_of, coded
from salespipeline.render.pdf.sums import draw_sums, sums_height

CODED = PdfRenderer(theme=Theme(payment_code=True))
EPC = "BCD\n002\n1\nSCT\nCOBADEFFXXX\nNorthgate Storage Ltd\nDE89370400440532013000\nEUR34013.09\n\n\n2026-00017"


def test_texts_stand_in_the_place_of_the_catalogues_words() -> None:
    texts = {
        "quote": "Proposal",
        "due.quote": "Good until",
        "fr:quote": "Offre",
        "page": "{page}/{pages}",
        "fr_CA:net": "HT",
    }
    renderer = PdfRenderer(theme=Theme(texts=texts))
    english, french, canadian = (drawn(view(locale=one), renderer).text for one in ("en_GB", "fr_FR", "fr_CA"))
    assert "Proposal" in english
    assert "Good until" in english
    assert "1/1" in english
    assert "Offre" in french
    assert "Total HT" in french
    assert "Total HT" not in canadian
    assert "Quotation" in drawn(view()).text


def test_wrong_texts_are_refused_together() -> None:
    with pytest.raises(Invalid) as refused:
        Theme(texts={"qoute": "x", "page": "page {page}", "due.nothing": "x", "net": "n" * 300})
    assert [(one.path, one.code) for one in refused.value.problems] == [
        ("texts", "unknown"), ("texts", "placeholder"), ("texts", "unknown"), ("texts", "range"),
    ]  # fmt: skip
    assert problem_of("page", "{pages}: {page}") is None


def test_the_steps_from_the_lines_to_the_net_are_shown() -> None:
    steps = (
        SumView(label="lines_net", amount=Money("28649.66", "EUR")),
        SumView(label="discount", amount=Money("-286.50", "EUR"), percent=Decimal(1)),
        SumView(label="Unloading with the crane, on the site of the buyer", amount=Money("186.50", "EUR")),
    )
    text = drawn(view(steps=steps)).text
    for words in ("Sum of lines", "€28,649.66", "Discount 1%", "−€286.50", "Unloading with the crane", "€186.50"):
        assert words in text


@pytest.mark.parametrize("lines", range(6, 16))
def test_reasons_stay_with_the_sums_and_the_sums_with_the_last_line(lines: int) -> None:
    shown = view(lines=lines, logo=picture())
    tax = attrs.evolve(shown.taxes[0], category="AE", reason="Reverse charge, article 196")
    last = attrs.evolve(shown.lines[-1], description="The very last")
    pages = drawn(
        attrs.evolve(shown, taxes=(tax, *shown.taxes[1:]), lines=(*shown.lines[:-1], last), exchange="1 USD = 0.92 EUR")
    ).pages
    (page,) = (page for page in pages if "The very last" in page)
    assert "20%  Reverse charge, article 196" in page
    assert "1 USD = 0.92 EUR" in page


@pytest.mark.parametrize("rates", [1, 2])
@pytest.mark.parametrize("reason", ["", "Reverse charge, article 196"])
def test_the_sums_take_the_room_that_they_were_given(reason: str, rates: int) -> None:
    shown = view(rates=rates, steps=(SumView(label="A charge whose name is long " * 3, amount=Money("1.00", "EUR")),))
    taxes = tuple(attrs.evolve(tax, reason=reason) for tax in shown.taxes)
    sheet = Sheet(attrs.evolve(shown, taxes=taxes, exchange=reason), Theme())
    sheet.page()
    top, room = sheet.y, sums_height(sheet)
    draw_sums(sheet)
    assert room - 2.1 <= sheet.y - top <= room


# --- the code that banking apps read ----------------------------------------------------------------------


def test_the_code_says_whom_to_pay_what_for_what() -> None:
    assert coded(view("invoice")) == EPC
    assert coded(view("invoice", payment=PAYMENT[2:3], reference="")) == (
        "BCD\n002\n1\nSCT\n\nNorthgate Storage Ltd\nDE89370400440532013000\nEUR34013.09"
    )
    spaced = (
        ("IBAN", "de89 3704 0044 0532 0130 00"),
        ("payment_reference", "RF18\n5390 "),
        ("account_holder", "N" * 90),
    )
    assert coded(view("invoice", payment=spaced)) == (
        f"BCD\n002\n1\nSCT\n\n{'N' * 70}\nDE89370400440532013000\nEUR34013.09\n\n\nRF18 5390"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"draft": True},
        {"currency": "GBP"},
        {"payment": ()},
        {"payment": (("iban", "DE89370400440532013001"),)},  # a wrong check digit
        {"payment": (("iban", "DE89"),)},
        {"payment": (*PAYMENT[:3], ("bic", "X"))},
        {"total": Money("0.00", "EUR")},
        {"total": Money("-5.00", "EUR")},
        {"total": Money("1000000000.00", "EUR")},
    ],
)
def test_there_is_no_code_where_nothing_can_be_paid_by_one(changes: dict[str, object]) -> None:
    shown = view("invoice", **changes)
    assert coded(shown) is None
    assert "Scan to pay" not in drawn(shown, CODED).text


def test_the_squares_on_the_page_are_those_of_the_code() -> None:
    paper = drawn(view("invoice"), CODED)
    assert "Scan to pay" in paper.text
    stream = paper.reader.pages[0].get_contents().get_data().decode("latin-1")
    (path,) = (line for line in stream.splitlines() if line.count(" re") > 50)
    squares = [tuple(map(float, one)) for one in re.findall(r"([\d.]+) ([\d.]+) ([\d.]+) (-?[\d.]+) re", path)]
    unit = -squares[0][3]
    left, top = min(x for x, _, _, _ in squares), max(y for _, y, _, _ in squares)
    found = {
        (round((top - y) / unit), round((x - left) / unit) + at)
        for x, y, width, _ in squares
        for at in range(round(width / unit))
    }
    wanted = segno.make(EPC, error="m", micro=False, mode="byte", encoding="utf-8", boost_error=False)
    assert found == {(row, at) for row, line in enumerate(wanted.matrix) for at, dark in enumerate(line) if dark}


def test_only_what_is_paid_has_a_code_and_only_if_asked_for() -> None:
    assert "Scan to pay" not in drawn(view("quote"), CODED).text
    assert "Scan to pay" not in drawn(view("invoice")).text
    assert "Scannez pour payer" in drawn(view("invoice", "fr_FR"), CODED).text


def test_a_text_too_long_for_a_code_gives_none() -> None:
    assert code_of("x" * 400) is None
    assert code_of("x" * 5000) is None


def test_without_segno_a_code_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segno", None)
    with pytest.raises(ImportError, match=r"pip install 'salespipeline\[qr\]'"):
        Theme(payment_code=True)
    assert Theme().payment_code is False
