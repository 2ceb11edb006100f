"""What shows itself in a notebook is escaped, capped, without script, and legible in the light and in the dark."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser

import pandas as pd
import polars as pl
import pytest

import salespipeline as sp
from salespipeline.domain.fields import AnswerType
from salespipeline.notebook import MOST_ROWS, MOST_TEXT, STYLE, table_html

HOSTILE = "<img src=x onerror=alert(1)>\"'&amp;</style><script>"
TAGS = {"div", "style", "p", "b", "span", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "i"}


class Read(HTMLParser):
    """HTML as a browser takes it: its tags, its attributes, its cells, and the dots before them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.rows: list[list[str]] = []
        self.dots: list[tuple[str, str]] = []
        self.title = ""
        self.text = ""
        self._at = ""
        self._dot = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {(name, value or "") for name, value in attrs}
        self._at = tag
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "i":
            self._dot = dict(attrs)["style"].removeprefix("background:")

    def handle_data(self, data):
        if self._at == "style":
            return
        self.text += data
        if self._at == "b":
            self.title += data
        if self._at in ("td", "i"):
            self.rows[-1][-1] += data
        if self._dot:
            self.dots.append((data.strip(" ,"), self._dot))
            self._dot = ""

    def handle_endtag(self, tag):
        self._at = "td" if tag == "i" else ""


@pytest.fixture
def sales(opened, clock) -> Iterator[sp.Sales]:
    """One store is enough: what is shown does not depend on it."""
    sales = opened("memory:")
    desk = sales.settings
    desk.edit_organisation(name="Northgate Ltd", email="sales@northgate.example")
    desk.stages.add("Prospect", "Quotation sent")
    desk.probabilities.add("Hot 75%", colour="#d9480f")
    desk.tags.add("VIP", colour="#e03131")
    desk.users.add("Jane Whitfield", id="jane", department="North")
    sales.contacts.add("Acme Ltd", email="buyer@acme.example")
    return sales


def deal_of(sales: sp.Sales, **given: object) -> sp.Opportunity:
    line = sp.Line("Racking", quantity=4, unit_price="210.00", tax="20")
    return sales.opportunities.create(**({"contact": "Acme Ltd", "subject": "Warehouse", "lines": [line]} | given))


def hostile(sales: sp.Sales) -> Iterator[object]:
    """Yield everything that shows itself, full of names that would run if they could."""
    desk = sales.settings
    desk.edit_organisation(name=HOSTILE)
    desk.stages.add(HOSTILE)
    desk.pipelines.add(HOSTILE)
    desk.departments.add(HOSTILE)
    desk.probabilities.add(HOSTILE, percent=10)
    desk.tags.add(HOSTILE)
    desk.tax_rates.add("<b>T1", "20", description=HOSTILE)
    desk.users.add(HOSTILE, id="<u>", department=HOSTILE)
    desk.lost_reasons.add(HOSTILE)
    desk.note_tags.add(HOSTILE, category=HOSTILE)
    desk.series.add(HOSTILE, "quote", prefix="<b>")
    desk.fields.add("opportunity", "found", HOSTILE, "choice", choices=[HOSTILE], help=HOSTILE, default=HOSTILE)
    desk.items.add("<i>", HOSTILE, group=HOSTILE)
    desk.stock.add("<i>", HOSTILE, serial="<i>")
    desk.filters.add(HOSTILE, sales.opportunities.all())
    desk.templates.add(HOSTILE, "invoice", subject=HOSTILE, text=HOSTILE)
    contact = sales.contacts.add(HOSTILE, email="buyer@acme.example", country=HOSTILE[:50])
    contact = sales.contacts.add_person(contact, HOSTILE, role=HOSTILE)
    line = sp.Line(HOSTILE, unit_price="5", unit="<b>", discount="5%")
    deal = deal_of(
        sales, contact=contact, subject=HOSTILE, lines=[line], stage=HOSTILE, probability=HOSTILE, tags=[HOSTILE],
        owner="<u>", reference="<b>1", department=HOSTILE,
    )  # fmt: skip
    quote = sales.documents.draft(deal, "quote", note=HOSTILE)
    sales.documents.hold(sales.documents.draft(deal, "quote"), HOSTILE)
    plan = sales.documents.all().plan_send_all()
    yield from (sales, desk, *(one for one in vars(desk).values() if one is not sales))
    yield from (sales.contacts, sales.opportunities, sales.documents, sales.opportunities.where(tags=HOSTILE)[:1])
    yield from (contact, deal, quote, plan, plan.run())
    for by in ("owner", "department", "stage", "probability", "tag", "source"):
        yield sales.reports.performance(by)
    yield from (sales.reports.coming(by="owner"), sales.reports.pipeline())


def test_what_is_the_same_in_every_row_is_said_once(sales):
    deal = deal_of(sales)
    deal_of(sales)
    read = Read(sales.opportunities._repr_html_())
    assert read.text.startswith("2 opportunities · GBP · open")
    assert "status" not in read.text
    sales.opportunities.win(deal)
    assert "status" in Read(sales.opportunities._repr_html_()).text


def test_a_hostile_name_is_text_wherever_it_is_shown(sales):
    shown = list(hostile(sales))
    for one in shown:
        read = Read(one._repr_html_())
        assert read.tags <= TAGS, one
        assert {name for name, _ in read.attributes} <= {"class", "style"}, one
        assert "<script>" not in one._repr_html_().lower()
    silent = [repr(one) for one in shown if HOSTILE not in Read(one._repr_html_()).text]
    assert silent == ["<Performance by source: 1 rows>"]  # all others show the name, or this would prove nothing


def test_nothing_remote_is_loaded_and_the_page_decides_the_colours(sales):
    for one in hostile(sales):
        html = one._repr_html_()
        assert not re.search(r"https?:|url\(|@import|javascript:|\ssrc\s*=\s*[\"']|\shref", html.replace(HOSTILE, ""))
    painted = re.findall(r"(?<![\w-])(?:color|background(?:-color)?):([^;}!]+)", STYLE)
    assert set(painted) == {"inherit", "transparent"}  # else black would stand on black where the page is dark


def test_the_style_touches_nothing_outside():
    for rule in re.findall(r"([^{}]+)\{", STYLE):
        assert all(selector.strip().startswith(".sp") for selector in rule.split(","))


def test_a_dot_stands_before_tags_and_probabilities_and_nowhere_else(sales):
    deal_of(sales, subject="VIP", tags=["VIP"], probability="Hot 75%")
    read = Read(sales.opportunities._repr_html_())
    assert sorted(read.dots) == [("Hot 75%", "#d9480f"), ("VIP", "#e03131")]
    assert Read(sales.settings.tags._repr_html_()).dots == [("#e03131", "#e03131")]


@pytest.mark.parametrize("colour", ["red", "#fff;position:fixed", "url(x)", "#12345"])
def test_what_is_no_colour_paints_nothing(colour):
    assert Read(table_html("Tags", [{"tag": "VIP"}], colours={"tag": {"VIP": colour}})).dots == []


def test_a_long_list_is_cut_and_says_so(sales):
    for number in range(MOST_ROWS + 9):
        sales.contacts.add(f"Contact {number:03}")
    read = Read(sales.contacts._repr_html_())
    assert len(read.rows) == 1 + MOST_ROWS
    assert read.title == "60 contacts"
    assert read.text.endswith("… and 10 more")
    assert len(Read(sales.contacts.all()[:3]._repr_html_()).rows) == 1 + 3


def test_a_long_plan_is_cut_and_says_so(sales):
    deal = deal_of(sales)
    with sales.transaction():
        for _ in range(MOST_ROWS + 5):
            sales.documents.draft(deal, "quote")
    read = Read(sales.documents.all().plan_send_all()._repr_html_())
    assert (len(read.rows), read.text.endswith("… and 5 more")) == (1 + MOST_ROWS, True)


def test_a_long_text_is_cut():
    (_, (cell,)) = Read(table_html("Texts", [{"text": "é" * 10_000}])).rows
    assert cell == "é" * (MOST_TEXT - 1) + "…"


def test_nothing_is_said_of_nothing(opened):
    bare = opened("memory:")
    bare.settings.edit_organisation(email="sales@northgate.example")
    plan = bare.documents.all().plan_send_all()
    shown = [bare.opportunities, bare.settings.stages, bare.settings.items, bare.reports.pipeline(), plan, plan.run()]
    titles = ["0 opportunities", "0 stages", "0 items", "Pipeline by stage", "Send all: 0 to mail, 0 left out"]
    titles.append("Sent all: nothing to do")
    for one, title in zip(shown, titles, strict=True):
        read = Read(one._repr_html_())
        assert (read.title, read.rows, "nothing" in read.text) == (title, [], True)
    assert Read(bare._repr_html_()).rows[1:] == [["contacts", "0"], ["opportunities", "0"], ["documents", "0"]]


def test_a_record_shows_its_lines_and_what_they_come_to(sales):
    deal = deal_of(sales, due="2027-01-31")
    read = Read(deal._repr_html_())
    assert read.title == "OPP/00001 Warehouse"
    quote, invoice = (sales.documents.draft(deal, one) for one in ("quote", "invoice"))
    assert Read(quote._repr_html_()).title == "Quote QUO/00001 Warehouse"
    assert Read(invoice._repr_html_()).title == "Invoice without number Warehouse"
    assert "open" in read.text
    assert "due 2027-01-31" in read.text
    assert read.rows[1] == ["Racking", "4", "210.00", "20 %", "840.00"]
    assert [row[0] + " " + row[-1] for row in read.rows[2:]] == ["net 840.00", "tax 168.00", "total 1,008.00"]


def test_an_issued_document_shows_itself_as_the_client_sees_it(sales):
    deal = deal_of(sales, subject=HOSTILE)
    sent = sales.documents.mark_sent(sales.documents.draft(deal, "invoice", locale="de_DE"))
    html = sales.documents.pay(sent.id, "8.00")._repr_html_()
    read = Read(html)
    assert "part paid" in read.text
    assert "Rechnung" in read.text
    assert "1.008,00\xa0£" in read.text
    assert HOSTILE in read.text
    assert not {"script", "img", "link", "a"} & read.tags
    assert "prefers-color-scheme" not in html  # the notebook may be dark where the system is not
    long = deal_of(sales, lines=[sp.Line("Racking", unit_price="1")] * (MOST_ROWS + 1))
    sent = sales.documents.mark_sent(sales.documents.draft(long, "quote"))
    assert "… and 1 more" in Read(sent._repr_html_()).text


def test_what_is_left_out_of_a_plan_stands_last_and_is_counted(sales):
    deal = deal_of(sales)
    sales.documents.hold(sales.documents.draft(deal, "quote"))
    sales.documents.draft(deal, "quote")
    read = Read(sales.documents.order("created").plan_send_all()._repr_html_())
    assert read.title == "Send all: 1 to mail, 1 left out"
    assert "1 × on hold" in read.text
    assert [(row[0], row[-1]) for row in read.rows[1:]] == [("QUO/00002", ""), ("QUO/00001", "on hold")]


def test_currencies_are_told_apart_and_their_bars_compare_only_their_own(sales):
    deal_of(sales)
    deal_of(sales, currency="JPY", lines=[sp.Line("Racking", unit_price="500000")])
    deal_of(sales, currency="GBP", lines=[sp.Line("Racking", unit_price="420")], stage="Quotation sent")
    html = sales.reports.pipeline()._repr_html_()
    assert [row[:4] for row in Read(html).rows[1:]] == [
        ["Prospect", "1", "GBP", "840.00"],
        ["Prospect", "1", "JPY", "500,000"],
        ["Quotation sent", "1", "GBP", "420.00"],
    ]
    assert re.findall(r"background-size:(\d+)%", html) == ["100", "100", "50"]


def test_a_missing_label_is_said_and_an_empty_column_left_out(sales):
    deal_of(sales)
    deal_of(sales, due="2026-12-24")
    report = sales.reports.coming()
    assert [row[0] for row in Read(report._repr_html_()).rows[1:]] == ["no date", "2026-12"]
    assert [line.split()[0] for line in str(report).splitlines()[1:]] == ["month", report_rule(report), "no", "2026-12"]
    assert [row["month"] for row in report.to_dicts()] == ["", "2026-12"]  # what a program reads stays as it was


def report_rule(report: object) -> str:
    return str(report).splitlines()[2]


# --- frames -----------------------------------------------------------------------------------------------


def test_every_list_plan_and_report_hands_over_the_same_rows_in_three_ways(sales):
    for one in hostile(sales):
        if not hasattr(one, "to_dicts"):
            continue
        rows, pandas, polars = one.to_dicts(), one.to_pandas(), one.to_polars()
        assert len(rows) == len(pandas) == polars.height, one
        assert list(pandas.columns) == polars.columns, one
        for row, kept in zip(rows, polars.iter_rows(named=True), strict=True):
            assert {name: kept[name] for name in row} == row


def test_amounts_and_days_stay_what_they_are(sales):
    deal_of(sales, due="2027-01-31", lines=[sp.Line("Racking", quantity=3, unit_price="0.10")])
    pandas, polars = sales.opportunities.to_pandas(), sales.opportunities.to_polars()
    assert pandas["value"].sum() == Decimal("0.30")
    assert polars["value"].to_list() == [Decimal("0.30")]
    assert polars["due"].to_list() == [date(2027, 1, 31)]
    assert pandas["due"].tolist() == [pd.Timestamp("2027-01-31")]


def test_an_empty_list_has_its_columns_still(opened):
    bare = opened("memory:")
    filled_in = bare.documents.where(sent=True)
    assert list(filled_in.to_pandas().columns) == list(filled_in.to_polars().columns)
    assert filled_in.to_polars().schema["sent"] == pl.Datetime("us", "UTC")
    assert bare.settings.tags.to_polars().schema["archived"] == pl.Boolean


def test_an_answer_stands_in_a_frame_as_text(sales):
    sales.settings.fields.add("opportunity", "seats", "Seats", AnswerType.INTEGER, default=4)
    sales.settings.fields.add("opportunity", "found", "Found by", "multiple_choice", choices=["fair", "web"])
    (seats, found) = sales.settings.fields.to_polars().iter_rows(named=True)
    assert (seats["default"], found["choices"], found["type"]) == ("4", "fair, web", "multiple_choice")


def test_a_limit_stands_in_a_frame_with_its_currency(sales):
    sales.settings.users.edit("jane", approval_limit="1000 GBP")
    (row,) = sales.settings.users.to_polars().iter_rows(named=True)
    assert (row["approval_limit"], row["currency"]) == (Decimal("1000.00"), "GBP")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_where_a_library_is_missing_the_error_says_how_to_get_it(sales, monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"pip install 'salespipeline\[{library}\]'"):
        getattr(sales.contacts, f"to_{library}")()
    assert sales.contacts.to_dicts()[0]["name"] == "Acme Ltd"
